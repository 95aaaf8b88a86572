"""One call of a chat model as it is recorded, and the ledger that answers what has been answered before."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import orjson

from schemas.chat import ChatRequest, Finish, Picture

Outcome = Literal[
    "answered",  # an answer came to its end, whatever that was; the only outcome that answers a later request
    "garbled",  # something came that is no answer: no choices, no end, no JSON; it may have been paid for
    "rate_limited",
    "timed_out",
    "unavailable",  # refused connections, resets, 5xx
    "refused",  # the provider will not take this request
    "overflow",  # longer than the model takes
    "misconfigured",  # wrong key, unknown model
]


@dataclass(frozen=True, slots=True)
class Call:
    """A call, successful or not.

    Attributes:
        call: a number of its own, so that it is never counted twice.
        time: when it was sent, ISO 8601 in UTC.
        request_key: see :func:`request_key`.
        purpose, item, prompt: from the request.
        model: as it was asked for.
        endpoint: host and path, without credentials.
        attempt: counts from 1.
        way: how the answer was held to its schema.
        outcome: what came of it.
        finish: why the answer ended; empty without one.
        input_tokens, output_tokens: as the endpoint counts them; estimated where it does not.
        seconds: from sending to the last byte.
        cost_usd: by the price table.
        text: the answer, or one line on why there is none.
    """

    call: str
    time: str
    request_key: str
    purpose: str
    item: str
    prompt: str
    model: str
    endpoint: str
    attempt: int
    way: str
    outcome: Outcome
    finish: Finish | Literal[""]
    input_tokens: int
    output_tokens: int
    seconds: float
    cost_usd: float
    text: str


@dataclass(frozen=True, slots=True)
class Spent:
    """What calls came to."""

    calls: int = 0
    tokens: int = 0
    usd: float = 0.0


class CallLedger(Protocol):
    """Remembers calls; safe to use from several threads."""

    def find(self, key: str) -> Call | None:
        """The call that answered this request, whoever made it."""
        ...

    def record(self, call: Call) -> None:
        """Remember a call; when this returns, an answer survives the end of the process."""
        ...

    def spent(self) -> Spent:
        """All calls so far, those of other processes too."""
        ...


def request_key(model: str, request: ChatRequest) -> str:
    """Hash of a request and the model: 128 bits of sha256 over all that it holds, pictures by the hash of their bytes."""
    turns = [[turn.role, [_part(part) for part in turn.parts]] for turn in request.turns]
    value = {
        "model": model,
        "purpose": request.purpose,
        "item": request.item,
        "prompt": request.prompt,
        "system": request.system,
        "turns": turns,
        "schema": request.schema,
        "schema_name": request.schema_name,
        "max_tokens": request.max_tokens,
        "sampling": [request.temperature, request.top_p, request.seed],
    }
    # The order of a schema's properties is the order in which a model writes them: it stays as it is.
    return hashlib.sha256(compact_json(value)).hexdigest()[:32]


def compact_json(value: Any) -> bytes:
    """JSON in UTF-8 without spaces, keys in their order; the same bytes for the same value."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:  # half a character, which a model may have written and JSON can only escape
        return json.dumps(value, separators=(",", ":")).encode()


def _part(part: str | Picture) -> Any:
    if isinstance(part, str):
        return part
    return {"picture": hashlib.sha256(part.data).hexdigest(), "media_type": part.media_type}
