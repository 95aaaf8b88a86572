"""``landmarks``: buildings and places that are recognised by name.

In: ``DETECTIONS``, ``FRAMES``. Out: ``DETECTIONS`` of landmarks alone, one row a frame, whose label is the name; without a model
they are empty. Invariants: boxes lie in their frame; no name stands twice in a frame. From here on they are detections like
others: re-identification gives them ``lm`` ids.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from schemas.arrow import DETECTIONS
from schemas.config import BuildConfig
from schemas.landmarks_config import LandmarksConfig
from tasks.detect import PERSON
from tasks.models.landmarks.landmark import LandmarkModel, RawLandmark
from tasks.models.protocols import Image
from tasks.rows import detection_row
from tasks.runtime.images import batched, frame_images
from tasks.runtime.stage import Inputs, Kept, Outcome, ShardRef, Stage

ORIGIN = "landmark"
LONGEST_NAME = 100


@cache
def create_landmark_model(config: LandmarksConfig) -> LandmarkModel:
    """The model of a configuration, which must name one; the same for the same settings, nothing loaded yet."""
    if config.model == "google-vision":
        from tasks.models.landmarks.vision import VisionLandmarks

        return VisionLandmarks(config)
    from tasks.models.landmarks.classifier import LandmarkClassifier

    return LandmarkClassifier(config)


def choose_landmarks(found: Iterable[RawLandmark], config: LandmarksConfig) -> list[RawLandmark]:
    """The landmarks that count, best first, each name once."""
    chosen: dict[str, RawLandmark] = {}
    for one in found:
        name = " ".join("".join(c if c.isprintable() else " " for c in one.name).split())[:LONGEST_NAME]
        if name and name.casefold() != PERSON and one.score >= config.score and one.box.area > 0:
            chosen.setdefault(name.casefold(), RawLandmark(name, one.score, one.box))
    return list(chosen.values())[: config.max_per_frame]


def landmarks_shard(
    frames: Iterable[tuple[str, Image]], config: LandmarksConfig, model: LandmarkModel
) -> Iterator[Outcome]:
    """Landmarks of frames given as id and RGB pixels."""
    for batch in batched(frames, config.batch):
        for (frame_id, _), found in zip(batch, model.recognise([image for _, image in batch]), strict=True):
            rows = [
                detection_row(f"l{index}", one.name, one.score, ORIGIN, one.box)
                for index, one in enumerate(choose_landmarks(found, config))
            ]
            yield Kept({"frame_id": frame_id, "detections": rows})


def _run(inputs: Inputs) -> Iterator[Outcome]:
    config = inputs.run.config.landmarks
    frame_ids = [row["frame_id"] for row in inputs["detect"].select(["frame_id"])]
    if not config.model:
        return (Kept({"frame_id": frame_id, "detections": []}) for frame_id in frame_ids)
    return landmarks_shard(frame_images(inputs["ingest"], set(frame_ids)), config, create_landmark_model(config))


def _settings(config: BuildConfig, _: ShardRef) -> Mapping[str, Any]:
    landmarks = config.landmarks
    if not landmarks.model:
        return {}
    # Where it is asked, how fast and with which key changes nothing of what is found.
    return landmarks.model_dump(mode="json", include={"model", "score", "max_per_frame"})


def _models(config: BuildConfig) -> Mapping[str, str]:
    if not config.landmarks.model:
        return {}
    model = create_landmark_model(config.landmarks)
    return {model.name: model.digest}


STAGE = Stage(
    name="landmarks",
    version=1,
    unit="frame",
    schema=DETECTIONS,
    inputs=("detect", "ingest"),
    section="landmarks",
    run=_run,
    models=_models,
    leased=True,
    settings=_settings,
)
