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
from tasks.models.face_closeup import cut_closeup
from tasks.models.letterbox import bgr_input, fit_inside
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
        found = self._map(self._find, images)
        places = [
            (i, k)
            for i, faces in enumerate(found)
            for k in sorted(range(len(faces)), key=lambda k: (-faces[k].box.area, k))[: self._closeups]
        ]
        # Closeup by closeup, not frame by frame: a frame of many faces holds nobody up.
        jobs = [(images[i], found[i][k].box, context) for i, k in places for context in CLOSEUP_CONTEXT]
        seen = self._map(self._see_again, jobs)
        for place, (i, k) in enumerate(places):
            views = seen[place * len(CLOSEUP_CONTEXT) : (place + 1) * len(CLOSEUP_CONTEXT)]
            found[i][k] = _with_landmarks(found[i][k], [view for view in views if view is not None])
        return found

    def bare(self, images: Sequence[Image]) -> Bare:
        """The network alone, as :meth:`detect` runs it on these images: on each, and on the closeups of the faces in it."""
        fits = [fit_inside(image, self._long_side, self._long_side, STRIDES[-1]) for image in images]
        faces = sum(min(len(found), self._closeups) for found in self.detect(images))
        closeup = (3, CLOSEUP_SIDE, CLOSEUP_SIDE)
        return self._on_batches(
            [*((3, fit.input_height, fit.input_width) for fit in fits), *[closeup] * (faces * len(CLOSEUP_CONTEXT))]
        )

    def _find(self, image: Image) -> list[RawFace]:
        """Faces of a whole image, best score first, with the landmarks seen there."""
        fit = fit_inside(image, self._long_side, self._long_side, STRIDES[-1])
        values = self._input(3, fit.input_height, fit.input_width)
        bgr_input(image, fit, values)
        seen = decode(self._run(values[None]), fit.input_width, fit.input_height, self._score)
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

    def _see_again(self, job: tuple[Image, Box, float]) -> NDArray[np.float64] | None:
        """Landmarks of the best face in the closeup of an image and a face, if it overlaps that enough to be the same."""
        image, face, context = job
        values = self._input(3, CLOSEUP_SIDE, CLOSEUP_SIDE)
        closeup = cut_closeup(image, face, context, values)
        seen = decode(self._run(values[None]), CLOSEUP_SIDE, CLOSEUP_SIDE, _CLOSEUP_SCORE)
        target = closeup.to_closeup(face)
        for k in np.argsort(-seen.scores, kind="stable"):
            if target.iou(Box(*(float(edge) for edge in seen.edges[k]))) >= _SAME_FACE:
                return closeup.to_image(seen.landmarks[k].astype(np.float64))
        return None


def _with_landmarks(face: RawFace, views: Sequence[NDArray[np.float64]]) -> RawFace:
    """``face`` with the mean of the landmarks ``(5, 2)`` of its closeups; as it is where none shows it."""
    if not views:
        return face
    return RawFace(face.box, face.score, tuple((float(x), float(y)) for x, y in np.mean(views, axis=0)))


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Faces before suppression, in pixels of the input: edges ``(n, 4)``, scores ``(n,)``, landmarks ``(n, 5, 2)``."""

    edges: NDArray[np.float32]
    scores: NDArray[np.float32]
    landmarks: NDArray[np.float32]


def decode(outputs: Sequence[NDArray[np.float32]], input_width: int, input_height: int, score: float) -> Candidates:
    """Candidates from ``score`` up, as in OpenCV's ``FaceDetectorYN``, at most 400.

    ``outputs`` are class, objectness, box and landmarks, each for every stride. The score is the geometric mean of class
    and objectness. Centres and landmarks are offsets from the prior's cell, sizes are exponents, all in strides.
    """
    levels = len(STRIDES)
    certain = np.minimum(np.concatenate(outputs[: 2 * levels], axis=1).ravel(), 1)
    squares = certain[: len(certain) // 2] * certain[len(certain) // 2 :]
    priors = np.flatnonzero(squares >= score * score)  # of thousands a few
    if len(priors) > _CANDIDATES:
        priors = priors[np.argsort(-squares[priors], kind="stable")[:_CANDIDATES]]
    cells = prior_cells(input_width, input_height)[priors]
    corner, stride = cells[:, :2], cells[:, 2:]
    sides, points = (np.concatenate(outputs[k * levels : (k + 1) * levels], axis=1)[0, priors] for k in (2, 3))
    centre = (corner + sides[:, :2]) * stride
    half = np.exp(sides[:, 2:]) * stride / 2
    edges = np.hstack([centre - half, centre + half]).astype(np.float32)
    landmarks = (points.reshape(-1, 5, 2) + corner[:, None]) * stride[:, None]
    return Candidates(edges, np.sqrt(squares[priors]), landmarks)
