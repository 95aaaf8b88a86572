"""Tags of frames from text prompts: which of some descriptions fits an image best (Radford et al., 2021, section 3.1).

``data/models/labels/zero_shot.json`` holds the questions: place, setting, light, time of day and scale of the shot.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from schemas.errors import ModelError
from tasks.models.embeddings import normalise
from tasks.models.protocols import Embeddings
from tasks.models.weights import MODELS_FOLDER

PLACE = "place"
"""The group whose labels are told as they stand."""


@dataclass(frozen=True, slots=True)
class Question:
    """A group of descriptions of which one is right: the labels that are told, and the texts of each."""

    labels: tuple[str, ...]
    texts: tuple[tuple[str, ...], ...]


def read_questions(path: Path = MODELS_FOLDER / "labels" / "zero_shot.json") -> tuple[Question, ...]:
    """The questions of a file.

    Raises:
        ModelError: it is missing or damaged.
    """
    try:
        groups = json.loads(path.read_text(encoding="utf-8"))["groups"]
        return tuple(
            Question(
                tuple(label if name == PLACE else f"{name}: {label}" for label in group["labels"]),
                tuple(tuple(p.replace("{}", words) for p in group["prompts"]) for words in group["labels"].values()),
            )
            for name, group in groups.items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"the list {path} is missing or damaged ({error!r}); reinstall the package") from error


@cache
def shipped_questions() -> tuple[Question, ...]:
    """The questions that ship with the package."""
    return read_questions()


@dataclass(frozen=True, slots=True)
class Answers:
    """A question with the embedding of each label, ``(labels, dimension)``: the mean over its texts, L2-normalised."""

    labels: tuple[str, ...]
    vectors: Embeddings


def embed_questions(
    questions: Sequence[Question], encode: Callable[[Sequence[str]], Embeddings]
) -> tuple[Answers, ...]:
    """Embed every label; ``encode`` gives L2-normalised embeddings of texts, ``(n, dimension)``."""
    found = []
    for question in questions:
        flat = [text for texts in question.texts for text in texts]
        vectors = encode(flat)
        means = vectors.reshape(len(question.labels), -1, vectors.shape[1]).mean(axis=1)
        found.append(Answers(question.labels, normalise(means.astype(np.float32))))
    return tuple(found)


def tag_images(
    images: Embeddings, answers: Sequence[Answers], temperature: float, least: float = 0.05
) -> list[list[tuple[str, float]]]:
    """Tags of each image, best first.

    Args:
        images: L2-normalised embeddings, ``(n, dimension)``.
        answers: the embedded questions.
        temperature: factor on cosines that the model learnt (``exp(logit_scale)``).
        least: score from which a tag is told; scores of a question add up to 1.
    """
    found: list[list[tuple[str, float]]] = [[] for _ in images]
    for answer in answers:
        logits = temperature * (images @ answer.vectors.T)
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        scores = weights / weights.sum(axis=1, keepdims=True)
        for row, column in zip(*np.nonzero(scores >= least), strict=True):
            found[row].append((answer.labels[column], float(scores[row, column])))
    return [sorted(tags, key=lambda tag: (-tag[1], tag[0])) for tags in found]
