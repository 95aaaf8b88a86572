"""Pairs of answers for preference tuning: entities linked over frames where that is right, and where it is not.

As QwenStoryteller2 was taught: in a real story the answer that keeps its entities is preferred to the same answer with every
frame's entities new; for frames of unrelated stories put together it is the other way round.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count

from schemas.text import ChainOfThought, CharacterRow, ImageAnalysis, ImageBlock, ObjectRow, Story, Tag

Told = tuple[ChainOfThought, Story]
Names = Mapping[int, Mapping[str, str]]
"""For each image, new ids by old ones."""


def unlink(analysis: ChainOfThought, story: Story) -> Told:
    """The same with ids of their own in every frame: nobody is seen twice."""
    numbers: dict[str, count[int]] = {}
    names = {
        image.number: {name: f"{_kind(name)}{next(numbers.setdefault(_kind(name), count(1)))}" for name in _ids(image)}
        for image in analysis.images
    }
    return _rename(analysis, story, names)


def link(analysis: ChainOfThought, story: Story) -> Told:
    """The same with the first entity of a kind in each frame taken for one and the same, so the second, and so on."""
    names: dict[int, dict[str, str]] = {}
    for image in analysis.images:
        seen: Counter[str] = Counter()
        names[image.number] = {}
        for name in _ids(image):
            seen[_kind(name)] += 1
            names[image.number][name] = f"{_kind(name)}{seen[_kind(name)]}"
    return _rename(analysis, story, names)


def mix(pieces: Sequence[tuple[ImageAnalysis, ImageBlock]], narrative: ChainOfThought) -> Told:
    """Frames of different stories as though they were one, with the phases of a story of as many frames."""
    images = tuple(replace(image, number=number) for number, (image, _) in enumerate(pieces, start=1))
    blocks = tuple(replace(block, number=number) for number, (_, block) in enumerate(pieces, start=1))
    return ChainOfThought(images, narrative.narrative), Story(blocks)


def draw_frames(films: Sequence[str], lengths: Sequence[int], anchor: int, seed: int) -> list[tuple[int, int]] | None:
    """For each frame of the story ``anchor``, a frame of another one: pairs of story and frame, no film twice in a row.

    None where there are too few films. The same arguments give the same frames.

    Args:
        films: of each story.
        lengths: frames of each story.
        anchor: index of the story whose number of frames is wanted.
        seed: of the run.
    """
    pick = random.Random(f"{seed}/{anchor}")  # noqa: S311 - no secret
    by_film: dict[str, list[int]] = {}
    for story, film in enumerate(films):
        by_film.setdefault(film, []).append(story)
    if len(by_film) < 2:
        return None
    names = sorted(by_film)
    drawn: list[tuple[int, int]] = []
    before = ""
    for _ in range(lengths[anchor]):
        film = pick.choice([name for name in names if name != before])
        story = pick.choice(by_film[film])
        drawn.append((story, pick.randrange(lengths[story])))
        before = film
    return drawn


def _kind(name: str) -> str:
    return name.rstrip("0123456789")


def _ids(image: ImageAnalysis) -> list[str]:
    rows: Sequence[CharacterRow | ObjectRow] = (*image.characters, *image.objects)
    return list(dict.fromkeys(row.entity_id for row in rows))


def _rename(analysis: ChainOfThought, story: Story, names: Names) -> Told:
    images = tuple(
        replace(
            image,
            characters=tuple(replace(row, entity_id=names[image.number][row.entity_id]) for row in image.characters),
            objects=tuple(replace(row, entity_id=names[image.number][row.entity_id]) for row in image.objects),
        )
        for image in analysis.images
    )
    last: dict[str, str] = {}
    blocks = []
    for block in story.blocks:
        last.update(names.get(block.number, {}))
        blocks.append(replace(block, parts=tuple(_rename_part(part, last.get) for part in block.parts)))
    return replace(analysis, images=images), Story(tuple(blocks))


def _rename_part(part: str | Tag, find: Callable[[str, str], str]) -> str | Tag:
    if isinstance(part, str):
        return part
    # Somebody who is spoken of but not seen keeps the name of the last frame; two names may become one.
    return replace(part, ids=tuple(dict.fromkeys(find(name, name) for name in part.ids)))
