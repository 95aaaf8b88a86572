"""YuNet: faces with five landmarks on the CPU (Wu, Peng and Yu, "YuNet: A Tiny Millisecond-level Face Detector", 2023).

The network finds faces from about 10 to 300 pixels of its input, but places landmarks well only on those of 100 to 230
(measured as the area under the ROC curve of identity: .76 with faces of 60 pixels, .99 with 160). So faces are found in
the whole image, and each is then looked at again, enlarged or reduced to two sizes in that range; the landmarks are the
mean of what is seen there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from schemas.geometry import Box
from tasks.models.face_closeup import Closeup, cut_closeup
from tasks.models.letterbox import Fit, bgr_input, fit_inside
from tasks.models.protocols import Bare, Image, RawFace
from tasks.models.sessions import OnnxAdapter
from tasks.models.suppression import suppress
from tasks.models.weights import Weights

STRIDES = (8, 16, 32)
CLOSEUP_SIDE = 288
CLOSEUP_CONTEXT = (1.9, 2.6)  # sides of the cut in sides of the face: the face is then 152 and 111 pixels
_CLOSEUP_SCORE = 0.3
_SAME_FACE = 0.4  # overlap from which what is seen in the closeup is the face that was cut out
_CANDIDATES = 400  # boxes that enter suppression, best first


@lru_cache(maxsize=16)
def prior_cells(input_width: int, input_height: int) -> NDArray[np.float32]:
    """Column, row and stride of every prior, level after level, row by row."""
    levels = []
    for stride in STRIDES:
        rows, columns = np.mgrid[0 : input_height // stride, 0 : input_width // stride]
        levels.append(np.stack([columns.ravel(), rows.ravel(), np.full(rows.size, stride)], axis=1))
    cells = np.concatenate(levels).astype(np.float32)
    cells.setflags(write=False)
    return cells


class YuNet(OnnxAdapter):
    """A :class:`~tasks.models.protocols.FaceDetector`."""

    def __init__(
        self,
        name: str,
        weights: Weights,
        *,
        long_side: int = 640,
        score: float = 0.6,
        nms_iou: float = 0.3,
        limit: int = 100,
        closeups: int = 20,
        threads: int = 0,
    ) -> None:
        """Prepare, without loading.

        Args:
            name: name written into manifests.
            weights: the ONNX file.
            long_side: longer side of the network's input in pixels, to which images are enlarged or reduced; more finds
                smaller faces, loses close-ups, and takes longer.
            score: least score of a face.
            nms_iou: overlap from which two boxes are one face.
            limit: most faces of an image.
            closeups: most faces of an image whose landmarks are placed anew, largest first.
            threads: images worked on at once; 0 takes every core.
        """
        super().__init__(name, weights, threads)
        self._long_side = long_side
        self._score = score
        self._nms_iou = nms_iou
        self._limit = limit
        self._closeups = closeups

    def detect(self, images: Sequence[Image]) -> list[list[RawFace]]:
        """Faces of each image, best score first."""
        return self._map(self._detect_one, images)

    def bare(self, images: Sequence[Image]) -> Bare:
        """The network alone, as :meth:`detect` runs it on these images: on each, and on the closeups of the faces in it."""
        fits = [fit_inside(image, self._long_side, self._long_side, STRIDES[-1]) for image in images]
        faces = sum(min(len(found), self._closeups) for found in self.detect(images))
        closeup = (1, 3, CLOSEUP_SIDE, CLOSEUP_SIDE)
        return self._alone(
            [*((1, 3, fit.input_height, fit.input_width) for fit in fits), *[closeup] * (faces * len(CLOSEUP_CONTEXT))]
        )

    def _detect_one(self, image: Image) -> list[RawFace]:
        found = self._find(image, fit_inside(image, self._long_side, self._long_side, STRIDES[-1]), self._score)
        largest = sorted(range(len(found)), key=lambda k: (-found[k].box.area, k))[: self._closeups]
        for k in largest:
            found[k] = self._place_landmarks(image, found[k])
        return found

    def _find(self, image: Image, fit: Fit, score: float) -> list[RawFace]:
        """Faces of a whole image."""
        seen = decode(self._run(bgr_input(image, fit)), fit, score)
        kept = suppress(seen.edges, seen.scores, np.zeros(len(seen.scores), np.intp), self._nms_iou, self._limit)
        factor = np.array([fit.factor_x, fit.factor_y], np.float32)
        return [
            RawFace(
                fit.to_image(*(float(edge) for edge in seen.edges[k])),
                float(seen.scores[k]),
                tuple((float(x), float(y)) for x, y in seen.landmarks[k] * factor),
            )
            for k in kept
        ]

    def _place_landmarks(self, image: Image, face: RawFace) -> RawFace:
        """``face`` with the mean of the landmarks seen in its closeups; as it is where none shows it again."""
        placed = []
        for context in CLOSEUP_CONTEXT:
            closeup = cut_closeup(image, face.box, context, CLOSEUP_SIDE)
            landmarks = self._see_again(closeup, closeup.to_closeup(face.box))
            if landmarks is not None:
                placed.append(closeup.to_image(landmarks))
        if not placed:
            return face
        return RawFace(face.box, face.score, tuple((float(x), float(y)) for x, y in np.mean(placed, axis=0)))

    def _see_again(self, closeup: Closeup, target: Box) -> NDArray[np.float64] | None:
        """Landmarks of the best face of a closeup that overlaps ``target`` enough to be the same."""
        fit = fit_inside(closeup.pixels, CLOSEUP_SIDE, CLOSEUP_SIDE, STRIDES[-1])
        seen = decode(self._run(bgr_input(closeup.pixels, fit)), fit, _CLOSEUP_SCORE)
        for k in np.argsort(-seen.scores, kind="stable"):
            if target.iou(Box(*(float(edge) for edge in seen.edges[k]))) >= _SAME_FACE:
                landmarks: NDArray[np.float64] = seen.landmarks[k].astype(np.float64)
                return landmarks
        return None


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Faces before suppression, in pixels of the input: edges ``(n, 4)``, scores ``(n,)``, landmarks ``(n, 5, 2)``."""

    edges: NDArray[np.float32]
    scores: NDArray[np.float32]
    landmarks: NDArray[np.float32]


def decode(outputs: Sequence[NDArray[np.float32]], fit: Fit, score: float) -> Candidates:
    """Candidates from ``score`` up, as in OpenCV's ``FaceDetectorYN``, at most 400.

    ``outputs`` are class, objectness, box and landmarks, each for every stride. The score is the geometric mean of class
    and objectness. Centres and landmarks are offsets from the prior's cell, sizes are exponents, all in strides.
    """
    levels = len(STRIDES)
    classes, objects, boxes, points = (
        np.concatenate([level[0] for level in outputs[k * levels : (k + 1) * levels]]) for k in range(4)
    )
    scores = np.sqrt(np.clip(classes[:, 0], 0, 1) * np.clip(objects[:, 0], 0, 1))
    priors = np.flatnonzero(scores >= score)
    if len(priors) > _CANDIDATES:
        priors = priors[np.argsort(-scores[priors], kind="stable")[:_CANDIDATES]]
    cells = prior_cells(fit.input_width, fit.input_height)[priors]
    corner, stride = cells[:, :2], cells[:, 2:]
    centre = (corner + boxes[priors, :2]) * stride
    half = np.exp(boxes[priors, 2:]) * stride / 2
    edges = np.hstack([centre - half, centre + half]).astype(np.float32)
    landmarks = (points[priors].reshape(-1, 5, 2) + corner[:, None]) * stride[:, None]
    return Candidates(edges, scores[priors], landmarks)
