"""What identity is told about one detection, and the order in which it looks at detections."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.evidence import EntityKind
from schemas.geometry import Box

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """One detection with everything that may tell who or what it is.

    Attributes:
        frame: position of the frame in story or film order; frames of one scene are consecutive.
        scene: name of the scene; ``""`` where scenes are unknown.
        det_id: name of the detection, unique within its frame.
        kind: what the entity would be: a person (``char``), a thing, a landmark or a background region.
        label: the detector's label, such as ``person`` or ``car``.
        score: the detector's score, 0 to 1.
        box: in pixels of the frame; parts outside the frame are ignored.
        frame_width: pixels.
        frame_height: pixels.
        face: face embedding, L2-normalised; None, all zero or not finite means that there is none.
        face_quality: 0 to 1, how far the face can be trusted for identity.
        appearance: embedding of the crop, L2-normalised; as ``face``, None means that there is none.
        frame_hash: 64-bit perceptual hash of the frame, the same for all its detections; None where unknown.
        tags: what the whole frame shows, each with a score from 0 to 1; the same for all its detections, no tag twice.
    """

    frame: int
    scene: str
    det_id: str
    kind: EntityKind
    label: str
    score: float
    box: Box
    frame_width: int
    frame_height: int
    face: Vector | None = None
    face_quality: float = 0.0
    appearance: Vector | None = None
    frame_hash: int | None = None
    tags: tuple[tuple[str, float], ...] = ()


def visible_boxes(observations: Sequence[Observation]) -> NDArray[np.float64]:
    """The parts of the boxes inside their frames ``x1,y1,x2,y2``, shape ``(n, 4)``.

    Empty at the origin where a coordinate is not finite, and where nothing of a box is inside.
    """
    boxes = np.array([(o.box.x1, o.box.y1, o.box.x2, o.box.y2) for o in observations], dtype=np.float64).reshape(-1, 4)
    size = np.array([(o.frame_width, o.frame_height) * 2 for o in observations], dtype=np.float64).reshape(-1, 4)
    boxes = np.minimum(np.maximum(boxes, 0.0), size)
    empty = ~np.isfinite(boxes).all(axis=1) | (boxes[:, 2] <= boxes[:, 0]) | (boxes[:, 3] <= boxes[:, 1])
    boxes[empty] = 0.0
    return boxes


def canonical_order(observations: Sequence[Observation]) -> list[int]:
    """Indices of ``observations`` in the one order used inside identity, whatever order they were given in.

    By frame, then largest visible area, then position, label and ``det_id``; so the first of an entity is also the one
    that names it.

    Raises:
        ValueError: two observations of a frame share a ``det_id``.
    """
    boxes = visible_boxes(observations)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    keys = [
        (observation.frame, -area, *box, observation.label, observation.det_id)
        for observation, area, box in zip(observations, areas.tolist(), boxes.tolist(), strict=True)
    ]
    seen: set[tuple[int, str]] = set()
    for observation in observations:
        name = (observation.frame, observation.det_id)
        if name in seen:
            raise ValueError(f"detection {observation.det_id!r} occurs twice in frame {observation.frame}")
        seen.add(name)
    return sorted(range(len(observations)), key=keys.__getitem__)


def stack_embeddings(vectors: Sequence[Vector | None]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Put embeddings into one matrix.

    Args:
        vectors: one embedding or None each; all embeddings have the same length.

    Returns:
        A matrix of shape ``(n, d)`` whose rows have length 1, or are zero where nothing usable was given, and a mask of
        shape ``(n,)`` of the usable ones. ``d`` is 0 when no embedding was given at all.

    Raises:
        ValueError: embeddings of different lengths, which cannot come from one model.
    """
    lengths = {vector.size for vector in vectors if vector is not None}
    if len(lengths) > 1:
        raise ValueError(f"embeddings of different models are mixed: lengths {sorted(lengths)}")
    length = lengths.pop() if lengths else 0
    matrix = np.zeros((len(vectors), length), dtype=np.float32)
    given = [i for i, vector in enumerate(vectors) if vector is not None]
    if not given or not length:
        return matrix, np.zeros(len(vectors), dtype=np.bool_)
    rows = np.stack([np.asarray(vectors[i], dtype=np.float32).reshape(-1) for i in given])
    # Scaling by the largest element first keeps the norm finite for embeddings of any magnitude.
    largest = np.max(np.abs(rows), axis=1)
    usable = np.isfinite(largest) & (largest > 0)
    rows[~usable] = 0.0
    rows /= np.where(usable, largest, np.float32(1.0))[:, None]
    norms = np.linalg.norm(rows, axis=1)
    matrix[given] = rows / np.where(norms > 0, norms, 1.0)[:, None]
    mask = np.zeros(len(vectors), dtype=np.bool_)
    mask[given] = usable
    return matrix, mask
