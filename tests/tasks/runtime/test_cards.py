"""Which GPUs there are, and whose they are: with an NVIDIA tool that is told what to say."""

from pathlib import Path

import pytest

from tasks.runtime.cards import VISIBLE, card_of, describe_cards, visible_cards


@pytest.mark.parametrize(
    ("value", "cards"),
    [
        ("0", ("0",)),
        ("2,0", ("2", "0")),
        (" 1 , 3 ", ("1", "3")),
        ("GPU-a1,GPU-b2", ("GPU-a1", "GPU-b2")),
        ("MIG-77", ("MIG-77",)),
        ("", ()),
        ("-1", ()),
        ("0,-1,1", ("0",)),
        ("0,,1", ("0",)),
    ],
)
def test_what_the_variable_names(value: str, cards: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VISIBLE, value)
    assert visible_cards() == cards


@pytest.mark.parametrize(
    ("script", "cards"),
    [
        ("echo GPU-1111-aa; echo GPU-2222-bb", ("GPU-1111-aa", "GPU-2222-bb")),
        ("echo No devices were found", ()),
        ("echo failed; exit 9", ()),
        ('test "$1" = --query-gpu=uuid && echo GPU-asked-for-uuid', ("GPU-asked-for-uuid",)),
    ],
)
def test_what_the_tool_lists(
    script: str, cards: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.delenv(VISIBLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert visible_cards() == cards


def test_no_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VISIBLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert visible_cards() == ()


def test_workers_take_the_cards_in_turn() -> None:
    assert [card_of(worker, ("a", "b", "c")) for worker in range(5)] == ["a", "b", "c", "a", "b"]


@pytest.mark.parametrize(
    ("workers", "cards", "told"),
    [
        (2, 0, ""),
        (2, 2, ""),
        (1, 1, ""),
        (3, 2, "3 workers share 2 GPUs: what runs there is loaded once by each (--workers 2 for one each)"),
        (2, 1, "2 workers share one GPU: what runs there is loaded once by each (--workers 1 for one each)"),
        (2, 8, "2 of 8 GPUs are given to workers: --workers 8 takes all"),
    ],
)
def test_what_a_user_is_told(workers: int, cards: int, told: str) -> None:
    assert describe_cards(workers, [str(k) for k in range(cards)]) == told
