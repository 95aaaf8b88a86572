"""YuNet: faces with five landmarks on the CPU (Wu, Peng and Yu, "YuNet: A Tiny Millisecond-level Face Detector", 2023).

The network finds faces from about 10 to 300 pixels of its input, but places landmarks well only on those of 100 to 230
(measured as the area under the ROC curve of identity: .76 with faces of 60 pixels, .99 with 160). So faces are found in
the whole image, and each is then looked at again, enlarged or reduced to two sizes in that range; the landmarks are the
mean of what is seen there. The last twofold enlarging is done by the first layer of a second network
(``data/models/tools/yunet.py``): there is a quarter of the pixels to make and to read.
"""

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.geometry import Box
from tasks.models.face_closeup import cut_closeup
from tasks.models.letterbox import bgr_input, fit_inside
from tasks.models.protocols import Bare, Image, RawFace
from tasks.models.sessions import OnnxAdapter, open_session
from tasks.models.weights import Weights

Points = tuple[tuple[float, float], ...]
"""Five landmarks, as those of :class:`~tasks.models.protocols.RawFace`."""

STRIDES = (8, 16, 32)
CLOSEUP_SIDE = 144  # pixels, which the network for closeups takes twofold enlarged
CLOSEUP_CONTEXT = (1.9, 2.6)  # sides of the cut in sides of the face: the face is then 152 and 111 enlarged pixels
_CLOSEUP_STRIDES = (4, 8, 16)
_CLOSEUP_SCORE = 0.3
_SAME_FACE = 0.4  # overlap from which what is seen in the closeup is the face that was cut out
_LARGEST = (
    20.0  # logarithm of a side in strides, beyond every image; more comes from a damaged network, and has no power
)
_CANDIDATES = 400  # boxes that enter suppression, best first


@lru_cache(maxsize=16)
def prior_cells(input_width: int, input_height: int, strides: tuple[int, ...] = STRIDES) -> NDArray[np.float32]:
    """Column, row and stride of every prior, level after level, row by row."""
    levels = []
    for stride in strides:
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
        closeup: Weights,
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
            closeup: the same network for images that are to be enlarged twofold.
            long_side: longer side of the network's input in pixels, to which images are enlarged or reduced; more finds
                smaller faces, loses close-ups, and takes longer.
            score: least score of a face.
            nms_iou: overlap from which two boxes are one face.
            limit: most faces of an image.
            closeups: most faces of an image whose landmarks are placed anew, largest first.
            threads: images worked on at once; 0 takes every core.
        """
        super().__init__(name, weights, threads)
        self._closeup = closeup
        self._long_side = long_side
        self._score = score
        self._nms_iou = nms_iou
        self._limit = limit
        self._closeups = closeups

    def load(self) -> None:
        """Load both networks."""
        super().load()
        open_session(self._closeup)

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
        """The networks alone, as :meth:`detect` runs them on these images: on each, and on the closeups of the faces in it."""
        fits = [fit_inside(image, self._long_side, self._long_side, STRIDES[-1]) for image in images]
        faces = sum(min(len(found), self._closeups) for found in self.detect(images))
        closeup = (3, CLOSEUP_SIDE, CLOSEUP_SIDE), self._closeup
        return self._alone(
            [
                *(((3, fit.input_height, fit.input_width), None) for fit in fits),
                *[closeup] * (faces * len(CLOSEUP_CONTEXT)),
            ]
        )

    def _find(self, image: Image) -> list[RawFace]:
        """Faces of a whole image, best score first, with the landmarks seen there."""
        fit = fit_inside(image, self._long_side, self._long_side, STRIDES[-1])
        values = self._input(3, fit.input_height, fit.input_width)
        bgr_input(image, fit, values)
        cells = prior_cells(fit.input_width, fit.input_height)
        kept: list[Candidate] = []
        for seen in islice(candidates(self._run(values[None])[0][0], cells, self._score), _CANDIDATES):
            if all(seen.box.iou(other.box) <= self._nms_iou for other in kept):
                kept.append(seen)
                if len(kept) == self._limit:
                    break
        return [
            RawFace(
                fit.to_image(seen.box.x1, seen.box.y1, seen.box.x2, seen.box.y2),
                seen.score,
                tuple((x * fit.factor_x, y * fit.factor_y) for x, y in seen.landmarks),
            )
            for seen in kept
        ]

    def _see_again(self, job: tuple[Image, Box, float]) -> Points | None:
        """Landmarks of the best face in the closeup of an image and a face, if it overlaps that enough to be the same."""
        image, face, context = job
        values = self._input(3, CLOSEUP_SIDE, CLOSEUP_SIDE)
        closeup = cut_closeup(image, face, context, values)
        target = closeup.to_closeup(face)
        cells = prior_cells(CLOSEUP_SIDE, CLOSEUP_SIDE, _CLOSEUP_STRIDES)
        for seen in candidates(self._run(values[None], self._closeup)[0][0], cells, _CLOSEUP_SCORE):
            if target.iou(seen.box) >= _SAME_FACE:
                return tuple(closeup.to_image(x, y) for x, y in seen.landmarks)
        return None


def _with_landmarks(face: RawFace, views: Sequence[Points]) -> RawFace:
    """``face`` with the mean of the landmarks of its closeups; as it is where none shows it."""
    if not views:
        return face
    landmarks = tuple(
        (sum(x for x, _ in seen) / len(views), sum(y for _, y in seen) / len(views))
        for seen in zip(*views, strict=True)
    )
    return RawFace(face.box, face.score, landmarks)


class Candidate(NamedTuple):
    """A face before suppression, in pixels of the input."""

    score: float
    box: Box
    landmarks: Points


def candidates(output: NDArray[np.float32], cells: NDArray[np.float32], score: float) -> Iterator[Candidate]:
    """Candidates from ``score`` up, best first, as in OpenCV's ``FaceDetectorYN``.

    ``output`` is ``(16, priors)``: class and objectness before their sigmoids, box, landmarks; ``cells`` are
    :func:`prior_cells`. The score is the geometric mean of class and objectness. Centres and landmarks are offsets from the
    prior's cell, sizes are exponents, all in strides.
    """
    # A mean of two shares from `score` up needs both from its square up: of thousands some ten are left, and for so few
    # numbers Python is quicker than arrays.
    least = math.log(score * score / (1 - score * score))
    priors = np.flatnonzero(np.minimum(output[0], output[1]) >= least)
    ranked = [
        (1 / ((1 + math.exp(-a)) * (1 + math.exp(-b))), -prior)
        for prior, a, b in zip(priors.tolist(), *output[:2, priors].tolist(), strict=True)
    ]
    for square, prior in sorted(ranked, reverse=True):
        if square < score * score:
            break
        column, row, stride = cells[-prior].tolist()
        _, _, x, y, width, height, *points = output[:, -prior].tolist()
        x, y = (column + x) * stride, (row + y) * stride
        half_width, half_height = (math.exp(min(side, _LARGEST)) * stride / 2 for side in (width, height))
        yield Candidate(
            math.sqrt(square),
            Box(x - half_width, y - half_height, x + half_width, y + half_height),
            tuple((stride * (column + x), stride * (row + y)) for x, y in zip(points[::2], points[1::2], strict=True)),
        )
