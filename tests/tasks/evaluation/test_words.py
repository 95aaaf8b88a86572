"""Words as Stanford's tokeniser splits them: what it gave for prose and for hard cases, and itself where it is installed."""

import importlib.util
import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.evaluation.words import split_words

LINES: list[tuple[str, str]] = [
    (line, words) for line, words in json.loads((Path(__file__).parent / "ptb_lines.json").read_text(encoding="utf-8"))
]
"""Lines and the output for them of CoreNLP 3.4.1's PTBTokenizer as pycocoevalcap 1.2 calls it, punctuation left out."""


@pytest.mark.parametrize(("line", "words"), LINES)
def test_words_are_those_of_the_original(line: str, words: str) -> None:
    assert " ".join(split_words(line)) == words


def test_a_text_is_one_line() -> None:
    assert split_words("One\ntwo\n\n three ") == ["one", "two", "three"]
    assert split_words(" \n ") == []


@given(st.text(max_size=60))
def test_any_text_is_split(text: str) -> None:
    words = split_words(text)
    assert all(word and not word.isspace() for word in words)


FRAGMENTS = [
    *(piece for line, _ in LINES[:4] for piece in line.split()),
    "She's",
    "gone.",
    '"Well,"',
    "Mr.",
    "U.S.",
    "he",
    "3.5",
]
installed = shutil.which("java") is not None and importlib.util.find_spec("pycocoevalcap") is not None


@pytest.mark.slow
@pytest.mark.skipif(not installed, reason="needs Java and pycocoevalcap (extra evaluate)")
def test_shuffled_prose_is_split_as_by_the_original() -> None:
    import random

    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    draw = random.Random(7)
    lines = {n: " ".join(draw.choices(FRAGMENTS, k=25)) for n in range(500)}
    theirs = PTBTokenizer().tokenize({n: [{"caption": line}] for n, line in lines.items()})
    ours = {n: [" ".join(split_words(line))] for n, line in lines.items()}
    assert ours == theirs
