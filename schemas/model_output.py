"""What a model answers: ``<think>``, the chain of thought, ``</think>``, the story."""

import re

from schemas.faults import Span

_OPENING = re.compile(r"\s*+(?:```[^\n]*+\n\s*+)?<think\s*+>\n?", re.IGNORECASE)
_CLOSING = re.compile(r"\n?</think\s*+>\n?", re.IGNORECASE)
_STORY = re.compile(r"<gdi(?![A-Za-z0-9_-])", re.IGNORECASE)
_TABLES = re.compile(r"^[ \t]*+(?:\||#{1,6}[ \t]*+(?:image|narrative))", re.IGNORECASE | re.MULTILINE)


def join_output(chain_of_thought: str, story: str) -> str:
    """One text in the way models are taught to answer; :func:`split_output` gives both parts back."""
    return f"<think>\n{chain_of_thought}\n</think>\n{story}"


def split_output(text: str) -> tuple[str, str]:
    """The chain of thought and the story in any answer; either may be empty, and nothing of the text is lost.

    Without ``</think>`` the story begins with its first block; an answer that has neither is one or the other.
    Tags in any case, a missing ``<think>`` and a missing newline around the tags are understood. Text before ``<think>``
    goes to the chain of thought.
    """
    before, after = locate_output(text)
    return text[before.start : before.end], text[after.start : after.end]


def locate_output(text: str) -> tuple[Span, Span]:
    """Where :func:`split_output` finds the chain of thought and the story."""
    opening = _OPENING.match(text)
    start = opening.end() if opening is not None else 0
    # The newlines around the tags belong to them; with nothing between them there is one newline, and it is the first's.
    closing = _CLOSING.search(text, start)
    if closing is not None:
        return Span(start, closing.start()), Span(closing.end(), len(text))
    block = _STORY.search(text, start)
    if block is not None:
        return Span(start, block.start()), Span(block.start(), len(text))
    if opening is not None or _TABLES.search(text):
        return Span(start, len(text)), Span(len(text), len(text))
    return Span(start, start), Span(start, len(text))
