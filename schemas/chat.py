"""What is asked of a chat model and what it answers, whoever serves it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from schemas.errors import SampleError

Finish = Literal["stop", "length", "filter", "refusal"]
"""Why an answer ended: by itself, out of room, stopped by the provider's filter, or the model declined."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An image as it is sent: the encoded bytes and their media type, ``image/jpeg``."""

    data: bytes
    media_type: str = "image/jpeg"


@dataclass(frozen=True, slots=True)
class Turn:
    """One message: texts and pictures in order."""

    role: Literal["user", "assistant"]
    parts: tuple[str | Picture, ...]


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """Everything an answer depends on but the model, which the :class:`ChatModel` adds.

    Attributes:
        purpose: ``analysis``, ``story``, ``judge``, ...: for the ledger.
        item: what it is about, a story's key: for the ledger.
        prompt: name, version and hash of the prompt file, for the ledger.
        system: the system message.
        turns: the messages so far, the last one the user's.
        schema: JSON schema that the answer must satisfy; None for free text.
        schema_name: name of that schema where a server wants one.
        max_tokens: room for the answer.
        temperature: 0 for the likeliest words.
        top_p: share of the likeliest words that are drawn from.
        seed: for servers that take one.
    """

    purpose: str
    item: str
    prompt: str
    system: str
    turns: tuple[Turn, ...]
    schema: Mapping[str, Any] | None = None
    schema_name: str = "answer"
    max_tokens: int = 4096
    temperature: float = 0.7
    top_p: float = 1.0
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class ChatReply:
    """An answer with what it cost.

    Attributes:
        request_key: hash of the request and the model; the ledger answers the same key from what it holds.
        text: as it came.
        value: the JSON value of ``text`` where a schema was asked for and it could be read; None otherwise. It has not been
            checked against the schema: servers differ in how far they keep to it.
        finish: why it ended.
        model: as the endpoint names it.
        endpoint: its address without credentials; empty when answered from the ledger alone.
        input_tokens: of the request; output_tokens: of the answer; both as the endpoint counts them.
        cost_usd: by the price table; 0 where the model is not in it. An answer from the ledger tells what it cost when it came,
            so that what stands on it is the same whether it was asked for or found.
        seconds: from sending to the last byte.
        cached: answered from the ledger, at no cost anew.
    """

    request_key: str
    text: str
    value: Any | None
    finish: Finish
    model: str
    endpoint: str
    input_tokens: int
    output_tokens: int
    cost_usd: float
    seconds: float
    cached: bool = False


class RequestRefused(SampleError):
    """The provider will not answer this request (policy, an image it cannot read); others may be answered."""


class ContextOverflow(SampleError):
    """The request is longer than the model takes; fewer frames may fit."""


class ChatModel(Protocol):
    """A chat model behind one or several endpoints.

    Errors of one request are ``SampleError``s; a wrong key, an unknown model or an endpoint that is not there are
    ``ConfigError``s; an endpoint that stays unavailable is a ``ShardError``; a limit reached is ``BudgetExceeded``.
    """

    @property
    def name(self) -> str:
        """The model's name as it goes into records."""
        ...

    async def ask(self, request: ChatRequest) -> ChatReply:
        """One answer; safe to call any number of times at once, which the model bounds itself."""
        ...
