"""EfficientNet-Lite0: what crops look like and what a frame shows, on the CPU (Tan and Le, "EfficientNet", 2019)."""

import json
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from schemas.errors import ModelError
from tasks.models.embeddings import normalise
from tasks.models.protocols import Bare, Embeddings, Image
from tasks.models.resampling import resample
from tasks.models.sessions import OnnxAdapter
from tasks.models.weights import MODELS_FOLDER, Weights, read_labels

DIMENSION = 1280
SIDE = 224
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_SCALE = tuple(1 / (255 * deviation) for deviation in _DEVIATION)
_SHIFT = tuple(-mean / deviation for mean, deviation in zip(_MEAN, _DEVIATION, strict=True))


@cache
def read_place_tags() -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Readable words for places and things, and the 0/1 matrix ``(words, 1000)`` of the classes that stand for each.

    Raises:
        ModelError: the list is missing or names a class that does not exist.
    """
    path = MODELS_FOLDER / "labels" / "place_tags.json"
    classes = {name: k for k, name in enumerate(read_labels("imagenet1k"))}
    try:
        tags: dict[str, list[str]] = json.loads(path.read_text(encoding="utf-8"))["tags"]
        members = np.zeros((len(tags), len(classes)), np.float32)
        for row, names in enumerate(tags.values()):
            members[row, [classes[name] for name in names]] = 1
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"the tag list {path} is missing or damaged ({error!r}); reinstall the package") from error
    return tuple(tags), members


class EfficientNet(OnnxAdapter):
    """A :class:`~tasks.models.protocols.AppearanceModel`."""

    def __init__(self, name: str, weights: Weights, *, score: float = 0.05, threads: int = 0) -> None:
        """Prepare, without loading.

        Args:
            name: name written into manifests.
            weights: the ONNX file.
            score: least score of a tag.
            threads: crops worked on at once; 0 takes every core.
        """
        super().__init__(name, weights, threads)
        self._score = score

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        return DIMENSION

    def embed(self, crops: Sequence[Image]) -> Embeddings:
        """Embeddings of crops, each stretched to a square, shape ``(len(crops), 1280)``."""
        vectors = self._map(self._embed_one, crops)
        return normalise(np.array(vectors, np.float32).reshape(len(crops), DIMENSION))

    def tag(self, images: Sequence[Image]) -> list[list[tuple[str, float]]]:
        """Places and things in whole frames, best first; the score is the summed probability of a word's classes.

        Nothing is said about people, what they wear, or animals' breeds: see ``labels/place_tags.json``.
        """
        return self._map(self._tag_one, images)

    def bare(self, count: int) -> Bare:
        """The network alone, as :meth:`embed` and :meth:`tag` run it on so many crops or frames."""
        return self._alone([((3, SIDE, SIDE), None)] * count)

    def _prepare(self, image: Image) -> NDArray[np.float32]:
        values = self._input(3, SIDE, SIDE)
        resample(image, values, scale=_SCALE, shift=_SHIFT)
        return values[None]

    def _embed_one(self, crop: Image) -> Embeddings:
        vector: Embeddings = self._run(self._prepare(crop))[0][0]
        return vector

    def _tag_one(self, image: Image) -> list[tuple[str, float]]:
        words, members = read_place_tags()
        logits = self._run(self._prepare(image))[1][0]
        weights = np.exp(logits - logits.max())
        scores = members @ (weights / weights.sum())
        order = np.argsort(-scores, kind="stable")
        return [(words[k], float(scores[k])) for k in order if scores[k] >= self._score]
