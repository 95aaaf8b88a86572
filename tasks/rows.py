"""Between rows of the Arrow tables and the values they stand for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.geometry import Box
from tasks.runtime.stage import Row


@dataclass(frozen=True, slots=True)
class Detection:
    """A detection of a frame.

    ``origin`` is ``detector``, ``stuff`` for a part of a region without instances, or ``face`` for a person known by the face
    alone; ``mask`` is the run-length code of its pixels (:mod:`tasks.models.rle`), None where the model gives none.
    """

    det_id: str
    label: str
    score: float
    origin: str
    box: Box
    mask: bytes | None = None


@dataclass(frozen=True, slots=True)
class Face:
    """A face tied to the person ``det_id``; ``embedding`` is float32, L2-normalised."""

    det_id: str
    score: float
    quality: float
    box: Box
    landmarks: tuple[tuple[float, float], ...]
    embedding: NDArray[np.float32]


def box_of(row: Row) -> Box:
    """The box of a detection's or a face's row."""
    return Box(row["x1"], row["y1"], row["x2"], row["y2"])


def detection_row(det_id: str, label: str, score: float, origin: str, box: Box, mask: bytes | None = None) -> Row:
    """A detection as stored."""
    return {
        "det_id": det_id,
        "label": label,
        "score": score,
        "origin": origin,
        "mask": mask or b"",
        "x1": box.x1,
        "y1": box.y1,
        "x2": box.x2,
        "y2": box.y2,
    }


def read_detection(row: Row) -> Detection:
    """A stored detection."""
    return Detection(row["det_id"], row["label"], row["score"], row["origin"], box_of(row), row.get("mask") or None)


def face_row(face: Face) -> Row:
    """A face as stored."""
    return {
        "det_id": face.det_id,
        "score": face.score,
        "quality": face.quality,
        "x1": face.box.x1,
        "y1": face.box.y1,
        "x2": face.box.x2,
        "y2": face.box.y2,
        "landmarks": [value for point in face.landmarks for value in point],
        "embedding": pack_embedding(face.embedding),
    }


def read_face(row: Row) -> Face:
    """A stored face."""
    vector = unpack_embedding(row["embedding"])
    return Face(row["det_id"], row["score"], row["quality"], box_of(row), read_landmarks(row), vector)


def read_landmarks(row: Row) -> tuple[tuple[float, float], ...]:
    """The points of a stored face."""
    flat: Sequence[float] = row["landmarks"]
    return tuple(zip(flat[::2], flat[1::2], strict=True))


def pack_embedding(vector: NDArray[np.float32]) -> bytes:
    """Little-endian float32 bytes."""
    return np.ascontiguousarray(vector, dtype="<f4").tobytes()


def unpack_embedding(content: bytes) -> NDArray[np.float32]:
    """The vector that :func:`pack_embedding` stored."""
    return np.frombuffer(content, dtype="<f4").astype(np.float32, copy=False)
