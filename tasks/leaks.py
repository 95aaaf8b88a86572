"""Films of the test split that share frames with the training split: found by perceptual hash, and moved over.

In: the perceptual hashes of the frames in stories. Out: splits between which no two frames are nearly the same. A film that is in
the source twice, or a remake's stock footage, would else have models tested on what they saw.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.runtime.stage import Row, RunSpec, ShardRef

Hashes = NDArray[np.uint64]
_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Leak:
    """A film that was for testing, and the film for training that a frame of it is nearly the same in."""

    film: str
    other: str


def read_hashes(run: RunSpec, refs: Sequence[ShardRef]) -> dict[str, Hashes]:
    """The different perceptual hashes of each film's frames in stories, ascending."""
    found: dict[str, set[int]] = {}
    for ref in refs:
        wanted = {frame for row in _select(run, ref, "ground", ["frame_ids"]) for frame in row["frame_ids"]}
        hashes = found.setdefault(ref.film, set())
        rows = _select(run, ref, "ingest", ["frame_id", "phash"]) if wanted else []
        hashes.update(row["phash"] for row in rows if row["frame_id"] in wanted)
    return {film: np.array(sorted(hashes), dtype=np.uint64) for film, hashes in found.items()}


def _select(run: RunSpec, ref: ShardRef, stage: str, columns: list[str]) -> list[Row]:
    reader = run.store.read(stage, ref.shard, ref.keys[stage])
    try:
        return list(reader.select(columns))
    finally:
        reader.close()


def share_frames(one: Hashes, other: Hashes, bits: int) -> bool:
    """Whether a hash of ``one`` is within ``bits`` bits of one of ``other``; never with negative ``bits``."""
    for start in range(0, len(one), _BLOCK):
        for at in range(0, len(other), _BLOCK):
            distances = np.bitwise_count(one[start : start + _BLOCK, None] ^ other[None, at : at + _BLOCK])
            if distances.size and int(distances.min()) <= bits:
                return True
    return False


def move_leaks(
    splits: Mapping[str, str], hashes: Mapping[str, Hashes], bits: int
) -> tuple[dict[str, str], tuple[Leak, ...]]:
    """The splits with every film for testing moved to training that shares frames with a film there, and what was moved.

    A film that was moved takes along those that share frames with it.
    """
    moved = dict(splits)
    leaks: list[Leak] = []
    empty = np.array([], dtype=np.uint64)
    fresh = sorted(film for film, split in moved.items() if split == "train")
    while fresh:
        found = []
        for film in sorted(film for film, split in moved.items() if split != "train"):
            own = hashes.get(film, empty)
            other = next((name for name in fresh if share_frames(own, hashes.get(name, empty), bits)), None)
            if other is not None:
                found.append(Leak(film, other))
        moved |= {leak.film: "train" for leak in found}
        leaks += found
        fresh = [leak.film for leak in found]
    return moved, tuple(leaks)
