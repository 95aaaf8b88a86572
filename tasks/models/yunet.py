"""YuNet: faces with five landmarks on the CPU (Wu, Peng and Yu, "YuNet: A Tiny Millisecond-level Face Detector", 2023).

The network finds faces from about 10 to 300 pixels of its input, but places landmarks well only on those of 100 to 230
(measured as the area under the ROC curve of identity: .76 with faces of 60 pixels, .99 with 160). So faces are found in
the whole image, and each is then looked at again, enlarged or reduced to two sizes in that range; the landmarks are the
mean of what is seen there.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tasks.models.face_closeup import Closeup, cut_closeup
from tasks.models.letterbox import Fit, fit_inside, network_input
from tasks.models.protocols import Image, RawFace
from tasks.models.sessions import OnnxAdapter
from tasks.models.suppression import suppress
from tasks.models.weights import Weights

STRIDES = (8, 16, 32)
_SCALE = np.ones((3, 1, 1), np.float32)
_SHIFT = np.zeros((3, 1, 1), np.float32)
CLOSEUP_SIDE = 320
CLOSEUP_CONTEXT = (2.0, 2.6)  # sides of the cut in sides of the face: the face is then 160 and 123 pixels
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

    def _detect_one(self, image: Image) -> list[RawFace]:
        found = self._find(image, fit_inside(image, self._long_side, self._long_side, STRIDES[-1]), self._score)
        largest = sorted(range(len(found)), key=lambda k: (-found[k].box.area, k))[: self._closeups]
        for k in largest:
            found[k] = self._place_landmarks(image, found[k])
        return found

    def _find(self, image: Image, fit: Fit, score: float) -> list[RawFace]:
        outputs = self._run(network_input(image, fit, _SCALE, _SHIFT))
        levels = len(STRIDES)  # outputs: class, objectness, box, landmarks, each for every stride
        classes, objects, boxes, points = (
            np.concatenate([level[0] for level in outputs[k * levels : (k + 1) * levels]]) for k in range(4)
        )
        return self._decode(classes[:, 0], objects[:, 0], boxes, points, fit, score)

    def _place_landmarks(self, image: Image, face: RawFace) -> RawFace:
        """``face`` with the mean of the landmarks seen in its closeups; as it is where none shows it again."""
        seen = []
        for context in CLOSEUP_CONTEXT:
            closeup = cut_closeup(image, face.box, context, CLOSEUP_SIDE)
            again = self._match(closeup, face)
            if again is not None:
                seen.append(closeup.to_image(np.array(again.landmarks)))
        if not seen:
            return face
        return RawFace(face.box, face.score, tuple((float(x), float(y)) for x, y in np.mean(seen, axis=0)))

    def _match(self, closeup: Closeup, face: RawFace) -> RawFace | None:
        fit = fit_inside(closeup.pixels, CLOSEUP_SIDE, CLOSEUP_SIDE, STRIDES[-1])
        target = closeup.to_closeup(face.box)
        overlaps = [(target.iou(other.box), other) for other in self._find(closeup.pixels, fit, _CLOSEUP_SCORE)]
        overlap, best = max(overlaps, key=lambda pair: pair[0], default=(0.0, None))
        return best if overlap >= _SAME_FACE else None

    def _decode(
        self,
        classes: NDArray[np.float32],
        objects: NDArray[np.float32],
        boxes: NDArray[np.float32],
        points: NDArray[np.float32],
        fit: Fit,
        score: float,
    ) -> list[RawFace]:
        """Faces from the network's raw values over all priors, as in OpenCV's ``FaceDetectorYN``.

        The score is the geometric mean of class and objectness. Centres and landmarks are offsets from the prior's cell,
        sizes are exponents, all in strides.
        """
        scores = np.sqrt(np.clip(classes, 0, 1) * np.clip(objects, 0, 1))
        priors = np.flatnonzero(scores >= score)
        if len(priors) > _CANDIDATES:
            priors = priors[np.argsort(-scores[priors], kind="stable")[:_CANDIDATES]]
        cells = prior_cells(fit.input_width, fit.input_height)[priors]
        corner, stride = cells[:, :2], cells[:, 2:]
        centre = (corner + boxes[priors, :2]) * stride
        half = np.exp(boxes[priors, 2:]) * stride / 2
        edges = np.hstack([centre - half, centre + half])
        landmarks = (points[priors].reshape(-1, 5, 2) + corner[:, None]) * stride[:, None]
        landmarks = landmarks * np.array([fit.factor_x, fit.factor_y], np.float32)
        found = scores[priors]
        kept = suppress(edges, found, np.zeros(len(priors), np.intp), self._nms_iou, self._limit)
        return [
            RawFace(
                fit.to_image(*(float(edge) for edge in edges[k])),
                float(found[k]),
                tuple((float(x), float(y)) for x, y in landmarks[k]),
            )
            for k in kept
        ]
