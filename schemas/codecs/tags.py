"""The tags of a story: how they are written, how the ones that models write are understood, and which closes which."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from schemas.codecs.cells import ENTITY_ID, MAX_IMAGE, read_id
from schemas.text import TAG_KINDS, TagKind

TOKEN = re.compile(
    r"<(?:gd([oal]) ([a-z0-9 ]++)>([^<>]++)</gd\1>"  # a whole flat tag, as nearly all are: 1 letter, 2 ids, 3 text
    r"|(/?)([A-Za-z][A-Za-z0-9_-]*+)([^<>]*+)>"  # any other tag: 4 slash, 5 name, 6 attributes
    r"|)"  # a bare <
)
"""Every ``<`` of a text is the start of one match. No part can be matched in two ways, so time is linear in the text."""

MARKUP = re.compile(r"</?[A-Za-z][^<>]*+>")
"""Anything that looks like a tag."""

_EXACT_IDS = re.compile(rf"{ENTITY_ID.pattern}(?: {ENTITY_ID.pattern})*+")
_ID_BREAKS = re.compile(r"[\s,;&+|/=]++")
_ID_NAMES = frozenset(("id", "ids", "entity", "entities", "character", "characters", "char", "object", "and"))
_NUMBER = re.compile(r"(?<![0-9])0*+([1-9][0-9]{0,8})(?![0-9])")


@dataclass(frozen=True, slots=True)
class Ids:
    """What stands in an opening tag: the entity ids in order, each once, words that are none, and whether all was exact."""

    ids: tuple[str, ...]
    strange: tuple[str, ...]
    exact: bool


def read_ids(attributes: str) -> Ids:
    """Entity ids from ``char1 char2`` or ``id="char1, char2"``: what follows a tag's name and one space."""
    if _EXACT_IDS.fullmatch(attributes):
        ids = tuple(attributes.split())
        unique = tuple(dict.fromkeys(ids))
        return Ids(unique, (), exact=ids == unique)
    ids_found: dict[str, None] = {}
    strange = []
    for word in _ID_BREAKS.split(attributes):
        bare = word.strip("\"'`[](){}.:\u201c\u201d")
        entity_id = read_id(bare)
        if entity_id is not None:
            ids_found[entity_id] = None
        elif bare and bare.lower() not in _ID_NAMES:
            strange.append(bare)
    return Ids(tuple(ids_found), tuple(strange), exact=False)


def read_image_number(attributes: str) -> int:
    """The image number from ``' image3'``, ``' Image 3'`` or ``' id="3"'``; 0 when there is not exactly one."""
    found = _NUMBER.findall(attributes[:80])
    return int(found[0]) if len(found) == 1 and int(found[0]) <= MAX_IMAGE else 0


def read_kind(name: str) -> TagKind | Literal["gdi"] | None:
    """The kind of tag meant by a name in any case; ``None`` for any other tag."""
    kind = name.lower()
    return kind if kind in TAG_KINDS or kind == "gdi" else None  # type: ignore[return-value]  # narrowed by membership


@dataclass(frozen=True, slots=True)
class Mark:
    """An opening or closing tag inside a block at ``start`` to ``end`` of the text, with its attributes.

    A closing ``gdi`` that stands for another kind is a mark too.
    """

    kind: TagKind | Literal["gdi"]
    closing: bool
    start: int
    end: int
    attributes: str


def match_marks(marks: Sequence[Mark]) -> tuple[list[int], list[int], list[int]]:
    """Decide which closing tag closes which opening tag, in one pass.

    A closing tag takes the latest open tag of its kind. Where there is none, it closes the latest open tag of another kind,
    unless the next tag closes that one properly: then it closes nothing.

    Returns:
        For each mark the place of its partner (-1 for none); the places of closing tags that close another kind; the places
        of closing tags that close nothing.
    """
    partner = [-1] * len(marks)
    open_of: dict[str, list[int]] = {kind: [] for kind in (*TAG_KINDS, "gdi")}
    mismatched = []
    unopened = []
    for place, mark in enumerate(marks):
        if not mark.closing:
            open_of[mark.kind].append(place)
            continue
        candidates = open_of[mark.kind]
        if not candidates:
            latest = max((stack[-1] for stack in open_of.values() if stack), default=-1)
            following = marks[place + 1] if place + 1 < len(marks) else None
            closed_next = following is not None and following.closing and following.kind == marks[latest].kind
            if latest < 0 or closed_next:
                unopened.append(place)
                continue
            candidates = open_of[marks[latest].kind]
            mismatched.append(place)
        opening = candidates.pop()
        partner[opening], partner[place] = place, opening
    return partner, mismatched, unopened
