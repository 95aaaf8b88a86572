"""A request as it goes over the wire, in the dialect that a server understands."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

from schemas.chat import ChatRequest, Picture, Turn
from schemas.chat_config import StructuredWay

Body = dict[str, Any]

DROPPABLE = ("temperature", "top_p", "seed", "stream_options")
"""Parameters that some models take no value for but their own; an answer can do without ours."""

SCHEMA_PROMPT = """

Answer with one JSON value and nothing else: no prose, no code fence. It must keep to this JSON schema:
{schema}"""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one model at one endpoint is spoken to.

    Attributes:
        way: how answers are held to a schema.
        guided_field: vLLM's name for guided decoding, which changed with its version 0.12.
        limit_field: name of the limit on an answer's length; newer OpenAI models refuse the older one.
        dropped: parameters that the model refuses, in alphabetical order.
    """

    way: StructuredWay = "json_schema"
    guided_field: Literal["structured_outputs", "guided_json"] = "structured_outputs"
    limit_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    dropped: tuple[str, ...] = ()

    def adapted(self, complaint: str, param: str | None) -> Self | None:
        """The dialect after a server's complaint about a parameter; None where the complaint is about something else."""
        if self.limit_field == "max_tokens" and "max_completion_tokens" in complaint:
            return replace(self, limit_field="max_completion_tokens")
        told = complaint.lower()
        if param is None and not ("support" in told or "unrecognized" in told or "not permitted" in told):
            return None
        for name in DROPPABLE:
            if name not in self.dropped and (param == name or (param is None and name in told)):
                return replace(self, dropped=tuple(sorted((*self.dropped, name))))
        return None


def make_body(request: ChatRequest, model: str, dialect: Dialect, stream: bool) -> Body:
    """The request's JSON, as ``POST /chat/completions`` takes it."""
    system = request.system
    held: Body = {}
    if request.schema is not None:
        match dialect.way:
            case "json_schema":
                named = {"name": request.schema_name, "schema": dict(request.schema), "strict": True}
                held = {"response_format": {"type": "json_schema", "json_schema": named}}
            case "guided" if dialect.guided_field == "structured_outputs":
                held = {"structured_outputs": {"json": dict(request.schema)}}
            case "guided":
                held = {"guided_json": dict(request.schema)}
            case "json_object":
                held = {"response_format": {"type": "json_object"}}
        if dialect.way in ("json_object", "none"):
            system += SCHEMA_PROMPT.format(schema=json.dumps(request.schema, ensure_ascii=False))
    messages = [{"role": "system", "content": system}] if system else []
    body: Body = {
        "model": model,
        "messages": [*messages, *map(_message, request.turns)],
        dialect.limit_field: request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        **({"seed": request.seed} if request.seed is not None else {}),
        **held,
        **({"stream": True, "stream_options": {"include_usage": True}} if stream else {}),
    }
    return {name: value for name, value in body.items() if name not in dialect.dropped}


def _message(turn: Turn) -> Mapping[str, Any]:
    if all(isinstance(part, str) for part in turn.parts):
        return {"role": turn.role, "content": "\n".join(part for part in turn.parts if isinstance(part, str))}
    return {"role": turn.role, "content": [_part(part) for part in turn.parts]}


def _part(part: str | Picture) -> Mapping[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    data = base64.b64encode(part.data).decode("ascii")
    return {"type": "image_url", "image_url": {"url": f"data:{part.media_type};base64,{data}"}}
