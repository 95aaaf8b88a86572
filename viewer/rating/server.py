"""The page on which people rate stories by the judge's rubric: its server, behind the viewer's guards.

Stories come in an order of their own for each rater, and nothing says who wrote them. Every rating is on disk before the next
story is shown, so that a rater can stop at any time and go on later.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from schemas.errors import StoryReasoningError
from viewer.security import BodyLimit, Guard

STATIC = Path(__file__).parent / "static"
LOWEST, HIGHEST = 1, 5
MOST_HALLUCINATIONS = 999
LONGEST_REMARK = 2_000
_MEDIA = {b"\xff\xd8": "image/jpeg", b"\x89P": "image/png", b"RI": "image/webp"}


class RatedItem(Protocol):
    """A story that is rated: its text under the numbers of its images, and these, encoded."""

    @property
    def story_id(self) -> str:
        """Its id, which the page is not told."""
        ...

    @property
    def story(self) -> str:
        """Prose without tags."""
        ...

    @property
    def images(self) -> Sequence[bytes]:
        """In order."""
        ...


Keep = Callable[[Mapping[str, Mapping[str, Any]]], None]
"""Brings all ratings, by story id, to the disk; whole or not at all."""


@dataclass(slots=True)
class RatingState:
    """What is rated and what was given so far.

    Attributes:
        items: in the order of the rater.
        rubric: shown beside every story.
        ratings: by story id; those of an earlier sitting are in it from the start.
        keep: called with all ratings after each one.
        port: that the server listens on.
    """

    items: Sequence[RatedItem]
    rubric: str
    ratings: dict[str, Mapping[str, Any]]
    keep: Keep
    port: int
    lock: Lock = field(default_factory=Lock)


def make_app(state: RatingState) -> ASGIApp:
    """The application, behind its guards."""

    def index(_: Request) -> Response:
        return FileResponse(STATIC / "index.html", media_type="text/html", headers={"cache-control": "no-cache"})

    def overview(_: Request) -> Response:
        rated = [item.story_id in state.ratings for item in state.items]
        return JSONResponse({"rubric": state.rubric, "rated": rated})

    def show(request: Request) -> Response:
        item = _item(state, request)
        value = {"story": item.story, "images": len(item.images), "rating": state.ratings.get(item.story_id)}
        return JSONResponse(value)

    def image(request: Request) -> Response:
        images = _item(state, request).images
        number = request.path_params["number"]
        if not 1 <= number <= len(images):
            raise HTTPException(404, "there is no such image")
        content = images[number - 1]
        return Response(content, media_type=_MEDIA.get(content[:2], "application/octet-stream"))

    async def rate(request: Request) -> Response:
        item = _item(state, request)
        rating = read_form(await _json(request))
        with state.lock:
            ratings = {**state.ratings, item.story_id: rating}
            state.keep(ratings)
            state.ratings[item.story_id] = rating
        return JSONResponse({"kept": len(state.ratings)})

    app = Starlette(
        routes=[
            Route("/", index),
            Route("/api/overview", overview),
            Route("/api/stories/{place:int}", show),
            Route("/api/stories/{place:int}", rate, methods=["POST"]),
            Route("/api/stories/{place:int}/images/{number:int}", image),
            Mount("/static", StaticFiles(directory=STATIC, follow_symlink=False)),
        ],
        exception_handlers={StoryReasoningError: _tell_error, HTTPException: _tell_status},
    )
    return Guard(BodyLimit(app, {}), state.port)


def _item(state: RatingState, request: Request) -> RatedItem:
    place = request.path_params["place"]
    if not 0 <= place < len(state.items):
        raise HTTPException(404, "there is no such story")
    item: RatedItem = state.items[place]
    return item


async def _json(request: Request) -> Any:
    # A form of another site cannot send this type without asking first.
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(415, "send application/json")
    try:
        return await request.json()
    except ValueError as error:
        raise HTTPException(400, "that is no JSON") from error


def read_form(value: Any) -> dict[str, Any]:
    """A rating as the page sends it.

    Raises:
        HTTPException: it is none.
    """
    if not isinstance(value, dict):
        raise HTTPException(400, "a rating is an object")
    found: dict[str, Any] = {}
    bounds = {
        "description_accuracy": (LOWEST, HIGHEST),
        "creativity": (LOWEST, HIGHEST),
        "hallucinations": (0, MOST_HALLUCINATIONS),
    }
    for name, (low, high) in bounds.items():
        number = value.get(name)
        if not isinstance(number, int) or isinstance(number, bool) or not low <= number <= high:
            raise HTTPException(400, f"{name.replace('_', ' ')}: give a whole number from {low} to {high}")
        found[name] = number
    remark = value.get("remark", "")
    if not isinstance(remark, str) or len(remark) > LONGEST_REMARK:
        raise HTTPException(400, f"remark: give at most {LONGEST_REMARK} characters")
    found["remark"] = remark
    return found


def _tell_error(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, status_code=500)


def _tell_status(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  registered for nothing else
    return JSONResponse({"error": error.detail}, status_code=error.status_code, headers=error.headers)
