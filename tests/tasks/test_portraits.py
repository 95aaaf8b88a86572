"""Tests of portraits as a film."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from schemas.config import FacesConfig
from schemas.errors import ConfigError
from schemas.geometry import Box
from tasks.models.protocols import Embeddings, RawFace
from tasks.models.protocols import Image as Pixels
from tasks.portraits import GREY, HEIGHT, WIDTH, draw_portrait, list_people, portrait_film


class FindsBright:
    """Finds everything brighter than the grey around it as one face; nothing under 20 pixels."""

    name, digest = "bright", "0"

    def load(self) -> None:
        """Nothing to load."""

    def detect(self, images: Sequence[Pixels]) -> list[list[RawFace]]:
        """One face or none for each image."""
        found = []
        for image in images:
            rows, columns = np.nonzero(image[..., 0] > GREY + 20)
            box = Box(float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1))
            points = [(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)]
            marks = tuple((box.x1 + x * box.width, box.y1 + y * box.height) for x, y in points)
            found.append([RawFace(box, 0.9, marks)] if box.height >= 20 else [])
        return found


class EmbedsBrightness:
    """An embedding that is the mean brightness of the face."""

    name, digest, dimension = "brightness", "0", 2

    def load(self) -> None:
        """Nothing to load."""

    def embed(self, images: Sequence[Pixels], faces: Sequence[Sequence[RawFace]]) -> list[Embeddings]:
        """Unit vectors whose angle is the brightness."""
        return [
            np.array([[np.cos(image.max() / 255), np.sin(image.max() / 255)] for _ in found], np.float32).reshape(-1, 2)
            for image, found in zip(images, faces, strict=True)
        ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four people of different brightness with two portraits each."""
    for person in (1, 2, 9, 10):
        (tmp_path / f"s{person}").mkdir()
        for number in range(2):
            picture = np.full((80, 60), 150 + 10 * person, np.uint8)
            Image.fromarray(picture).save(tmp_path / f"s{person}" / f"{number}.pgm")
    (tmp_path / "readme.txt").write_text("not a person")
    (tmp_path / "s1" / "notes.txt").write_text("not a portrait")
    return tmp_path


def test_people_are_in_natural_order(folder: Path) -> None:
    assert list_people(folder) == ["s1", "s2", "s9", "s10"]


def test_too_few_people_and_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="0 people"):
        list_people(tmp_path)
    with pytest.raises(ConfigError, match="not a folder"):
        list_people(tmp_path / "none")


@pytest.mark.parametrize("height", [18, 112, 200])
def test_a_portrait_lies_whole_on_a_grey_frame(height: int) -> None:
    frame = draw_portrait(np.full((80, 60, 3), 255, np.uint8), height, np.random.default_rng(0))
    assert frame.shape == (HEIGHT, WIDTH, 3)
    rows, columns = np.nonzero(frame[..., 0] == 255)
    assert 0.84 * height <= rows.max() - rows.min() + 1 <= 1.16 * height + 1
    assert (columns.max() - columns.min() + 1) / (rows.max() - rows.min() + 1) == pytest.approx(0.75, abs=0.1)
    outside = np.ones((HEIGHT, WIDTH), dtype=np.bool_)
    outside[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = False
    assert (frame[outside] == GREY).all()


def test_each_portrait_and_height_is_a_frame_of_its_own(folder: Path) -> None:
    film = portrait_film(
        folder, ["s1", "s10"], FindsBright(), EmbedsBrightness(), FacesConfig(), heights=(100, 50, 8), seed=3
    )
    assert film.truth == ["s1"] * 4 + ["s10"] * 4  # at 8 pixels no face is found
    assert [one.frame for one in film.observations] == list(range(8))
    assert len({one.scene for one in film.observations}) == 8
    assert all(0 < one.face_quality <= 1 and one.face is not None for one in film.observations)
    again = portrait_film(
        folder, ["s1", "s10"], FindsBright(), EmbedsBrightness(), FacesConfig(), heights=(100, 50, 8), seed=3
    )
    assert [one.box for one in again.observations] == [one.box for one in film.observations]


def test_a_broken_portrait_is_named(folder: Path) -> None:
    (folder / "s2" / "0.pgm").write_bytes(b"P5")
    with pytest.raises(ConfigError, match=r"s2.0\.pgm cannot be read"):
        portrait_film(folder, ["s2"], FindsBright(), EmbedsBrightness(), FacesConfig())
