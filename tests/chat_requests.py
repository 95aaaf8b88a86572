"""Requests, a ledger and a store in memory, for tests of chat models."""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from schemas.chat import ChatRequest, Turn
from schemas.chat_call import Call, Spent
from schemas.chat_config import ChatConfig

R = TypeVar("R")

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"title": {"type": "string", "enum": ["Rain", "Snow"]}},
    "required": ["title"],
    "additionalProperties": False,
}
GOOD = '{"title": "Rain"}'


def request(number: int = 0, schema: Mapping[str, Any] | None = SCHEMA, **changes: Any) -> ChatRequest:
    """A request that differs from those of other numbers."""
    turns = (Turn("user", (f"story {number}",)),)
    values = {"purpose": "story", "item": f"s{number}", "prompt": "story-v1", "system": "Tell.", "turns": turns}
    return ChatRequest(**{**values, "schema": schema, "max_tokens": 100, **changes})


def config(*urls: str, **changes: Any) -> ChatConfig:
    """A configuration with short waits."""
    values: dict[str, Any] = {"endpoints": urls, "model": "stand-in", "timeout_s": 5.0, "rest_s": 0.1}
    return ChatConfig(**{**values, "retry_after_cap_s": 0.3, **changes})


class MemoryLedger:
    """A ledger without files."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def find(self, key: str) -> Call | None:
        return next((call for call in self.calls if call.request_key == key and call.outcome == "answered"), None)

    def record(self, call: Call) -> None:
        self.calls.append(call)

    def spent(self) -> Spent:
        tokens = sum(call.input_tokens + call.output_tokens for call in self.calls)
        return Spent(len(self.calls), tokens, sum(call.cost_usd for call in self.calls))

    def outcomes(self) -> list[str]:
        """What became of every call that was no probe."""
        return [call.outcome for call in self.calls if call.purpose != "probe"]


class MemoryStore:
    """Capabilities without files."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], Mapping[str, Any]] = {}

    def load(self, place: str, model: str) -> Mapping[str, Any] | None:
        return self.values.get((place, model))

    def save(self, place: str, model: str, value: Mapping[str, Any]) -> None:
        self.values[place, model] = value


def run(coroutine: Coroutine[Any, Any, R]) -> R:
    """What a coroutine gives, within a minute."""

    async def bounded() -> R:
        return await asyncio.wait_for(coroutine, 60)

    return asyncio.run(bounded())
