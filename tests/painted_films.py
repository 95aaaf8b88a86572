"""Films painted by rule: a few people of one colour each, with a face of their own, before changing backgrounds.

What is in a frame can be read back from its colours, so that :mod:`tests.fakes` finds exactly what was painted.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WIDTH, HEIGHT = 160, 96
CLOTHES = ((200, 20, 20), (20, 20, 200), (20, 140, 20), (220, 200, 20))
"""Clothing of each person: saturated, as no background is."""
SKIN = ((250, 150, 200), (250, 120, 60), (120, 20, 140), (60, 220, 240))
"""The face of each person, in colours that no skin has and nothing else either."""
THINGS = {"chair": (90, 250, 90), "car": (140, 90, 250)}
TOLERANCE = 16


@dataclass(frozen=True, slots=True)
class Painted:
    """A person (by number) or a thing (by label) and the box it was painted in, whole pixels."""

    what: int | str
    box: tuple[int, int, int, int]


def paint(seed: str, cast: Sequence[int], things: Sequence[str] = ()) -> tuple[NDArray[np.uint8], list[Painted]]:
    """A frame with these people side by side, and what stands where; each seed has its own background and places."""
    rng = random.Random(seed)
    grey = np.array([[rng.randrange(70, 190) for _ in range(8)] for _ in range(6)], np.uint8)
    background = Image.fromarray(grey).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    pixels = np.array(background.convert("RGB"))
    painted = []
    column = WIDTH // 4
    for place, person in enumerate(cast):
        x, y = place * column + rng.randrange(2, 8), rng.randrange(8, 20)
        box = (x, y, x + 28, HEIGHT - rng.randrange(2, 10))
        pixels[box[1] + 14 : box[3], box[0] : box[2]] = CLOTHES[person]
        pixels[box[1] : box[1] + 14, box[0] + 8 : box[2] - 8] = SKIN[person]
        painted.append(Painted(person, box))
    for place, thing in enumerate(things, start=len(cast)):
        x, y = place * column + rng.randrange(2, 8), rng.randrange(50, 60)
        painted.append(Painted(thing, (x, y, x + 24, y + 30)))
        pixels[y : y + 30, x : x + 24] = THINGS[thing]
    return pixels, painted


def find_colour(pixels: NDArray[np.uint8], colour: tuple[int, int, int]) -> tuple[int, int, int, int] | None:
    """The box around all pixels of a colour, or None."""
    near = (np.abs(pixels.astype(np.int16) - np.array(colour)) <= TOLERANCE).all(axis=2)
    if near.sum() < 40:
        return None
    rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def write_film(root: Path, film: str, scenes: Mapping[int, int], cast: Sequence[int] = (0, 1)) -> None:
    """A film as a folder of JPEG files: so many frames of each scene; a chair stands in every second one."""
    folder = root / film
    folder.mkdir(parents=True, exist_ok=True)
    for scene, length in scenes.items():
        for k in range(1, length + 1):
            pixels, _ = paint(f"{film} {scene} {k}", cast[: 1 + k % len(cast)], ["chair"] if k % 2 else [])
            path = folder / f"{film}_scene_{scene}_{k}.jpg"
            Image.fromarray(pixels).save(path, "JPEG", quality=95, subsampling=0)
