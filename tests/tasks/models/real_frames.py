"""Real frames for the tests of the models: the sample films, and the labelled office film where it lies beside the project."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image

from schemas.geometry import Box
from tasks.models.protocols import Image

ROOT = Path(__file__).resolve().parents[3]
OFFICE = ROOT / "../shared/data/office_film"


@dataclass(frozen=True)
class LabelledFrame:
    """A frame, its scene, and the people in it with their faces."""

    name: str
    scene: int
    pixels: Image
    people: tuple[tuple[str, Box], ...]


def read_pixels(path: Path) -> Image:
    """RGB pixels of an image file."""
    with PIL.Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def read_sample() -> dict[str, Image]:
    """The sample films' frames by name."""
    return {path.stem: read_pixels(path) for path in sorted((ROOT / "data/sample_film").rglob("*.jpg"))}


def read_office() -> list[LabelledFrame]:
    """The labelled film; empty where it is absent."""
    if not OFFICE.is_dir():
        return []
    records = json.loads((OFFICE / "labels.json").read_text(encoding="utf-8"))
    return [
        LabelledFrame(
            record["frame"],
            record["scene"],
            read_pixels(OFFICE / "frames" / record["frame"]),
            tuple(
                (person["person"], Box(*map(float, person["face_box"]))) for person in record["people_left_to_right"]
            ),
        )
        for record in records
    ]
