"""``select``: which frames add nothing, and what they are said to repeat."""

import random
from itertools import groupby
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.config import SelectConfig
from tasks.runtime.stage import Kept, Rejected, Row
from tasks.select import select_shard

PARAMS = SelectConfig(duplicate_bits=4, duplicate_window=2, black_luma=0.06, flat_contrast=0.015)


def frame(name: str, phash: int = 0, scene: str = "1", luma: float = 0.5, contrast: float = 0.2) -> Row:
    """What ``select`` reads of a frame."""
    return {"frame_id": name, "scene": scene, "phash": phash, "luma": luma, "contrast": contrast}


def told(frames: list[Row], params: SelectConfig = PARAMS) -> list[str]:
    """``kept`` or the reason, frame by frame."""
    found = []
    for row, outcome in zip(frames, select_shard(iter(frames), params), strict=True):
        if isinstance(outcome, Kept):
            assert outcome.row == {"frame_id": row["frame_id"], "scene": row["scene"]}
            found.append("kept")
        else:
            assert outcome.item == row["frame_id"]
            found.append(outcome.reason)
    return found


def test_black_and_flat_frames_are_left_out() -> None:
    frames = [frame("a", luma=0.059), frame("b", luma=0.06), frame("c", 255, contrast=0.014), frame("d", 255)]
    assert told(frames) == ["black", "kept", "flat", "kept"]


def test_a_near_duplicate_says_of_which() -> None:
    frames = [frame("a", 0), frame("b", 0b11111), frame("c", 0b1111)]
    *_, last = select_shard(frames, PARAMS)
    assert isinstance(last, Rejected)
    assert (last.reason, last.detail) == ("near-duplicate", "1 of 64 hash bits from b")


def test_the_bound_is_included() -> None:
    assert told([frame("a", 0), frame("b", 0b1111)]) == ["kept", "near-duplicate"]
    assert told([frame("a", 0), frame("b", 0b11111)]) == ["kept", "kept"]


def test_all_64_bits_count() -> None:
    assert told([frame("a", 0), frame("b", 0xF8 << 56)]) == ["kept", "kept"]


def test_another_scene_is_no_duplicate() -> None:
    assert told([frame("a", scene="1"), frame("b", scene="2"), frame("c", scene="2")]) == [
        "kept",
        "kept",
        "near-duplicate",
    ]


def test_only_kept_frames_within_the_window_are_compared() -> None:
    far = [0, 0xFF, 0xFF00, 0xFF0000]
    frames = [frame(str(n), h) for n, h in enumerate([far[0], far[1], far[2], far[0]])]
    assert told(frames) == ["kept"] * 4, "the first is two kept frames too far back"
    frames = [frame(str(n), h) for n, h in enumerate([far[0], far[1], far[1], far[1], far[0]])]
    assert told(frames) == ["kept", "kept", "near-duplicate", "near-duplicate", "near-duplicate"]


def test_a_slow_change_is_not_a_duplicate_of_what_was_left_out() -> None:
    # Each differs from the one before by 3 bits: the third is 6 bits from the first, which alone was kept.
    frames = [frame(str(n), (1 << 3 * n) - 1) for n in range(5)]
    assert told(frames) == ["kept", "near-duplicate", "kept", "near-duplicate", "kept"]


def test_minus_one_keeps_repeated_frames() -> None:
    assert told([frame("a"), frame("b")], SelectConfig(duplicate_bits=-1)) == ["kept", "kept"]
    assert told([frame("a"), frame("b")], SelectConfig(duplicate_bits=0)) == ["kept", "near-duplicate"]


FRAMES = st.lists(
    st.tuples(st.sampled_from([0, 1, 7, 2**63, 2**64 - 1, 2**32]), st.integers(0, 3), st.sampled_from([0.01, 0.5])),
    max_size=30,
)


def reference(frames: list[Row], params: SelectConfig) -> list[str]:
    """The same, scene by scene, with a list of all that was kept."""
    found = []
    for _, group in groupby(frames, key=lambda row: row["scene"]):
        kept: list[int] = []
        for row in group:
            if row["luma"] < params.black_luma:
                found.append("black")
            elif any(
                bin(row["phash"] ^ h).count("1") <= params.duplicate_bits for h in kept[-params.duplicate_window :]
            ):
                found.append("near-duplicate")
            else:
                kept.append(row["phash"])
                found.append("kept")
    return found


@given(FRAMES, st.integers(-1, 64), st.integers(1, 5))
def test_agrees_with_a_plain_way(values: list[tuple[int, int, float]], bits: int, window: int) -> None:
    rows = [frame(str(n), h, scene=str(s), luma=light) for n, (h, s, light) in enumerate(values)]
    rows.sort(key=lambda row: str(row["scene"]))
    params = SelectConfig(duplicate_bits=bits, duplicate_window=window)
    assert told(rows, params) == reference(rows, params)


@pytest.mark.parametrize("seed", range(3))
def test_every_frame_has_one_outcome_in_order(seed: int) -> None:
    rng = random.Random(seed)
    values: list[dict[str, Any]] = [
        {"phash": rng.getrandbits(64) if rng.random() < 0.5 else 0, "luma": rng.random() / 5} for _ in range(200)
    ]
    rows = [frame(str(n), **value) for n, value in enumerate(values)]
    names = [o.row["frame_id"] if isinstance(o, Kept) else o.item for o in select_shard(rows, PARAMS)]
    assert names == [row["frame_id"] for row in rows]
