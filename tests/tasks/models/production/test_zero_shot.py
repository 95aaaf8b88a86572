"""Tags from text prompts: the shipped questions, and scores worked out by hand."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from schemas.errors import ModelError
from tasks.models.protocols import Embeddings
from tasks.models.zero_shot import Answers, Question, embed_questions, read_questions, shipped_questions, tag_images


def test_shipped_questions() -> None:
    questions = shipped_questions()
    labels = [label for question in questions for label in question.labels]
    assert len(set(labels)) == len(labels)
    assert {label.partition(": ")[0] for label in labels if ": " in label} == {
        "setting",
        "light",
        "time of day",
        "shot",
    }
    assert {"kitchen", "street", "time of day: night", "shot: close-up"} <= set(labels)
    for question in questions:
        assert len(question.texts) == len(question.labels) > 1
        assert len({len(texts) for texts in question.texts}) == 1
        assert all("{}" not in text for texts in question.texts for text in texts)
    assert ("a film still of a kitchen", "a photo of a kitchen") in questions[0].texts


def test_label_embedding_is_the_unit_mean_of_its_texts() -> None:
    vectors = {"a": [1.0, 0.0], "b": [0.0, 1.0], "c": [-1.0, 0.0], "d": [-1.0, 0.0]}
    asked: list[str] = []

    def encode(texts: Sequence[str]) -> Embeddings:
        asked.extend(texts)
        return np.array([vectors[text] for text in texts], np.float32)

    (answers,) = embed_questions([Question(("x", "y"), (("a", "b"), ("c", "d")))], encode)
    assert asked == ["a", "b", "c", "d"]
    np.testing.assert_allclose(answers.vectors, [[math.sqrt(0.5), math.sqrt(0.5)], [-1.0, 0.0]], atol=1e-6)


def test_scores_by_hand() -> None:
    """Cosines 0.6 and 0.8 at temperature 10: probabilities 1 / (1 + e^2) and 1 / (1 + e^-2)."""
    answers = (
        Answers(("left", "up"), np.array([[1, 0], [0, 1]], np.float32)),
        Answers(("same", "other"), np.array([[0.6, 0.8], [-0.6, -0.8]], np.float32)),
    )
    (tags,) = tag_images(np.array([[0.6, 0.8]], np.float32), answers, 10.0, least=0.05)
    assert [label for label, _ in tags] == ["same", "up", "left"]
    assert dict(tags)["up"] == pytest.approx(1 / (1 + math.exp(-2)), abs=1e-6)
    assert dict(tags)["left"] == pytest.approx(1 / (1 + math.exp(2)), abs=1e-6)
    assert dict(tags)["same"] == pytest.approx(1, abs=1e-6)
    assert tag_images(np.zeros((0, 2), np.float32), answers, 10.0) == []


@pytest.mark.parametrize("text", ["{", "[]", '{"groups": {"place": {}}}'])
def test_a_damaged_list(text: str, tmp_path: Path) -> None:
    path = tmp_path / "zero_shot.json"
    path.write_text(text)
    with pytest.raises(ModelError, match="is missing or damaged"):
        read_questions(path)
