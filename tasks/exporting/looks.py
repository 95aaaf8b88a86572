"""What frames look like as a whole, kept in a file so that memory does not grow with the number of frames.

The look of a frame is the mean of the appearance embeddings of what was found in it, weighted by the area of each box and scaled
to length 1. Where a picture comes again mirrored, cropped or recoloured, the cosine of the two looks is near 1.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

import numpy as np
from numpy.typing import NDArray

from tasks.runtime.atomic import explain
from tasks.runtime.stage import Row, RunSpec, ShardRef

Looks = NDArray[np.float32]
_BLOCK = 1024
_STORED = np.dtype("<f2")
"""Half precision: the file is half as large, and a cosine is off by less than 0.001."""


@dataclass(frozen=True, slots=True)
class Alike:
    """A frame of one film and one of another, and the cosine of their looks."""

    frame: str
    other: str
    cosine: float


class LookFile:
    """The looks of the frames of many films, in a temporary file."""

    def __init__(self, folder: Path) -> None:
        """Make the file in ``folder``; it goes when it is closed.

        Raises:
            WorkspaceError: it cannot be made there.
        """
        self._path = folder / "looks of frames"
        try:
            # Unbuffered: what the disk refuses must not be tried again when the file is closed.
            self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - closed on leaving
        except OSError as error:
            raise explain(error, self._path) from error
        self._runs: dict[str, list[tuple[int, int, int]]] = {}
        self._names: dict[str, list[str]] = {}

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let the file go."""
        self._file.close()

    def add(self, film: str, frame_ids: Sequence[str], looks: Looks) -> None:
        """Keep the looks ``(n, d)`` of frames of a film.

        Raises:
            WorkspaceError: the disk is full.
        """
        offset = self._file.seek(0, 2)
        content = memoryview(looks.astype(_STORED).tobytes())
        try:
            while content:
                content = content[self._file.write(content) :]
        except OSError as error:
            raise explain(error, self._path) from error
        self._runs.setdefault(film, []).append((offset, *looks.shape))
        self._names.setdefault(film, []).extend(frame_ids)

    def find_alike(self, film: str, other: str, least: float) -> Alike | None:
        """Two frames of two films whose looks have a cosine of ``least`` or more, or None; looks at a block of each at a time."""
        for start, one in self._blocks(film):
            for at, two in self._blocks(other):
                cosines = one @ two.T
                place = int(cosines.argmax())
                if cosines.flat[place] >= least:
                    row, column = divmod(place, cosines.shape[1])
                    found = self._names[film][start + row], self._names[other][at + column]
                    return Alike(*found, round(float(cosines.flat[place]), 3))
        return None

    def _blocks(self, film: str) -> Iterator[tuple[int, Looks]]:
        """Looks of a film, each block with the place of its first row."""
        place = 0
        for offset, count, width in self._runs.get(film, ()):
            for start in range(0, count, _BLOCK):
                number = min(_BLOCK, count - start)
                self._file.seek(offset + start * width * _STORED.itemsize)
                content = self._file.read(number * width * _STORED.itemsize)
                yield place + start, np.frombuffer(content, _STORED).reshape(number, width).astype(np.float32)
            place += count


def read_looks(run: RunSpec, ref: ShardRef) -> tuple[list[str], Looks]:
    """Ids and looks of the frames of a shard's kept stories; frames in which nothing was found have none."""
    wanted = {name for row in _select(run, ref, "ground", ["frame_ids"]) for name in row["frame_ids"]}
    if not wanted:
        return [], np.zeros((0, 0), np.float32)
    rows = _select(run, ref, "faces", ["frame_id", "detections"])
    areas = {row["frame_id"]: _areas(row["detections"]) for row in rows if row["frame_id"] in wanted}
    names: list[str] = []
    looks: list[Looks] = []
    for row in _select(run, ref, "appearance", ["frame_id", "crops"]):
        found = areas.get(row["frame_id"], {})
        crops = [(found[c["det_id"]], c["embedding"]) for c in row["crops"] if c["embedding"] and c["det_id"] in found]
        if crops:
            names.append(row["frame_id"])
            looks.append(_mean(crops))
    return names, np.array(looks, np.float32).reshape(len(looks), -1 if looks else 0)


def _areas(detections: Sequence[Row]) -> Mapping[str, float]:
    return {d["det_id"]: max(1.0, (d["x2"] - d["x1"]) * (d["y2"] - d["y1"])) for d in detections}


def _mean(crops: Sequence[tuple[float, bytes]]) -> Looks:
    vectors = np.stack([np.frombuffer(content, "<f4") for _, content in crops])
    mean = np.array([area for area, _ in crops], np.float32) @ vectors
    scaled: Looks = mean / max(float(np.linalg.norm(mean)), 1e-12)
    return scaled


def _select(run: RunSpec, ref: ShardRef, stage: str, columns: list[str]) -> Iterator[Row]:
    reader = run.store.read(stage, ref.shard, ref.keys[stage])
    try:
        yield from reader.select(columns)
    finally:
        reader.close()
