"""What a server can do, found out once for each endpoint and model.

It is asked for one word, in a way that holds it to a schema in which that word cannot stand: if the answer keeps to the schema,
the server did hold it; if it is the word, the server took the parameter and did nothing.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, replace
from typing import Any, Protocol

from schemas.chat import ChatRequest, Turn
from schemas.chat_config import StructuredWay
from schemas.errors import SampleError
from tasks.models.chat.failures import Unsupported
from tasks.models.chat.wire import Dialect

VERSION = 1
"""Raised when what is remembered can no longer be read or would be found otherwise."""

_COLOUR = "teal-7"
_SCHEMA = {
    "type": "object",
    "properties": {"colour": {"type": "string", "enum": [_COLOUR]}},
    "required": ["colour"],
    "additionalProperties": False,
}
PROBE = ChatRequest(
    purpose="probe",
    item="",
    prompt=f"capability-probe-{VERSION}",
    system="This is a capability probe. Do what the user says.",
    turns=(Turn("user", ("Reply with the single word hello, in lower case, and nothing else.",)),),
    schema=_SCHEMA,
    schema_name="capability_probe",
    max_tokens=1024,
    temperature=0.0,
)
_ADAPTIONS = 6

CANDIDATES: tuple[Dialect, ...] = (
    Dialect("json_schema"),
    Dialect("guided", guided_field="structured_outputs"),
    Dialect("guided", guided_field="guided_json"),
    Dialect("json_object"),
)
"""Ways to try, best first; where none holds, the schema stands in the prompt alone."""

Send = Callable[[ChatRequest, Dialect], Awaitable[str]]
"""Sends a request in a dialect and gives the text of the answer; raises as ``Endpoint.send`` does."""


class CapabilityStore(Protocol):
    """Remembers dialects from one process to the next."""

    def load(self, place: str, model: str) -> Mapping[str, Any] | None:
        """What was saved of an endpoint and model, if anything."""
        ...

    def save(self, place: str, model: str, value: Mapping[str, Any]) -> None:
        """Remember JSON-like values."""
        ...


async def probe(send: Send) -> Dialect:
    """The best dialect that holds.

    Raises:
        Failure, StoryReasoningError: the server does not answer at all.
    """
    known = Dialect("none")  # what was learnt about other parameters on the way
    for candidate in CANDIDATES:
        dialect = replace(known, way=candidate.way, guided_field=candidate.guided_field)
        for _ in range(_ADAPTIONS):
            try:
                text = await send(PROBE, dialect)
            except Unsupported as complaint:
                adapted = dialect.adapted(complaint.told, complaint.param)
                if adapted is None:
                    break
                dialect = known = adapted
            except SampleError:
                break  # this way is refused in words that say nothing about it
            else:
                if _holds(text, candidate.way):
                    return dialect
                break
    return replace(known, way="none")


def _holds(text: str, way: StructuredWay) -> bool:
    try:
        value = json.loads(text)
    except ValueError:
        return False
    return isinstance(value, dict) if way == "json_object" else value == {"colour": _COLOUR}


def dialect_to_json(dialect: Dialect) -> Mapping[str, Any]:
    """JSON-like values to remember."""
    return {"version": VERSION, **asdict(dialect)}


def dialect_from_json(value: Mapping[str, Any] | None) -> Dialect | None:
    """The dialect that was remembered; None for what another version wrote or what is damaged."""
    if not value or value.get("version") != VERSION:
        return None
    try:
        rest = {key: part for key, part in value.items() if key != "version"}
        return Dialect(**{**rest, "dropped": tuple(rest["dropped"])})
    except (TypeError, KeyError):
        return None
