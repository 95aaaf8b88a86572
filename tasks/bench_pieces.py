"""What of each vision stage is measured: the calls of its model as the stage makes them, on frames at hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from schemas.config import BuildConfig
from schemas.geometry import Box
from tasks.appearance import crop, masked_crop
from tasks.bench_frames import EncodedFrames, decode_some, read_frames, take
from tasks.benchmark.measure import Piece
from tasks.benchmark.vision_models import Role
from tasks.detect import choose_detections, detect_shard
from tasks.faces import choose_faces
from tasks.models.face_alignment import SIZE, TEMPLATE
from tasks.models.landmarks.classifier import LandmarkClassifier
from tasks.models.production import find_production
from tasks.models.protocols import AppearanceModel, Bare, Detector, FaceDetector, FaceEmbedder, Image, RawFace
from tasks.rows import Detection

CPU_BATCHES, GPU_BATCHES = 2, 8
"""Batches of encoded frames in a piece of work: on a GPU the first one's decoding, which nothing hides, should weigh little."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Pieces of work of one adapter, and its bare network on ``bare_items`` items."""

    pieces: tuple[Piece, ...]
    bare: Bare
    bare_items: int


def detect_pieces(detector: Detector, role: Role, contents: Sequence[bytes], config: BuildConfig) -> Measured:
    """A batch of decoded frames; and batches from JPEG, decoded ahead, as the stage turns them into rows."""
    params = config.detect
    images = decode_some(contents, params.batch)
    count = params.batch * (GPU_BATCHES if role.device.on_gpu else CPU_BATCHES)
    stored = EncodedFrames(take(contents, count))

    def from_files() -> None:
        for _ in detect_shard(read_frames(stored, role, params.decode), params, detector):
            pass

    note = f"{sum(map(len, detector.detect(images))) / params.batch:.1f} a frame"
    pieces = (
        Piece("frames", "frame", params.batch, partial(detector.detect, images), note),
        Piece("frames from JPEG", "frame", count, from_files, note),
    )
    return Measured(pieces, detector.bare(images), params.batch)


def face_finding(detector: FaceDetector, contents: Sequence[bytes], config: BuildConfig) -> Measured:
    """A batch of frames searched for faces."""
    batch = config.faces.batch
    images = decode_some(contents, batch)
    found = sum(map(len, detector.detect(images)))
    piece = Piece("frames", "frame", batch, partial(detector.detect, images), f"{found / batch:.1f} faces a frame")
    return Measured((piece,), detector.bare(images), batch)


def face_knowing(
    detector: FaceDetector, embedder: FaceEmbedder, contents: Sequence[bytes], config: BuildConfig
) -> Measured:
    """The faces of a batch of frames embedded."""
    images = decode_some(contents, config.faces.batch)
    faces = [choose_faces(found, config.faces) for found in detector.detect(images)]
    note = ""
    if not any(faces):
        faces, note = [[made_face(image)] for image in images], "no face was found: one made up in each frame"
    count = sum(map(len, faces))
    piece = Piece("faces", "face", count, partial(embedder.embed, images, faces), note)
    return Measured((piece,), embedder.bare(count), count)


def made_face(image: Image) -> RawFace:
    """A face in the middle of a frame, half as high as it."""
    height, width = image.shape[:2]
    side = min(height, width) / 2
    left, top = (width - side) / 2, (height - side) / 2
    points = tuple((left + float(x) * side / SIZE, top + float(y) * side / SIZE) for x, y in TEMPLATE)
    return RawFace(Box(left, top, left + side, top + side), 1.0, points)


def crop_pieces(model: AppearanceModel, detector: Detector, contents: Sequence[bytes], config: BuildConfig) -> Measured:
    """The crops of a batch of frames embedded."""
    params = config.appearance
    images = decode_some(contents, min(params.batch, len(contents)))
    crops = []
    for image, found in zip(images, detector.detect(images), strict=True):
        for raw in choose_detections(found, image.shape[1], image.shape[0], config.detect):
            detection = Detection("", raw.label, raw.score, "", raw.box, raw.mask)
            crops.append(masked_crop(image, detection) if params.masked else crop(image, raw.box))
    note = f"{len(crops) / len(images):.1f} a frame"
    if not crops:
        crops, note = images, "nothing was found: whole frames taken"
    count = max(1, len(crops) * params.batch // len(images))
    batch = [crops[k % len(crops)] for k in range(count)]
    return Measured((Piece("crops", "crop", count, partial(model.embed, batch), note),), model.bare(count), count)


def tag_pieces(model: AppearanceModel, contents: Sequence[bytes], config: BuildConfig) -> Measured | None:
    """A batch of frames tagged; None where the model gives no tags."""
    production = find_production(config.appearance.model, "appearance")
    if production is not None and not production.gives_tags:
        return None
    batch = config.appearance.batch
    images = decode_some(contents, batch)
    return Measured((Piece("tags", "frame", batch, partial(model.tag, images)),), model.bare(batch), batch)


def place_pieces(contents: Sequence[bytes], config: BuildConfig) -> Measured:
    """A batch of frames in which a classifier names landmarks."""
    model, batch = LandmarkClassifier(config.landmarks), config.landmarks.batch
    images = decode_some(contents, batch)
    return Measured((Piece("frames", "frame", batch, partial(model.recognise, images)),), model.bare(images), batch)
