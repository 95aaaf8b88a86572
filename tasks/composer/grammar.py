"""The small language in which sentence patterns are written, and its two steps: expanding and cutting into pieces.

``(left|leftward)`` is a choice, an option may be empty, choices nest. ``{a}`` stands for who or what fills slot ``a``, with a
form after a colon (``{a:their}``); ``[...]`` is an action of slot ``a``, ``[b: ...]`` one of slot ``b``.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from tasks.composer.draw import Draw

_PIECE = re.compile(r"\{(\w+)(?::(\w+))?\}|\[(?:(\w): )?|\]")

Branch = tuple["str | Choice", ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Alternatives of which one is taken; each is a sequence of texts and further choices."""

    options: tuple[Branch, ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for a mention or a word: slot ``name`` in ``form`` (empty for the plain one)."""

    name: str
    form: str


@dataclass(frozen=True, slots=True)
class Action:
    """The words of an action of slot ``name``; they hold no mention."""

    name: str
    text: str


Piece = str | Slot | Action


def _parse_branch(text: str, start: int) -> tuple[Branch, int]:
    parts: list[str | Choice] = []
    begin = at = start
    while at < len(text) and text[at] not in "|)":
        if text[at] == "(":
            parts.append(text[begin:at])
            options: list[Branch] = []
            while text[at] != ")":
                option, at = _parse_branch(text, at + 1)
                options.append(option)
                if at >= len(text):
                    raise ValueError(f"an open choice in the pattern {text!r}")
            parts.append(Choice(tuple(options)))
            at += 1
            begin = at
        else:
            at += 1
    parts.append(text[begin:at])
    return tuple(part for part in parts if part != ""), at


@cache
def parse(pattern: str) -> Branch:
    """The choices of ``pattern``.

    Raises:
        ValueError: a parenthesis is open or stands alone.
    """
    branch, at = _parse_branch(pattern, 0)
    if at != len(pattern):
        raise ValueError(f"a stray {pattern[at]!r} in the pattern {pattern!r}")
    return branch


def _expand(branch: Branch, draw: Draw) -> str:
    return "".join(part if isinstance(part, str) else _expand(draw.pick(part.options), draw) for part in branch)


def expand(pattern: str, draw: Draw) -> str:
    """``pattern`` with every choice made by ``draw``."""
    return _expand(parse(pattern), draw)


def readings(pattern: str) -> int:
    """In how many ways ``pattern`` can be read."""

    def count(branch: Branch) -> int:
        total = 1
        for part in branch:
            if isinstance(part, Choice):
                total *= sum(count(option) for option in part.options)
        return total

    return count(parse(pattern))


@lru_cache(maxsize=4096)
def cut(expanded: str) -> tuple[Piece, ...]:
    """The pieces of a pattern without choices.

    Raises:
        ValueError: an action is open, stands in another, or holds a slot.
    """
    pieces: list[Piece] = []
    at = 0
    action: str | None = None
    for match in _PIECE.finditer(expanded):
        text = expanded[at : match.start()]
        at = match.end()
        if match[0] == "]":
            if action is None or not text:
                raise ValueError(f"an empty or stray action in {expanded!r}")
            pieces.append(Action(action, text))
            action = None
            continue
        if action is not None:
            raise ValueError(f"an action holds something else in {expanded!r}")
        if text:
            pieces.append(text)
        if match[0].startswith("["):
            action = match[3] or "a"
        else:
            pieces.append(Slot(match[1], match[2] or ""))
    if action is not None:
        raise ValueError(f"an open action in {expanded!r}")
    if expanded[at:]:
        pieces.append(expanded[at:])
    return tuple(pieces)
