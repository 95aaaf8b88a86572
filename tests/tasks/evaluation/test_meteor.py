"""METEOR by its own program, where it is installed; what is said where it is not."""

import shutil

import pytest

from schemas.errors import ConfigError, ModelError
from tasks.evaluation import meteor
from tasks.evaluation.meteor import find_meteor, score_meteor
from tasks.evaluation.words import split_words
from tests.tasks.evaluation.test_language import PAIRS


@pytest.mark.slow
@pytest.mark.skipif(find_meteor() is None, reason="needs Java and pycocoevalcap (extra evaluate)")
@pytest.mark.parametrize("workers", [1, 2])
def test_the_numbers_of_the_original_package(workers: int) -> None:
    pairs = [(" ".join(split_words(told)), " ".join(split_words(truth))) for told, truth in PAIRS]
    together, each = score_meteor(pairs, workers)
    assert together == 0.41541239977919425
    assert each == [0.379697853996225, 0.46756519067015256]


def test_without_java_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(ConfigError, match="storyreasoning\\[evaluate\\]"):
        score_meteor([("a", "a")])


def test_a_program_that_says_too_little_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho broken >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(meteor, "find_meteor", lambda: tmp_path / "meteor.jar")
    with pytest.raises(ModelError, match="gave 0 answers for 1 questions; it said: broken"):
        score_meteor([("a", "a")], workers=1)
