"""Reading a story: one pass over its tags, any text accepted, every departure from the format reported."""

import re
from dataclasses import dataclass

from schemas.codecs.blocks import BlockReader, Piece
from schemas.codecs.tables import find_line_break
from schemas.codecs.tags import MARKUP, TOKEN, read_image_number, read_kind
from schemas.faults import Fault, FaultList, Span, quote
from schemas.text import ImageBlock, Story

_GDI = re.compile(r"<(/?)gdi(?![A-Za-z0-9_-])[^<>]*+>", re.IGNORECASE)
_NEXT_BLOCK = re.compile(r"\s*+(?:<gdi(?![A-Za-z0-9_-])|\Z)", re.IGNORECASE)
_FENCE = re.compile(r"^[ \t]*+(?:```|~~~)[^\n]*+$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ParsedBlock:
    """One ``gdi`` block: its image ``number`` (0 where it names none), where it stands, what is in it.

    ``body`` is what stands between its tags, less one newline at each end; ``exact`` says that all of its markup is written
    as it must be.
    """

    number: int
    span: Span
    opening: Span
    body: Span
    pieces: tuple[Piece, ...]
    exact: bool


@dataclass(frozen=True, slots=True)
class ParsedStory:
    """What a text says, where, and what is wrong with how it says it.

    ``value`` holds the blocks that name an image, in text order; ``outside`` are stretches of text in no block.
    """

    text: str
    value: Story
    blocks: tuple[ParsedBlock, ...]
    outside: tuple[Span, ...]
    faults: tuple[Fault, ...]


def parse_story(text: str) -> ParsedStory:
    """Read any text as a story. Time and memory grow linearly with the text; nothing is ever raised."""
    return _Parser(text).parse()


class _Parser:
    """State of one pass over the tags of a text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._faults = FaultList("story", text)
        self._reader = BlockReader(text, self._faults)
        self._blocks: list[ParsedBlock] = []
        self._values: list[ImageBlock] = []
        self._opening: re.Match[str] | None = None
        self._inside: list[re.Match[str]] = []
        self._depth = 0

    def parse(self) -> ParsedStory:
        for token in TOKEN.finditer(self._text):
            if token.lastindex != 6:
                if self._opening is not None:
                    self._inside.append(token)
                continue
            kind = read_kind(token[5])
            if kind != "gdi":
                self._take_inner(token, kind)
            elif not token[4]:
                self._close(token.start(), None)
                self._opening = token
            elif self._opening is None:
                self._faults.add("tag-unopened", token.start(), token.end(), f"{quote(token[0])} closes nothing")
            elif self._depth and self._closes_again(token.end()):
                self._inside.append(token)
                self._depth -= 1
            else:
                self._close(token.start(), token)
        self._close(len(self._text), None)
        outside = self._find_outside()
        at = find_line_break(self._text)
        if at >= 0:
            self._faults.add(
                "line-break", at, at + 1, f"a line break other than a newline, U+{ord(self._text[at]):04X}"
            )
        blocks = tuple(self._blocks)
        return ParsedStory(self._text, Story(tuple(self._values)), blocks, outside, self._faults.sorted())

    def _closes_again(self, at: int) -> bool:
        """Whether the next ``gdi`` tag closes too, so that the one before ``at`` was meant for a tag inside the block."""
        following = _GDI.search(self._text, at)
        return following is not None and following[1] == "/"

    def _take_inner(self, token: re.Match[str], kind: str | None) -> None:
        """A tag other than ``gdi`` that is no whole flat tag."""
        if self._opening is None:
            if kind is None:
                self._faults.add("tag-unknown", token.start(), token.end(), f"{quote(token[0])} is no tag of a story")
        elif kind is not None and token[4] and not self._depth and _NEXT_BLOCK.match(self._text, token.end()):
            self._faults.add("tag-mismatch", token.start(), token.end(), f"</{kind}> closes a gdi")
            self._close(token.start(), token)
        else:
            self._inside.append(token)
            if kind is not None:
                self._depth = max(0, self._depth + (-1 if token[4] else 1))

    def _close(self, end: int, closing: re.Match[str] | None) -> None:
        """End the open block, if there is one, before ``end``."""
        opening, self._opening = self._opening, None
        inside, self._inside = self._inside, []
        self._depth = 0
        if opening is None:
            return
        number = read_image_number(opening[6])
        exact = opening[0] == f"<gdi image{number}>" and closing is not None and closing[0] == "</gdi>"
        if not number:
            self._faults.add("block-unknown", opening.start(), opening.end(), f"{quote(opening[0])} names no image")
        elif opening[0] != f"<gdi image{number}>":
            told = f"{quote(opening[0])} should read <gdi image{number}>"
            self._faults.add("tag-form", opening.start(), opening.end(), told)
        if closing is None:
            self._faults.add("tag-unclosed", opening.start(), opening.end(), f"{quote(opening[0])} is never closed")
            # White space before the next block, or at the end of the text, is no part of this one.
            end = max(opening.end(), len(self._text[opening.end() : end].rstrip()) + opening.end())
        elif closing[0] != "</gdi>" and closing[5].lower() == "gdi":
            self._faults.add("tag-form", closing.start(), closing.end(), f"{quote(closing[0])} should read </gdi>")
        start = opening.end()
        stop = end if closing is None else closing.end()
        if self._text.startswith("\n", start, end):
            start += 1
        if end > start and self._text[end - 1] == "\n":
            end -= 1
        body = self._reader.read(inside, start, end)
        span = Span(opening.start(), stop)
        opened = Span(opening.start(), opening.end())
        self._blocks.append(ParsedBlock(number, span, opened, Span(start, end), body.pieces, exact and body.exact))
        if number:
            self._values.append(ImageBlock(number, body.parts))

    def _find_outside(self) -> tuple[Span, ...]:
        """Stretches between blocks that hold more than white space, tags and code fences."""
        bounds = [0, *(at for block in self._blocks for at in (block.span.start, block.span.end)), len(self._text)]
        outside = []
        for start, end in zip(bounds[::2], bounds[1::2], strict=True):
            between = self._text[start:end]
            if not between or between.isspace():
                continue
            for fence in _FENCE.finditer(between):
                left, right = start + fence.start(), start + fence.end()
                self._faults.add("code-fence", left, right, f"a code fence {quote(fence[0].strip())}")
            blanked = MARKUP.sub(_blank, _FENCE.sub(_blank, between))
            if blanked.strip():
                left = len(blanked) - len(blanked.lstrip())
                span = Span(start + left, start + len(blanked.rstrip()))
                outside.append(span)
                told = f"{quote(self._text[span.start : span.end])} stands in no block"
                self._faults.add("text-outside", span.start, span.end, told)
        return tuple(outside)


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])
