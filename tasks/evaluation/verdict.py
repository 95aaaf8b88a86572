"""What a judge says of a story: the shape its answers are asked in, and how they are read.

An answer that is not of this shape is no judgement: it is missing, and counted, and nothing is guessed from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeGuard

LOWEST, HIGHEST = 1, 5
MOST_NAMED = 60
"""Most hallucinations that an answer may list."""

DIMENSIONS = ("description_accuracy", "creativity", "hallucinations")
"""What is judged; of the last one less is better."""

Preferred = Literal["first", "second", "tie"]
_GRADE = {"type": "integer", "enum": list(range(LOWEST, HIGHEST + 1))}
_TEXT = {"type": "string"}


def _shape(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


RATING_SCHEMA: Mapping[str, Any] = _shape(
    {
        "hallucinations": {"type": "array", "items": _shape({"image": {"type": "integer"}, "words": _TEXT})},
        "description_accuracy": _GRADE,
        "creativity": _GRADE,
        "reason": _TEXT,
    }
)
_CHOICE = {"type": "string", "enum": ["A", "B", "tie"]}
PAIR_SCHEMA: Mapping[str, Any] = _shape({**dict.fromkeys(DIMENSIONS, _CHOICE), "reason": _TEXT})


@dataclass(frozen=True, slots=True)
class Rating:
    """A judge's view of one story.

    ``hallucinations`` counts those whose words stand in the story, ``quoted`` are these words; ``unquoted`` counts those that
    were put into its mouth and are not among them.
    """

    description_accuracy: int
    creativity: int
    hallucinations: int
    quoted: tuple[str, ...]
    unquoted: int
    reason: str


def read_rating(value: Any, story: str) -> Rating | None:
    """A rating from a judge's answer; None where it is none.

    Args:
        value: the answer as JSON.
        story: the text that was judged; words that it does not hold are no hallucination of it.
    """
    if not isinstance(value, dict):
        return None
    accuracy, creativity = value.get("description_accuracy"), value.get("creativity")
    listed = value.get("hallucinations")
    if not _is_grade(accuracy) or not _is_grade(creativity) or not isinstance(listed, list) or len(listed) > MOST_NAMED:
        return None
    told = _plain(story)
    named: set[tuple[int, str]] = set()
    quoted: list[str] = []
    unquoted = 0
    for one in listed:
        if not isinstance(one, dict) or not isinstance(one.get("words"), str) or not _is_whole(one.get("image")):
            return None
        words = _plain(one["words"])
        if not words or words not in told:
            unquoted += 1
        elif (one["image"], words) not in named:
            named.add((one["image"], words))
            quoted.append(" ".join(one["words"].split()))
    return Rating(accuracy, creativity, len(quoted), tuple(quoted), unquoted, str(value.get("reason", "")))


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold().strip("\"'\u201c\u201d\u2018\u2019 .,;:\u2026")


def _is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_grade(value: Any) -> TypeGuard[int]:
    return _is_whole(value) and LOWEST <= value <= HIGHEST


def read_pair(value: Any, swapped: bool) -> Mapping[str, Preferred] | None:
    """Which of two stories a judge prefers in each dimension; None where the answer is none.

    Args:
        value: the answer as JSON.
        swapped: whether the second story was shown as A.
    """
    if not isinstance(value, dict) or any(value.get(name) not in ("A", "B", "tie") for name in DIMENSIONS):
        return None
    names: Mapping[str, Preferred] = {"A": "second" if swapped else "first", "B": "first" if swapped else "second"}
    return {name: names.get(value[name], "tie") for name in DIMENSIONS}


def settle(
    both: tuple[Mapping[str, Preferred] | None, Mapping[str, Preferred] | None],
) -> Mapping[str, Preferred] | None:
    """What the two orders of a pair say together: a preference that both have, else a tie; None where one is missing."""
    first, second = both
    if first is None or second is None:
        return None
    return {name: first[name] if first[name] == second[name] else "tie" for name in DIMENSIONS}
