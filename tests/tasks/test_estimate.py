"""Estimates against figures worked out by hand, and against what was measured."""

from dataclasses import replace
from pathlib import Path

import pytest

from schemas.config import BuildConfig, make_config
from schemas.errors import SourceError, WorkspaceError
from tasks.estimate import (
    ENOUGH,
    estimate_source,
    estimate_stories,
    estimate_workspace,
    measured_rates,
    rates_by_formula,
)
from tasks.runtime.ledger import Ledger
from tests.tasks.runtime.test_ledger import CALL

BLIND = make_config({"draft": {"pictures": 0}, "chat": {"model": "gpt-4o"}}, "test")


def test_the_formula() -> None:
    seeing = rates_by_formula(10.0, BuildConfig())
    blind = rates_by_formula(10.0, BLIND)
    # 683 x 384 pixels: OpenAI counts 2 tiles, 425; Qwen-VL 25 x 14 = 350.
    assert seeing["analysis"].input_tokens - blind["analysis"].input_tokens == 425 * 10
    assert blind["analysis"].output_tokens == 40 + 220 * 10
    assert blind["story"].output_tokens == 2 * 100 * 10
    assert blind["story"].seconds == 1 + 2000 / 40


def test_tokens_and_dollars_add_up(tmp_path: Path) -> None:
    found = estimate_stories([10, 10], BLIND, None)
    rates = rates_by_formula(10.0, BLIND)
    assert (found.stories, found.frames, found.requests) == (2, 20, 5)  # 4.6, rounded up
    given = 2 * 1.15 * (rates["analysis"].input_tokens + rates["story"].input_tokens)
    assert found.input_tokens == pytest.approx(given, abs=1)
    assert found.usd == pytest.approx((found.input_tokens * 2.5 + found.output_tokens * 10) / 1e6)
    batch = estimate_stories(
        [10, 10], make_config({"draft": {"pictures": 0}, "chat": {"model": "gpt-4o", "batch": True}}, "t"), None
    )
    assert batch.usd == pytest.approx((found.usd or 0) / 2)
    assert estimate_stories([], BLIND, None).requests == 0
    assert estimate_stories([5], make_config({"chat": {"model": "mine"}}, "t"), None).usd is None


def test_what_was_measured_comes_first(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    for number in range(2 * ENOUGH):
        call = replace(
            CALL, call=str(number), model="gpt-4o", item=f"s{number % ENOUGH}", input_tokens=100, output_tokens=50
        )
        ledger.record(replace(call, seconds=2.0 + 2 * (number % 2)))
    ledger.record(replace(CALL, call="x", model="another", input_tokens=10**6))
    found = estimate_stories([5, 5, 5], BLIND, tmp_path)
    rate = found.rates["story"]
    assert (rate.requests, rate.input_tokens, rate.output_tokens, rate.seconds, rate.calls) == (
        2.0,
        100.0,
        50.0,
        3.0,
        20,
    )
    assert found.rates["analysis"].calls == 0, "too few: by formula"
    assert found.spent.calls == 21
    assert measured_rates([CALL] * (ENOUGH - 1), "m") == {}


def test_a_workspace_s_stories_are_counted(workspace: Path) -> None:
    found = estimate_workspace(workspace, BLIND)
    assert found.counted == "sequenced"
    assert found.stories > 0
    assert 5 <= found.frames / found.stories <= 22


def test_frames_are_counted_where_there_is_no_build(films: Path) -> None:
    found = estimate_source(str(films), BLIND)
    assert found.counted == "from frames"
    assert found.stories == round(found.frames / 8)


def test_wrong_places(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        estimate_source(str(tmp_path / "none"), BLIND)
    with pytest.raises(WorkspaceError):
        estimate_workspace(tmp_path, BLIND)
