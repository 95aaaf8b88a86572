"""Rows of the published configs."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from schemas.arrow import IMAGE
from tasks.exporting.stories import ExportedStory
from tasks.runtime.stage import Row, RunSpec, ShardRef

SUFFIXES = {"jpeg": "jpg", "png": "png", "webp": "webp"}


def image_name(frame: Row) -> str:
    """Name of a frame as a file of its own."""
    return f"{frame['frame_id']}.{SUFFIXES[frame['format']]}"


def image_structs(images: pa.Array, names: Sequence[str]) -> pa.StructArray:
    """Images of the ``images`` column: the bytes as they are, not copied, each with its file name."""
    return pa.StructArray.from_arrays([images, pa.array(names, pa.string())], fields=list(IMAGE))


def byte_count(images: pa.Array) -> int:
    """Bytes of all values of a binary array."""
    return int(pc.sum(pc.binary_length(images)).as_py() or 0)


def default_row(story: ExportedStory, story_id: str) -> Row:
    """A row of :data:`schemas.arrow.STORYREASONING` but for its images."""
    return {
        "story_id": story_id,
        "frame_count": len(story.frames),
        "chain_of_thought": story.grounded["chain_of_thought"],
        "story": story.grounded["story"],
    }


def grounding_row(story: ExportedStory, story_id: str, models: Sequence[Row]) -> Row:
    """A row of :data:`schemas.arrow.GROUNDING`."""
    return {
        "story_id": story_id,
        "story_key": story.key,
        "film": story.film,
        "frames": [
            {
                "number": number,
                "frame_id": frame["frame_id"],
                "scene": frame["scene"],
                "source": frame["source"],
                "sha256": frame["source_sha256"],
                "width": frame["width"],
                "height": frame["height"],
            }
            for number, frame in enumerate(story.frames, start=1)
        ],
        "detections": [
            {**detection, "frame": number}
            for number, detections in enumerate(story.detections, start=1)
            for detection in detections
        ],
        "entities": story.analysis["entities"],
        "links": story.grounded["links"],
        "models": list(models),
        **{
            name: story.draft[name]
            for name in ("drafter", "model", "prompt_version", "input_tokens", "output_tokens", "cost_usd")
        },
    }


def models_of(run: RunSpec, ref: ShardRef) -> list[Row]:
    """The models that a shard's stories stand on."""
    rows = []
    for stage, key in sorted(ref.keys.items()):
        manifest = run.store.find(stage, ref.shard, key)
        for name, digest in sorted((manifest.models if manifest else {}).items()):
            rows.append({"stage": stage, "name": name, "sha256": digest})
    return rows
