"""A writer that fills in any schema of ours with plain words, and a chat model that lets a test say what it answers."""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.chat import ChatReply, ChatRequest, Finish
from schemas.chat_call import request_key

WORDS = [
    "rain",
    "fell",
    "over",
    "lamp",
    "street",
    "corner",
    "quiet",
    "morning",
    "bread",
    "window",
    "river",
    "stone",
    "garden",
    "letter",
    "train",
    "slow",
    "bright",
]
NAMES = ["Ines", "Marko", "Tessa", "Olof", "Bruna", "Kaito", "Liv", "Piet", "Zora", "Amal", "Rhys", "Noor"]


def fill(schema: Mapping[str, Any], draw: random.Random, defs: Mapping[str, Any] | None = None, name: str = "") -> Any:
    """A value that keeps to the schema; what a list may leave out is left out."""
    defs = schema.get("$defs", {}) if defs is None else defs
    if "$ref" in schema:
        return fill(defs[schema["$ref"].rpartition("/")[2]], draw, defs, name)
    if "anyOf" in schema:
        return fill(draw.choice(schema["anyOf"]), draw, defs, name)
    if "enum" in schema:
        return draw.choice(schema["enum"])
    match schema["type"]:
        case "object":
            return {key: fill(one, draw, defs, key) for key, one in schema["properties"].items()}
        case "array" if "anyOf" in schema["items"]:
            return _pieces(schema["items"]["anyOf"], draw, defs)
        case "array":
            return [
                fill(schema["items"], draw, defs, name)
                for _ in range(max(1, schema["minItems"]) if schema["minItems"] else 0)
            ]
        case "integer":
            return draw.randrange(100)
        case _:
            return NAMES[int(name[4:]) % len(NAMES)] if name.startswith("char") else say(draw)


def _pieces(kinds: list[Mapping[str, Any]], draw: random.Random, defs: Mapping[str, Any]) -> list[Any]:
    """One piece of each kind, and words between and after."""
    text, *others = kinds
    pieces = []
    for kind in others:
        piece = fill(kind, draw, defs)
        (ids,) = (key for key, value in piece.items() if isinstance(value, list))
        pieces += [
            {key: value if key == ids else draw.choice(WORDS) for key, value in piece.items()},
            fill(text, draw, defs),
        ]
    return pieces or [fill(text, draw, defs)]


def say(draw: random.Random, words: int = 16) -> str:
    """A sentence of nothing much, without a pronoun."""
    return " ".join(draw.choices(WORDS, k=words)).capitalize() + "."


def answer_schema(schema: Mapping[str, Any], seed: object = 0) -> str:
    """JSON that keeps to a schema; the same for the same seed."""
    return json.dumps(fill(schema, random.Random(f"{seed}")))


Handler = Callable[[ChatRequest], "str | tuple[str, Finish] | Exception"]


@dataclass
class Scribe:
    """A :class:`schemas.chat.ChatModel` in memory; ``answer`` says what each request gets, ``asked`` what came."""

    answer: Handler = lambda request: answer_schema(request.schema or {}, request.item)
    name: str = "scribe"
    asked: list[ChatRequest] = field(default_factory=list)

    async def ask(self, request: ChatRequest) -> ChatReply:
        """What the test has said."""
        self.asked.append(request)
        said = self.answer(request)
        if isinstance(said, Exception):
            raise said
        text, finish = said if isinstance(said, tuple) else (said, "stop")
        value = None
        if request.schema is not None:
            try:
                value = json.loads(text)
            except ValueError:
                value = None
        key = request_key(self.name, request)
        return ChatReply(key, text, value, finish, self.name, "memory", 100, 10, 0.5, 0.0)


def script(*answers: "str | tuple[str, Finish] | Exception") -> Handler:
    """These answers one after the other."""
    left = list(answers)
    return lambda _: left.pop(0)
