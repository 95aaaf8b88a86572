"""Asking an OpenAI-compatible server, and bearing whatever it answers: nothing it sends is trusted, awaited or kept for ever.

The address is always one that the server was started with. Redirects are not followed and proxies of the environment are not
used, so a request goes to that address or nowhere; the key goes there and into no message.
"""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from schemas.errors import StoryReasoningError
from viewer.answers import AnswerError, AnswerReader, Part, read_whole
from viewer.state import Endpoint

if TYPE_CHECKING:
    import httpx2

_WEB_PAGE = re.compile(r"\s*<(?:!doctype|html|head|body)", re.IGNORECASE)
_LONGEST_SAYING = 300


class EndpointError(StoryReasoningError):
    """An endpoint cannot be used, or broke off; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long is waited and how much is taken.

    ``first_s`` runs until the first word, which a model reaches after it has seen all images; ``idle_s`` between words.
    """

    connect_s: float = 10.0
    first_s: float = 180.0
    idle_s: float = 60.0
    total_s: float = 1800.0
    line_bytes: int = 1 << 20
    whole_bytes: int = 4 << 20
    error_bytes: int = 16_384
    answer_characters: int = 400_000


def without_credentials(url: str) -> str:
    """An address as it may be shown."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"


@asynccontextmanager
async def _connected(endpoint: Endpoint, limits: Limits) -> AsyncIterator["httpx2.AsyncClient"]:
    """A client for one request; what goes wrong on the way becomes an :class:`EndpointError`."""
    import httpx2

    shown = without_credentials(endpoint.url)
    headers = {"accept-encoding": "identity", "user-agent": "storyreasoning-viewer"}
    if endpoint.api_key:
        headers["authorization"] = f"Bearer {endpoint.api_key}"
    timeout = httpx2.Timeout(None, connect=limits.connect_s, write=limits.first_s)
    try:
        async with httpx2.AsyncClient(
            headers=headers, timeout=timeout, follow_redirects=False, trust_env=False
        ) as client:
            yield client
    except httpx2.ConnectTimeout as error:
        raise EndpointError(f"{shown} does not answer: check the address and that the server is running") from error
    except httpx2.ConnectError as error:
        raise EndpointError(
            f"nothing answers at {shown}: start the server there, or give another --endpoint"
        ) from error
    except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
        raise EndpointError(
            f"{shown} broke off the connection ({type(error).__name__}): what came is kept, try again"
        ) from error


async def list_models(endpoint: Endpoint, limits: Limits) -> list[str]:
    """Names of the models that an endpoint serves.

    Raises:
        EndpointError: it cannot be asked, or its answer is none.
    """
    try:
        async with (
            asyncio.timeout(limits.connect_s * 2),
            _connected(endpoint, limits) as client,
            client.stream("GET", f"{endpoint.url}/models") as response,
        ):
            body = await _read_bounded(response, limits.whole_bytes)
            _check_status(endpoint, response, body)
    except TimeoutError as error:
        raise EndpointError(
            f"{without_credentials(endpoint.url)}/models took longer than {limits.connect_s * 2:.0f} s: "
            "type the model's name, or check the server"
        ) from error
    try:
        names = [str(one["id"]) for one in json.loads(body)["data"]]
    except (ValueError, KeyError, TypeError) as error:
        told = "a web page" if _WEB_PAGE.match(body.decode("utf-8", "replace")) else "no list of models"
        raise EndpointError(
            f"{without_credentials(endpoint.url)}/models gave {told}: does the address lack /v1? Or type the model's name"
        ) from error
    return names[:200]


async def stream_answer(
    endpoint: Endpoint, payload: Mapping[str, Any], limits: Limits
) -> AsyncGenerator[list[Part], None]:
    """The parts of an answer as they come, those of one network read together; the last is a :class:`~viewer.answers.Finish`.

    Closing the iterator closes the connection.

    Raises:
        EndpointError: anything but a whole answer; what was given before stands.
    """
    reader = AnswerReader(limits.line_bytes, limits.answer_characters)
    shown = without_credentials(endpoint.url)
    deadline = asyncio.get_running_loop().time() + limits.total_s
    wait = limits.first_s
    try:
        async with _connected(endpoint, limits) as client:
            request = client.build_request("POST", f"{endpoint.url}/chat/completions", json=dict(payload))
            async with asyncio.timeout(min(wait, limits.total_s)):
                response = await client.send(request, stream=True)
            try:
                if response.status_code != 200:
                    async with asyncio.timeout(limits.connect_s):
                        _check_status(endpoint, response, await _read_bounded(response, limits.error_bytes))
                if not _is_stream(response):
                    async with asyncio.timeout(wait):
                        body = await _read_bounded(response, limits.whole_bytes)
                    yield read_whole(body)
                    return
                chunks = response.aiter_raw()
                while not reader.finished:
                    async with asyncio.timeout_at(min(deadline, asyncio.get_running_loop().time() + wait)):
                        chunk = await anext(chunks, None)
                    if chunk is None:
                        break
                    parts = reader.feed(chunk)
                    if parts:
                        wait = limits.idle_s
                        yield parts
                yield reader.end()
            finally:
                await response.aclose()
    except AnswerError as error:
        raise EndpointError(f"{shown} {_redact(str(error), endpoint)}") from error
    except TimeoutError as error:
        raise EndpointError(_describe_wait(shown, deadline, wait, limits)) from error


def _describe_wait(shown: str, deadline: float, wait: float, limits: Limits) -> str:
    if asyncio.get_running_loop().time() >= deadline:
        return f"{shown} was still writing after {limits.total_s:.0f} s and was stopped: lower max tokens"
    if wait == limits.first_s:
        return f"{shown} gave no word for {wait:.0f} s: fewer or smaller images may help, or the server is stuck"
    return f"{shown} went silent for {wait:.0f} s: what came is kept, try again"


def _is_stream(response: "httpx2.Response") -> bool:
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise AnswerError("compresses its answer although it was asked not to: it is no OpenAI-compatible server")
    if kind in ("text/event-stream", "application/x-ndjson", "text/plain", "application/octet-stream", ""):
        return True
    if kind == "application/json":
        return False
    raise AnswerError(
        f"answered with {'a web page' if kind == 'text/html' else kind[:60] or 'nothing'} in the place of a stream: "
        "the address must be that of an OpenAI-compatible API, mostly ending in /v1"
    )


async def _read_bounded(response: "httpx2.Response", limit: int) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > limit:
            break
    return bytes(body[:limit])


def _check_status(endpoint: Endpoint, response: "httpx2.Response", body: bytes) -> None:
    status = response.status_code
    if status == 200:
        return
    shown = without_credentials(endpoint.url)
    said = _redact(_saying(body), endpoint)
    if 300 <= status < 400:
        told = (
            f"{shown} points to another address ({status}), which is not followed: give the final one with --endpoint"
        )
    elif status in (401, 403):
        told = f"{shown} refuses the key ({status}): set the variable that the viewer reads the key from, and start it again"
    elif status == 404:
        told = f"{shown} does not know the model or the path ({status}): choose another model, or check that it ends in /v1"
    elif status == 413:
        told = f"{shown} takes no request this large ({status}): use fewer or smaller images"
    elif status == 429:
        told = f"{shown} is busy or a quota is used up ({status}): wait a little and try again"
    elif status < 500:
        told = f"{shown} refuses the request ({status}): check images, max tokens and model"
    else:
        told = f"{shown} failed ({status}): its log says why; try again"
    raise EndpointError(f"{told}{f'. It says: {said}' if said else ''}")


def _saying(body: bytes) -> str:
    """What an error body says, on one line; nothing for a web page."""
    text = body.decode("utf-8", "replace")
    if _WEB_PAGE.match(text):
        return ""
    try:
        value = json.loads(text)
        while isinstance(value, dict):
            value = next((value[name] for name in ("error", "message", "detail") if value.get(name)), "")
        text = str(value)
    except ValueError:
        pass
    return " ".join(text.split())[:_LONGEST_SAYING]


def _redact(text: str, endpoint: Endpoint) -> str:
    return text.replace(endpoint.api_key, "***") if endpoint.api_key else text
