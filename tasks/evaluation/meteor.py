"""METEOR 1.5 (Denkowski and Lavie, 2014) by its own program, several at once.

It is a Java program that comes with the package pycocoevalcap (extra ``evaluate``). Without Java or that package there is no
METEOR: another formula under the same name (nltk's, for one) gives other numbers.
"""

import importlib.util
import itertools
import os
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from schemas.errors import ConfigError, ModelError

_JAR = "meteor-1.5.jar"
_TIMEOUT_S = 900


def find_meteor() -> Path | None:
    """The program's file, or None where it or Java is missing."""
    found = importlib.util.find_spec("pycocoevalcap")
    if shutil.which("java") is None or found is None or not found.submodule_search_locations:
        return None
    path = Path(next(iter(found.submodule_search_locations))) / "meteor" / _JAR
    return path if path.is_file() else None


def score_meteor(pairs: Sequence[tuple[str, str]], workers: int | None = None) -> tuple[float, list[float]]:
    """METEOR of all stories together and of each.

    Args:
        pairs: words of the answer's story and of the reference's, joined by single spaces.
        workers: programs that run at once; one a core unless given.

    Raises:
        ConfigError: Java or the package is missing.
        ModelError: the program failed.
    """
    jar = find_meteor()
    if jar is None:
        raise ConfigError("METEOR needs Java and pycocoevalcap: install a Java runtime and 'storyreasoning[evaluate]'")
    if not pairs:
        return 0.0, []
    count = max(1, min(workers or os.cpu_count() or 1, len(pairs)))
    bounds = [len(pairs) * at // count for at in range(count + 1)]
    parts = [pairs[a:b] for a, b in itertools.pairwise(bounds)]
    with ThreadPoolExecutor(count) as pool:
        statistics = [line for lines in pool.map(lambda part: _align(jar, part), parts) for line in lines]
    return _evaluate(jar, statistics)


def _line(text: str) -> str:
    return " ".join(text.replace("|||", "").split())


def _align(jar: Path, pairs: Sequence[tuple[str, str]]) -> list[str]:
    """The statistics of each pair, as the program writes them."""
    lines = [f"SCORE ||| {_line(truth)} ||| {_line(told)}" for told, truth in pairs]
    return _run(jar, lines, len(pairs))


def _evaluate(jar: Path, statistics: Sequence[str]) -> tuple[float, list[float]]:
    answers = _run(jar, ["EVAL ||| " + " ||| ".join(statistics)], len(statistics) + 1)
    try:
        *each, together = [float(answer) for answer in answers]
    except ValueError as error:
        raise ModelError(f"METEOR answered what is no number: {error}") from error
    return together, each


def _run(jar: Path, lines: Sequence[str], answers: int) -> list[str]:
    command = ["java", "-jar", "-Xmx2G", str(jar), "-", "-", "-stdio", "-l", "en", "-norm"]
    try:
        done = subprocess.run(  # noqa: S603 - fixed words and a file of an installed package
            command,
            input="\n".join(lines) + "\n",
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"METEOR took more than {_TIMEOUT_S} s for {len(lines)} stories") from error
    found = done.stdout.splitlines()
    if len(found) != answers:
        said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise ModelError(f"METEOR gave {len(found)} answers for {answers} questions; it said: {said[:200]}")
    return [line.strip() for line in found]
