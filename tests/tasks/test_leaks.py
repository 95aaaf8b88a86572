from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.config import BuildConfig
from tasks.leaks import (
    FilmHashes,
    Hashes,
    Leak,
    Search,
    compare_hashes,
    find_leaks,
    move_leaks,
    nearest_hashes,
    read_hashes,
)
from tasks.runtime.stage import RunSpec
from tests.tasks.report.films import Film, make_run

BITS = st.integers(-1, 8)
WORDS = st.lists(st.integers(0, 2**64 - 1), max_size=8)


def hashes(*values: int) -> Hashes:
    return np.array(values, dtype=np.uint64)


def film(*values: int) -> FilmHashes:
    return FilmHashes(hashes(*values), tuple(f"f{value}" for value in values))


@given(WORDS, WORDS, BITS)
def test_frames_are_shared_when_few_bits_differ(one: list[int], other: list[int], bits: int) -> None:
    expected = any((a ^ b).bit_count() <= bits for a in one for b in other)
    found = nearest_hashes(hashes(*one), hashes(*other), bits)
    assert (found is not None) == expected
    if found is not None:
        assert (one[found[0]] ^ other[found[1]]).bit_count() == found[2] <= bits


def test_large_films_are_compared_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.leaks._BLOCK", 3)
    one, other = hashes(*(1 << 2 * n for n in range(16))), hashes(*(7 << 40 for _ in range(7)), 1 << 30)
    assert nearest_hashes(one, other, 0) == (15, 7, 0)
    assert nearest_hashes(one[:15], other, 0) is None


def by_hash(found: dict[str, FilmHashes], bits: int) -> Search:
    return lambda film, other: compare_hashes(film, other, found, bits)


def test_films_that_share_frames_come_to_lie_in_training() -> None:
    splits = {"a": "train", "b": "test", "c": "test", "d": "test"}
    found = {"a": film(0b0), "b": film(0b111, 0xFF << 40), "c": film(0b1), "d": film(0xFF << 50)}
    moved, leaks = move_leaks(splits, by_hash(found, 1))
    # c is one bit from a; b is two bits from c and three from a, so that it stays.
    assert moved == {"a": "train", "b": "test", "c": "train", "d": "test"}
    assert leaks == (Leak("c", "a", "f1", "f0", "hash", 1),)
    moved, leaks = move_leaks(splits, by_hash(found, 2))
    assert leaks == (Leak("c", "a", "f1", "f0", "hash", 1), Leak("b", "c", "f7", "f1", "hash", 2))
    assert [name for name, split in moved.items() if split == "test"] == ["d"]


def test_nothing_moves_when_duplicates_are_kept() -> None:
    splits = {"a": "train", "b": "test"}
    assert move_leaks(splits, by_hash({"a": film(5), "b": film(5)}, -1)) == (splits, ())


SIDES = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(("train", "test")), min_size=1)
PAIRS = st.sets(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")))


@given(SIDES, PAIRS)
def test_no_two_films_that_share_frames_are_ever_divided(sides: dict[str, str], pairs: set[tuple[str, str]]) -> None:
    def search(one: str, other: str) -> Leak | None:
        shared = (one, other) in pairs or (other, one) in pairs
        return Leak(one, other, "f", "g", "look", 0.95) if shared else None

    moved, leaks = move_leaks(sides, search)
    assert {name for name in moved if moved[name] != sides[name]} == {leak.film for leak in leaks}
    assert all(moved[name] == "train" for name, side in sides.items() if side == "train")
    assert not any(one in moved and two in moved and moved[one] != moved[two] for one, two in pairs)


@given(SIDES, SIDES, PAIRS)
def test_films_that_come_along_move_others_only_by_what_they_share(
    sides: dict[str, str], more: dict[str, str], pairs: set[tuple[str, str]]
) -> None:
    def search(one: str, other: str) -> Leak | None:
        shared = (one, other) in pairs or (other, one) in pairs
        return Leak(one, other, "f", "g", "look", 0.95) if shared else None

    before, _ = move_leaks(sides, search)
    after, leaks = move_leaks({**more, **sides}, search)
    because = {leak.film for leak in leaks}
    assert all(after[name] == before[name] or name in because for name in sides)


def test_hashes_are_those_of_frames_in_stories(tmp_path_factory: pytest.TempPathFactory) -> None:
    run, refs, _ = make_run(tmp_path_factory.mktemp("run"), [Film(stories=2), Film(name="bare", stories=0)])
    found = read_hashes(run, refs)
    assert {name: own.hashes.tolist() for name, own in found.items()} == {"harbour": [1, 2, 3, 4, 5], "bare": []}
    assert found["harbour"].frame_ids == tuple(f"f_scene_0001_{n:04d}" for n in range(1, 6))


def test_the_same_picture_mirrored_is_found_by_its_look(tmp_path: Path) -> None:
    """Hashes differ in every film here; the looks of the first two are near one another, that of the third is not."""
    films = [
        Film("a", hash_from=0, look=(1, 0, 0)),
        Film("b", hash_from=0xFFFF << 44, look=(1, 0.3, 0)),
        Film("c", hash_from=0xFFFF << 20, look=(0, 1, 0)),
    ]
    run, refs, _ = make_run(tmp_path, films)
    sides = {"a": "train", "b": "test", "c": "test"}
    # The cosine of (1, 0) and (1, 0.3) is 1 / sqrt(1.09).
    moved, leaks = find_leaks(with_cosine(run, 0.95), refs, sides)
    assert moved == {"a": "train", "b": "train", "c": "test"}
    assert [(leak.film, leak.other, leak.by, leak.value) for leak in leaks] == [("b", "a", "look", 0.958)]
    assert find_leaks(with_cosine(run, 0.96), refs, sides) == (sides, ())
    assert find_leaks(with_cosine(run, 1.5), refs, sides) == (sides, ())


def with_cosine(run: RunSpec, cosine: float) -> RunSpec:
    config = BuildConfig.model_validate({"export": {"leak_cosine": cosine}})
    return RunSpec(run.workspace, run.source, config)
