"""Tokens of pictures and samples, and samples made to fit."""

import importlib.util

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.chain_of_thought import parse_chain_of_thought, render_chain_of_thought
from schemas.errors import SampleError
from schemas.model_output import split_output
from schemas.story import parse_story, render_story
from schemas.validation import validate
from tasks.training.budget import Fitted, PixelBudget, fit
from tests.perf.codec_samples import FRAME_SIZE, build_value
from tests.torchvision_operators import mend_torchvision

SIDES = st.integers(20, 3000)


def words(text: str) -> int:
    return len(text.split())


def fit_story(frames: int, most: int) -> Fitted:
    analysis, story = build_value(frames)
    return fit(
        render_chain_of_thought(analysis),
        render_story(story),
        [FRAME_SIZE] * frames,
        system="one two",
        request="three",
        most=most,
        pixels=PixelBudget(),
        count=words,
    )


def test_pictures_by_hand() -> None:
    pixels = PixelBudget()
    # 426/28 = 15.2 and 240/28 = 8.6: 15 by 9 patches.
    assert pixels.resize((426, 240)) == (420, 252)
    assert pixels.tokens((426, 240)) == 135
    assert pixels.tokens((10, 10)) == 4, "no fewer than the smallest picture"
    assert PixelBudget(largest=28 * 28 * 10).tokens((1920, 1080)) == 8


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs transformers with torch")
@given(SIDES, SIDES)
def test_pictures_are_resized_as_the_model_does(width: int, height: int) -> None:
    mend_torchvision()
    from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize

    pixels = PixelBudget()
    high, wide = smart_resize(height, width, pixels.factor, pixels.smallest, pixels.largest)
    assert pixels.resize((width, height)) == (wide, high)


def test_a_picture_that_is_too_narrow() -> None:
    with pytest.raises(SampleError, match="sides differ by more than 200 times"):
        PixelBudget().resize((10, 3000))


def test_a_sample_that_fits_stays_as_it_is() -> None:
    fitted = fit_story(6, most=100_000)
    assert fitted.frames == tuple(range(6))
    # Two and one words, three turns of five, six pictures of 135 and two marks.
    assert fitted.tokens - fitted.answer_tokens == 3 + 15 + 6 * 137
    assert fitted.answer_tokens == words(fitted.answer)


@given(st.integers(5, 14), st.floats(0.2, 1.2))
def test_a_sample_that_does_not_fit_loses_whole_frames(frames: int, share: float) -> None:
    whole = fit_story(frames, most=10**9)
    most = int(whole.tokens * share)
    try:
        fitted = fit_story(frames, most)
    except SampleError as error:
        assert "tokens" in str(error)
        return
    assert fitted.tokens <= most
    cot, story = split_output(fitted.answer)
    count = len(fitted.frames)
    parsed = parse_chain_of_thought(cot), parse_story(story)
    assert not validate(*parsed, frame_count=count, frame_sizes=[FRAME_SIZE] * count, level="strict")
    assert (count == frames) == (whole.tokens <= most)


def test_a_sample_that_cannot_fit_says_why() -> None:
    with pytest.raises(
        SampleError, match=r"tokens with the fewest frames that keep the story whole \(5\), and 100 fit"
    ):
        fit_story(8, most=100)
