"""Frames to measure on: as many films of as many distinct frames as asked for, made from real ones."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from tasks.runtime.resources import DATA

ROOT = Path(__file__).resolve().parents[2]
OFFICE_FILM = ROOT.parent / "shared" / "data" / "office_film" / "frames"
SAMPLE_FILM = DATA / "sample_film" / "frames"


def source_frames() -> list[Path]:
    """Labelled real frames where they lie beside the project, else the sample film."""
    folder = OFFICE_FILM if OFFICE_FILM.is_dir() else SAMPLE_FILM
    return sorted(folder.glob("*.jpg"))


def make_films(folder: Path, films: int, frames: int, seed: int = 0) -> None:
    """Write ``films`` folders of ``frames`` frames each, scenes of six.

    A frame is a real one, mirrored or not, cropped a little and changed in light, so that no two are near-duplicates and
    the models find in them what they find in real frames.
    """
    rng = np.random.default_rng(seed)
    sources = [Image.open(path).convert("RGB") for path in source_frames()]
    for film in range(films):
        target = folder / f"film{film:03d}"
        target.mkdir(parents=True)
        for index in range(frames):
            image = sources[(index * 7 + film) % len(sources)]
            width, height = image.size
            left, top = int(rng.integers(0, width // 6)), int(rng.integers(0, height // 8))
            image = image.crop((left, top, width - width // 6 + left, height - height // 8 + top)).resize(
                (width, height)
            )
            if rng.random() < 0.5:
                image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            image = ImageEnhance.Brightness(image).enhance(float(rng.uniform(0.75, 1.25)))
            image.save(target / f"film{film:03d}_scene_{index // 6 + 1}_{index % 6 + 1}.jpg", quality=88)
