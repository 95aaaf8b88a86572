"""Making a story shorter by whole frames, its tables and its text cut to match: nothing is ever cut through."""

from collections.abc import Sequence
from dataclasses import replace

from schemas.text import ChainOfThought, Story

FEWEST_FRAMES = 5
"""As in the published dataset."""


def drop_order(frames: int, phases: Sequence[Sequence[int]], fewest: int = FEWEST_FRAMES) -> list[int]:
    """Which frames can go, in the order in which they go.

    The first and the last frame stay, and every phase keeps a frame, so that the story still has a beginning, an end and all
    its turns. Each time the frame goes that leaves the smallest gap between its neighbours, the later one of two alike.

    Args:
        frames: how many there are, numbered from 1.
        phases: the frame numbers of each phase.
        fewest: frames that stay in any case.
    """
    kept = list(range(1, frames + 1))
    held = [set(numbers) & set(kept) for numbers in phases]
    order: list[int] = []
    while len(kept) > fewest:
        free = [
            (kept[at + 1] - kept[at - 1], -number, number)
            for at, number in enumerate(kept)
            if 0 < at < len(kept) - 1 and not any(numbers == {number} for numbers in held)
        ]
        if not free:
            break
        number = min(free)[2]
        order.append(number)
        kept.remove(number)
        for numbers in held:
            numbers.discard(number)
    return order


def keep_frames(analysis: ChainOfThought, story: Story, kept: Sequence[int]) -> tuple[ChainOfThought, Story]:
    """Tables and text of the frames in ``kept``, numbered anew from 1 in their order.

    Raises:
        ValueError: a number is given twice, out of order or of no frame, or a phase would be left without a frame.
    """
    if list(kept) != sorted(set(kept)):
        raise ValueError("frames to keep must be in order, each once")
    number = {old: new for new, old in enumerate(kept, start=1)}
    images = tuple(replace(image, number=number[image.number]) for image in analysis.images if image.number in number)
    blocks = tuple(replace(block, number=number[block.number]) for block in story.blocks if block.number in number)
    if len(images) != len(kept) or len(blocks) != len(kept):
        raise ValueError("a frame to keep has no tables or no text")
    narrative = tuple(
        replace(row, images=tuple(number[old] for old in row.images if old in number)) for row in analysis.narrative
    )
    empty = [row.phase for row in narrative if not row.images]
    if empty:
        raise ValueError(f"no frame is left of {', '.join(empty)}")
    return ChainOfThought(images, narrative), Story(blocks)
