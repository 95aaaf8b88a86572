"""What every model adapter promises, whatever library stands behind it.

Images are RGB ``uint8`` arrays of shape ``(height, width, 3)`` and may differ in size within a call; boxes come back in
pixels of the image that was given. Embeddings are ``float32``, L2-normalised, shape ``(n, dimension)``. An adapter is
built with everything it needs, loads its weights on ``load()`` or first use, is safe to call from one thread at a time,
and gives the same result for an image whatever batch it comes in (to 0.5 px and 1e-3).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from schemas.geometry import Box

Image = NDArray[np.uint8]
Embeddings = NDArray[np.float32]
Bare = Callable[[], None]
"""What a network does in one call of its adapter and nothing else: as many inputs of the same shapes, in synthetic batches that
lie ready on its device. It returns when the device is done. The rate of an adapter is held against this."""


@dataclass(frozen=True, slots=True)
class RawDetection:
    """An object found in an image: COCO-style label, score 0 to 1, box in pixels.

    ``mask`` is the run-length code of its pixels (:mod:`tasks.models.rle`), None where the model gives none; ``stuff`` says
    that it is a region without instances (sky, wall), not a thing.
    """

    label: str
    score: float
    box: Box
    mask: bytes | None = None
    stuff: bool = False


@dataclass(frozen=True, slots=True)
class RawFace:
    """A face found in an image.

    ``landmarks``: five ``(x, y)`` points in pixels: right eye, left eye, nose, right and left mouth corner (the subject's).
    """

    box: Box
    score: float
    landmarks: tuple[tuple[float, float], ...]


class Adapter(Protocol):
    """What the runtime asks of any model."""

    @property
    def name(self) -> str:
        """Name of the model, as written in manifests and cards."""
        ...

    @property
    def digest(self) -> str:
        """sha256 of the weights (or the pinned revision), known without loading them."""
        ...

    def load(self) -> None:
        """Load the weights now; raises ``ModelError`` when they are missing, corrupt, or not the pinned ones."""
        ...


class Detector(Adapter, Protocol):
    """Finds people and objects."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label that can come back."""
        ...

    def detect(self, images: Sequence[Image]) -> list[list[RawDetection]]:
        """Detections of each image, best score first."""
        ...

    def bare(self, images: Sequence[Image]) -> Bare:
        """The network alone, as :meth:`detect` runs it on these images."""
        ...


class FaceDetector(Adapter, Protocol):
    """Finds faces."""

    def detect(self, images: Sequence[Image]) -> list[list[RawFace]]:
        """Faces of each image, best score first."""
        ...

    def bare(self, images: Sequence[Image]) -> Bare:
        """The network alone, as :meth:`detect` runs it on these images."""
        ...


class FaceEmbedder(Adapter, Protocol):
    """Turns faces into identity embeddings."""

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        ...

    def embed(self, images: Sequence[Image], faces: Sequence[Sequence[RawFace]]) -> list[Embeddings]:
        """For each image, the embeddings of its faces, shape ``(len(faces[i]), dimension)``."""
        ...

    def bare(self, count: int) -> Bare:
        """The network alone, as :meth:`embed` runs it on so many faces."""
        ...


class AppearanceModel(Adapter, Protocol):
    """Turns crops into appearance embeddings and, where the model can, tags whole frames."""

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        ...

    def embed(self, crops: Sequence[Image]) -> Embeddings:
        """Embeddings of crops, shape ``(len(crops), dimension)``."""
        ...

    def tag(self, images: Sequence[Image]) -> list[list[tuple[str, float]]]:
        """Tags of each whole frame with scores 0 to 1, best first; empty lists where the model has none."""
        ...

    def bare(self, count: int) -> Bare:
        """The network alone, as :meth:`embed` and :meth:`tag` run it on so many crops or frames."""
        ...
