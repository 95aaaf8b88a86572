"""METEOR 1.5 (Denkowski and Lavie, 2014) by its own program, several at once, each started once.

It is a Java program that comes with the package pycocoevalcap (extra ``evaluate``). Without Java or that package there is no
METEOR: another formula under the same name (nltk's, for one) gives other numbers.
"""

import importlib.util
import itertools
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Self

from schemas.errors import ConfigError, ModelError

_JAR = "meteor-1.5.jar"
_TIMEOUT_S = 1800
STORIES_A_PROGRAM = 40
"""Fewer are not worth a program of their own: each reads its tables for seconds before its first answer."""

MOST_PROGRAMS = 8
"""However many cores there are: each takes up to 2 GB of memory."""


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
        workers: programs that run at once; by default one a core, but none for fewer than ``STORIES_A_PROGRAM`` stories.

    Raises:
        ConfigError: Java or the package is missing.
        ModelError: the program failed.
    """
    jar = find_meteor()
    if jar is None:
        raise ConfigError("METEOR needs Java and pycocoevalcap: install a Java runtime and 'storyreasoning[evaluate]'")
    if not pairs:
        return 0.0, []
    wanted = workers or min(os.cpu_count() or 1, MOST_PROGRAMS, -(-len(pairs) // STORIES_A_PROGRAM))
    count = max(1, min(wanted, len(pairs)))
    bounds = [len(pairs) * at // count for at in range(count + 1)]
    parts = [pairs[a:b] for a, b in itertools.pairwise(bounds)]
    with ExitStack() as stack:
        programs = [stack.enter_context(_Program(jar)) for _ in range(count)]
        pool = stack.enter_context(ThreadPoolExecutor(count, thread_name_prefix="meteor"))
        aligned = [line for lines in pool.map(_align, programs, parts) for line in lines]
        # The statistics of all stories are brought together by one of the programs that are open already.
        answers = programs[0].ask("EVAL ||| " + " ||| ".join(aligned), len(pairs) + 1)
    try:
        *each, together = [float(answer) for answer in answers]
    except ValueError as error:
        raise ModelError(f"METEOR answered what is no number: {error}") from error
    return together, each


class _Program:
    """The program as it waits for questions, a line each."""

    def __init__(self, jar: Path) -> None:
        self._said: IO[str] = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - __exit__
        self._late = False
        command = ["java", "-jar", "-Xmx2G", str(jar), "-", "-", "-stdio", "-l", "en", "-norm"]
        self._process = subprocess.Popen(  # noqa: S603 - fixed words and a file of an installed package
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            encoding="utf-8",
            bufsize=1,
        )
        self._clock = threading.Timer(_TIMEOUT_S, self._stop)
        self._clock.daemon = True
        self._clock.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._clock.cancel()
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._said):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    continue  # what was not sent to a program that ended is nobody's loss

    def _stop(self) -> None:
        self._late = True
        self._process.kill()

    def ask(self, question: str, answers: int = 1) -> list[str]:
        """The lines that the program answers with.

        Raises:
            ModelError: it ended.
        """
        source, sink = self._process.stdin, self._process.stdout
        assert source is not None and sink is not None  # noqa: S101 - both are pipes
        try:
            source.write(question + "\n")
            source.flush()
        except BrokenPipeError:
            raise self._failure(0, answers) from None
        found: list[str] = []
        for _ in range(answers):
            line = sink.readline()
            if not line:
                raise self._failure(len(found), answers)
            found.append(line.strip())
        return found

    def _failure(self, found: int, answers: int) -> ModelError:
        if self._late:
            return ModelError(f"METEOR took more than {_TIMEOUT_S} s: give the evaluation fewer stories or --no-meteor")
        self._process.wait()
        self._said.seek(0)
        said = (self._said.read().strip().splitlines() or ["nothing"])[-1]
        return ModelError(
            f"METEOR gave {found} answers where {answers} were due; it said: {said[:200]}; --no-meteor leaves it out"
        )


def _align(program: _Program, pairs: Sequence[tuple[str, str]]) -> list[str]:
    """The statistics of each pair, as the program writes them."""
    return [program.ask(f"SCORE ||| {_line(truth)} ||| {_line(told)}")[0] for told, truth in pairs]


def _line(text: str) -> str:
    return " ".join(text.replace("|||", "").split())
