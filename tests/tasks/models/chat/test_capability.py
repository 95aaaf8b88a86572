"""What a server can do, found out and remembered."""

import asyncio
from typing import Any

import pytest

from schemas.chat import ChatReply
from tasks.models.chat.capability import dialect_from_json, dialect_to_json
from tasks.models.chat.pool import ChatPool
from tasks.models.chat.wire import Dialect
from tests.chat_requests import GOOD, MemoryLedger, MemoryStore, config, request, run
from tests.chat_stand_in import ChatServer, Fault, Way, running_chat


def ask(settings: Any, store: MemoryStore, *numbers: int) -> tuple[Dialect | None, list[ChatReply]]:
    async def through() -> tuple[Dialect | None, list[ChatReply]]:
        pool = ChatPool(settings, MemoryLedger(), store, {})
        replies = await asyncio.gather(*(pool.ask(request(n)) for n in numbers))
        await pool.close()
        return pool.seats[0].dialect, replies

    return run(through())


@pytest.mark.parametrize(
    ("supports", "ignores", "way", "probes"),
    [
        ({"json_schema", "guided", "json_object"}, set(), "json_schema", 1),
        ({"guided", "json_object"}, set(), "guided", 2),
        ({"json_object"}, set(), "json_object", 4),
        ({"json_object"}, {"json_schema", "guided"}, "json_object", 4),
        (set(), {"json_schema", "guided", "json_object"}, "none", 4),
        (set(), set(), "none", 4),
    ],
)
def test_the_best_way_that_holds_is_taken(supports: set[Way], ignores: set[Way], way: str, probes: int) -> None:
    server = ChatServer(answer=lambda _: f"Here: {GOOD}", supports=frozenset(supports), ignores=frozenset(ignores))
    store = MemoryStore()
    with running_chat(server):
        dialect, replies = ask(config(server.url), store, *range(5))
        refused = 4 - len(supports | ignores) if way != "json_schema" else 0
        found = server.probes
        again, _ = ask(config(server.url), store, 9)
    assert dialect is not None
    assert dialect.way == way
    assert found <= probes
    assert found + refused >= 1
    assert all(reply.value == {"title": "Rain"} for reply in replies), "the same result, whatever the way"
    assert (again, server.probes) == (dialect, found), "it is remembered"


def test_a_way_that_is_set_is_not_questioned() -> None:
    with running_chat(ChatServer(answer=lambda _: GOOD, supports=frozenset())) as server:
        dialect, _ = ask(config(server.url, structured="none"), MemoryStore(), 0)
    assert server.probes == 0
    assert dialect == Dialect("none")


def test_a_server_that_has_changed_is_asked_anew() -> None:
    store = MemoryStore()
    with running_chat(ChatServer(answer=lambda _: GOOD)) as server:
        before, _ = ask(config(server.url), store, 0)
        server.supports = frozenset({"json_object"})
        after, replies = ask(config(server.url), store, 1)
    assert before is not None
    assert after is not None
    assert (before.way, after.way) == ("json_schema", "json_object")
    assert replies[0].value == {"title": "Rain"}


def test_parameters_that_a_model_refuses_are_left_out_and_that_is_remembered() -> None:
    def answer(asked: Any) -> str | Fault:
        if "max_tokens" in asked.body:
            told = "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
            return Fault("status", status=400, message=told)
        if "temperature" in asked.body:
            return Fault("status", status=400, message="'temperature' does not support 0.7 with this model.")
        return GOOD

    store = MemoryStore()
    with running_chat(ChatServer(answer=answer)) as server:
        dialect, _ = ask(config(server.url), store, 0)
        asked = len(server.asked)
        again, _ = ask(config(server.url), store, 1)
    assert dialect == again == Dialect("json_schema", limit_field="max_completion_tokens", dropped=("temperature",))
    assert (asked, len(server.asked)) == (3, 4)


def test_what_is_remembered_survives_and_what_is_damaged_does_not() -> None:
    dialect = Dialect("guided", "guided_json", "max_completion_tokens", ("seed", "top_p"))
    assert dialect_from_json(dialect_to_json(dialect)) == dialect
    for value in (None, {}, {"version": 0}, {**dialect_to_json(dialect), "more": 1}, {"version": 1}):
        assert dialect_from_json(value) is None
