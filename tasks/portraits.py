"""Portraits of known people as a film, to fit what the similarity of two faces is worth.

Each portrait is drawn at several sizes somewhere on a grey frame of film size and goes through the face detector and
embedder of the pipeline, so that faces of every quality occur.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from schemas.config import FacesConfig
from schemas.errors import ConfigError
from tasks.faces import choose_faces
from tasks.identity.observation import Observation
from tasks.identity.pair_samples import LabelledFilm
from tasks.models.face_quality import face_quality
from tasks.models.protocols import FaceDetector, FaceEmbedder, Image

WIDTH, HEIGHT, GREY = 480, 270, 90
HEIGHTS = (112, 67, 39, 27, 18)
"""Heights of a drawn portrait in pixels, before a random change by up to 15 %."""

ENDINGS = {".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".webp"}


def list_people(folder: Path) -> list[str]:
    """Names of the people in a folder that has a folder of portraits for each, in natural order.

    Raises:
        ConfigError: there are fewer than four people.
    """
    try:
        people = [path.name for path in folder.iterdir() if path.is_dir()]
    except OSError as error:
        raise ConfigError(
            f"{folder} is not a folder that can be read: give one with a folder of portraits a person"
        ) from error
    if len(people) < 4:
        raise ConfigError(f"{folder} has {len(people)} people; at least 4 are needed, half of them to test on")
    return sorted(people, key=lambda name: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)])


def draw_portrait(portrait: Image, height: int, rng: np.random.Generator) -> Image:
    """A grey frame with the portrait somewhere on it, ``height`` pixels high give or take 15 %."""
    from PIL import Image as PillowImage

    factor = height / portrait.shape[0] * rng.uniform(0.85, 1.15)
    size = max(8, round(portrait.shape[1] * factor)), max(8, round(portrait.shape[0] * factor))
    small = PillowImage.fromarray(portrait).resize(size, PillowImage.Resampling.BILINEAR, reducing_gap=3.0)
    frame = np.full((HEIGHT, WIDTH, 3), GREY, np.uint8)
    left, top = int(rng.integers(0, WIDTH - size[0] + 1)), int(rng.integers(0, HEIGHT - size[1] + 1))
    frame[top : top + size[1], left : left + size[0]] = np.asarray(small)
    return frame


def portrait_film(
    folder: Path,
    people: Sequence[str],
    detector: FaceDetector,
    embedder: FaceEmbedder,
    params: FacesConfig,
    heights: Sequence[int] = HEIGHTS,
    seed: int = 0,
) -> LabelledFilm:
    """One frame and scene for each portrait and height in which a face was found.

    Args:
        folder: has a folder of portraits for each person.
        people: whom to take.
        detector: face detector of the pipeline.
        embedder: face embedder of the pipeline.
        params: which faces count.
        heights: heights at which each portrait is drawn.
        seed: of sizes and places.

    Raises:
        ConfigError: a picture cannot be read.
    """
    rng = np.random.default_rng(seed)
    observations: list[Observation] = []
    truth: list[str] = []
    for person in people:
        paths = sorted(path for path in (folder / person).iterdir() if path.suffix.lower() in ENDINGS)
        frames = [draw_portrait(_read(path), height, rng) for path in paths for height in heights]
        faces = [choose_faces(found, params)[:1] for found in detector.detect(frames)]
        for frame, found, vectors in zip(frames, faces, embedder.embed(frames, faces), strict=True):
            if found:
                number = len(observations)
                observations.append(
                    Observation(
                        frame=number,
                        scene=str(number),
                        det_id="f0",
                        kind="char",
                        label="person",
                        score=found[0].score,
                        box=found[0].box,
                        frame_width=WIDTH,
                        frame_height=HEIGHT,
                        face=vectors[0],
                        face_quality=face_quality(found[0], frame),
                    )
                )
                truth.append(person)
    return LabelledFilm(observations, truth)


def _read(path: Path) -> Image:
    from PIL import Image as PillowImage

    try:
        with PillowImage.open(path) as picture:
            return np.asarray(picture.convert("RGB"))
    except (OSError, ValueError, PillowImage.DecompressionBombError) as error:
        raise ConfigError(f"portrait {path} cannot be read: {error}") from error
