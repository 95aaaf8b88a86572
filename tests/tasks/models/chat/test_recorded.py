"""A model that answers from a ledger: the same answers, the same failures, and nobody is asked."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from schemas.chat import ContextOverflow, RequestRefused
from schemas.chat_call import Call, Outcome, request_key
from schemas.errors import SampleError, ShardError
from tasks.models.chat.recorded import RecordedChat
from tasks.runtime.ledger import Ledger
from tests.chat_requests import request
from tests.tasks.runtime.test_ledger import CALL


def ask(failed: Call | None, folder: Path, number: int = 0) -> str:
    """The text of the answer to a request, where the ledger holds ``CALL`` and ``failed`` is known."""
    ledger = Ledger(folder)
    ledger.record(CALL)
    chat = RecordedChat("m", ledger, lambda: {failed.request_key: failed} if failed else {})
    return asyncio.run(chat.ask(request(number))).text


def test_an_answer_is_given_again_and_costs_nothing_new(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.record(CALL)
    reply = asyncio.run(RecordedChat("m", ledger, lambda: 1 / 0).ask(request()))  # type: ignore[arg-type, return-value]
    assert (reply.text, reply.input_tokens, reply.cost_usd, reply.cached) == (CALL.text, 10, 0.25, True)


@pytest.mark.parametrize(
    ("outcome", "error", "told"),
    [
        ("overflow", ContextOverflow, "too long"),
        ("refused", RequestRefused, "too long"),
        ("garbled", SampleError, "story of s1: no whole answer in 3 attempts: too long"),
    ],
)
def test_what_failed_fails_again_in_the_same_words(
    tmp_path: Path, outcome: Outcome, error: type[SampleError], told: str
) -> None:
    failed = replace(
        CALL, request_key=request_key("m", request(1)), item="s1", outcome=outcome, attempt=3, text="too long"
    )
    with pytest.raises(SampleError) as caught:
        ask(failed, tmp_path, 1)
    assert (type(caught.value), str(caught.value)) == (error, told)


def test_what_was_never_asked_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ShardError, match=r"^the ledger holds no story of .* by m: .* nobody is asked here") as caught:
        ask(None, tmp_path, 5)
    assert "\n" not in str(caught.value)
