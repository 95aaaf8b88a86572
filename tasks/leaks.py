"""Films of the test split that share frames with the training split: found, moved over, and named.

In: perceptual hashes and looks of the frames in stories. Out: splits between which no two frames are nearly the same. A film that
is in the source twice, or a remake's stock footage, would else have models tested on what they saw. The hash finds the same
picture at another size or quality; the look (:mod:`tasks.exporting.looks`) finds it mirrored, cropped or recoloured.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tasks.exporting.looks import LookFile, read_looks
from tasks.runtime.stage import Row, RunSpec, ShardRef

Hashes = NDArray[np.uint64]
_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class FilmHashes:
    """The perceptual hashes of a film's frames in stories, ascending, and the frame of each."""

    hashes: Hashes
    frame_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Leak:
    """A film that was for testing, and the film for training that a frame of it is nearly the same in.

    ``by`` says what found the two frames: their perceptual ``hash``, ``value`` bits apart, or their ``look``, with a cosine of
    ``value``.
    """

    film: str
    other: str
    frame: str
    other_frame: str
    by: Literal["hash", "look"]
    value: float


Search = Callable[[str, str], Leak | None]
"""Looks for a leak between a film for testing and one for training."""


def find_leaks(
    run: RunSpec, refs: Sequence[ShardRef], splits: Mapping[str, str]
) -> tuple[dict[str, str], tuple[Leak, ...]]:
    """The splits without leaks, and what was moved for that; see :func:`move_leaks`."""
    if len(set(splits.values())) < 2:
        return dict(splits), ()
    hashes, bits = read_hashes(run, refs), run.config.select.duplicate_bits
    least = run.config.export.leak_cosine
    with LookFile(Path(run.workspace)) as looks:
        for ref in refs if least <= 1 else ():
            names, vectors = read_looks(run, ref)
            if names:
                looks.add(ref.film, names, vectors)

        def search(film: str, other: str) -> Leak | None:
            return compare_hashes(film, other, hashes, bits) or _compare_looks(film, other, looks, least)

        return move_leaks(splits, search)


def _compare_looks(film: str, other: str, looks: LookFile, least: float) -> Leak | None:
    found = looks.find_alike(film, other, least) if least <= 1 else None
    return Leak(film, other, found.frame, found.other, "look", found.cosine) if found else None


def read_hashes(run: RunSpec, refs: Sequence[ShardRef]) -> dict[str, FilmHashes]:
    """The different perceptual hashes of each film's frames in stories."""
    found: dict[str, dict[int, str]] = {}
    for ref in refs:
        wanted = {frame for row in _select(run, ref, "ground", ["frame_ids"]) for frame in row["frame_ids"]}
        hashes = found.setdefault(ref.film, {})
        rows = _select(run, ref, "ingest", ["frame_id", "phash"]) if wanted else []
        for row in rows:
            if row["frame_id"] in wanted:
                hashes.setdefault(row["phash"], row["frame_id"])
    return {
        film: FilmHashes(np.array(sorted(own), dtype=np.uint64), tuple(own[value] for value in sorted(own)))
        for film, own in found.items()
    }


def _select(run: RunSpec, ref: ShardRef, stage: str, columns: list[str]) -> list[Row]:
    reader = run.store.read(stage, ref.shard, ref.keys[stage])
    try:
        return list(reader.select(columns))
    finally:
        reader.close()


def nearest_hashes(one: Hashes, other: Hashes, bits: int) -> tuple[int, int, int] | None:
    """Places of a hash of ``one`` and one of ``other`` at most ``bits`` bits apart, and how many they are; None for none."""
    for start in range(0, len(one), _BLOCK):
        for at in range(0, len(other), _BLOCK):
            distances = np.bitwise_count(one[start : start + _BLOCK, None] ^ other[None, at : at + _BLOCK])
            place = int(distances.argmin())
            if distances.flat[place] <= bits:
                row, column = divmod(place, distances.shape[1])
                return start + row, at + column, int(distances.flat[place])
    return None


def compare_hashes(film: str, other: str, hashes: Mapping[str, FilmHashes], bits: int) -> Leak | None:
    """Two frames of two films whose hashes are at most ``bits`` bits apart; never with negative ``bits``."""
    if film not in hashes or other not in hashes:
        return None
    one, two = hashes[film], hashes[other]
    found = nearest_hashes(one.hashes, two.hashes, bits)
    return found and Leak(film, other, one.frame_ids[found[0]], two.frame_ids[found[1]], "hash", found[2])


def move_leaks(splits: Mapping[str, str], search: Search) -> tuple[dict[str, str], tuple[Leak, ...]]:
    """The splits with every film for testing moved to training that shares frames with a film there, and what was moved.

    A film that was moved takes along those that share frames with it.
    """
    moved = dict(splits)
    leaks: list[Leak] = []
    fresh = sorted(film for film, split in moved.items() if split == "train")
    while fresh:
        tested = sorted(film for film, split in moved.items() if split != "train")
        found = [leak for film in tested if (leak := _first(film, fresh, search)) is not None]
        moved |= {leak.film: "train" for leak in found}
        leaks += found
        fresh = [leak.film for leak in found]
    return moved, tuple(leaks)


def _first(film: str, others: Sequence[str], search: Search) -> Leak | None:
    return next((leak for other in others if (leak := search(film, other)) is not None), None)
