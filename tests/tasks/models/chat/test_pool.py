"""The pool against a server that fails in every way that real ones do."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from schemas.chat import ChatReply, ChatRequest, ContextOverflow, RequestRefused
from schemas.errors import BudgetExceeded, ConfigError, SampleError, ShardError
from tasks.models.chat import pool as pool_module
from tasks.models.chat.pool import ChatPool
from tasks.models.chat.prices import Price
from tests.chat_requests import GOOD, MemoryLedger, MemoryStore, config, request, run
from tests.chat_stand_in import FAULTS, ChatServer, Fault, FaultKind, Says, running_chat

PRICES = {"stand-in": Price(1.0, 2.0)}
NOWHERE = "http://127.0.0.1:9/v1"


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "BACKOFF_S", 0.01)


def ask(
    settings: Any, *requests: ChatRequest, ledger: MemoryLedger | None = None, store: MemoryStore | None = None
) -> list[ChatReply | Exception]:
    """Answers or errors of requests asked at once, of a pool of their own."""

    async def all_of_them() -> list[Any]:
        pool = ChatPool(settings, ledger or MemoryLedger(), store or MemoryStore(), PRICES)
        try:
            return await asyncio.gather(*map(pool.ask, requests), return_exceptions=True)
        finally:
            await pool.close()

    found = run(all_of_them())
    for one in found:
        assert isinstance(one, ChatReply | Exception)
    return found


def only(found: list[ChatReply | Exception]) -> ChatReply:
    (reply,) = found
    if isinstance(reply, Exception):
        raise reply
    return reply


def test_an_answer() -> None:
    ledger = MemoryLedger()
    with running_chat(ChatServer(answer=lambda _: Says(GOOD, input_tokens=100, output_tokens=50))) as server:
        reply = only(ask(config(server.url), request(), ledger=ledger))
    assert (reply.text, reply.value, reply.finish) == (GOOD, {"title": "Rain"}, "stop")
    assert (reply.input_tokens, reply.output_tokens, reply.cached) == (100, 50, False)
    assert reply.cost_usd == pytest.approx(0.0002)
    assert reply.endpoint == server.url.removeprefix("http://")
    (call,) = [call for call in ledger.calls if call.purpose == "story"]
    assert (call.outcome, call.finish, call.attempt, call.way, call.item) == (
        "answered",
        "stop",
        1,
        "json_schema",
        "s0",
    )
    assert call.cost_usd == pytest.approx(0.0002)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kind", ["rate_limit", "error", "reset", "cut", "empty", "malformed"])
def test_what_passes_is_tried_again(kind: FaultKind, stream: bool) -> None:
    ledger = MemoryLedger()
    with running_chat(ChatServer(answer=lambda _: GOOD, scripted=[Fault(kind), Fault(kind)])) as server:
        reply = only(ask(config(server.url, stream=stream), request(), ledger=ledger))
    assert reply.value == {"title": "Rain"}
    outcome = {"rate_limit": "rate_limited", "error": "unavailable", "reset": "unavailable"}.get(kind, "garbled")
    assert ledger.outcomes() == [outcome, outcome, "answered"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_server_that_hangs_is_given_up_after_its_time(stream: bool) -> None:
    ledger = MemoryLedger()
    with running_chat(ChatServer(answer=lambda _: GOOD, scripted=[Fault("hang")])) as server:
        only(ask(config(server.url, timeout_s=0.6, stream=stream), request(), ledger=ledger))
    assert ledger.outcomes() == ["timed_out", "answered"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("kind", "finish"), [("truncated", "length"), ("refusal", "refusal"), ("filter", "filter")])
def test_how_an_answer_ended_is_told(kind: FaultKind, finish: str, stream: bool) -> None:
    with running_chat(ChatServer(answer=lambda _: GOOD, scripted=[Fault(kind)])) as server:
        reply = only(ask(config(server.url, stream=stream), request()))
    assert reply.finish == finish
    assert reply.value is None


@pytest.mark.parametrize("kind", ["policy", "image"])
def test_a_request_that_is_refused_does_not_stop_the_others(kind: FaultKind) -> None:
    def answer(asked: Any) -> str | Fault:
        return Fault(kind) if asked.text == "story 1" else GOOD

    with running_chat(ChatServer(answer=answer)) as server:
        found = ask(config(server.url), request(0), request(1), request(2))
    assert isinstance(found[1], RequestRefused)
    assert all(isinstance(found[n], ChatReply) for n in (0, 2))
    assert len(server.asked) == 3, "it is not asked again"


def test_an_overflow() -> None:
    with (
        running_chat(ChatServer(scripted=[Fault("overflow", wording="vllm")])) as server,
        pytest.raises(ContextOverflow),
    ):
        only(ask(config(server.url), request()))


def test_no_endpoint_is_set_up() -> None:
    with pytest.raises(ConfigError, match=r"name endpoints and model in \[chat\]"):
        ChatPool(config(), MemoryLedger(), MemoryStore(), PRICES)


def test_nobody_listens() -> None:
    found = ask(config(NOWHERE, rest_s=0.05), *map(request, range(30)))
    assert {type(one) for one in found} == {ConfigError}
    assert "nobody listens at 127.0.0.1:9/v1" in str(found[0])


def test_a_wrong_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN_KEY", "the-wrong-secret")
    with running_chat(ChatServer(keys=frozenset({"right"}))) as server:
        (error,) = ask(config(server.url, api_key_env="STAND_IN_KEY"), request())
        assert isinstance(error, ConfigError)
        assert "check the key in STAND_IN_KEY" in str(error)
        assert "secret" not in str(error)
        monkeypatch.setenv("STAND_IN_KEY", "right")
        assert isinstance(only(ask(config(server.url, api_key_env="STAND_IN_KEY"), request())), ChatReply)


def test_an_unknown_model_names_those_there_are() -> None:
    with running_chat(ChatServer(models=frozenset({"qwen", "llama"}))) as server:
        (error,) = ask(config(server.url), request())
    assert isinstance(error, ConfigError)
    assert "no model 'stand-in'" in str(error)
    assert "llama, qwen" in str(error)


def test_identical_requests_are_sent_once_and_then_answered_from_the_ledger() -> None:
    ledger = MemoryLedger()
    with running_chat(ChatServer(answer=lambda _: GOOD, latency_s=0.05)) as server:
        first = ask(config(server.url), request(), request(), request(1), ledger=ledger)
        again = only(ask(config(server.url), request(), ledger=ledger))
    assert len(server.asked) == 2
    assert isinstance(first[0], ChatReply)
    assert first[0] == first[1]
    assert (again.cached, again.value) == (True, {"title": "Rain"})
    assert first[0] == replace(again, cached=False, endpoint=first[0].endpoint, seconds=first[0].seconds), "as it came"


def test_a_request_that_never_comes_through_is_one_sample() -> None:
    def answer(asked: Any) -> str | Fault:
        return Fault("cut") if asked.text == "story 0" else GOOD

    with running_chat(ChatServer(answer=lambda a: GOOD if a.text != "story 0" else Says("{", finish=None))) as server:
        found = ask(config(server.url, request_retries=2), request(0), request(1))
    assert type(found[0]) is SampleError
    assert "story of s0: no whole answer in 3 attempts" in str(found[0])
    assert isinstance(found[1], ChatReply)


def test_many_faults() -> None:
    server = ChatServer(answer=lambda _: GOOD, slots=8, latency_s=0.01, fault_share=0.3, faults=FAULTS, seed=5)
    with running_chat(server):
        found = ask(config(server.url, request_retries=8), *map(request, range(120)))
    replies = [one for one in found if isinstance(one, ChatReply)]
    assert len(replies) == 120
    assert max(server.accepted.values()) == 1, "no answer was asked for again"
    halves = [one for one in replies if one.value is None]
    assert {one.finish for one in halves} <= {"length", "stop"}, "truncated and broken ones are for the caller to judge"
    assert 0 < len(halves) < 30


def test_a_dying_endpoint_s_requests_go_to_the_other() -> None:
    with (
        running_chat(ChatServer(answer=lambda _: GOOD, latency_s=0.02)) as well,
        running_chat(ChatServer(answer=lambda _: GOOD, latency_s=0.02)) as dying,
    ):

        async def both() -> list[Any]:
            pool = ChatPool(config(well.url, dying.url, max_concurrency=4), MemoryLedger(), MemoryStore(), PRICES)
            first = await asyncio.gather(*(pool.ask(request(n)) for n in range(40)))
            shared = len(dying.asked)
            dying.dead = True
            second = await asyncio.gather(*(pool.ask(request(n)) for n in range(40, 120)))
            await pool.close()
            return [*first, *second, shared]

        *replies, shared = run(both())
    assert len(replies) == 120
    assert 10 <= shared <= 30, "the load was shared"
    assert len(well.asked) + len(dying.asked) >= 120


def test_when_all_are_dead_it_says_so_and_what_was_answered_is_kept() -> None:
    ledger = MemoryLedger()
    with running_chat(ChatServer(answer=lambda _: GOOD)) as server:

        async def through() -> tuple[Any, list[Any]]:
            pool = ChatPool(config(server.url, request_retries=2, rest_s=0.02), ledger, MemoryStore(), PRICES)
            first = await pool.ask(request(0))
            server.dead = True
            rest = await asyncio.gather(*(pool.ask(request(n)) for n in range(1, 20)), return_exceptions=True)
            await pool.close()
            return first, rest

        _, rest = run(through())
    assert {type(one) for one in rest} == {ShardError}
    assert "no endpoint answers any more" in str(rest[0])
    assert "what was answered is kept" in str(rest[0])
    assert ledger.outcomes().count("answered") == 1


def test_concurrency_is_bounded_by_the_configuration() -> None:
    with running_chat(ChatServer(answer=lambda _: GOOD, latency_s=0.02)) as server:
        ask(config(server.url, max_concurrency=3), *map(request, range(30)))
    assert server.peak == 3


def test_rate_limits_are_obeyed_and_everything_comes_through() -> None:
    server = ChatServer(answer=lambda _: GOOD, latency_s=0.02, slots=4, busy="refuse", retry_after="0.05")
    with running_chat(server):
        found = ask(config(server.url), *map(request, range(60)))
    assert all(isinstance(one, ChatReply) for one in found)
    assert server.peak == 4


def test_a_retry_after_without_measure_is_capped() -> None:
    server = ChatServer(answer=lambda _: GOOD, scripted=[Fault("rate_limit", retry_after="3600")])
    with running_chat(server):
        only(ask(config(server.url, retry_after_cap_s=0.1), request()))


@pytest.mark.parametrize(
    ("limit", "answered"),
    [({"max_tokens": 1000}, range(1, 8)), ({"max_usd": 0.0011}, range(1, 8)), ({"max_tokens": 0}, [0])],
)
def test_a_limit_is_never_passed(limit: dict[str, float], answered: range | list[int]) -> None:
    ledger = MemoryLedger()
    with running_chat(ChatServer(answer=lambda _: Says(GOOD, input_tokens=60, output_tokens=80))) as server:
        found = ask(config(server.url, structured="json_schema", **limit), *map(request, range(30)), ledger=ledger)
    kinds = [type(one) for one in found]
    assert set(kinds) <= {ChatReply, BudgetExceeded}
    assert kinds.count(ChatReply) in answered
    spent = ledger.spent()
    assert spent.tokens <= limit.get("max_tokens", 10**9)
    assert spent.usd <= limit.get("max_usd", 10**9)
    assert "run again with a higher --max-" in str(next(one for one in found if isinstance(one, BudgetExceeded)))


def test_money_cannot_be_limited_without_a_price() -> None:
    with pytest.raises(ConfigError, match="no price of 'stand-in' is known"):
        ChatPool(config(NOWHERE, max_usd=1.0), MemoryLedger(), MemoryStore(), {})


def test_whoever_stops_waiting_does_not_lose_what_is_paid() -> None:
    ledger = MemoryLedger()

    async def leave() -> None:
        pool = ChatPool(config(server.url, structured="none"), ledger, MemoryStore(), PRICES)
        asking = asyncio.create_task(pool.ask(request()))
        while not server.asked:
            await asyncio.sleep(0.01)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await pool.close()

    with running_chat(ChatServer(answer=lambda _: GOOD, latency_s=0.2)) as server:
        run(leave())
    assert ledger.outcomes() == ["answered"]
