"""An OpenAI-compatible chat endpoint on loopback that answers, and fails, as a test scripts it.

    def tell(asked: Asked) -> str | Says | Fault:
        return '{"title": "Rain"}' if asked.schema else "Once."

    with running_chat(ChatServer(answer=tell, fault_share=0.3, faults=FAULTS)) as server:
        ...  # server.url is the base URL, server.asked what arrived

Streams where it is asked to, holds ``slots`` and ``latency_s``, and serves ``/models``, ``/files`` and ``/batches``.
"""

import asyncio
import email.parser
import email.policy
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.chat_state import OVERFLOWS, Asked, ChatServer, Fault, FaultKind, Handler, Says, Way, answer_sample, sample

__all__ = [
    "FAULTS",
    "Asked",
    "ChatServer",
    "Fault",
    "FaultKind",
    "Handler",
    "Says",
    "Way",
    "answer_sample",
    "running_chat",
    "sample",
]

FAULTS = tuple(map(Fault, ("rate_limit", "error", "reset", "cut", "truncated", "broken", "empty", "malformed")))
"""What real servers do now and then, but for hanging, which costs its time-out, and what is about the request itself."""

HOLD_S = 60.0


class Broken(BaseException):
    """The connection is to be broken off; no exception that Starlette would answer with 500."""


def error(status: int, message: str, code: str | None = None, kind: str = "invalid_request_error") -> Response:
    """As OpenAI words it."""
    value = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return JSONResponse(value, status)


def usage(asked: Asked, says: Says) -> dict[str, int]:
    """Tokens of a request and its answer."""
    length = sum(len(text) for _, text in asked.turns) + len(asked.system)
    given = says.input_tokens if says.input_tokens is not None else length // 4 + 85 * len(asked.pictures)
    came = says.output_tokens if says.output_tokens is not None else max(1, len(says.text) // 4)
    return {"prompt_tokens": given, "completion_tokens": came, "total_tokens": given + came}


class Site:
    """The endpoints of one server."""

    def __init__(self, server: ChatServer) -> None:
        self.server = server
        self.seats = asyncio.Condition()

    def routes(self) -> list[Route]:
        return [
            Route("/v1/models", self.models),
            Route("/v1/chat/completions", self.chat, methods=["POST"]),
            Route("/v1/files", self.upload, methods=["POST"]),
            Route("/v1/files/{file}/content", self.download),
            Route("/v1/batches", self.submit, methods=["POST"]),
            Route("/v1/batches", self.list_batches),
            Route("/v1/batches/{batch}", self.poll),
            Route("/v1/batches/{batch}/cancel", self.cancel, methods=["POST"]),
        ]

    def refuse(self, request: Request) -> Response | None:
        if self.server.dead:
            raise Broken
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self.server.keys and token not in self.server.keys:
            shown = f"{token[:3]}***{token[-4:]}"
            return error(401, f"Incorrect API key provided: {shown}.", "invalid_api_key")
        return None

    async def models(self, request: Request) -> Response:
        names = sorted(self.server.models) or ["stand-in"]
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "tests"} for name in names]
        return self.refuse(request) or JSONResponse({"object": "list", "data": data})

    @asynccontextmanager
    async def seat(self) -> AsyncIterator[bool]:
        """One of the slots; False where all are taken and the server does not let wait."""
        server = self.server
        if server.slots and server.active >= server.slots and server.busy == "refuse":
            yield False
            return
        async with self.seats:
            await self.seats.wait_for(lambda: not server.slots or server.active < server.slots)
            server.active += 1
            server.peak = max(server.peak, server.active)
        try:
            yield True
        finally:
            async with self.seats:
                server.active -= 1
                self.seats.notify()

    async def chat(self, request: Request) -> Response:
        refused = self.refuse(request)
        if refused:
            return refused
        authorization = request.headers.get("authorization", "").removeprefix("Bearer ")
        asked = Asked(await request.json(), authorization)
        async with self.seat() as seated:
            if not seated:
                return self.too_many(self.server.retry_after)
            return await self.respond(asked, request)

    def too_many(self, retry_after: str | None) -> Response:
        response = error(429, "Rate limit reached for requests", "rate_limit_exceeded", "requests")
        if retry_after is not None:
            response.headers["retry-after"] = retry_after
        return response

    async def respond(self, asked: Asked, request: Request | None = None) -> Response:
        """The answer of a request that has its seat; without a ``request`` it is a line of a batch."""
        server = self.server
        if server.models and asked.body["model"] not in server.models:
            return error(404, f"The model `{asked.body['model']}` does not exist", "model_not_found")
        if asked.way != "none" and asked.way not in server.supports | server.ignores:
            return error(400, f"'response_format' of type {asked.way} is not supported", "unsupported_parameter")
        if asked.is_probe:
            server.probes += 1
            held = asked.way in server.supports and asked.way != "none"
            text = json.dumps(sample(asked.schema) if asked.schema else {"word": "yes"}) if held else "hello there"
            return self.deliver(asked, Says(text))
        if server.remember:
            server.asked.append(asked)
        server.attempts[asked.key] += 1
        fault = server.judge(asked)
        if fault and request is None and fault.kind in ("hang", "reset", "malformed", "cut"):
            fault = Fault("error")
        if server.latency_s and request:
            await asyncio.sleep(server.latency_s)
        if fault is None or fault.kind in ("cut", "reset", "truncated", "broken", "refusal", "filter"):
            outcome = server.answer(asked)
            if isinstance(outcome, Fault):
                fault = outcome
            else:
                says = outcome if isinstance(outcome, Says) else Says(outcome)
                return self.deliver(asked, says, fault)
        return await self.fail(fault, request)

    async def hold(self, request: Request | None) -> None:
        """Say nothing until the client gives up."""
        for _ in range(int(HOLD_S / 0.02)):
            if self.server.closing.is_set() or request is None or await request.is_disconnected():
                break
            await asyncio.sleep(0.02)
        raise Broken

    async def fail(self, fault: Fault, request: Request | None) -> Response:
        """An answer that is none."""
        match fault.kind:
            case "rate_limit":
                return self.too_many(fault.retry_after)
            case "hang":
                await self.hold(request)
            case "policy":
                return error(400, "Your request was rejected by the safety system.", "content_policy_violation")
            case "image":
                return error(400, "You uploaded an unsupported image.", "invalid_image_format")
            case "overflow":
                status, body = OVERFLOWS[fault.wording]
                return JSONResponse(body, status)
            case "empty":
                return JSONResponse({"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": []})
            case "malformed":
                return Response('{"id": "x", "choices": [{"mess', media_type="application/json")
            case "status":
                return error(fault.status, fault.message)
        return error(500, "The server had an error while processing your request", None, "server_error")

    def deliver(self, asked: Asked, says: Says, fault: Fault | None = None) -> Response:
        """The answer as one body or as a stream, with the faults that lie in it."""
        kind = fault.kind if fault else None
        half = says.text[: len(says.text) // 2]
        if kind == "truncated":
            says = Says(half, "length")
        elif kind == "broken":
            says = Says(half)
        elif kind == "cut":
            says = Says(half, None)
        elif kind == "filter":
            says = Says("", "content_filter")
        elif kind == "refusal":
            says = Says("", refusal="I'm sorry, I can't help with that.")
        elif kind is None and not asked.is_probe:
            self.server.accepted[asked.key] += 1
        return self.whole(asked, says, kind) if not asked.body.get("stream") else self.stream(asked, says, kind)

    def whole(self, asked: Asked, says: Says, kind: str | None) -> Response:
        choice = {"index": 0, "message": {"role": "assistant", "content": says.text or None, "refusal": says.refusal}}
        if says.finish is not None:
            choice["finish_reason"] = says.finish
        value = {"id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": asked.body["model"]}
        value |= {"choices": [choice], "usage": usage(asked, says)}
        if kind != "reset":
            return JSONResponse(value)
        body = json.dumps(value).encode()

        async def part() -> AsyncIterator[bytes]:
            yield body[: len(body) // 2]
            await asyncio.sleep(0.01)
            raise Broken

        return StreamingResponse(part(), media_type="application/json", headers={"content-length": str(len(body))})

    def stream(self, asked: Asked, says: Says, kind: str | None) -> Response:
        def event(choices: list[dict[str, Any]], **more: Any) -> bytes:
            value = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": asked.body["model"]}
            return f"data: {json.dumps(value | {'choices': choices} | more)}\n\n".encode()

        def delta(value: dict[str, Any], finish: str | None = None) -> bytes:
            return event([{"index": 0, "delta": value, "finish_reason": finish}])

        async def chunks() -> AsyncIterator[bytes]:
            yield delta({"role": "assistant", "content": ""})
            step = max(1, len(says.text) // 4)
            for start in range(0, len(says.text), step):
                yield delta({"content": says.text[start : start + step]})
                if kind == "reset":
                    await asyncio.sleep(0.01)
                    raise Broken
            if says.refusal:
                yield delta({"refusal": says.refusal})
            if says.finish is not None:
                yield delta({}, says.finish)
                if (asked.body.get("stream_options") or {}).get("include_usage"):
                    yield event([], usage=usage(asked, says))
            yield b"data: [DONE]\n\n"

        return StreamingResponse(chunks(), media_type="text/event-stream")

    async def upload(self, request: Request) -> Response:
        refused = self.refuse(request)
        if refused:
            return refused
        head = f"content-type: {request.headers['content-type']}\r\n\r\n".encode()
        message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + await request.body())
        parts = {part.get_param("name", header="content-disposition"): part for part in message.iter_parts()}
        content: Any = parts["file"].get_payload(decode=True)
        name = f"file-{len(self.server.files)}"
        self.server.files[name] = content
        return JSONResponse(self.file_value(name))

    def file_value(self, name: str) -> dict[str, Any]:
        size = len(self.server.files[name])
        return {"id": name, "object": "file", "bytes": size, "created_at": 0, "filename": "f", "purpose": "batch"}

    async def download(self, request: Request) -> Response:
        content = self.server.files.get(request.path_params["file"])
        return self.refuse(request) or (Response(content) if content is not None else error(404, "No such file"))

    async def submit(self, request: Request) -> Response:
        refused = self.refuse(request)
        if refused:
            return refused
        body = await request.json()
        name = f"batch-{len(self.server.batches)}"
        lines = self.server.files[body["input_file_id"]].splitlines()
        self.server.batches[name] = {
            "id": name,
            "object": "batch",
            "created_at": len(self.server.batches),
            "status": "validating",
            **{key: body.get(key) for key in ("endpoint", "input_file_id", "completion_window", "metadata")},
            "request_counts": {"total": len(lines), "completed": 0, "failed": 0},
        }
        return JSONResponse(self.server.batches[name])

    async def list_batches(self, request: Request) -> Response:
        newest = list(reversed(self.server.batches.values()))
        names = [batch["id"] for batch in newest]
        after = request.query_params.get("after")
        newest = newest[names.index(after) + 1 :] if after else newest
        size = int(request.query_params.get("limit", "20"))
        value = {"object": "list", "data": newest[:size], "has_more": len(newest) > size}
        return self.refuse(request) or JSONResponse(value)

    async def poll(self, request: Request) -> Response:
        refused = self.refuse(request)
        if refused:
            return refused
        name = request.path_params["batch"]
        batch = self.server.batches.get(name)
        if batch is None:
            return error(404, f"No batch found with id '{name}'")
        self.server.polls[name] += 1
        if batch["status"] in ("validating", "in_progress"):
            batch["status"] = "in_progress"
            if self.server.polls[name] >= self.server.batch_polls:
                await self.finish(batch)
        return JSONResponse(batch)

    async def cancel(self, request: Request) -> Response:
        batch = self.server.batches[request.path_params["batch"]]
        batch["status"] = "cancelled"
        return self.refuse(request) or JSONResponse(batch)

    async def finish(self, batch: dict[str, Any]) -> None:
        """Answer the lines of a batch; what fails goes into the file of errors, as with OpenAI."""
        server = self.server
        batch["status"] = server.batch_status
        if server.batch_status == "failed":
            batch["errors"] = {"object": "list", "data": [{"code": "invalid", "line": 1, "message": "bad line"}]}
            return
        good, bad = [], []
        for line in server.files[batch["input_file_id"]].splitlines():
            value = json.loads(line)
            asked = Asked(value["body"], batched=True)
            response = await self.respond(asked)
            content = json.loads(bytes(response.body)) if response.status_code == 200 else None
            answer = {"status_code": response.status_code, "request_id": "r", "body": json.loads(bytes(response.body))}
            entry = {"id": "batch_req", "custom_id": value["custom_id"], "response": answer, "error": None}
            (good if content is not None else bad).append(json.dumps(entry).encode())
        for lines, slot in ((good, "output_file_id"), (bad, "error_file_id")):
            if lines:
                batch[slot] = f"file-{len(server.files)}"
                server.files[batch[slot]] = b"\n".join(lines) + b"\n"
        batch["request_counts"] |= {"completed": len(good), "failed": len(bad)}


def make_app(server: ChatServer) -> Any:
    """The application, which breaks connections off where it is told to."""
    site = Starlette(routes=Site(server).routes())

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await site(scope, receive, send)
        except* Broken:
            # uvicorn's cycle, whose method ``send`` is, knows the connection.
            send.__self__.transport.abort()

    return app


@contextmanager
def running_chat(server: ChatServer | None = None) -> Iterator[ChatServer]:
    """A stand-in that listens on a free port while the block runs; ``url`` is its base URL."""
    server = server or ChatServer()
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    # asyncio does this only for sockets that name their protocol; without it every answer waits 40 ms for an acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server.url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    config = uvicorn.Config(make_app(server), log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
    runner = uvicorn.Server(config)
    thread = threading.Thread(target=runner.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        runner.should_exit = True
        thread.join(10)
        listener.close()
