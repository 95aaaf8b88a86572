"""Recognising headings of a chain of thought, however they are marked, cased, numbered or titled."""

import re
from typing import NamedTuple

from schemas.codecs.cells import MAX_IMAGE
from schemas.codecs.tables import TABLES, TableKind

_IMAGE = re.compile(r"(?:image|frame)[\s_#:*]*+([0-9]{1,9})(?![0-9A-Za-z])(.*)", re.IGNORECASE)
_KINDS: dict[str, TableKind] = {
    "character": "characters",
    "characters": "characters",
    "object": "objects",
    "objects": "objects",
    "setting": "setting",
    "settings": "setting",
    "narrative": "narrative",
    "narrative structure": "narrative",
    "narrative phases": "narrative",
}
_SECTION = re.compile(
    r"(narrative\s+(?:structure|phases)|narrative|characters?|objects?|settings?)(?![0-9A-Za-z])(.*)", re.I
)
_MARKS = re.compile(r"(?:[#*_\s]++)?(?:[0-9]{1,3}[.)]\s*+)?(?:[*_]++)?")
_TRIM = " \t\r:*_#.-\u2013\u2014"


class Heading(NamedTuple):
    """What a heading line announces: an ``image`` number, or a ``kind`` of table, or neither (an unknown heading).

    ``exact`` says that it is written canonically, ``title`` is what it says besides.
    """

    image: int
    kind: TableKind | None
    exact: bool
    title: str


_CANONICAL = {table.heading: Heading(0, table.kind, exact=True, title="") for table in TABLES.values()}
_CANONICAL_IMAGE = re.compile(r"## Image ([1-9][0-9]{0,3})")


def read_heading(line: str) -> Heading | None:
    """The heading on a line, or ``None`` when the line is none.

    A marked line (``#`` or ``**`` in front) may carry a title after what it announces; an unmarked line must say nothing else.
    """
    canonical = _CANONICAL.get(line)
    if canonical is not None:
        return canonical
    numbered = _CANONICAL_IMAGE.fullmatch(line)
    if numbered is not None:
        return Heading(int(numbered[1]), None, exact=True, title="")
    if line[-1:].isspace():
        return read_heading(line.rstrip())
    text = line.strip()
    marked = text.startswith(("#", "**", "__"))
    core = _MARKS.sub("", text, count=1) if marked else text
    if not marked and len(text) > 40:
        return None
    image = _IMAGE.match(core)
    if image is not None:
        number, title = int(image[1]), image[2].strip(_TRIM)
        if 1 <= number <= MAX_IMAGE and (marked or not title):
            return Heading(number, None, exact=False, title=title)
    section = _SECTION.match(core)
    if section is not None:
        title = section[2].strip(_TRIM)
        # Without case, a pattern also takes letters that look alike (a long s, a dotless i): such a word is no heading.
        kind = _KINDS.get(" ".join(section[1].lower().split()))
        if kind is not None and (marked or not title):
            return Heading(0, kind, exact=False, title=title)
    return Heading(0, None, exact=False, title=core.strip(_TRIM)) if text.startswith("#") else None
