"""Datasets in the layout of StoryReasoning, written by hand: every box, name and film follows from the numbers given."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from schemas.arrow import GROUNDING, STORYREASONING
from schemas.chain_of_thought import render_chain_of_thought
from schemas.story import render_story
from schemas.text import (
    NARRATIVE_PHASES,
    ChainOfThought,
    CharacterRow,
    ImageAnalysis,
    ImageBlock,
    ObjectRow,
    PhaseRow,
    SettingRow,
    Story,
    Tag,
)

WIDTH, HEIGHT = 426, 240
NAMES = ("Ines", "Marko", "Tove", "Ansel", "Rhea", "Okko", "Lucia", "Dara")
BOXES = {
    "char1": (40, 24, 140, 236),
    "char2": (150, 40, 250, 240),
    "obj1": (300, 100, 380, 160),
    "bg1": (0, 0, 426, 60),
}
"""Boxes of image 1; each further image has them two pixels farther right, as far as the frame goes."""


def box(entity_id: str, number: int) -> tuple[int, int, int, int]:
    """Box of an entity in an image."""
    x1, y1, x2, y2 = BOXES[entity_id]
    shift = min(2 * (number - 1), WIDTH - x2)
    return x1 + shift, y1, x2 + shift, y2


def picture(seed: int, width: int = WIDTH, height: int = HEIGHT, noise: int = 0) -> bytes:
    """A JPEG: two gradients and a bright block, with ``noise`` added so that it does not compress to nothing."""
    pixels = np.zeros((height, width, 3), dtype=np.int16)
    pixels[..., 0] = np.linspace(30, 160, width)
    pixels[..., 1] = np.linspace(40, 120, height)[:, None]
    pixels[..., 2] = 70 + 20 * (seed % 7)
    pixels[height // 3 :, 30 * (seed % 12) : 30 * (seed % 12) + 40] += 60
    if noise:
        pixels += np.random.default_rng(seed).integers(-noise, noise + 1, pixels.shape, dtype=np.int16)
    buffer = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def analysis(frames: int, names: Sequence[str]) -> ChainOfThought:
    """Tables in which ``char1`` is in every image, the others in the first only."""
    images = []
    for number in range(1, frames + 1):
        present = ("char1", "char2") if number == 1 else ("char1",)
        people = tuple(
            CharacterRow(
                one,
                names[place],
                f"Person {place + 1} in image {number}",
                "Calm" if number < 3 else "Wary",
                "Walks",
                "Central figure",
                box(one, number),
            )
            for place, one in enumerate(present)
        )
        things = tuple(
            ObjectRow(one, what, "Lights the way", "None", "Detail", box(one, number))
            for one, what in (("obj1", "Brass lamp, small"), ("bg1", "Grey wall"))
            if number == 1
        )
        images.append(
            ImageAnalysis(number, people, things, (SettingRow("Location", "Harbour", "Still", "Dusk", "Opens"),))
        )
    phases = tuple(
        PhaseRow(phase, f"{phase} of it", "Something happens", (min(place + 1, frames),))
        for place, phase in enumerate(NARRATIVE_PHASES)
    )
    return ChainOfThought(tuple(images), phases)


def telling(frames: int, names: Sequence[str], words: str = "on the quay") -> Story:
    """A story that mentions everybody in image 1 and ``char1`` in every other."""
    one, two = names[:2]
    first = ImageBlock(
        1,
        (
            Tag("gdo", ("char1",), one),
            " and ",
            Tag("gdo", ("char2",), two),
            f" met {words}. ",
            Tag("gdo", ("char1", "char2"), "They"),
            " ",
            Tag("gda", ("char1", "char2"), "waited"),
            " by ",
            Tag("gdo", ("obj1",), "the lamp"),
            " below ",
            Tag("gdl", ("bg1",), "the wall"),
            ".",
        ),
    )
    rest = [
        ImageBlock(
            number, (Tag("gdo", ("char1",), one), " ", Tag("gda", ("char1",), "walked"), f" on, past pole {number}.")
        )
        for number in range(2, frames + 1)
    ]
    return Story((first, *rest))


@dataclass(frozen=True)
class Sample:
    """One story of a dataset: what a test may want to have otherwise."""

    story_id: str
    film: str = "harbour"
    frames: int = 5
    names: tuple[str, str] = ("Ines", "Marko")
    words: str = "on the quay"
    images: tuple[bytes | None, ...] | None = None
    chain_of_thought: str | None = None
    story: str | None = None
    confidence: float = 0.97

    def row(self) -> dict[str, Any]:
        """The five columns."""
        images = self.images if self.images is not None else tuple(picture(n) for n in range(1, self.frames + 1))
        tables = self.chain_of_thought
        return {
            "story_id": self.story_id,
            "images": [{"bytes": content, "path": None} for content in images],
            "frame_count": self.frames,
            "chain_of_thought": render_chain_of_thought(analysis(self.frames, self.names))
            if tables is None
            else tables,
            "story": render_story(telling(self.frames, self.names, self.words)) if self.story is None else self.story,
        }

    def grounding(self) -> dict[str, Any]:
        """The row of the ``grounding`` config."""
        members = {"char1": range(1, self.frames + 1), "char2": [1], "obj1": [1], "bg1": [1]}
        return {
            "story_id": self.story_id,
            "story_key": f"key of {self.story_id}",
            "film": self.film,
            "frames": [
                {
                    "number": number,
                    "frame_id": f"{self.film}_{number}",
                    "scene": "1",
                    "source": "",
                    "sha256": "",
                    "width": WIDTH,
                    "height": HEIGHT,
                }
                for number in range(1, self.frames + 1)
            ],
            "detections": [],
            "entities": [
                {
                    "entity_id": one,
                    "gallery_id": one,
                    "kind": one.rstrip("1234567890"),
                    "label": "person" if one.startswith("char") else "lamp",
                    "confidence": self.confidence,
                    "members": [
                        {"frame": n, "det_id": f"d{n}", "confidence": self.confidence - 0.01 * n} for n in where
                    ],
                }
                for one, where in members.items()
            ],
            "links": [],
            "drafter": "composer",
            "model": "",
            "prompt_version": "composer-1",
            "models": [],
            "input_tokens": 0,
            "output_tokens": 0,
            "cost_usd": 0.0,
        }


def write_stories(path: Path, samples: Sequence[Sample], per_group: int = 4) -> Path:
    """A Parquet file of the ``default`` config."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(path, STORYREASONING, compression={"story": "zstd", "chain_of_thought": "zstd"}) as writer:
        for first in range(0, max(len(samples), 1), per_group):
            rows = [sample.row() for sample in samples[first : first + per_group]]
            writer.write_table(pa.Table.from_pylist(rows, schema=STORYREASONING))
    return path


def write_grounding(path: Path, samples: Sequence[Sample]) -> Path:
    """A Parquet file of the ``grounding`` config."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist([sample.grounding() for sample in samples], schema=GROUNDING), path)
    return path


def write_dataset(folder: Path, train: Sequence[Sample], test: Sequence[Sample] = (), per_group: int = 4) -> Path:
    """A dataset folder with both configs."""
    for split, samples in (("train", train), ("test", test)):
        if samples or split == "train":
            write_stories(folder / "default" / f"{split}-00000-of-00001.parquet", samples, per_group)
            write_grounding(folder / "grounding" / f"{split}-00000-of-00001.parquet", samples)
    return folder


def many(count: int, films: int = 5) -> Iterator[Sample]:
    """Stories ``1`` to ``count`` over some films; the words of each name its number."""
    small = (picture(1, 64, 36),)
    for number in range(1, count + 1):
        frames = 5 + number % 3
        yield Sample(
            str(number),
            film=f"film {number % films}",
            frames=frames,
            names=(NAMES[number % 8], NAMES[(number + 1) % 8]),
            words=f"at pier number {number}",
            images=small * frames,
        )
