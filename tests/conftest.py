"""Painted films and one finished workspace, for whoever needs more than a few rows."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests import fakes
from tests.e2e.building import build
from tests.painted_films import WIDTH, paint, write_film


def write_films(root: Path) -> Path:
    """Three films: one sound, one with every kind of loss, one of which nothing can be told."""
    write_film(root, "heat", {1: 5, 2: 4, 10: 6}, cast=(0, 1))
    write_film(root, "ronin", {1: 7}, cast=(2, 3, 0))
    ronin = root / "ronin"
    (ronin / "ronin_scene_1_8.jpg").write_bytes(b"")
    (ronin / "ronin_scene_1_9.jpg").write_bytes((ronin / "ronin_scene_1_1.jpg").read_bytes()[:700])
    (ronin / "ronin_scene_1_99.jpg").write_bytes(b"not an image at all")
    Image.new("RGB", (WIDTH, 96)).save(ronin / "ronin_scene_1_10.jpg")
    shutil.copy(ronin / "ronin_scene_1_7.jpg", ronin / "ronin_scene_1_7b.jpg")
    (ronin / "notes.txt").write_text("no image")
    empty = root / "still life"
    empty.mkdir()
    for k in range(4):
        Image.fromarray(paint(f"still {k}", [], ["chair"])[0]).save(empty / f"{k}.png")
    return root


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """Films that a test may change."""
    return write_films(tmp_path / "films")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """Films and the workspace of a build of them, to be read only."""
    root = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        fakes.install(patch.setattr)
        build(write_films(root / "films"), root / "w")
    yield root / "films", root / "w"


@pytest.fixture
def workspace(finished: tuple[Path, Path], tmp_path: Path) -> Path:
    """A copy of that workspace that a test may change; built from films equal to ``films``."""
    return Path(shutil.copytree(finished[1], tmp_path / "w"))
