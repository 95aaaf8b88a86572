"""METEOR by its own program, where it is installed; what is said where it is not."""

import shutil
from pathlib import Path

import pytest

from schemas.errors import ConfigError, ModelError
from tasks.evaluation import meteor
from tasks.evaluation.meteor import find_meteor, score_meteor
from tasks.evaluation.words import split_words
from tests.tasks.evaluation.test_language import PAIRS


@pytest.mark.slow
@pytest.mark.skipif(find_meteor() is None, reason="needs Java and pycocoevalcap (extra evaluate)")
def test_the_numbers_of_the_original_package() -> None:
    pairs = [(" ".join(split_words(told)), " ".join(split_words(truth))) for told, truth in PAIRS]
    together, each = score_meteor(pairs, workers=2)
    assert together == 0.41541239977919425
    assert each == [0.379697853996225, 0.46756519067015256]


def test_without_java_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(ConfigError, match="storyreasoning\\[evaluate\\]"):
        score_meteor([("a", "a")])


def test_a_program_that_says_too_little_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho broken >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(meteor, "find_meteor", lambda: tmp_path / "meteor.jar")
    with pytest.raises(ModelError, match="gave 0 answers where 1 were due; it said: broken"):
        score_meteor([("a", "a")], workers=1)


FAKE = """#!/bin/sh
echo started >>"{log}"
while read -r verb rest; do
  case $verb in
    SCORE) echo "1 2 3" ;;
    EVAL) printf '0.25\\n0.5\\n0.75\\n0.4\\n' ;;
  esac
done
"""


def test_a_program_is_started_once_and_asked_for_everything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    log = tmp_path / "log"
    java = tmp_path / "java"
    java.write_text(FAKE.format(log=log))
    java.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(meteor, "find_meteor", lambda: tmp_path / "meteor.jar")
    assert score_meteor([("a", "b")] * 3, workers=2) == (0.4, [0.25, 0.5, 0.75])
    assert log.read_text() == "started\n" * 2


def test_a_program_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\nexec sleep 60\n")
    java.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(meteor, "find_meteor", lambda: tmp_path / "meteor.jar")
    monkeypatch.setattr(meteor, "_TIMEOUT_S", 0.2)
    with pytest.raises(ModelError, match=r"took more than 0.2 s"):
        score_meteor([("a", "b")])
