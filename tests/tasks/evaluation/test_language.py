"""BLEU and ROUGE-L: by hand, against a plain rewriting, and as pycocoevalcap 1.2 gave them."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.evaluation.language import StoryWords, compare_words, corpus_bleu, longest_common_subsequence
from tasks.evaluation.words import split_words

WORDS = st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), max_size=12)

PAIRS = [
    (
        "Ines turned a key and did not wait. She called: is anyone there?",
        'Ines turned the brass key and didn\'t wait. "Is anyone there?" she called.',
    ),
    (
        "The old man crossed the square with a dog; slowly.",
        "The old man crossed the square, slowly, with his dog.",
    ),
]


def bleu_of(stories: list[StoryWords]) -> tuple[float, ...]:
    """BLEU of stories taken together."""
    hits, guesses = (
        [np.array([float(sum(counts))]) for counts in zip(*rows, strict=True)]
        for rows in ([story.hits for story in stories], [story.guesses for story in stories])
    )
    told, truth = (np.array([float(sum(counts))]) for counts in zip(*((s.told, s.truth) for s in stories), strict=True))
    return tuple(float(value[0]) for value in corpus_bleu(hits, guesses, told, truth))


def test_the_numbers_of_the_original_package() -> None:
    stories = [compare_words(split_words(told), split_words(truth)) for told, truth in PAIRS]
    original = (0.8325681460740209, 0.6461828184056633, 0.501659103476672, 0.38216773147311944)
    assert bleu_of(stories) == pytest.approx(original, rel=1e-14)
    assert sum(story.rouge for story in stories) / 2 == 0.7311218335343788


def plain_bleu(pairs: list[tuple[list[str], list[str]]], order: int) -> float:
    told = sum(len(ours) for ours, _ in pairs)
    truth = sum(len(theirs) for _, theirs in pairs)
    product = 1.0
    for n in range(1, order + 1):
        hits = guesses = 0
        for ours, theirs in pairs:
            grams = Counter(tuple(ours[i : i + n]) for i in range(len(ours) - n + 1))
            known = Counter(tuple(theirs[i : i + n]) for i in range(len(theirs) - n + 1))
            hits += (grams & known).total()
            guesses += max(0, len(ours) - n + 1)
        product *= (hits + 1e-15) / (guesses + 1e-9)
    ratio = (told + 1e-15) / (truth + 1e-9)
    return float(product ** (1 / order) * (math.exp(1 - 1 / ratio) if ratio < 1 else 1))


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=4))
def test_bleu_is_that_of_its_definition(pairs: list[tuple[list[str], list[str]]]) -> None:
    assert bleu_of([compare_words(ours, theirs) for ours, theirs in pairs]) == pytest.approx(
        [plain_bleu(pairs, order) for order in (1, 2, 3, 4)], rel=1e-12, abs=1e-300
    )


def plain_lcs(left: list[int], right: list[int]) -> int:
    row = [0] * (len(right) + 1)
    for a in left:
        before = row[:]
        for j, b in enumerate(right, start=1):
            row[j] = before[j - 1] + 1 if a == b else max(before[j], row[j - 1])
    return row[-1]


@given(st.lists(st.integers(0, 4), max_size=80), st.lists(st.integers(0, 4), max_size=80))
def test_the_subsequence_is_that_of_the_table(left: list[int], right: list[int]) -> None:
    found = longest_common_subsequence(np.array(left, dtype=np.int64), np.array(right, dtype=np.int64))
    assert found == plain_lcs(left, right)


def test_rouge_worked_out_by_hand() -> None:
    # "a b c d" against "a c e": two in common, precision 2/4, recall 2/3.
    story = compare_words(["a", "b", "c", "d"], ["a", "c", "e"])
    assert story.rouge == pytest.approx((1 + 1.44) * 0.5 * (2 / 3) / (2 / 3 + 1.44 * 0.5))


def test_nothing_told_scores_nothing() -> None:
    story = compare_words([], ["a", "b", "c"])
    assert (max(bleu_of([story])), story.rouge) == (pytest.approx(0, abs=1e-6), 0.0)
