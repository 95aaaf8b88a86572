"""Where in a text something stands, and what is wrong with it there."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from schemas.rules import RULES, Level, Rule

Part = Literal["chain_of_thought", "story"]


class Span(NamedTuple):
    """Characters ``start`` (included) to ``end`` (excluded) of a text, counted in code points."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Fault:
    """One breach of a rule: which, in which of the two texts, where, and in words.

    ``line`` and ``column`` count from 1; a line ends at a newline and nowhere else.
    """

    code: str
    part: Part
    span: Span
    line: int
    column: int
    message: str

    @property
    def rule(self) -> Rule:
        """The rule that is broken."""
        return RULES[self.code]

    @property
    def level(self) -> Level:
        """The lowest level at which this is a fault."""
        return RULES[self.code].level

    def __str__(self) -> str:
        """``story:3:14 tag-unclosed: <gdo char1> is never closed``."""
        return f"{self.part}:{self.line}:{self.column} {self.code}: {self.message}"


class FaultList:
    """Collects the faults of one text; lines are only looked up once there is a fault."""

    __slots__ = ("_faults", "_lines", "_part", "_text")

    def __init__(self, part: Part, text: str, found: Sequence[Fault] = ()) -> None:
        """Start with the faults already ``found`` in ``text``."""
        self._part: Part = part
        self._text = text
        self._lines: list[int] = []
        self._faults: list[Fault] = list(found)

    def add(self, code: str, start: int, end: int, message: str) -> None:
        """Record a breach of the rule ``code`` at ``start`` to ``end``.

        Raises:
            KeyError: there is no such rule.
        """
        RULES[code]
        line, column = self.locate(start)
        self._faults.append(Fault(code, self._part, Span(start, end), line, column, message))

    def locate(self, offset: int) -> tuple[int, int]:
        """Line and column of a character, both from 1."""
        if not self._lines:
            self._lines = line_starts(self._text)
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def sorted(self) -> tuple[Fault, ...]:
        """All faults in the order of the text; at one place in the order in which they were found."""
        return tuple(sorted(self._faults, key=_place))


def line_starts(text: str) -> list[int]:
    """Offsets at which the lines of a text begin; the first is 0."""
    starts = [0]
    at = text.find("\n")
    while at >= 0:
        starts.append(at + 1)
        at = text.find("\n", at + 1)
    return starts


def quote(text: str, limit: int = 40) -> str:
    """A piece of a text for a message: one line, at most ``limit`` characters, in double quotes."""
    flat = " ".join(text[: limit * 2].split())
    return f'"{flat[: limit - 3]}..."' if len(flat) > limit or len(text) > limit * 2 else f'"{flat}"'


def _place(fault: Fault) -> tuple[int, int]:
    return fault.span.start, fault.span.end
