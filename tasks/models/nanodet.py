"""NanoDet: people and objects on the CPU (Lyu, "NanoDet", 2020; boxes after Li et al., "Generalized Focal Loss", 2020)."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tasks.models.letterbox import Fit, bgr_input, fit_inside
from tasks.models.protocols import Bare, Image, RawDetection
from tasks.models.sessions import OnnxAdapter
from tasks.models.suppression import suppress
from tasks.models.weights import Weights, read_labels

STRIDES = (8, 16, 32)
BINS = 11
_MEAN, _DEVIATION = (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)  # blue, green, red
_SCALE = tuple(1 / deviation for deviation in _DEVIATION)
_SHIFT = tuple(-mean / deviation for mean, deviation in zip(_MEAN, _DEVIATION, strict=True))
_CANDIDATES = 400  # boxes that enter suppression, best first


@lru_cache(maxsize=16)
def anchor_points(input_width: int, input_height: int) -> NDArray[np.float32]:
    """Centre and stride ``(x, y, stride)`` of every anchor in pixels, level after level, row by row."""
    levels = []
    for stride in STRIDES:
        rows, columns = np.mgrid[0 : input_height // stride, 0 : input_width // stride]
        centres = np.stack([columns.ravel() + 0.5, rows.ravel() + 0.5], axis=1) * stride
        levels.append(np.hstack([centres, np.full((len(centres), 1), stride)]))
    points = np.concatenate(levels).astype(np.float32)
    points.setflags(write=False)
    return points


def side_lengths(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Distances to left, top, right and bottom in strides, ``(n, 4)``: the mean of each side's distribution over 0 to 10.

    ``logits`` has the shape ``(n, 44)``. Generalized Focal Loss, equation 5.
    """
    bins = logits.reshape(len(logits), 4, BINS)
    weights = np.exp(bins - bins.max(axis=2, keepdims=True))
    mean: NDArray[np.float32] = (weights @ np.arange(BINS, dtype=np.float32)) / weights.sum(axis=2)
    return mean


class NanoDet(OnnxAdapter):
    """A :class:`~tasks.models.protocols.Detector`."""

    def __init__(
        self,
        name: str,
        weights: Weights,
        *,
        long_side: int = 640,
        short_side: int = 416,
        score: float = 0.3,
        nms_iou: float = 0.6,
        limit: int = 100,
        threads: int = 0,
    ) -> None:
        """Prepare, without loading.

        Args:
            name: name written into manifests.
            weights: the ONNX file.
            long_side: most pixels of the network's input along its longer side; more finds smaller things and takes longer.
            short_side: most pixels along the shorter side; the network was trained on squares of 416.
            score: least score of a detection.
            nms_iou: overlap from which two boxes of a label are one.
            limit: most detections of an image.
            threads: images worked on at once; 0 takes every core.
        """
        super().__init__(name, weights, threads)
        self._labels = read_labels("coco80")
        self._sides = (long_side, short_side)
        self._score = score
        self._nms_iou = nms_iou
        self._limit = limit

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes of COCO."""
        return self._labels

    def detect(self, images: Sequence[Image]) -> list[list[RawDetection]]:
        """Detections of each image, best score first."""
        return self._map(self._detect_one, images)

    def bare(self, images: Sequence[Image]) -> Bare:
        """The network alone, as :meth:`detect` runs it on these images."""
        fits = [fit_inside(image, *self._sides, STRIDES[-1]) for image in images]
        return self._alone([((3, fit.input_height, fit.input_width), None) for fit in fits])

    def _detect_one(self, image: Image) -> list[RawDetection]:
        fit = fit_inside(image, *self._sides, STRIDES[-1])
        values = self._input(3, fit.input_height, fit.input_width)
        bgr_input(image, fit, values, _SCALE, _SHIFT)
        scores, distances = self._run(values[None])
        return self._decode(scores[0], distances[0], fit)

    def _decode(self, scores: NDArray[np.float32], logits: NDArray[np.float32], fit: Fit) -> list[RawDetection]:
        """Detections from scores ``(anchors, labels)`` and side logits ``(anchors, 44)``; an anchor may have two labels."""
        hits = np.flatnonzero(scores >= self._score)  # of one axis: ten times as fast as over two
        hits = hits[np.argsort(-scores.ravel()[hits], kind="stable")[:_CANDIDATES]]
        anchors, labels = np.divmod(hits, scores.shape[1])
        points = anchor_points(fit.input_width, fit.input_height)[anchors]
        sides = side_lengths(logits[anchors]) * points[:, 2:]
        boxes = np.hstack([points[:, :2] - sides[:, :2], points[:, :2] + sides[:, 2:]])
        found = scores[anchors, labels]
        kept = suppress(boxes, found, labels, self._nms_iou, self._limit)
        return [
            RawDetection(self._labels[labels[k]], float(found[k]), fit.to_image(*(float(edge) for edge in boxes[k])))
            for k in kept
        ]
