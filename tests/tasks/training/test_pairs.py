"""Adversarial answers: links between frames taken away, and made where there are none."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.chain_of_thought import parse_chain_of_thought, render_chain_of_thought
from schemas.story import parse_story, render_story
from schemas.text import ChainOfThought, Story, Tag
from schemas.validation import validate
from tasks.training.pairs import Told, _ids, draw_frames, link, mix, unlink
from tests.perf.codec_samples import FRAME_SIZE, build_value
from tests.tiny_stories import tell


def read(seed: int) -> Told:
    cot, story = tell(seed)
    return parse_chain_of_thought(cot).value, parse_story(story).value


def frames_by_id(told: Told) -> Counter[str]:
    return Counter(name for image in told[0].images for name in _ids(image))


def ids_by_frame(story: Story) -> list[set[str]]:
    return [{name for part in block.parts if isinstance(part, Tag) for name in part.ids} for block in story.blocks]


def test_unlinked_by_hand() -> None:
    told = read(0)
    assert frames_by_id(told) == {"char1": 5, "obj1": 5}
    apart = unlink(*told)
    assert frames_by_id(apart) == {f"{kind}{k}": 1 for kind in ("char", "obj") for k in range(1, 6)}
    assert ids_by_frame(apart[1]) == [{f"char{k}", f"obj{k}"} for k in range(1, 6)]
    assert frames_by_id(link(*apart)) == frames_by_id(told), "and linked again, the first of each frame is one"


@given(st.integers(5, 9), st.integers(0, 5))
def test_both_keep_the_rules_and_the_words(frames: int, seed: int) -> None:
    told: Told = build_value(frames, seed)
    for changed in (unlink(*told), link(*told)):
        texts = parse_chain_of_thought(render_chain_of_thought(changed[0])), parse_story(render_story(changed[1]))
        assert not validate(*texts, frame_count=frames, frame_sizes=[FRAME_SIZE] * frames, level="strict")
        words = [[part if isinstance(part, str) else part.text for part in block.parts] for block in changed[1].blocks]
        assert words == [
            [part if isinstance(part, str) else part.text for part in block.parts] for block in told[1].blocks
        ]
    assert max(frames_by_id(unlink(*told)).values()) == 1
    assert max(frames_by_id(link(*told)).values()) == frames


def test_frames_of_different_stories() -> None:
    a, b = read(0), read(1)
    pieces = [((a, b)[k % 2][0].images[k], (a, b)[k % 2][1].blocks[k]) for k in range(5)]
    mixed, story = mix(pieces, a[0])
    assert [image.number for image in mixed.images] == [block.number for block in story.blocks] == [1, 2, 3, 4, 5]
    assert mixed.images[1].characters[0].name == "Rui"
    assert mixed.narrative == a[0].narrative
    assert isinstance(mixed, ChainOfThought)


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=8), st.integers(0, 3))
def test_frames_are_drawn_from_unrelated_films(films: list[str], seed: int) -> None:
    lengths = [5 + k for k in range(len(films))]
    drawn = draw_frames(films, lengths, 0, seed)
    if len(set(films)) < 2:
        assert drawn is None
        return
    assert drawn is not None
    assert len(drawn) == 5
    assert drawn == draw_frames(films, lengths, 0, seed)
    assert all(frame < lengths[story] for story, frame in drawn)
    told = [films[story] for story, _ in drawn]
    assert all(one != other for one, other in pairwise(told))


def test_somebody_only_spoken_of_keeps_the_last_name() -> None:
    cot, story = read(0)
    bare = ChainOfThought((*cot.images[:4], type(cot.images[4])(5, (), (), cot.images[4].settings)), cot.narrative)
    assert ids_by_frame(unlink(bare, story)[1])[4] == {"char4", "obj4"}


@pytest.mark.parametrize("seed", [0, 1])
def test_another_seed_draws_other_frames(seed: int) -> None:
    films = [str(k) for k in range(20)]
    assert draw_frames(films, [9] * 20, 0, seed) != draw_frames(films, [9] * 20, 0, seed + 2)
