"""Stories cut by whole frames."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.chain_of_thought import parse_chain_of_thought, render_chain_of_thought
from schemas.story import parse_story, render_story
from schemas.validation import validate
from tasks.training.shorten import FEWEST_FRAMES, drop_order, keep_frames
from tests.perf.codec_samples import FRAME_SIZE, build_value


def test_frames_go_where_they_are_densest() -> None:
    # All gaps are 2: the latest of the inner frames goes first. Then the gaps around it are 3, the others still 2.
    assert drop_order(7, [[1], [7]], fewest=4) == [6, 4, 2]


def test_the_only_frame_of_a_phase_stays() -> None:
    assert drop_order(6, [[1], [2], [3], [4], [5, 6]], fewest=1) == [5]
    assert drop_order(6, [[1, 2], [3], [4], [5], [6]], fewest=5) == [2]
    assert drop_order(5, [[1], [2], [3], [4], [5]], fewest=1) == []


@given(st.integers(5, 22), st.integers(0, 50), st.integers(0, 20))
def test_what_is_left_is_a_valid_story_of_fewer_frames(frames: int, seed: int, dropped: int) -> None:
    analysis, story = build_value(frames, seed)
    order = drop_order(frames, [row.images for row in analysis.narrative])
    assert len(set(order)) == len(order) <= max(0, frames - FEWEST_FRAMES)
    kept = sorted(set(range(1, frames + 1)) - set(order[:dropped]))
    assert {1, frames} <= set(kept)
    shorter, text = keep_frames(analysis, story, kept)
    cot, told = parse_chain_of_thought(render_chain_of_thought(shorter)), parse_story(render_story(text))
    faults = validate(cot, told, frame_count=len(kept), frame_sizes=[FRAME_SIZE] * len(kept), level="strict")
    assert [str(fault) for fault in faults] == []
    for new, old in enumerate(kept):
        assert shorter.images[new].characters == analysis.images[old - 1].characters
        assert text.blocks[new].parts == story.blocks[old - 1].parts


def test_frames_that_are_not_there_are_an_error() -> None:
    analysis, story = build_value(6)
    for kept in ([2, 1], [1, 1, 2], [1, 9]):
        with pytest.raises(ValueError, match="frame"):
            keep_frames(analysis, story, kept)
    with pytest.raises(ValueError, match="no frame is left of"):
        keep_frames(analysis, story, [1])
