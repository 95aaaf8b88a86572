"""Live mode: ``/api/live/defaults``, ``models``, ``generate`` (a stream of events), ``save`` and ``export``."""

import json
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from schemas.errors import ConfigError
from schemas.model_output import split_output
from viewer import uploads as uploading
from viewer.answers import Part, Usage, Words
from viewer.endpoints import EndpointError, Limits, list_models, stream_answer, without_credentials
from viewer.exporting import ExportStory, download
from viewer.live_prompts import DEFAULTS, SYSTEM_PROMPT, USER_PROMPT, USER_PROMPT_VERSION
from viewer.live_request import BOUNDS, LiveRequest, choose_endpoint, read_request
from viewer.saving import save_result
from viewer.state import ViewerState
from viewer.uploads import Upload, read_uploads

BODY_LIMITS = {"/api/live/": uploading.MAX_BODY_BYTES}
LIMITS = Limits()
MOST_AT_ONCE = 4
LONGEST_OUTPUT = 2_000_000
LONGEST_TITLE = 120


def routes(state: ViewerState) -> list[Route]:
    """The routes."""
    live = LiveRoutes(state)
    return [
        Route("/api/live/defaults", live.tell_defaults),
        Route("/api/live/models", live.tell_models),
        Route("/api/live/generate", live.generate, methods=["POST"]),
        Route("/api/live/save", live.save, methods=["POST"]),
        Route("/api/live/export", live.export, methods=["POST"]),
    ]


class LiveRoutes:
    """What the routes share: the state, and how many answers are being written."""

    def __init__(self, state: ViewerState) -> None:
        self._state = state
        self._running = 0

    def tell_defaults(self, _: Request) -> Response:
        """Endpoints, prompts, sampling and bounds."""
        return JSONResponse(
            {
                "endpoints": [
                    {"url": without_credentials(one.url), "model": one.model} for one in self._state.endpoints
                ],
                "system": SYSTEM_PROMPT,
                "prompt": USER_PROMPT,
                "prompt_version": USER_PROMPT_VERSION,
                "sampling": DEFAULTS,
                "bounds": {name: list(bounds) for name, bounds in BOUNDS.items()},
                "max_images": uploading.MAX_IMAGES,
                "max_image_bytes": uploading.MAX_IMAGE_BYTES,
                "max_body_bytes": uploading.MAX_BODY_BYTES,
                "can_save": self._state.workspace is not None,
            }
        )

    async def tell_models(self, request: Request) -> Response:
        """Models of an endpoint; why there are none is told as a value, for a model can be typed all the same."""
        asked = request.query_params.get("endpoint", "0")
        number = choose_endpoint(int(asked) if asked.isdecimal() and len(asked) < 6 else -1, self._state.endpoints)
        try:
            return JSONResponse({"models": await list_models(self._state.endpoints[number], LIMITS)})
        except EndpointError as error:
            return JSONResponse({"models": [], "problem": str(error)})

    async def generate(self, request: Request) -> Response:
        """Events of an answer: ``start``, ``words``, ``usage``, then ``end`` or ``error``."""
        value = await read_body(request)
        asked = read_request(value, self._state.endpoints)
        images = await run_in_threadpool(read_uploads, value.get("images"))
        if self._running >= MOST_AT_ONCE:
            raise HTTPException(429, f"{MOST_AT_ONCE} stories are being written already: wait for one, or cancel it")
        return StreamingResponse(
            self._events(asked, images), media_type="text/event-stream", headers={"x-accel-buffering": "no"}
        )

    async def _events(self, asked: LiveRequest, images: tuple[Upload, ...]) -> AsyncIterator[bytes]:
        self._running += 1
        started = time.monotonic()
        answer = stream_answer(self._state.endpoints[asked.endpoint], asked.payload(images), LIMITS)
        try:
            yield event("start", model=asked.model, sizes=uploading.upload_sizes(images))
            async for parts in answer:
                for part in parts:
                    yield part_event(part, time.monotonic() - started)
        except EndpointError as error:
            yield event("error", message=str(error))
        finally:
            self._running -= 1
            await answer.aclose()

    async def save(self, request: Request) -> Response:
        """Write a result into the workspace."""
        value = await read_body(request)
        title, output, images = await read_result(value)
        thoughts, story = split_output(output)
        made = {name: value.get("made", {}).get(name) for name in ("endpoint", "model", "settings", "tokens", "finish")}
        saved = await run_in_threadpool(save_result, self._state.workspace, title, thoughts, story, images, made)
        return JSONResponse({"story_id": saved})

    async def export(self, request: Request) -> Response:
        """A result as a file."""
        value = await read_body(request)
        title, output, images = await read_result(value)
        thoughts, story = split_output(output)
        pictures = tuple((one.media_type, one.content, (one.width, one.height)) for one in images)
        made = {"model": str(value.get("made", {}).get("model") or "")}
        exported = ExportStory(title or "Live story", thoughts, story, pictures, made)
        return await run_in_threadpool(download, exported, value.get("format"))


async def read_body(request: Request) -> dict[str, Any]:
    """The JSON object of a request.

    Raises:
        ConfigError: it is none.
    """
    try:
        value = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise ConfigError("the request is not JSON: reload the page") from error
    if not isinstance(value, dict) or not isinstance(value.get("made", {}), Mapping):
        raise ConfigError("the request is no JSON object: reload the page")
    return value


async def read_result(value: Mapping[str, Any]) -> tuple[str, str, tuple[Upload, ...]]:
    """Title, output and images of a result that the page holds.

    Raises:
        ConfigError, SampleError: something of it is missing or too large.
    """
    title, output = value.get("title", ""), value.get("output", "")
    if not isinstance(title, str) or not isinstance(output, str):
        raise ConfigError("title and output must be text")
    if len(output) > LONGEST_OUTPUT:
        raise ConfigError(f"the output has {len(output):,} characters and may have {LONGEST_OUTPUT:,}")
    images = await run_in_threadpool(read_uploads, value.get("images") or [], least=0)
    clean = (text.encode("utf-8", "replace").decode() for text in (title[:LONGEST_TITLE].strip(), output))
    return next(clean), next(clean), images


def part_event(part: Part, seconds: float) -> bytes:
    """One part of an answer as an event."""
    if isinstance(part, Words):
        return event("words", text=part.text, deltas=part.deltas)
    if isinstance(part, Usage):
        return event("usage", input_tokens=part.input_tokens, output_tokens=part.output_tokens)
    return event("end", reason=part.reason, seconds=round(seconds, 3))


def event(kind: str, **values: Any) -> bytes:
    """One server-sent event; ASCII only, so that half a character of a model's text survives."""
    return f"data: {json.dumps({'type': kind, **values})}\n\n".encode("ascii")
