"""The server: every ``viewer/routes_*.py`` behind the guards, and the page itself.

A module of routes has ``routes(state) -> list[Route]`` and may have ``BODY_LIMITS``, bytes allowed by beginning of the path.
Endpoints that are plain functions run on threads; a :class:`StoryReasoningError` they raise becomes ``{"error": ...}``.
"""

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from schemas.errors import StoryReasoningError
from viewer.security import BodyLimit, Guard
from viewer.state import ViewerState

STATIC = Path(__file__).parent / "static"


def make_app(state: ViewerState) -> ASGIApp:
    """The application for a state, behind its guards: they stand outside of everything, so that no answer is without them."""
    modules = list(route_modules())
    collected: list[BaseRoute] = [route for module in modules for route in module.routes(state)]
    limits = {prefix: size for module in modules for prefix, size in getattr(module, "BODY_LIMITS", {}).items()}
    app = Starlette(
        routes=[
            Route("/", _index),
            *collected,
            Mount("/static", StaticFiles(directory=STATIC, follow_symlink=False)),
        ],
        exception_handlers={
            StoryReasoningError: _tell_error,
            HTTPException: _tell_status,
            Exception: _tell_failure,
        },
    )
    return Guard(BodyLimit(app, limits), state.port)


def route_modules() -> Iterator[ModuleType]:
    """The modules ``viewer/routes_*.py`` in the order of their names."""
    for found in sorted(pkgutil.iter_modules([str(Path(__file__).parent)]), key=lambda module: module.name):
        if found.name.startswith("routes_"):
            yield import_module(f"viewer.{found.name}")


def _index(_: Request) -> Response:
    return FileResponse(STATIC / "index.html", media_type="text/html", headers={"cache-control": "no-cache"})


def _tell_error(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, status_code=400)


def _tell_status(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  registered for nothing else
    return JSONResponse({"error": error.detail}, status_code=error.status_code, headers=error.headers)


def _tell_failure(_: Request, error: Exception) -> Response:
    return JSONResponse(
        {"error": f"the server failed on this request ({type(error).__name__}): its terminal says where"},
        status_code=500,
    )
