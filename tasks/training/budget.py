"""What a sample costs in tokens, and making it fit, before anything is loaded on a GPU."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from schemas.chain_of_thought import parse_chain_of_thought, render_chain_of_thought
from schemas.errors import SampleError
from schemas.model_output import join_output
from schemas.story import parse_story, render_story
from tasks.training.shorten import drop_order, keep_frames

Size = tuple[int, int]
"""Width and height in pixels."""

TURN_TOKENS = 5
"""Tokens that the chat template puts around a turn: its start, the role, a line break, its end, a line break."""

PICTURE_MARKS = 2
"""Tokens before and after the tokens of a picture."""


@dataclass(frozen=True, slots=True)
class PixelBudget:
    """How pictures become tokens: each side a multiple of ``factor`` pixels, their product between the two bounds."""

    smallest: int = 56 * 56
    largest: int = 1280 * 28 * 28
    factor: int = 28

    def resize(self, size: Size) -> Size:
        """Width and height at which the model sees a picture (the ``smart_resize`` of Qwen2-VL).

        Raises:
            SampleError: one side is more than 200 times the other, which the model does not take.
        """
        width, height = size
        if max(size) > 200 * min(size):
            raise SampleError(f"a picture of {width}x{height} is too narrow: its sides differ by more than 200 times")
        wide, high = (max(self.factor, round(side / self.factor) * self.factor) for side in size)
        if wide * high > self.largest:
            scale = math.sqrt(width * height / self.largest)
            wide, high = (max(self.factor, math.floor(side / scale / self.factor) * self.factor) for side in size)
        elif wide * high < self.smallest:
            scale = math.sqrt(self.smallest / (width * height))
            wide, high = (math.ceil(side * scale / self.factor) * self.factor for side in size)
        return wide, high

    def tokens(self, size: Size) -> int:
        """Tokens of a picture, without the marks around it."""
        wide, high = self.resize(size)
        return (wide // self.factor) * (high // self.factor)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A sample that fits.

    ``frames`` are the indices of the pictures that stayed, from 0; ``tokens`` is the length of the whole conversation,
    ``answer_tokens`` that of the part that is learned.
    """

    frames: tuple[int, ...]
    answer: str
    tokens: int
    answer_tokens: int


def count_prompt(
    system: str, request: str, sizes: Sequence[Size], pixels: PixelBudget, count: Callable[[str], int]
) -> int:
    """Tokens of everything before the answer."""
    pictures = sum(pixels.tokens(size) + PICTURE_MARKS for size in sizes)
    return 3 * TURN_TOKENS + count(system) + count(request) + pictures


def fit(
    chain_of_thought: str,
    story: str,
    sizes: Sequence[Size],
    *,
    system: str,
    request: str,
    most: int,
    pixels: PixelBudget,
    count: Callable[[str], int],
) -> Fitted:
    """The sample as it is where it fits, else shortened by as few whole frames as it takes.

    Args:
        chain_of_thought: tables of all frames.
        story: text of all frames.
        sizes: of the pictures, in order.
        system: the system prompt.
        request: the text of the user's turn.
        most: tokens of the longest conversation.
        pixels: how pictures become tokens.
        count: tokens of a text.

    Raises:
        SampleError: it does not fit with the fewest frames that keep the story whole, or cannot be shortened.
    """

    def measure(answer: str, kept: Sequence[int]) -> tuple[int, int]:
        answer_tokens = count(answer)
        prompt = count_prompt(system, request, [sizes[number - 1] for number in kept], pixels, count)
        return prompt + answer_tokens, answer_tokens

    kept = list(range(1, len(sizes) + 1))
    answer = join_output(chain_of_thought, story)
    whole, learned = measure(answer, kept)
    if whole <= most:
        return Fitted(tuple(range(len(sizes))), answer, whole, learned)
    tokens = whole
    analysis, told = parse_chain_of_thought(chain_of_thought).value, parse_story(story).value
    order = drop_order(len(sizes), [row.images for row in analysis.narrative])
    for number in order:
        kept.remove(number)
        try:
            shorter, shorter_story = keep_frames(analysis, told, kept)
        except ValueError as error:
            raise SampleError(f"{whole} tokens, {most} fit, and it cannot be shortened: {error}") from error
        answer = join_output(render_chain_of_thought(shorter), render_story(shorter_story))
        tokens, learned = measure(answer, kept)
        if tokens <= most:
            return Fitted(tuple(number - 1 for number in kept), answer, tokens, learned)
    raise SampleError(f"{tokens} tokens with the fewest frames that keep the story whole ({len(kept)}), and {most} fit")
