"""Tests of observations as arrays."""

import numpy as np

from tasks.identity.columns import build_columns, near_frames
from tests.tasks.identity.films import basis, see


def test_frames_are_ranked_and_near_ones_found() -> None:
    seen = [
        see(10, "a", frame_hash=0),
        see(12, "a", frame_hash=0b1111),
        see(30, "a", frame_hash=0b11111 << 20),
        see(31, "a"),
        see(40, "a", frame_hash=0, scene="s2"),
        see(41, "a", frame_hash=0, scene="s3"),
    ]
    ranks, near = near_frames(seen, 4)
    assert ranks == {10: 0, 12: 1, 30: 2, 31: 3, 40: 4, 41: 5}
    assert near.tolist() == [True, False, False, False, False, False]


def test_a_hash_is_found_on_any_detection_of_the_frame() -> None:
    seen = [see(0, "a"), see(0, "b", frame_hash=7), see(1, "a", frame_hash=7)]
    assert near_frames(seen, 0)[1].tolist() == [True, False]


def test_hashes_may_be_signed() -> None:
    """A 64-bit hash that was stored in a signed column differs in the same bits."""
    seen = [see(0, "a", frame_hash=-1), see(1, "a", frame_hash=2**64 - 1)]
    assert near_frames(seen, 0)[1].tolist() == [True, False]


def test_weights_are_quality_in_steps_and_never_0_for_a_face() -> None:
    seen = [
        see(0, "a", face=basis(0), quality=0.5),
        see(0, "b", face=basis(0), quality=0.0),
        see(0, "c", face=basis(0), quality=9.0),
        see(0, "d", quality=1.0),
        see(0, "e", face=basis(0), quality=float("nan")),
    ]
    ranks, near = near_frames(seen, 4)
    assert build_columns(seen, ranks, near).face_weight.tolist() == [0.5, 1 / 64, 1.0, 0.0, 1 / 64]


def test_tags_are_codes_with_roots_of_scores() -> None:
    nan = float("nan")
    seen = [see(0, "a", tags=(("street", 0.25), ("car", 4.0))), see(1, "a"), see(2, "a", tags=(("car", nan),))]
    ranks, near = near_frames(seen, 4)
    found = build_columns(seen, ranks, near)
    assert found.tag.tolist() == [[1, 0], [-1, -1], [0, -1]]
    assert found.tag_weight.tolist() == [[0.5, 1.0], [0.0, 0.0], [0.0, 0.0]]
    assert found.take(np.array([2])).tag.tolist() == [[0, -1]]
    assert build_columns(seen[1:2], ranks, near).tag.shape == (1, 0)


def test_a_part_keeps_its_rows() -> None:
    seen = [see(0, "a", label="cup"), see(1, "a", label="car"), see(2, "a", label="cup", scene="s0")]
    ranks, near = near_frames(seen, 4)
    part = build_columns(seen, ranks, near).take(np.array([2, 0]))
    assert part.rank.tolist() == [2, 0]
    assert [part.label_names[code] for code in part.label] == ["cup", "cup"]
    assert part.scene.tolist() == [0, 1]
    assert part.size == 2
