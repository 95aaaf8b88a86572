import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.leaks import Hashes, Leak, move_leaks, read_hashes, share_frames
from tests.tasks.report.films import Film, make_run

BITS = st.integers(-1, 8)
WORDS = st.lists(st.integers(0, 2**64 - 1), max_size=8)


def hashes(*values: int) -> Hashes:
    return np.array(values, dtype=np.uint64)


@given(WORDS, WORDS, BITS)
def test_frames_are_shared_when_few_bits_differ(one: list[int], other: list[int], bits: int) -> None:
    expected = any((a ^ b).bit_count() <= bits for a in one for b in other)
    assert share_frames(hashes(*one), hashes(*other), bits) == expected


def test_large_films_are_compared_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.leaks._BLOCK", 3)
    one, other = hashes(*(1 << 2 * n for n in range(16))), hashes(*(7 << 40 for _ in range(7)), 1 << 30)
    assert share_frames(one, other, 0)
    assert not share_frames(one[:15], other, 0)


def test_films_that_share_frames_come_to_lie_in_training() -> None:
    splits = {"a": "train", "b": "test", "c": "test", "d": "test"}
    found = {"a": hashes(0b0), "b": hashes(0b111, 0xFF << 40), "c": hashes(0b1), "d": hashes(0xFF << 50)}
    moved, leaks = move_leaks(splits, found, 1)
    # c is one bit from a; b is two bits from c and three from a, so that it stays.
    assert moved == {"a": "train", "b": "test", "c": "train", "d": "test"}
    assert leaks == (Leak("c", "a"),)
    moved, leaks = move_leaks(splits, found, 2)
    assert leaks == (Leak("c", "a"), Leak("b", "c"))
    assert [film for film, split in moved.items() if split == "test"] == ["d"]


def test_nothing_moves_when_duplicates_are_kept() -> None:
    splits = {"a": "train", "b": "test"}
    assert move_leaks(splits, {"a": hashes(5), "b": hashes(5)}, -1) == (splits, ())


def test_hashes_are_those_of_frames_in_stories(tmp_path_factory: pytest.TempPathFactory) -> None:
    run, refs, _ = make_run(tmp_path_factory.mktemp("run"), [Film(stories=2), Film(name="bare", stories=0)])
    found = read_hashes(run, refs)
    assert {film: values.tolist() for film, values in found.items()} == {"harbour": [1, 2, 3, 4, 5], "bare": []}
