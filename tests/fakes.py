"""Models that find what :mod:`tests.painted_films` painted: exact, quick, and the same everywhere."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from schemas.geometry import Box
from tasks.models.protocols import Embeddings, Image, RawDetection, RawFace
from tests.painted_films import CLOTHES, SKIN, THINGS, find_colour


@dataclass(frozen=True)
class Fake:
    """What every adapter has."""

    name: str = "painted"
    digest: str = "0" * 64

    def load(self) -> None:
        """Nothing to load."""


class PaintedDetector(Fake):
    """Finds people by their clothes and face, and things."""

    labels = ("person", *THINGS)

    def detect(self, images: Sequence[Image]) -> list[list[RawDetection]]:
        """One detection a colour, the largest first."""
        return [self._detect(image) for image in images]

    def _detect(self, image: Image) -> list[RawDetection]:
        found = []
        for clothes, skin in zip(CLOTHES, SKIN, strict=True):
            body, face = find_colour(image, clothes), find_colour(image, skin)
            if body is not None:
                box = Box(*map(float, body))
                if face is not None:
                    box = Box(min(box.x1, face[0]), min(box.y1, face[1]), max(box.x2, face[2]), max(box.y2, face[3]))
                found.append(RawDetection("person", 0.9, box))
        for label, colour in THINGS.items():
            place = find_colour(image, colour)
            if place is not None:
                found.append(RawDetection(label, 0.8, Box(*map(float, place))))
        return sorted(found, key=lambda raw: (-raw.score, -raw.box.area))


class PaintedFaces(Fake):
    """Finds faces by their colour."""

    def detect(self, images: Sequence[Image]) -> list[list[RawFace]]:
        """One face a person."""
        return [[face for skin in SKIN if (face := self._face(image, skin))] for image in images]

    @staticmethod
    def _face(image: Image, skin: tuple[int, int, int]) -> RawFace | None:
        place = find_colour(image, skin)
        if place is None:
            return None
        box = Box(*map(float, place))
        points = ((0.3, 0.35), (0.7, 0.35), (0.5, 0.55), (0.35, 0.75), (0.65, 0.75))
        landmarks = tuple((box.x1 + u * box.width, box.y1 + v * box.height) for u, v in points)
        return RawFace(box, 0.95, landmarks)


def _vector(pixels: Image, dimension: int) -> Embeddings:
    """A unit vector that tells the mean colour: close for the same, far apart for others."""
    mean = pixels.reshape(-1, 3).mean(axis=0) if pixels.size else np.zeros(3)
    rng = np.random.default_rng(7)
    vector = rng.standard_normal((dimension, 3)).astype(np.float32) @ (mean.astype(np.float32) / 128 - 1)
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-6), np.float32)


class PaintedFaceEmbedder(Fake):
    """Tells faces by their colour."""

    dimension = 16

    def embed(self, images: Sequence[Image], faces: Sequence[Sequence[RawFace]]) -> list[Embeddings]:
        """The colour in the middle of each face."""
        return [
            np.array([self._embed(image, face.box) for face in found], np.float32).reshape(-1, self.dimension)
            for image, found in zip(images, faces, strict=True)
        ]

    def _embed(self, image: Image, box: Box) -> Embeddings:
        x, y = (int(value) for value in box.centre)
        return _vector(image[y - 1 : y + 2, x - 1 : x + 2], self.dimension)


class PaintedAppearance(Fake):
    """Tells crops by their mean colour; every frame is a room."""

    dimension = 32

    def embed(self, crops: Sequence[Image]) -> Embeddings:
        """The mean colour of each crop."""
        return np.array([_vector(crop, self.dimension) for crop in crops], np.float32).reshape(-1, self.dimension)

    def tag(self, images: Sequence[Image]) -> list[list[tuple[str, float]]]:
        """The same guess for each."""
        return [[("library", 0.5), ("desk", 0.1)] for _ in images]


MADE = {
    "tasks.detect": ("create_detector", PaintedDetector),
    "tasks.faces": ("create_face_detector", PaintedFaces),
    "tasks.faces ": ("create_face_embedder", PaintedFaceEmbedder),
    "tasks.appearance": ("create_appearance", PaintedAppearance),
}


def install(put: Callable[[Any, str, Any], None] = setattr) -> None:
    """Have every stage use these models; ``monkeypatch.setattr`` as ``put`` takes it back at the end of a test."""

    def digest(name: str, *_: object, **__: object) -> str:
        return hashlib.sha256(f"painted {name}".encode()).hexdigest()

    for place, (name, kind) in MADE.items():
        module = import_module(place.strip())
        put(module, name, lambda *_, kind=kind, **__: kind())
        put(module, "model_digest", digest)
