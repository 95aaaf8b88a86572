"""``storyreasoning view``."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from schemas.errors import ConfigError

if TYPE_CHECKING:
    import socket

    from viewer.state import Endpoint

DESCRIPTION = """\
Look at stories in the browser: frames beside text, boxes, tables, the cast; and make one live with a model.

WORKSPACE is a folder that 'build' made, DATASET a folder or Parquet file in the layout of StoryReasoning, REPO_ID the
owner/name of such a dataset on the Hub. Without any, ./storyreasoning-workspace is opened where it exists; analysis and live
mode work without stories too.

The server answers this machine only. Ctrl-C ends it."""

EPILOG = """\
examples:
  storyreasoning view storyreasoning-workspace
  storyreasoning view daniel3303/StoryReasoning
  storyreasoning view films --endpoint http://127.0.0.1:8000/v1 --model daniel3303/QwenStoryteller

A key for the endpoint is read from OPENAI_API_KEY or the variable that --api-key-env names; it stays in the server and is
sent to that endpoint only. With several endpoints each key must be named."""

DEFAULT_WORKSPACE = "storyreasoning-workspace"


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "view",
        help="look at stories in the browser, and make one live",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "place",
        nargs="?",
        metavar="WORKSPACE|DATASET|REPO_ID",
        help="what to open (default: ./storyreasoning-workspace)",
    )
    parser.add_argument(
        "--endpoint",
        metavar="URL",
        action="append",
        default=[],
        help="OpenAI-compatible server for live mode, such as vLLM; may be given several times",
    )
    parser.add_argument(
        "--model",
        metavar="NAME",
        action="append",
        default=[],
        help="model to ask there; one for each --endpoint, in order",
    )
    parser.add_argument(
        "--api-key-env",
        metavar="NAME",
        action="append",
        default=[],
        help="variable with the key of the endpoint; one for each --endpoint, in order (default: OPENAI_API_KEY for one)",
    )
    parser.add_argument("--port", type=int, metavar="N", help="port to listen on (default: 8420, or a free one)")
    parser.add_argument("--no-browser", action="store_true", help="do not open the browser")
    parser.add_argument("--offline", action="store_true", help="take a Hub dataset from the cache, ask nobody")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Open, serve until interrupted."""
    if args.port is not None and not 0 <= args.port <= 65535:
        raise ConfigError(f"--port {args.port}: give a number from 0 to 65535")
    endpoints = read_endpoints(args.endpoint, args.model, args.api_key_env)
    place = args.place
    if place is None and Path(DEFAULT_WORKSPACE).is_dir():
        place = DEFAULT_WORKSPACE

    from viewer.library import Library
    from viewer.places import find_place
    from viewer.serve import DEFAULT_PORT, LOOPBACK, bind, serve
    from viewer.state import ViewerState

    library = Library(find_place(place, offline=args.offline)) if place is not None else None
    listening = bind_somewhere(bind, args.port, DEFAULT_PORT)
    try:
        port = listening.getsockname()[1]
        address = f"http://{LOOPBACK}:{port}/"
        state = ViewerState(
            library=library,
            port=port,
            place=place or "",
            workspace=library.place.workspace if library else None,
            endpoints=endpoints,
        )
        if library is not None:
            library.read_ahead()

        def ready() -> None:
            count = len(library.entries) if library else 0
            what = f"{count:,} {'story' if count == 1 else 'stories'} of {place}" if library else "no stories opened"
            print(f"{what}: {address} (Ctrl-C ends it)", flush=True)
            if not args.no_browser:
                open_browser(address)

        serve(state, listening, ready)
    except KeyboardInterrupt:
        pass  # asked for: nothing failed
    finally:
        listening.close()
        if library is not None:
            library.close()
    return 0


def bind_somewhere(bind: "Callable[[int], socket.socket]", asked: int | None, usual: int) -> "socket.socket":
    """The port that was asked for; without one the usual port, or any when that is taken.

    Raises:
        ConfigError: the port that was asked for cannot be used.
    """
    if asked is not None:
        return bind(asked)
    try:
        return bind(usual)
    except ConfigError:
        return bind(0)


def read_endpoints(urls: Sequence[str], models: Sequence[str], keys: Sequence[str]) -> "tuple[Endpoint, ...]":
    """The endpoints that live mode may use; ``keys`` are names of variables.

    Raises:
        ConfigError: no usable address, more models or keys than endpoints, or a variable that is not set.
    """
    from viewer.state import Endpoint

    for option, what, values in (("--model", "model", models), ("--api-key-env", "key", keys)):
        if len(values) > len(urls):
            raise ConfigError(f"{option} names a {what} of an endpoint: give its address with --endpoint")
    endpoints = []
    for place, url in enumerate(urls):
        check_address(url)
        key = os.environ.get("OPENAI_API_KEY", "") if len(urls) == 1 and not keys else ""
        if place < len(keys):
            key = os.environ.get(keys[place], "")
            if not key:
                raise ConfigError(f"--api-key-env {keys[place]}: this variable is not set; set it to the key")
        endpoints.append(Endpoint(url.rstrip("/"), models[place] if place < len(models) else "", key))
    return tuple(endpoints)


def check_address(url: str) -> None:
    """Hold an address of an endpoint against what one looks like.

    Raises:
        ConfigError: it is none.
    """
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or parts.username or parts.query or parts.fragment:
        raise ConfigError(f"--endpoint {url!r} is no address of a server: give one such as http://127.0.0.1:8000/v1")


def open_browser(address: str) -> None:
    """Open the address in the user's browser; that there is none is told, and no failure."""
    import threading
    import webbrowser

    def go() -> None:
        try:
            opened = webbrowser.open(address)
        except webbrowser.Error:
            opened = False
        if not opened:
            print("no browser could be opened: open the address above", file=sys.stderr)

    # Some browsers hold the caller until they are closed; the server must answer meanwhile.
    threading.Thread(target=go, name="browser", daemon=True).start()
