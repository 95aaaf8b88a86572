"""The Batch API: gathered, handed in, fetched; over restarts; only what failed again; at its price."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from schemas.chat import ChatReply, ChatRequest, RequestRefused
from schemas.errors import ConfigError, SampleError, ShardError
from tasks.models.chat import batch_wire
from tasks.models.chat.batch import BatchChat
from tasks.models.chat.prices import Price
from tests.chat_requests import GOOD, MemoryLedger, MemoryStore, config, request, run
from tests.chat_stand_in import ChatServer, Fault, Says, running_chat

PRICES = {"stand-in": Price(1.0, 2.0, batch_factor=0.5)}


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_wire, "_PAUSE_S", 0.01)


def settings(server: ChatServer, **changes: Any) -> Any:
    values = {"batch": True, "batch_linger_s": 0.15, "batch_poll_s": 0.05, "structured": "json_schema"}
    return config(server.url, **{**values, **changes})


def ask(
    chat_settings: Any, folder: Path, ledger: MemoryLedger, *requests: ChatRequest, leave_s: float = 0
) -> list[Any]:
    """Answers or errors; or what is left behind after so many seconds."""

    async def through() -> list[Any]:
        chat = BatchChat(chat_settings, ledger, MemoryStore(), PRICES, folder)
        asking = asyncio.gather(*map(chat.ask, requests), return_exceptions=True)
        try:
            return list(await (asyncio.wait_for(asking, leave_s) if leave_s else asking))
        except TimeoutError:
            return []
        finally:
            await chat.close()

    return run(through())


def test_requests_gather_and_go_at_the_price_of_batches(tmp_path: Path) -> None:
    ledger = MemoryLedger()
    with running_chat(ChatServer(answer=lambda _: Says(GOOD, input_tokens=100, output_tokens=50))) as server:
        found = ask(settings(server), tmp_path, ledger, *map(request, range(20)))
        again = ask(settings(server), tmp_path, ledger, request(3))
    assert len(server.batches) == 1
    assert all(isinstance(one, ChatReply) and one.value == {"title": "Rain"} for one in found)
    assert found[0].cost_usd == pytest.approx(0.0001)
    assert again[0].cached
    assert all(asked.batched for asked in server.asked)
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_a_batch_is_cut_where_it_is_full(tmp_path: Path) -> None:
    with running_chat(ChatServer(answer=lambda _: GOOD)) as server:
        ask(settings(server, batch_requests=8), tmp_path, MemoryLedger(), *map(request, range(20)))
    sizes = [batch["request_counts"]["total"] for batch in server.batches.values()]
    assert sum(sizes) == 20
    assert max(sizes) == 8


def test_those_who_ask_again_go_with_the_next_batch(tmp_path: Path) -> None:
    async def through() -> list[Any]:
        chat = BatchChat(settings(server), MemoryLedger(), MemoryStore(), PRICES, tmp_path)

        async def two_rounds(number: int) -> ChatReply:
            await chat.ask(request(number))
            return await chat.ask(request(1000 + number))

        found = await asyncio.gather(*map(two_rounds, range(10)))
        await chat.close()
        return found

    with running_chat(ChatServer(answer=lambda _: GOOD)) as server:
        run(through())
    assert [batch["request_counts"]["total"] for batch in server.batches.values()] == [10, 10]


def test_only_what_failed_is_handed_in_again(tmp_path: Path) -> None:
    failed: set[str] = set()

    def answer(asked: Any) -> str | Fault:
        if asked.text in ("story 1", "story 2") and asked.text not in failed:
            failed.add(asked.text)
            return Fault("error")
        return Fault("policy") if asked.text == "story 3" else GOOD

    ledger = MemoryLedger()
    with running_chat(ChatServer(answer=answer)) as server:
        found = ask(settings(server), tmp_path, ledger, *map(request, range(6)))
    assert [batch["request_counts"]["total"] for batch in server.batches.values()] == [6, 2]
    assert isinstance(found[3], RequestRefused)
    assert all(isinstance(found[n], ChatReply) for n in (0, 1, 2, 4, 5))
    assert max(server.accepted.values()) == 1


def test_a_batch_that_expired_is_fetched_as_far_as_it_came(tmp_path: Path) -> None:
    with running_chat(ChatServer(answer=lambda _: GOOD, batch_status="expired")) as server:
        found = ask(settings(server), tmp_path, MemoryLedger(), request())
    assert isinstance(found[0], ChatReply)


def test_a_new_process_waits_for_the_batch_of_the_old_one(tmp_path: Path) -> None:
    ledger = MemoryLedger()
    with running_chat(ChatServer(answer=lambda _: GOOD, batch_polls=10_000)) as server:
        assert ask(settings(server), tmp_path, ledger, *map(request, range(5)), leave_s=0.6) == []
        assert len(server.batches) == 1
        server.batch_polls = 1
        found = ask(settings(server), tmp_path, ledger, *map(request, range(6)))
    assert all(isinstance(one, ChatReply) for one in found)
    assert [batch["request_counts"]["total"] for batch in server.batches.values()] == [5, 1]
    assert max(server.accepted.values()) == 1, "nothing is paid twice"


def test_a_process_that_died_before_it_knew_the_batch_s_id_finds_it(tmp_path: Path) -> None:
    ledger = MemoryLedger()
    with running_chat(ChatServer(answer=lambda _: GOOD, batch_polls=10_000)) as server:
        ask(settings(server), tmp_path, ledger, *map(request, range(3)), leave_s=0.6)
        (note,) = tmp_path.glob("*.note.json")
        value = json.loads(note.read_text())
        assert value["batch"] == "batch-0"
        note.write_text(json.dumps({**value, "batch": ""}))
        server.batch_polls = 1
        found = ask(settings(server), tmp_path, ledger, *map(request, range(3)))
    assert all(isinstance(one, ChatReply) for one in found)
    assert len(server.batches) == 1


def test_a_batch_that_was_never_created_is_handed_in(tmp_path: Path) -> None:
    ledger = MemoryLedger()
    with running_chat(ChatServer(answer=lambda _: GOOD, batch_polls=10_000)) as server:
        ask(settings(server), tmp_path, ledger, request(), leave_s=0.6)
        server.batches.clear()
        (note,) = tmp_path.glob("*.note.json")
        note.write_text(json.dumps({**json.loads(note.read_text()), "batch": ""}))
        server.batch_polls = 1
        found = ask(settings(server), tmp_path, ledger, request())
    assert isinstance(found[0], ChatReply)


def test_a_batch_that_is_refused_says_why(tmp_path: Path) -> None:
    with running_chat(ChatServer(batch_status="failed")) as server:
        (error,) = ask(settings(server), tmp_path, MemoryLedger(), request())
    assert isinstance(error, ShardError)
    assert "bad line" in str(error)


def test_a_request_that_never_comes_through_is_one_sample(tmp_path: Path) -> None:
    def answer(asked: Any) -> str | Fault:
        return Fault("error") if asked.text == "story 0" else GOOD

    with running_chat(ChatServer(answer=answer)) as server:
        found = ask(settings(server, request_retries=1), tmp_path, MemoryLedger(), request(0), request(1))
    assert type(found[0]) is SampleError
    assert isinstance(found[1], ChatReply)


def test_one_endpoint_is_needed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="needs one endpoint"):
        BatchChat(config("http://a/v1", "http://b/v1"), MemoryLedger(), MemoryStore(), PRICES, tmp_path)


def test_a_wrong_key(tmp_path: Path) -> None:
    with running_chat(ChatServer(keys=frozenset({"right"}))) as server:
        (error,) = ask(settings(server), tmp_path, MemoryLedger(), request())
    assert isinstance(error, ConfigError)
    assert list(tmp_path.iterdir()) == []
