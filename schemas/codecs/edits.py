"""Changes to a text that are collected first and made at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from schemas.codecs.tables import LINE_BREAKS
from schemas.faults import Fault, Part

_SPACES = str.maketrans(dict.fromkeys(LINE_BREAKS, " "))


@dataclass(frozen=True, slots=True)
class Fix:
    """One repair: the rule that was broken, where it was in the text as it then stood, and what was wrong."""

    code: str
    part: Part
    line: int
    column: int
    message: str


class Edit(NamedTuple):
    """Put ``text`` where ``start`` to ``end`` stood."""

    start: int
    end: int
    text: str


class Change(NamedTuple):
    """Edits that do not overlap, and the faults that they mend."""

    edits: Sequence[Edit]
    mended: Sequence[Fault]


def apply_edits(text: str, edits: Sequence[Edit]) -> str:
    """The text after all edits; insertions at one place keep their order.

    Raises:
        ValueError: two edits overlap.
    """
    pieces = []
    position = 0
    for edit in sorted(edits, key=_place):
        if edit.start < position:
            raise ValueError(f"edits overlap at {edit.start}")
        pieces += [text[position : edit.start], edit.text]
        position = edit.end
    return "".join([*pieces, text[position:]])


def describe(fault: Fault) -> Fix:
    """The fix of a fault."""
    return Fix(fault.code, fault.part, fault.line, fault.column, fault.message)


def delete_line(text: str, start: int, end: int) -> Edit:
    """Remove the line or lines that ``start`` to ``end`` fill, with one newline."""
    if text.startswith("\n", end):
        return Edit(start, end + 1, "")
    return Edit(start, end, "")


def normalise_breaks(text: str) -> str:
    """Newlines for carriage returns that end lines, spaces for all other odd line breaks."""
    unified = text.replace("\r\n", "\n")
    if "\n" not in unified:
        unified = unified.replace("\r", "\n")
    return unified.translate(_SPACES)


def _place(edit: Edit) -> tuple[int, int]:
    return edit.start, edit.end
