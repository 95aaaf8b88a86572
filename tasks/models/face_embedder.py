"""Identity of faces on the CPU, by networks that take an aligned face of 112 pixels.

SFace (Zhong et al., "SFace: Sigmoid-Constrained Hypersphere Loss", 2021) and MobileFaceNet (Chen et al., 2018).
"""

from collections.abc import Sequence

import numpy as np

from tasks.models.embeddings import normalise
from tasks.models.face_alignment import SIZE, align_face
from tasks.models.protocols import Bare, Embeddings, Image, RawFace
from tasks.models.sessions import OnnxAdapter
from tasks.models.weights import Weights

DIMENSIONS = {"sface": 128, "mobilefacenet": 192}
"""Length of the embeddings of each network, by its name in the model list."""


class AlignedFaceEmbedder(OnnxAdapter):
    """A :class:`~tasks.models.protocols.FaceEmbedder`."""

    def __init__(self, name: str, weights: Weights, *, threads: int = 0) -> None:
        """Prepare, without loading.

        Args:
            name: a key of :data:`DIMENSIONS`.
            weights: the ONNX file.
            threads: faces worked on at once; 0 takes every core.
        """
        super().__init__(name, weights, threads)
        self._dimension = DIMENSIONS[name]

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        return self._dimension

    def embed(self, images: Sequence[Image], faces: Sequence[Sequence[RawFace]]) -> list[Embeddings]:
        """For each image, the embeddings of its faces, shape ``(len(faces[i]), dimension)``."""
        jobs = [(image, face) for image, found in zip(images, faces, strict=True) for face in found]
        vectors = iter(self._map(self._embed_one, jobs))
        return [
            normalise(np.array([next(vectors) for _ in found], np.float32).reshape(len(found), self._dimension))
            for found in faces
        ]

    def bare(self, count: int) -> Bare:
        """The network alone, as :meth:`embed` runs it on so many faces."""
        return self._alone([((3, SIZE, SIZE), None)] * count)

    def _embed_one(self, job: tuple[Image, RawFace]) -> Embeddings:
        values = self._input(3, SIZE, SIZE)
        values[:] = align_face(*job).transpose(2, 0, 1)
        values -= 127.5
        values /= 128
        vector: Embeddings = self._run(values[None])[0][0]
        return vector
