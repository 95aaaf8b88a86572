"""One OpenAI-compatible server: sends a request once and says what came of it."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from schemas.chat import ChatRequest, Finish
from schemas.chat_call import compact_json
from schemas.chat_config import OPENAI_HOST, ChatConfig
from schemas.errors import ConfigError
from tasks.models.chat.failures import Failure, UnknownModel, classify_status, redact
from tasks.models.chat.tokens import estimate_tokens
from tasks.models.chat.wire import Body

if TYPE_CHECKING:
    from openai import AsyncOpenAI

FINISHES: dict[str, Finish] = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "end_turn": "stop",
    "length": "length",
    "max_tokens": "length",
    "content_filter": "filter",
    "refusal": "refusal",
}
"""What servers write as ``finish_reason``; anything else is no end that an answer can be trusted to have come to."""

LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint said, and what it counted; ``seconds`` from sending to the last byte."""

    text: str
    finish: Finish
    input_tokens: int
    output_tokens: int
    seconds: float


@dataclass(slots=True)
class _Heard:
    """An answer as it comes in."""

    text: str = ""
    refusal: str = ""
    finish: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    begun: bool = False

    def count(self, usage: Any) -> None:
        if usage is not None:
            self.input_tokens = getattr(usage, "prompt_tokens", None)
            self.output_tokens = getattr(usage, "completion_tokens", None)


def shown_address(url: str) -> str:
    """An endpoint's address as it is told and recorded: host, port and path."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
    return f"{host}{f':{parts.port}' if parts.port else ''}{parts.path}"


class Endpoint:
    """A server at one address; made once, used by any number of coroutines of one event loop."""

    def __init__(self, url: str, config: ChatConfig) -> None:
        """Read the key from the environment; nothing is sent."""
        self.url = url
        self.place = shown_address(url)
        self._config = config
        self._variable = config.key_variable(url)
        self._secret = os.environ.get(self._variable, "").strip() if self._variable else ""
        self._client: AsyncOpenAI | None = None

    def __repr__(self) -> str:
        """Without the key."""
        return f"Endpoint({self.place})"

    @property
    def client(self) -> "AsyncOpenAI":
        """The client, made when it is first needed: importing it takes a while."""
        if self._client is None:
            import httpx2
            from openai import AsyncOpenAI, DefaultAsyncHttpxClient

            config = self._config
            timeout = httpx2.Timeout(config.timeout_s, connect=config.connect_timeout_s, pool=None)
            limits = httpx2.Limits(
                max_connections=None, max_keepalive_connections=config.max_concurrency, keepalive_expiry=30.0
            )
            # A proxy of the environment is for the world outside.
            local = urlsplit(self.url).hostname in LOOPBACK
            transport = DefaultAsyncHttpxClient(timeout=timeout, limits=limits, trust_env=not local)
            self._client = AsyncOpenAI(
                base_url=self.url,
                api_key=self._secret or "none",  # the client insists on one
                max_retries=0,
                timeout=timeout,
                http_client=transport,
            )
            if urlsplit(self.url).hostname != OPENAI_HOST:
                # The client takes these from the environment, for whatever server.
                self._client.organization = self._client.project = None
        return self._client

    async def close(self) -> None:
        """Give back the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def send(self, body: Body, request: ChatRequest) -> Answer:
        """One attempt. ``request`` is what ``body`` was made of, to estimate tokens that the server does not count.

        Raises:
            Failure: it may pass.
            Unsupported: a parameter of the body is not understood.
            RequestRefused, ContextOverflow, SampleError: this request will not be answered.
            ConfigError, BudgetExceeded: none will.
        """
        client = self.client  # imports it, which is no part of the wait
        begun = time.monotonic()
        try:
            async with asyncio.timeout(self._config.timeout_s):
                heard = await self._hear(client, body)
        except TimeoutError:
            raise Failure("timed_out", f"{self.place} took more than {self._config.timeout_s:g} s") from None
        except UnknownModel as error:
            names = await self.list_models()
            raise ConfigError(f"{error}; it has {', '.join(names[:8])}" if names else str(error)) from None
        return self._judge(heard, request, time.monotonic() - begun)

    async def _hear(self, client: "AsyncOpenAI", body: Body) -> _Heard:
        import httpx2
        import openai
        from openai.types.chat import ChatCompletion, ChatCompletionChunk

        heard = _Heard()
        # As ``chat.completions.create`` posts it, but for the walk through every message and schema that looks for values to
        # convert, and a slower encoder: ours are JSON already, and with ten pictures these take longer than all the rest.
        post = partial(client.post, "/chat/completions", cast_to=ChatCompletion, content=compact_json(body))
        try:
            if body.get("stream"):
                await self._hear_stream(
                    await post(stream=True, stream_cls=openai.AsyncStream[ChatCompletionChunk]), heard
                )
            else:
                self._hear_whole(await post(), heard)
        except openai.APITimeoutError:
            raise Failure("timed_out", f"{self.place} did not answer in time") from None
        except openai.APIStatusError as error:
            raise self.classify(error) from None
        except openai.APIConnectionError as error:
            self._fail_connection(error, heard)
        except openai.APIError as error:  # an error inside a stream
            raise self._garbled(f"broke its answer off ({redact(error.message, self._secret)})", heard) from None
        except httpx2.TimeoutException:
            raise Failure("timed_out", f"{self.place} fell silent in the middle of an answer") from None
        except httpx2.HTTPError as error:
            self._fail_connection(error, heard)
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise self._garbled("sent what is no JSON", heard) from None
        return heard

    def classify(self, error: Any) -> Exception:
        """What an ``APIStatusError`` of the client means."""
        headers = {key.lower(): value for key, value in error.response.headers.items()}
        body = error.body if error.body is not None else error.response.text
        return self.classify_answer(error.status_code, body, headers)

    def classify_answer(self, status: int, body: object, headers: Mapping[str, str]) -> Exception:
        """What an answer with an error's status means."""
        model = self._config.model
        return classify_status(status, body, headers, self.place, model, self._variable, self._secret)

    def _hear_whole(self, came: Any, heard: _Heard) -> None:
        choices = getattr(
            came, "choices", None
        )  # a server that sends no object has its text passed through by the client
        if not choices:
            raise self._garbled("sent an answer without choices", heard)
        heard.begun = True
        heard.count(getattr(came, "usage", None))
        message = choices[0].message
        if message is not None:
            heard.text, heard.refusal = message.content or "", message.refusal or ""
        heard.finish = choices[0].finish_reason

    async def _hear_stream(self, came: AsyncIterator[Any], heard: _Heard) -> None:
        pieces: list[str] = []
        async for chunk in came:
            heard.count(getattr(chunk, "usage", None))
            for choice in getattr(chunk, "choices", None) or ():
                heard.begun = True
                pieces.append(choice.delta.content or "")
                heard.refusal += choice.delta.refusal or ""
                heard.finish = choice.finish_reason or heard.finish
        heard.text = "".join(pieces)
        if not heard.begun:
            raise self._garbled("sent an answer without choices", heard)

    def _judge(self, heard: _Heard, request: ChatRequest, seconds: float) -> Answer:
        finish = FINISHES.get(heard.finish or "")
        if finish is None:
            ended = f"with finish_reason '{redact(heard.finish)}'" if heard.finish else "without a finish_reason"
            raise self._garbled(f"ended its answer {ended}", heard)
        text = heard.text
        if heard.refusal and not text:
            finish, text = "refusal", heard.refusal
        given, came = heard.input_tokens, heard.output_tokens
        return Answer(
            text=text,
            finish=finish,
            input_tokens=estimate_tokens(request) if given is None else given,
            output_tokens=-(-len(text) // 4) if came is None else came,
            seconds=seconds,
        )

    def _garbled(self, told: str, heard: _Heard) -> Failure:
        return Failure(
            "garbled",
            f"{self.place} {told}",
            input_tokens=heard.input_tokens or 0,
            output_tokens=heard.output_tokens or 0,
        )

    def _fail_connection(self, error: Exception, heard: _Heard) -> NoReturn:
        import httpx2

        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, httpx2.ConnectError | ConnectionRefusedError):
                told = redact(str(cause), self._secret) or "no connection"
                raise Failure("unavailable", f"nobody listens at {self.place} ({told})", refused=True) from None
            cause = cause.__cause__
        raise Failure("unavailable", f"{self.place} broke the connection", output_tokens=len(heard.text) // 4) from None

    async def list_models(self) -> list[str]:
        """Names of the models that the server says it has; empty where it does not say."""
        import openai

        try:
            return sorted([model.id async for model in self.client.models.list()])
        except (openai.OpenAIError, json.JSONDecodeError, AttributeError, TypeError):
            return []
