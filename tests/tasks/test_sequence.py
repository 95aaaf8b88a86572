"""``sequence``: which frames make a story; the cutting is held against trying every way."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.config import SequenceConfig
from tasks.runtime.stage import Kept, Outcome, Rejected, Row
from tasks.sequence import Piece, cut_pieces, group_pieces, sequence_shard, story_key

SMALL = SequenceConfig(min_frames=2, max_frames=5, target_frames=3)


def piece(number: int, length: int, has_person: bool = True) -> Piece:
    """A scene of some frames."""
    return Piece(f"{number:04d}", tuple(f"{number}-{k}" for k in range(length)), has_person)


def ways_to_cut(count: int) -> list[list[tuple[int, int]]]:
    """Every way to choose runs of neighbouring pieces that do not overlap."""
    if count == 0:
        return [[]]
    found = list(ways_to_cut(count - 1))
    for start in range(count):
        found += [[*runs, (start, count)] for runs in ways_to_cut(start)]
    return found


def is_story(pieces: Sequence[Piece], params: SequenceConfig) -> bool:
    """Whether pieces may make a story together."""
    length = sum(len(p.frame_ids) for p in pieces)
    person = any(p.has_person for p in pieces) or not params.require_person
    return params.min_frames <= length <= params.max_frames and person


def cost(pieces: Sequence[Piece], runs: Sequence[tuple[int, int]], params: SequenceConfig) -> tuple[int, int]:
    """Frames left out, and how far the stories are from their aim."""
    lengths = [sum(len(p.frame_ids) for p in pieces[a:b]) for a, b in runs]
    total = sum(len(p.frame_ids) for p in pieces)
    return total - sum(lengths), sum((length - params.target_frames) ** 2 for length in lengths)


@st.composite
def bounds(draw: st.DrawFn) -> SequenceConfig:
    """Any bounds that are allowed."""
    low = draw(st.integers(1, 5))
    high = draw(st.integers(2 * low - 1, 2 * low + 6))
    target = draw(st.integers(low, high))
    return SequenceConfig(min_frames=low, max_frames=high, target_frames=target, require_person=draw(st.booleans()))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 6), st.booleans()), max_size=7), bounds())
def test_no_way_to_cut_is_better(scenes: list[tuple[int, bool]], params: SequenceConfig) -> None:
    pieces = [piece(n, min(length, params.max_frames), person) for n, (length, person) in enumerate(scenes)]
    runs, left = group_pieces(pieces, params)
    assert all(is_story(pieces[a:b], params) for a, b in runs)
    assert all(b <= c for (_, b), (c, _) in pairwise(runs))
    covered = [index for a, b in runs for index in range(a, b)]
    assert sorted(covered + left) == list(range(len(pieces)))
    allowed = [w for w in ways_to_cut(len(pieces)) if all(is_story(pieces[a:b], params) for a, b in w)]
    assert cost(pieces, runs, params) == min(cost(pieces, way, params) for way in allowed)


def test_ways_to_cut_of_the_test_itself() -> None:
    assert sorted(map(sorted, ways_to_cut(2))) == [[], [(0, 1)], [(0, 1), (1, 2)], [(0, 2)], [(1, 2)]]


def test_among_equals_the_earliest_story_is_the_longest() -> None:
    assert group_pieces([piece(0, 3), piece(1, 1), piece(2, 3)], SMALL)[0] == [(0, 2), (2, 3)]
    assert group_pieces([piece(0, 2), piece(1, 1), piece(2, 2)], SMALL)[0] == [(0, 2), (2, 3)]


def test_a_whole_film_at_once_is_quick() -> None:
    pieces = [piece(n, 1 + n % 7, n % 3 == 0) for n in range(20_000)]
    runs, left = group_pieces(pieces, SequenceConfig())
    assert len(left) < 20
    assert len(runs) > 3000


@given(st.integers(1, 120), bounds(), st.randoms(use_true_random=False))
def test_a_long_scene_is_cut_into_the_fewest_even_parts(length: int, params: SequenceConfig, rng: object) -> None:
    names = [str(n) for n in range(length)]
    people = [n % 7 == 3 for n in range(length)]
    pieces = cut_pieces("1", names, people, params.max_frames)
    assert [name for p in pieces for name in p.frame_ids] == names
    sizes = [len(p.frame_ids) for p in pieces]
    assert max(sizes) <= params.max_frames
    assert max(sizes) - min(sizes) <= 1
    assert len(pieces) == -(-length // params.max_frames)
    if length > params.max_frames:
        assert min(sizes) >= params.min_frames
    for p in pieces:
        assert p.has_person == any(int(name) % 7 == 3 for name in p.frame_ids)


def frame(name: str, scene: str, label: str | None = "person") -> Row:
    """A row of ``PEOPLE``; None for a frame in which nothing was found."""
    return {"frame_id": name, "scene": scene, "detections": [{"label": label}] if label else []}


def rows(*scenes: tuple[int, str | None]) -> list[Row]:
    """Scenes of so many frames with such a label each."""
    return [frame(f"{s}-{k}", str(s), label) for s, (length, label) in enumerate(scenes) for k in range(length)]


def stories(outcomes: Sequence[Outcome]) -> list[int]:
    """Lengths of the stories."""
    return [len(o.row["frame_ids"]) for o in outcomes if isinstance(o, Kept)]


def reasons(outcomes: Sequence[Outcome]) -> Counter[str]:
    """How many frames were left out, by reason."""
    return Counter(o.reason for o in outcomes if isinstance(o, Rejected))


def test_scenes_are_joined_up_to_the_aim() -> None:
    found = list(sequence_shard(rows((3, "person"), (3, "person"), (3, "person")), "f", SMALL, None))
    assert stories(found) == [3, 3, 3]
    assert [o.row["scenes"] for o in found if isinstance(o, Kept)] == [["0"], ["1"], ["2"]]


def test_a_short_scene_joins_a_neighbour_and_none_is_dropped_at_the_end() -> None:
    found = list(sequence_shard(rows((3, "person"), (4, "person"), (1, "person")), "f", SMALL, None))
    assert stories(found) == [3, 5]
    assert not reasons(found)


def test_a_story_has_a_person_somewhere() -> None:
    found = list(sequence_shard(rows((2, "chair"), (3, "person"), (3, "chair")), "f", SMALL, None))
    assert stories(found) == [5]
    assert reasons(found) == {"fits no story": 3}


def test_no_person_at_all_is_its_own_reason() -> None:
    found = list(sequence_shard(rows((3, "chair"), (3, "chair")), "f", SMALL, None))
    assert stories(found) == []
    assert reasons(found) == {"no person": 6}
    params = SequenceConfig(min_frames=2, max_frames=5, target_frames=3, require_person=False)
    assert stories(list(sequence_shard(rows((3, "chair"), (3, "chair")), "f", params, None))) == [3, 3]


def test_too_few_frames_is_its_own_reason() -> None:
    found = list(sequence_shard(rows((1, "person")), "f", SMALL, None))
    assert reasons(found) == {"too few frames": 1}
    assert [o.detail for o in found if isinstance(o, Rejected)] == ["1 usable frames, a story needs 2"]


def test_frames_in_which_nothing_was_found_are_left_out_alone() -> None:
    found = list(sequence_shard(rows((2, "person"), (1, None), (2, "person")), "f", SMALL, None))
    assert reasons(found) == {"nothing found": 1}
    assert sum(stories(found)) == 4


def test_a_scene_that_fits_nowhere_says_so() -> None:
    found = list(sequence_shard(rows((5, "person"), (1, "person"), (5, "person")), "f", SMALL, None))
    (out,) = (o for o in found if isinstance(o, Rejected))
    assert (out.item, out.reason) == ("1-0", "fits no story")
    assert out.detail == "scene 1 (1 frames) joins no neighbour within 2 to 5 frames with a person"


def test_an_empty_shard() -> None:
    assert list(sequence_shard([], "f", SMALL, None)) == []


@pytest.mark.parametrize("limit", [0, 1, 2, 3, 9])
def test_a_limit_keeps_the_first_stories_and_says_what_it_left(limit: int) -> None:
    everything = list(sequence_shard(rows((3, "person"), (4, "person"), (2, "person")), "f", SMALL, None))
    limited = list(sequence_shard(rows((3, "person"), (4, "person"), (2, "person")), "f", SMALL, limit))
    assert stories(limited) == stories(everything)[:limit]
    assert reasons(limited)["beyond the limit"] == sum(stories(everything)[limit:])


def test_a_story_is_named_by_film_and_frames_alone() -> None:
    assert story_key("f", ["a", "b"]) == story_key("f", ("a", "b"))
    assert len({story_key("f", ["a", "b"]), story_key("f", ["b", "a"]), story_key("g", ["a", "b"])}) == 3
    assert story_key("f", ["a", "b"]) != story_key("f", ["a", "b", "c"])


SCENES = st.lists(st.tuples(st.integers(1, 30), st.sampled_from(["person", "chair", None])), max_size=8)


@given(SCENES, bounds(), st.none() | st.integers(0, 4))
def test_what_holds_of_any_shard(
    scenes: list[tuple[int, str | None]], params: SequenceConfig, limit: int | None
) -> None:
    frames = rows(*scenes)
    found = list(sequence_shard(frames, "f", params, limit))
    order = [row["frame_id"] for row in frames]
    kept = [name for o in found if isinstance(o, Kept) for name in o.row["frame_ids"]]
    out = [o.item for o in found if isinstance(o, Rejected)]
    assert sorted(kept + out) == sorted(order), "every frame once, in a story or with a reason"
    assert kept == [name for name in order if name in set(kept)], "the film's order"
    assert sum(o.items for o in found if isinstance(o, Kept)) + len(out) == len(frames)
    labels = {row["frame_id"]: row["detections"][0]["label"] for row in frames if row["detections"]}
    scene_of = {row["frame_id"]: row["scene"] for row in frames}
    usable = Counter(row["scene"] for row in frames if row["detections"])
    for outcome in found:
        if isinstance(outcome, Rejected):
            assert outcome.detail
            continue
        names = outcome.row["frame_ids"]
        assert params.min_frames <= len(names) <= params.max_frames
        assert not params.require_person or any(labels[name] == "person" for name in names)
        assert outcome.row["scenes"] == [scene for scene, _ in groupby(names, key=scene_of.__getitem__)]
        for scene in outcome.row["scenes"]:
            if usable[scene] <= params.max_frames:
                assert sum(scene_of[name] == scene for name in names) == usable[scene], "scenes are whole"
