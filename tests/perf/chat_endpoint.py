"""A chat endpoint that costs next to nothing: latency, slots, and answers that lie ready.

The scripted stand-in of the tests needs about as much of a processor for a request as the client, so that on two cores the
two would be measured together.
"""

import asyncio
import json
import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from tests.chat_state import PROBE_MARK, sample

Answer = Callable[[dict[str, Any]], str]
"""The text of an answer to a request's schema."""


class Endpoint:
    """One server; ``peak`` is how many slots were in use at most, ``served`` how many requests were answered."""

    def __init__(self, slots: int, latency_s: float, answer: Answer) -> None:
        self.latency_s = latency_s
        self.slots = asyncio.Semaphore(slots or 1_000_000)
        self.answer = answer
        self.active = self.peak = self.served = 0
        self.bodies: dict[int, bytes] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Requests of one connection."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
                content = await reader.readexactly(length)
                async with self.slots:
                    self.active += 1
                    self.peak = max(self.peak, self.active)
                    body, latency_s = self.reply(content)
                    await asyncio.sleep(latency_s)
                    self.active -= 1
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
                )
                writer.write(body)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def reply(self, content: bytes) -> tuple[bytes, float]:
        """The body of an answer, and how long it takes."""
        probe = PROBE_MARK.encode() in content[:2000].lower()
        key = hash((probe, content[content.find(b'"response_format":') :]))
        body = self.bodies.get(key)
        if body is None:
            schema = json.loads(content)["response_format"]["json_schema"]["schema"]
            text = json.dumps(sample(schema)) if probe else self.answer(schema)
            message = {"role": "assistant", "content": text, "refusal": None}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            usage = {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500}
            value = {"id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": "lean"}
            body = self.bodies[key] = json.dumps({**value, "choices": [choice], "usage": usage}).encode()
        if probe:
            return body, 0.0
        self.served += 1
        return body, self.latency_s


def _run(pipe: Connection, slots: int, latency_s: float, answer: Answer) -> None:
    async def until_told() -> None:
        endpoint = Endpoint(slots, latency_s, answer)
        server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0, limit=2**26, backlog=512)
        pipe.send(server.sockets[0].getsockname()[1])
        while await asyncio.to_thread(pipe.recv):
            pipe.send((endpoint.peak, endpoint.served))
        server.close()

    asyncio.run(until_told())


@contextmanager
def serving(slots: int, latency_s: float, answer: Answer) -> Iterator[tuple[str, Callable[[], tuple[int, int]]]]:
    """The endpoint in a process of its own: its base URL, and what tells the most slots in use and the requests served."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=partial(_run, theirs, slots, latency_s, answer), daemon=True)
    process.start()

    def seen() -> tuple[int, int]:
        ours.send(True)
        found: tuple[int, int] = ours.recv()
        return found

    try:
        yield f"http://127.0.0.1:{ours.recv()}/v1", seen
    finally:
        process.terminate()
        process.join(10)
