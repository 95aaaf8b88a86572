"""Stories of a given number of frames in the sizes of the published dataset, for measuring the codecs."""

import random

from schemas.text import (
    NARRATIVE_PHASES,
    SETTING_ELEMENTS,
    ChainOfThought,
    CharacterRow,
    ImageAnalysis,
    ImageBlock,
    ObjectRow,
    PhaseRow,
    PixelBox,
    SettingRow,
    Story,
    Tag,
)

FRAME_SIZE = (426, 240)
_TEXT = (
    "grey coat window light near door hand street rain quiet table glass lamp shadow letter red wall slow turn"
    " face corner open stair wooden evening morning distant low bright narrow heavy soft silver old new paper"
)
_WORDS = _TEXT.split()
_CHARACTERS, _OBJECTS, _SETTINGS = 3, 8, 4


def build_value(frames: int, seed: int = 0) -> tuple[ChainOfThought, Story]:
    """A strictly valid pair: about 3,000 characters of tables and 700 of story a frame."""
    random_source = random.Random(f"{seed}/{frames}")
    images = tuple(_build_image(number, random_source) for number in range(1, frames + 1))
    phases = tuple(
        PhaseRow(
            phase,
            _words(random_source, 12),
            _words(random_source, 10),
            tuple(range(1 + index * frames // 5, max(1 + index * frames // 5, (index + 1) * frames // 5) + 1)),
        )
        for index, phase in enumerate(NARRATIVE_PHASES)
    )
    return ChainOfThought(images, phases), Story(tuple(_build_block(image, random_source) for image in images))


def _words(random_source: random.Random, count: int) -> str:
    return " ".join(random_source.choices(_WORDS, k=count)).capitalize()


def _box(random_source: random.Random) -> PixelBox:
    x, y = random_source.randrange(300), random_source.randrange(150)
    return x, y, x + random_source.randrange(1, 126), y + random_source.randrange(1, 90)


def _build_image(number: int, random_source: random.Random) -> ImageAnalysis:
    def words(count: int) -> str:
        return _words(random_source, count)

    characters = tuple(
        CharacterRow(f"char{k}", words(1), words(10), words(3), words(7), words(6), _box(random_source))
        for k in sorted(random_source.sample(range(1, 6), _CHARACTERS))
    )
    kinds = ["obj"] * (_OBJECTS - 3) + ["lm"] + ["bg"] * 2
    objects = tuple(
        ObjectRow(f"{kind}{k}", words(8), words(6), words(6), words(6), _box(random_source))
        for k, kind in enumerate(kinds, random_source.randrange(1, 20))
    )
    settings = tuple(
        SettingRow(element, words(12), words(2), words(2), words(8))
        for element in random_source.sample(SETTING_ELEMENTS, _SETTINGS)
    )
    return ImageAnalysis(number, characters, objects, settings)


def _build_block(image: ImageAnalysis, random_source: random.Random) -> ImageBlock:
    parts: list[str | Tag] = []
    for _ in range(4):
        who = random_source.choice(image.characters)
        things = [row.entity_id for row in image.objects if row.entity_id.startswith("obj")]
        places = [row.entity_id for row in image.objects if not row.entity_id.startswith("obj")]
        parts += [
            Tag("gdo", (who.entity_id,), who.name),
            " slowly ",
            Tag("gda", (who.entity_id,), "turned"),
            f" {_words(random_source, 3).lower()} towards ",
            Tag("gdo", (random_source.choice(things),), "the letter"),
            f" {_words(random_source, 2).lower()} by ",
            Tag("gdl", (random_source.choice(places),), "the wall"),
            ", and ",
            Tag("gdo", (who.entity_id,), "he"),
            f" was {_words(random_source, 1).lower()}.\n",
        ]
    return ImageBlock(image.number, tuple(parts))
