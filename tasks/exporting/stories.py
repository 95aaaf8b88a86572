"""The kept stories of a shard with their frames' bytes as Arrow holds them: no image becomes an object of Python's."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from tasks.runtime.stage import Row, RunSpec, ShardRef
from tasks.runtime.store import ShardReader

DRAFT = "draft_story"
"""The stage whose rows say who wrote a story."""
_DRAFT = ["story_key", "drafter", "model", "prompt_version", "input_tokens", "output_tokens", "cost_usd"]
_ANALYSIS = ["story_key", "entities", "detections"]
_FRAME = ["frame_id", "scene", "source", "source_sha256", "format", "width", "height"]


@dataclass(frozen=True, slots=True)
class ExportedStory:
    """One kept story.

    ``grounded``, ``draft`` and ``analysis`` are its rows of these stages. ``frames`` are the facts of its frames in order,
    ``detections`` what was found in each or added by the drafter, ``images`` their bytes (a binary array as long).
    """

    grounded: Row
    draft: Row
    analysis: Row
    frames: Sequence[Row]
    detections: Sequence[Sequence[Row]]
    images: pa.Array

    @property
    def key(self) -> str:
        """The story's key."""
        return str(self.grounded["story_key"])

    @property
    def film(self) -> str:
        """The film it is from."""
        return str(self.grounded["film"])


class FrameImages:
    """The images of a shard of ``FRAMES``, taken story by story in the order in which the frames are stored."""

    def __init__(self, reader: ShardReader) -> None:
        """Read a row group at a time, and no image twice."""
        self._tables = reader.tables(["frame_id", "image"])
        self._places: dict[str, tuple[pa.Array, int]] = {}

    def take(self, frame_ids: Sequence[str]) -> pa.Array:
        """The bytes of these frames in this order; those stored before the last of them are given up.

        Raises:
            KeyError: the shard has no such frame, or it was given up.
        """
        wanted = set(frame_ids)
        while not wanted <= self._places.keys():
            table = next(self._tables, None)
            if table is None:
                raise KeyError(sorted(wanted - self._places.keys())[0])
            array = table.column("image").combine_chunks()
            names = table.column("frame_id").to_pylist()
            self._places |= {name: (array, at) for at, name in enumerate(names)}
        found = _join([self._places[frame_id] for frame_id in frame_ids])
        # A dict keeps the order of insertion, which is that of the shard.
        order = list(self._places)
        last = max(order.index(frame_id) for frame_id in wanted)
        for name in order[: last + 1]:
            del self._places[name]
        return found


def _join(places: Sequence[tuple[pa.Array, int]]) -> pa.Array:
    """One array of the values at these places: a slice where they follow one another, else a copy."""
    runs: list[tuple[pa.Array, int, int]] = []
    for array, at in places:
        if runs and runs[-1][0] is array and runs[-1][2] == at:
            runs[-1] = (array, runs[-1][1], at + 1)
        else:
            runs.append((array, at, at + 1))
    slices = [array.slice(start, stop - start) for array, start, stop in runs]
    return slices[0] if len(slices) == 1 else pa.concat_arrays(slices)


def read_stories(run: RunSpec, ref: ShardRef) -> Iterator[ExportedStory]:
    """Kept stories of a shard in order; of its images a row group or two are held at a time.

    Raises:
        ShardError: a shard that the stories stand on cannot be read.
    """
    readers = {
        stage: run.store.read(stage, ref.shard, ref.keys[stage])
        for stage in ("ground", DRAFT, "draft_analysis", "faces", "ingest")
    }
    try:
        grounded = list(readers["ground"])
        if not grounded:
            return
        wanted = {frame_id for row in grounded for frame_id in row["frame_ids"]}
        drafts = {row["story_key"]: row for row in readers[DRAFT].select(_DRAFT)}
        analyses = {row["story_key"]: row for row in readers["draft_analysis"].select(_ANALYSIS)}
        found = {row["frame_id"]: row["detections"] for row in readers["faces"].select(["frame_id", "detections"])}
        facts = {row["frame_id"]: row for row in readers["ingest"].select(_FRAME) if row["frame_id"] in wanted}
        images = FrameImages(readers["ingest"])
        for row in grounded:
            names = row["frame_ids"]
            yield ExportedStory(
                grounded=row,
                draft=drafts[row["story_key"]],
                analysis=analyses[row["story_key"]],
                frames=[facts[name] for name in names],
                detections=[
                    [*found[name], *_added(analyses[row["story_key"]], number)]
                    for number, name in enumerate(names, start=1)
                ],
                images=images.take(names),
            )
    finally:
        for reader in readers.values():
            reader.close()


def _added(analysis: Row, number: int) -> list[Row]:
    """What the drafter added to a frame."""
    return [row for row in analysis["detections"] if row["frame"] == number]
