"""A chat endpoint on loopback that does byte by byte what a test wants, and notes what it was asked and who went away.

    with scripted_endpoint({"m": lambda asked: [stream_head(), words("Once"), 0.2, finish("stop")]}) as server:
        ...  # server.url

A script is a list of bytes to send, seconds to wait, and ``HOLD``: say nothing until the client is gone.
"""

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

HOLD = "hold"
Step = bytes | float | str
Script = Callable[[Mapping[str, Any]], Sequence[Step]]
LONGEST_HOLD_S = 20.0


def head(kind: str = "text/event-stream", status: str = "200 OK", *more: str) -> bytes:
    """The head of an answer that ends with its connection."""
    lines = [f"HTTP/1.1 {status}", f"content-type: {kind}", "connection: close", *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def chunk(delta: Mapping[str, Any], finish: str | None = None, **more: Any) -> bytes:
    """One chunk of a completion."""
    value = {"choices": [{"index": 0, "delta": dict(delta), "finish_reason": finish}], **more}
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n".encode()


def words(text: str) -> bytes:
    """A delta with text."""
    return chunk({"content": text})


def finish(reason: str = "stop", tokens: int = 0) -> bytes:
    """The last chunk, usage, and the end mark."""
    usage = json.dumps({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": tokens}})
    told = f"data: {usage}\n\n".encode() if tokens else b""
    return chunk({}, reason) + told + b"data: [DONE]\n\n"


def whole(text: str, size: int = 24, pause: float = 0.0, cut: int = 0) -> list[Step]:
    """A sound answer in deltas of ``size`` characters; with ``cut`` its bytes are sent so many at a time, whatever they hold."""
    told = [words(text[at : at + size]) for at in range(0, len(text), size)]
    body = b"".join([*told, finish("stop", len(told))])
    if cut:
        return [head(), *(body[at : at + cut] for at in range(0, len(body), cut))]
    steps: list[Step] = [head()]
    for one in told:
        steps += [one, pause] if pause else [one]
    return [*steps, finish("stop", len(told))]


@dataclass
class ScriptedEndpoint:
    """What the server is told and what it saw."""

    scripts: Mapping[str, Script]
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    gone: threading.Event = field(default_factory=threading.Event)


@contextlib.contextmanager
def scripted_endpoint(scripts: Mapping[str, Script]) -> Iterator[ScriptedEndpoint]:
    """Serve ``scripts`` by the model's name until the block ends."""
    server = ScriptedEndpoint(scripts)
    ready, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        listening = await asyncio.start_server(lambda r, w: _answer(server, r, w), "127.0.0.1", 0, limit=1 << 27)
        server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
        ready.set()
        await stop.wait()
        listening.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(5)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(5)
        loop.close()


async def _answer(server: ScriptedEndpoint, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        request = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = next(
            (int(line.split(":")[1]) for line in request.split("\r\n") if line.lower().startswith("content-length")), 0
        )
        body = await reader.readexactly(length)
        server.paths.append(request.split(" ")[1])
        server.headers.append(request)
        if request.startswith("GET"):
            script = server.scripts.get("/models", _models(server))
            asked: dict[str, Any] = {}
        else:
            asked = json.loads(body)
            server.asked.append(asked)
            script = server.scripts[asked["model"]]
        for step in script(asked):
            if isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
            elif step == HOLD:
                await asyncio.wait_for(reader.read(1), LONGEST_HOLD_S)
                server.gone.set()
            else:
                await asyncio.sleep(float(step))
    except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
        server.gone.set()
    finally:
        with contextlib.suppress(ConnectionError, RuntimeError):
            writer.close()


def _models(server: ScriptedEndpoint) -> Script:
    names = [name for name in server.scripts if not name.startswith("/")]
    body = json.dumps({"object": "list", "data": [{"id": name} for name in names]}).encode()
    return lambda _: [head("application/json") + body]
