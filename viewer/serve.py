"""Running the server on loopback until it is interrupted."""

import socket
from collections.abc import Callable

from starlette.types import ASGIApp

from schemas.errors import ConfigError
from viewer.server import make_app
from viewer.state import ViewerState

LOOPBACK = "127.0.0.1"
DEFAULT_PORT = 8420
_GOODBYE_S = 2


def bind(port: int) -> socket.socket:
    """A listening socket on loopback; port 0 takes a free one.

    Raises:
        ConfigError: the port is in use or may not be used.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((LOOPBACK, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise ConfigError(
            f"port {port} cannot be used ({error.strerror}): close what uses it, or give another with --port, 0 for any"
        ) from error
    return listening


def serve(state: ViewerState, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Answer until interrupted (Ctrl-C, SIGTERM); ``ready`` is called once requests are taken."""
    run_app(make_app(state), listening, ready)


def run_app(app: ASGIApp, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Serve an application in the same way."""
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                ready()

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=_GOODBYE_S,
        server_header=False,
    )
    Server(config).run(sockets=[listening])
