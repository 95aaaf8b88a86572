"""Rows and values: there and back."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.arrow import DETECTION, FACE
from schemas.geometry import Box
from tasks.rows import (
    Detection,
    Face,
    box_of,
    detection_row,
    face_row,
    pack_embedding,
    read_detection,
    read_face,
    unpack_embedding,
)

REAL = st.floats(width=32, allow_nan=False, allow_infinity=False)
BOXES = st.builds(Box, REAL, REAL, REAL, REAL)


def stored(row: dict[str, Any], kind: pa.DataType) -> dict[str, Any]:
    """A row after it was put into an Arrow column and taken out."""
    value: dict[str, Any] = pa.array([row], kind).to_pylist()[0]
    return value


@given(BOXES, st.floats(0, 1, width=32), st.none() | st.binary(min_size=1, max_size=5))
def test_detections(box: Box, score: float, mask: bytes | None) -> None:
    detection = Detection("d3", "person", score, "face", box, mask)
    row = detection_row("d3", "person", score, "face", box, mask)
    assert set(row) == {field.name for field in DETECTION}
    assert read_detection(stored(row, DETECTION)) == detection
    assert box_of(row) == box


@given(BOXES, st.lists(REAL, min_size=10, max_size=10), st.lists(REAL, max_size=8))
def test_faces(box: Box, points: list[float], vector: list[float]) -> None:
    landmarks = tuple(zip(points[::2], points[1::2], strict=True))
    face = Face("d0", 0.5, 0.25, box, landmarks, np.array(vector, np.float32))
    row = face_row(face)
    assert set(row) == {field.name for field in FACE}
    again = read_face(stored(row, FACE))
    assert (again.det_id, again.score, again.quality, again.box, again.landmarks) == ("d0", 0.5, 0.25, box, landmarks)
    assert np.array_equal(again.embedding, face.embedding)


def test_embeddings_are_little_endian_float32() -> None:
    assert pack_embedding(np.array([1.0, -2.0], np.float32)) == b"\x00\x00\x80\x3f\x00\x00\x00\xc0"


@pytest.mark.parametrize("kind", ["<f4", ">f4", "<f8"])
def test_embeddings_of_any_layout_come_back(kind: str) -> None:
    vector = np.arange(12, dtype=kind)[::3]
    again = unpack_embedding(pack_embedding(vector.astype(np.float32) if kind == "<f8" else vector))
    assert again.dtype == np.float32
    assert again.tolist() == [0.0, 3.0, 6.0, 9.0]
