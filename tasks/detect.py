"""``detect``: people and objects in every selected frame.

In: ``FRAMES``, ``SELECTED``. Out: ``DETECTIONS``, one row a frame, best detection first, named ``d0``, ``d1``, ... in that
order. Invariants: boxes lie in the frame and have an area; no frame has more than ``max_per_frame``.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from schemas.arrow import DETECTIONS
from schemas.config import BuildConfig, DetectConfig
from tasks.models.protocols import Detector, Image, RawDetection
from tasks.models.registry import create_detector, detector_options, frame_decoder, model_digest, runs_on_gpu
from tasks.rows import detection_row
from tasks.runtime.images import batched, frame_images
from tasks.runtime.overlap import overlapped
from tasks.runtime.stage import Inputs, Kept, Outcome, Row, Stage

PERSON = "person"


def choose_detections(
    found: Iterable[RawDetection], width: int, height: int, params: DetectConfig
) -> list[RawDetection]:
    """The detections that count, clamped to the frame, best first; ties are broken by label and place."""
    chosen = []
    for raw in found:
        floor = params.person_score if raw.label == PERSON else params.object_score
        box = raw.box.clamp(width, height)
        if raw.score >= floor and box.width >= 1 and box.height >= 1:
            chosen.append(replace(raw, box=box))
    chosen.sort(key=lambda raw: (-raw.score, raw.label, raw.box))
    return chosen[: params.max_per_frame]


def detect_shard(frames: Iterable[tuple[str, Image]], params: DetectConfig, detector: Detector) -> Iterator[Outcome]:
    """Detections of frames given as id and RGB pixels, a batch at a time."""

    def look(batch: list[tuple[str, Image]]) -> list[list[RawDetection]]:
        return detector.detect([image for _, image in batch])

    for batch, results in overlapped(batched(frames, params.batch), look):
        for (frame_id, image), found in zip(batch, results, strict=True):
            chosen = choose_detections(found, image.shape[1], image.shape[0], params)
            rows: list[Row] = [
                detection_row(f"d{i}", raw.label, raw.score, "stuff" if raw.stuff else "detector", raw.box, raw.mask)
                for i, raw in enumerate(chosen)
            ]
            yield Kept({"frame_id": frame_id, "detections": rows})


def _models(config: BuildConfig) -> Mapping[str, str]:
    params = config.detect
    return {params.model: model_digest(params.model, "detector", params.weights, detector_options(params))}


def _run(inputs: Inputs) -> Iterator[Outcome]:
    params = inputs.run.config.detect
    wanted = {row["frame_id"] for row in inputs["select"].select(["frame_id"])}
    options = detector_options(params)
    detector = create_detector(params.model, params.weights, nms_iou=params.nms_iou, options=options)
    on_gpu, decoder = runs_on_gpu(params.model, "detector", options), frame_decoder(params.decode, options)
    return detect_shard(frame_images(inputs["ingest"], wanted, on_gpu=on_gpu, decode_batch=decoder), params, detector)


STAGE = Stage(
    name="detect",
    version=5,
    unit="frame",
    schema=DETECTIONS,
    inputs=("select", "ingest"),
    section="detect",
    run=_run,
    models=_models,
    leased=True,
)
