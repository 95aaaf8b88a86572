"""BLEU and ROUGE-L of stories, equal to those of pycocoevalcap, over words that were split once.

Every story has one reference. BLEU is of the corpus: n-gram hits and lengths are pooled over stories, with that package's
constants against division by zero (Papineni et al., 2002). ROUGE-L is the mean over stories of the F-measure of the longest
common subsequence with beta 1.2 (Lin, 2004).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ORDERS = (1, 2, 3, 4)
BETA = 1.2
_SMALL, _TINY = 1e-9, 1e-15


@dataclass(frozen=True, slots=True)
class StoryWords:
    """What BLEU and ROUGE-L need of one story.

    ``hits`` are clipped n-gram hits of each order, ``guesses`` the n-grams told; ``told`` and ``truth`` are numbers of words,
    ``rouge`` is the F-measure.
    """

    hits: tuple[int, ...]
    guesses: tuple[int, ...]
    told: int
    truth: int
    rouge: float


def compare_words(told: Sequence[str], truth: Sequence[str]) -> StoryWords:
    """Compare the words of an answer's story with those of the reference."""
    codes: dict[str, int] = {}
    ours = _encode(told, codes)
    theirs = _encode(truth, codes)
    hits = tuple(_count_hits(ours, theirs, order, len(codes)) for order in ORDERS)
    guesses = tuple(max(0, len(told) - order + 1) for order in ORDERS)
    return StoryWords(hits, guesses, len(told), len(truth), _rouge(ours, theirs))


def _encode(words: Sequence[str], codes: dict[str, int]) -> NDArray[np.int64]:
    return np.array([codes.setdefault(word, len(codes)) for word in words], dtype=np.int64)


def _count_hits(told: NDArray[np.int64], truth: NDArray[np.int64], order: int, base: int) -> int:
    if len(told) < order or len(truth) < order:
        return 0
    ours, theirs = Counter(_grams(told, order, base)), Counter(_grams(truth, order, base))
    return sum(min(count, theirs[gram]) for gram, count in ours.items() if gram in theirs)


def _grams(codes: NDArray[np.int64], order: int, base: int) -> list[int]:
    """Each n-gram as one number in base ``base``: exact, as Python's integers have no bound."""
    parts = [codes[at : len(codes) - order + 1 + at].tolist() for at in range(order)]
    grams: list[int] = parts[0]
    for part in parts[1:]:
        grams = [gram * base + code for gram, code in zip(grams, part, strict=True)]
    return grams


def longest_common_subsequence(left: NDArray[np.int64], right: NDArray[np.int64]) -> int:
    """Length of the longest common subsequence, by bit-parallel dynamic programming (Hyyro, 2004): one pass of big integers."""
    places: dict[int, int] = {}
    for at, code in enumerate(left.tolist()):
        places[code] = places.get(code, 0) | (1 << at)
    every = (1 << len(left)) - 1
    row = every
    for code in right.tolist():
        match = places.get(code)
        if match is not None:
            kept = row & match
            row = ((row + kept) | (row - kept)) & every
    return len(left) - row.bit_count()


def _rouge(told: NDArray[np.int64], truth: NDArray[np.int64]) -> float:
    # A text without words counts as one empty word there, so that nothing against nothing is a perfect match.
    if not len(told) and not len(truth):
        return 1.0
    common = longest_common_subsequence(told, truth)
    if not common:
        return 0.0
    precision, recall = common / len(told), common / len(truth)
    return ((1 + BETA**2) * precision * recall) / (recall + BETA**2 * precision)


def corpus_bleu(
    hits: Sequence[Array], guesses: Sequence[Array], told: Array, truth: Array
) -> tuple[Array, Array, Array, Array]:
    """BLEU of orders 1 to 4 from counts pooled over stories; each argument may be an array of many such counts.

    Args:
        hits: clipped n-gram hits of each order.
        guesses: n-grams told of each order.
        told: words told.
        truth: words of the references.
    """
    ratio = (told + _TINY) / (truth + _SMALL)
    brevity = np.where(ratio < 1, np.exp(1 - 1 / np.minimum(ratio, 1)), 1.0)
    product = np.ones_like(told)
    bleu = []
    for order, hit, guess in zip(ORDERS, hits, guesses, strict=True):
        product = product * (hit + _TINY) / (guess + _SMALL)
        bleu.append(product ** (1 / order) * brevity)
    return bleu[0], bleu[1], bleu[2], bleu[3]
