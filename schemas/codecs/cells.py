"""Reading what models write into single cells: ids, boxes, image lists, words of a vocabulary.

Each reader gives the value that was meant, or ``None`` where that cannot be told, and whether it was written as it must be.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from schemas.text import PixelBox

MAX_IMAGE = 9999
"""Largest image number that is read; more would let a cell like ``1-999999999`` exhaust memory."""

MAX_PIXEL = 999_999_999
"""Largest coordinate that is read."""
ENTITY_ID = re.compile(r"(?:char|obj|lm|bg)[1-9][0-9]{0,8}")
_LOOSE_ID = re.compile(
    r"[\s#<(\[{`*\"']*+(character|char|object|obj|landmark|lm|background|bg)[\s_#-]*+0*+([1-9][0-9]{0,8})[\s>)\]}`*\"']*+",
    re.IGNORECASE,
)
_PREFIXES = {"character": "char", "object": "obj", "landmark": "lm", "background": "bg"}
_BRACKETS = str.maketrans(dict.fromkeys("()[]{}<>`*\"'", " "))
_NUMBER = re.compile(r"(?:[xy][12]?\s*+[:=]\s*+)?([-+]?[0-9]{1,9}(?:\.[0-9]{0,15})?)(?:px)?", re.IGNORECASE)
_IMAGES = re.compile(
    r"([0-9]{1,9})(?:\s*+(?:-|\u2013|\u2014|\.{2,3}|\u2026|to\b|through\b)\s*+(?:(?:image|frame)s?\s*+)?([0-9]{1,9}))?",
    re.IGNORECASE,
)
EXACT_IMAGES = re.compile(r"[1-9][0-9]{0,3}(?:-[1-9][0-9]{0,3})?(?:, [1-9][0-9]{0,3}(?:-[1-9][0-9]{0,3})?)*+")
"""A list of image numbers as it must be written."""
_IMAGE_FILLERS = re.compile(r"\b(?:images?|frames?|and)\b|[\s,;&#\[\]().+]++", re.IGNORECASE)
_LETTERS = re.compile(r"[^a-z]++")


def read_id(text: str) -> str | None:
    """The entity id meant by ``Char 01`` or ``#obj_3``; ``None`` when it is none."""
    loose = _LOOSE_ID.fullmatch(text)
    if loose is None:
        return None
    prefix = loose[1].lower()
    return f"{_PREFIXES.get(prefix, prefix)}{loose[2]}"


def read_box_numbers(text: str) -> tuple[float, float, float, float] | None:
    """Four numbers however they are bracketed, named or separated; ``None`` when there are not exactly four."""
    if len(text) > 200:
        return None
    words = text.translate(_BRACKETS).replace(",", " ").replace(";", " ").split()
    numbers = [_NUMBER.fullmatch(word) for word in words]
    if len(numbers) != 4:
        return None
    values = [float(number[1]) for number in numbers if number is not None]
    return (values[0], values[1], values[2], values[3]) if len(values) == 4 else None


def is_normalised(text: str, numbers: Sequence[float]) -> bool:
    """Whether the numbers of a box are shares of the frame: all from 0 to 1, written with a decimal point."""
    return "." in text and all(0.0 <= number <= 1.0 for number in numbers)


def round_box(numbers: Sequence[float]) -> PixelBox:
    """Whole pixels, at least one in each direction where the numbers had any extent."""
    x1, y1, x2, y2 = (round(number) for number in numbers)
    if x2 == x1 and numbers[2] > numbers[0]:
        x2 += 1
    if y2 == y1 and numbers[3] > numbers[1]:
        y2 += 1
    return x1, y1, x2, y2


def read_images(text: str) -> tuple[tuple[int, ...], bool]:
    """Image numbers of ``1-3, 5`` in the order of writing.

    Returns:
        The numbers that could be read, and whether all of the text was read.
    """
    numbers: list[int] = []
    complete = True
    for found in _IMAGES.finditer(text):
        first, last = int(found[1]), int(found[2] or found[1])
        if not 1 <= first <= last <= MAX_IMAGE or len(numbers) + last - first >= MAX_IMAGE:
            complete = False
            continue
        numbers.extend(range(first, last + 1))
    rest = _IMAGE_FILLERS.sub("", _IMAGES.sub("", text))
    return tuple(numbers), complete and not rest and bool(numbers)


def read_word(text: str, vocabulary: Sequence[str]) -> str | None:
    """The word of a vocabulary that ``text`` is but for case, spaces, marks; ``None`` for any other word."""
    key = _LETTERS.sub("", text.lower())
    return next((word for word in vocabulary if _LETTERS.sub("", word.lower()) == key), None)


def nearest_word(text: str, vocabulary: Sequence[str]) -> str:
    """The word of a vocabulary that shares most pairs of letters with ``text`` (Dice's coefficient); the first of equals."""
    pairs = _letter_pairs(text[:60])
    return max(
        vocabulary, key=lambda word: 2 * len(pairs & _letter_pairs(word)) / (len(pairs) + len(_letter_pairs(word)))
    )


def _letter_pairs(word: str) -> frozenset[str]:
    lowered = f" {word.lower()} "
    return frozenset(map("".join, pairwise(lowered)))
