"""``appearance``: what people, things and places look like.

In: ``FRAMES``, ``PEOPLE``, ``STORIES``. Out: ``APPEARANCE``, one row a frame of a story: an embedding and dominant colours of
every detection's crop, and tags of the whole frame. Invariants: every detection has a crop of at least one pixel; a person's
colours are of the clothing, where a face shows where that is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from schemas.arrow import APPEARANCE
from schemas.config import AppearanceConfig, BuildConfig
from schemas.geometry import Box
from tasks.detect import PERSON
from tasks.models.colour import clothing_region, dominant_colours
from tasks.models.protocols import AppearanceModel, Embeddings, Image
from tasks.models.registry import appearance_options, create_appearance, frame_decoder, model_digest, runs_on_gpu
from tasks.models.rle import decode_mask
from tasks.rows import Detection, box_of, pack_embedding, read_detection
from tasks.runtime.images import batched, frame_images
from tasks.runtime.overlap import overlapped
from tasks.runtime.stage import Inputs, Kept, Outcome, Row, Stage

COLOURS = 2


def crop(image: Image, box: Box) -> Image:
    """The pixels under a box, at least one."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = box.rounded(width, height)
    return image[y1:y2, x1:x2]


def masked_crop(image: Image, detection: Detection) -> Image:
    """The pixels under a detection's box, white where its mask says they are not of it; all where it has no mask."""
    pixels = crop(image, detection.box)
    if detection.mask is None:
        return pixels
    height, width = image.shape[:2]
    x1, y1, x2, y2 = detection.box.rounded(width, height)
    inside = decode_mask(detection.mask, height, width)[y1:y2, x1:x2]
    return np.where(inside[..., None], pixels, np.uint8(255))


def appearance_shard(
    frames: Iterable[tuple[str, Image]],
    people: Mapping[str, tuple[Sequence[Detection], Mapping[str, Box]]],
    stories: Mapping[str, str],
    params: AppearanceConfig,
    model: AppearanceModel,
) -> Iterator[Outcome]:
    """Looks of frames given as id and RGB pixels; ``people`` has each frame's detections and faces by ``det_id``."""

    def look(batch: list[tuple[str, Image]]) -> tuple[Embeddings, list[list[tuple[str, float]]]]:
        found = [(image, d) for frame_id, image in batch for d in people[frame_id][0]]
        crops = [masked_crop(image, d) if params.masked else crop(image, d.box) for image, d in found]
        embedded = model.embed(crops)
        if len(embedded) != len(crops):
            raise ValueError(f"the appearance model gave {len(embedded)} embeddings of {len(crops)} crops")
        return embedded, model.tag([image for _, image in batch])

    for batch, (embedded, tags) in overlapped(batched(frames, params.batch), look):
        vectors = iter(embedded)
        for (frame_id, image), words in zip(batch, tags, strict=True):
            detections, faces = people[frame_id]
            rows: list[Row] = []
            for detection in detections:
                region = detection.box
                if detection.label == PERSON:
                    region = clothing_region(detection.box, faces.get(detection.det_id))
                colours = dominant_colours(crop(image, region), COLOURS)
                rows.append(
                    {
                        "det_id": detection.det_id,
                        "embedding": pack_embedding(next(vectors)),
                        "colours": [{"name": name, "share": share} for name, share in colours],
                    }
                )
            kept = [(label, score) for label, score in words if score >= params.tag_score][: params.max_tags]
            yield Kept(
                {
                    "story_key": stories[frame_id],
                    "frame_id": frame_id,
                    "crops": rows,
                    "tags": [{"label": label, "score": score} for label, score in kept],
                }
            )


def _models(config: BuildConfig) -> Mapping[str, str]:
    params = config.appearance
    return {params.model: model_digest(params.model, "appearance", params.weights, appearance_options(params))}


def _run(inputs: Inputs) -> Iterator[Outcome]:
    params = inputs.run.config.appearance
    stories = {frame: row["story_key"] for row in inputs["sequence"] for frame in row["frame_ids"]}
    people = {}
    for row in inputs["faces"].select(["frame_id", "detections", "faces"]):
        if row["frame_id"] in stories:
            faces = {face["det_id"]: box_of(face) for face in row["faces"]}
            people[row["frame_id"]] = ([read_detection(d) for d in row["detections"]], faces)
    options = appearance_options(params)
    model = create_appearance(params.model, params.weights, options=options)
    on_gpu, decoder = runs_on_gpu(params.model, "appearance", options), frame_decoder(params.decode, options)
    frames = frame_images(inputs["ingest"], stories, on_gpu=on_gpu, decode_batch=decoder)
    return appearance_shard(frames, people, stories, params, model)


def _count(inputs: Inputs) -> int:
    return sum(len(row["frame_ids"]) for row in inputs["sequence"].select(["frame_ids"]))


STAGE = Stage(
    name="appearance",
    version=4,
    unit="frame",
    schema=APPEARANCE,
    inputs=("sequence", "faces", "ingest"),
    section="appearance",
    run=_run,
    count=_count,
    models=_models,
    leased=True,
)
