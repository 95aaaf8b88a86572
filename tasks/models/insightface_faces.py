"""InsightFace's detectors and embedders over batches (Guo et al., "SCRFD", 2022; Deng et al., "ArcFace", 2019).

The same networks and the same arithmetic as ``insightface``, whose ``FaceAnalysis.get`` takes one image and one face at a
time. SCRFD misses faces that fill more than about 40 % of a frame: every frame is searched at several sizes.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.errors import ConfigError, ModelError
from schemas.geometry import Box
from tasks.models.device import EXTRA, BatchLimit, Device, available_cores, batch_sizes, choose_device
from tasks.models.embeddings import normalise
from tasks.models.face_alignment import SIZE, TEMPLATE, similarity_transform
from tasks.models.hub import fetch
from tasks.models.onnx_batches import BatchedOnnx
from tasks.models.onnx_graph import first_nodes, read_network
from tasks.models.options import Options
from tasks.models.production import ProductionModel, pin
from tasks.models.protocols import Bare, Embeddings, Image, RawFace
from tasks.models.suppression import suppress

SCALING = (127.5, 128.0)
"""What SCRFD takes from each value of a pixel, and what it divides the rest by."""
STRIDES = (8, 16, 32)
ANCHORS = 2
NMS_IOU = 0.4
_LIMIT = 200  # most faces of an image

Floats = NDArray[np.float32]


class _OnnxModel(ABC):
    """What both share: a listed model, its options, and a session that is opened on first use."""

    def __init__(self, model: ProductionModel, options: Options) -> None:
        self._model = model
        self._options = options
        self._pin = pin(model, options)
        self._session: BatchedOnnx | None = None
        self._limit = BatchLimit(model.name, options.batch)

    @property
    def name(self) -> str:
        """Name of the model."""
        return self._model.name

    @property
    def digest(self) -> str:
        """sha256 of the weights, or the commit they are pinned to."""
        return self._pin

    def load(self) -> None:
        """Load the weights now.

        Raises:
            ConfigError: a library or the device is missing.
            ModelError: the weights are missing, not the pinned ones, or not of such a network.
        """
        self._ready()

    @abstractmethod
    def _open(self, path: Path, device: Device) -> BatchedOnnx:
        """The session of a weight file that was fetched and verified."""

    def _ready(self) -> BatchedOnnx:
        if self._session is None:
            _import_cv2(self.name)
            path = fetch(self._model, self._options)
            self._session = self._open(path, onnx_device(self._options))
        return self._session


def onnx_device(options: Options) -> Device:
    """The device for ONNX Runtime: ``auto`` takes the GPU only where both torch and ONNX Runtime can use it.

    Raises:
        ConfigError: the GPU that was asked for is absent.
    """
    if options.device == "auto":
        import onnxruntime

        if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
            return Device("cpu", False)
    if options.device == "cpu":
        return Device("cpu", False)
    return choose_device(options.device, "float32")


def _import_cv2(name: str) -> Any:
    try:
        import cv2
    except ImportError as error:
        raise ConfigError(f"model {name} needs cv2. Install with: {EXTRA}") from error
    return cv2


def _map(function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """``function`` of every item on threads: OpenCV lets the interpreter go while it works."""
    workers = min(available_cores(), len(items))
    if workers <= 1:
        return [function(item) for item in items]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(function, items))


class Scrfd(_OnnxModel):
    """A :class:`~tasks.models.protocols.FaceDetector`."""

    def _open(self, path: Path, device: Device) -> BatchedOnnx:
        network = read_network(path)
        session = BatchedOnnx(path, network, device, 4 * STRIDES[-1], SCALING, self._options.batch, STRIDES * 3)
        if session.outputs != 3 * len(STRIDES):
            raise ModelError(
                f"model file {path} is no SCRFD with landmarks: it has {session.outputs} outputs, not {3 * len(STRIDES)}"
            )
        return session

    def detect(self, images: Sequence[Image]) -> list[list[RawFace]]:
        """Faces of each image, best score first, found at any of the sizes."""
        self._ready()
        found = [self._limit.run(images, partial(self._search, side)) for side in self._sides()]
        return [self._merge([candidates[k] for candidates in found], images[k]) for k in range(len(images))]

    def bare(self, images: Sequence[Image]) -> Bare:
        """The network alone, as :meth:`detect` runs it on these images."""
        session = self._ready()
        works = []
        for side in self._sides():
            filled = [_fit(image.shape[1], image.shape[0], side)[::-1] for image in images]
            for count in batch_sizes(len(images), self._limit.most):
                works.append(session.bare(count, side, filled[:count]))
                filled = filled[count:]

        def work() -> None:
            for each in works:
                each()

        return work

    def _sides(self) -> tuple[int, ...]:
        for side in self._options.sides:
            if side < STRIDES[-1] or side % STRIDES[-1]:
                raise ConfigError(f"sides of face detector {self.name} must be multiples of {STRIDES[-1]}, not {side}")
        return self._options.sides

    def _search(self, side: int, images: Sequence[Image]) -> list[Floats]:
        """For each image its candidates ``(n, 15)``: box, score and landmarks in pixels of the image."""
        cv2 = _import_cv2(self.name)
        canvas = np.zeros((len(images), side, side, 3), np.uint8)
        fitted = [_fit(image.shape[1], image.shape[0], side) for image in images]

        def place(index: int) -> None:
            width, height = fitted[index]
            canvas[index, :height, :width] = cv2.resize(np.ascontiguousarray(images[index]), (width, height))

        _map(place, range(len(images)))
        outputs = self._ready().run(canvas, [(height, width) for width, height in fitted])
        scales = [height / image.shape[0] for (_, height), image in zip(fitted, images, strict=True)]
        return [self._decode([values[k] for values in outputs], side, scales[k]) for k in range(len(images))]

    def _decode(self, outputs: Sequence[Floats], side: int, scale: float) -> Floats:
        levels = len(STRIDES)
        parts = []
        for level, stride in enumerate(STRIDES):
            scores, edges, points = (outputs[level + k * levels] for k in range(3))
            likely = np.flatnonzero(scores[:, 0] >= self._options.score)
            centres = _centres(side, stride)[likely]
            edges, points = edges[likely] * stride, points[likely] * stride
            boxes = np.hstack([centres - edges[:, :2], centres + edges[:, 2:]])
            landmarks = points + np.tile(centres, 5)
            parts.append(np.hstack([boxes / scale, scores[likely], landmarks / scale]))
        return np.concatenate(parts).astype(np.float32)

    def _merge(self, candidates: Sequence[Floats], image: Image) -> list[RawFace]:
        height, width = image.shape[:2]
        rows = np.concatenate(candidates)
        # InsightFace counts both edges of a box as its own: one pixel more each way before boxes are compared.
        boxes = rows[:, :4] + np.array([0, 0, 1, 1], np.float32)
        kept = suppress(boxes, rows[:, 4], np.zeros(len(rows), np.intp), NMS_IOU, _LIMIT)
        return [
            RawFace(
                Box(*(float(v) for v in rows[k, :4])).clamp(width, height),
                float(rows[k, 4]),
                tuple((float(x), float(y)) for x, y in rows[k, 5:].reshape(5, 2)),
            )
            for k in kept
        ]


def _fit(width: int, height: int, side: int) -> tuple[int, int]:
    """Width and height of an image that fills a square, cut to whole pixels as InsightFace does."""
    if height > width:
        return max(1, int(side / (height / width))), side
    return side, max(1, int(side * (height / width)))


@lru_cache(maxsize=16)
def _centres(side: int, stride: int) -> Floats:
    rows, columns = np.mgrid[0 : side // stride, 0 : side // stride]
    centres = np.stack([columns.ravel(), rows.ravel()], axis=1).repeat(ANCHORS, axis=0) * stride
    values: Floats = centres.astype(np.float32)
    values.setflags(write=False)
    return values


class ArcFace(_OnnxModel):
    """A :class:`~tasks.models.protocols.FaceEmbedder`."""

    def _open(self, path: Path, device: Device) -> BatchedOnnx:
        network = read_network(path)
        # Networks from MXNet subtract and scale by themselves (InsightFace tells them by the names of the first nodes).
        names = first_nodes(network)
        inside = any(n.startswith(("Sub", "_minus")) for n in names) and any(
            n.startswith(("Mul", "_mul")) for n in names
        )
        scaling = (0.0, 1.0) if inside else (127.5, 127.5)
        session = BatchedOnnx(path, network, device, SIZE, scaling, self._options.batch)
        if session.outputs != 1:
            raise ModelError(f"model file {path} is no face embedder: it has {session.outputs} outputs, not 1")
        found = session.run(np.zeros((1, SIZE, SIZE, 3), np.uint8))[0].shape[1]
        listed = int(self._model.settings["dimension"])
        if not self._options.weights and found != listed:
            raise ModelError(f"model {self.name} gives {found} values a face, not {listed}: wrong weights")
        self._dimension = int(found)
        return session

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        if not self._options.weights:
            return int(self._model.settings["dimension"])
        self._ready()
        return self._dimension

    def embed(self, images: Sequence[Image], faces: Sequence[Sequence[RawFace]]) -> list[Embeddings]:
        """For each image, the embeddings of its faces, shape ``(len(faces[i]), dimension)``."""
        jobs = [(image, face) for image, found in zip(images, faces, strict=True) for face in found]
        vectors = np.zeros((0, self.dimension), np.float32)
        if jobs:
            self._ready()
            vectors = normalise(np.array(self._limit.run(jobs, self._embed_batch), np.float32))
        ends = np.cumsum([len(found) for found in faces], dtype=int)
        return [vectors[end - len(found) : end] for end, found in zip(ends, faces, strict=True)]

    def _embed_batch(self, jobs: Sequence[tuple[Image, RawFace]]) -> Floats:
        cv2 = _import_cv2(self.name)
        return self._ready().run(np.stack(_map(lambda job: warp_face(cv2, *job), jobs)))[0]

    def bare(self, count: int) -> Bare:
        """The network alone, as :meth:`embed` runs it on so many faces."""
        session = self._ready()
        works = [session.bare(n, SIZE) for n in batch_sizes(count, self._limit.most)]

        def work() -> None:
            for each in works:
                each()

        return work


def warp_face(cv2: Any, image: Image, face: RawFace) -> Image:
    """The face as ``(112, 112, 3)`` as ``insightface`` cuts it: bilinear without antialiasing, black outside the image.

    Landmarks that all coincide give a grey square.
    """
    matrix = similarity_transform(np.array(face.landmarks, np.float64), TEMPLATE)
    if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix[:, :2])) < 1e-12:
        return np.full((SIZE, SIZE, 3), 127, np.uint8)
    warped: Image = cv2.warpAffine(np.ascontiguousarray(image), matrix, (SIZE, SIZE), borderValue=0.0)
    return warped
