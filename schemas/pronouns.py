"""Which words of a story stand for people. ``docs/grounding.md`` gives the rule in full.

A pronoun is a word of :data:`PRONOUNS`, in any case, except

- ``I`` written small, and ``US`` written large;
- ``I`` after a word that is numbered (``Act I``), and ``mine`` after an article or what is mined (``the mine``, ``coal mine``);
- a word joined to another by a hyphen (``she-wolf``, ``do-it-yourself``);
- the second person outside quotation marks, where it speaks to the reader or to nobody.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import Literal, NamedTuple

Role = Literal["subject", "object", "possessive", "reflexive"]

_TABLE: dict[int, dict[Role, str]] = {
    1: {"subject": "i we", "object": "me us", "possessive": "my mine our ours", "reflexive": "myself ourselves"},
    2: {"subject": "you", "object": "", "possessive": "your yours", "reflexive": "yourself yourselves"},
    3: {
        "subject": "he she they",
        "object": "him them",
        "possessive": "his her hers their theirs",
        "reflexive": "himself herself themselves themself",
    },
}
PRONOUNS: dict[str, tuple[int, Role]] = {
    word: (person, role) for person, roles in _TABLE.items() for role, words in roles.items() for word in words.split()
}
"""Person (1 to 3) and role of each pronoun. ``her`` counts as possessive unless :func:`find_pronouns` sees an object."""

_SPELLINGS = frozenset(form for word in PRONOUNS for form in (word, word.capitalize(), word.upper())) - {"i", "US"}
_SPELLED_BYTES = frozenset(form.encode() for form in _SPELLINGS)
_LETTERS_ONLY = bytes(code if chr(code).isalpha() and code < 128 else 32 for code in range(256))
_WORD = re.compile(r"[^\W\d_]+")
_WORDS = {
    "numbered": "act book chapter part phase scene stage type volume war level apollo elizabeth",
    "before mine": "a an the this that each every old coal gold silver salt copper iron diamond land",
    "after object": "a an the and or but as at by for from in into of off on onto out over past through to toward towards"
    " under until up with without when while where who that then there here away back again alone too so if because before"
    " after down around across against along beside behind is was are were",
}
_NUMBERED, _BEFORE_MINE, _AFTER_OBJECT = (frozenset(words.split()) for words in _WORDS.values())
_QUOTES = re.compile('["\u201c\u201d\n]')


class PronounUse(NamedTuple):
    """One pronoun: its offsets in the text, the word in lower case, its person (1 to 3) and role."""

    start: int
    end: int
    word: str
    person: int
    role: Role


def may_hold_pronoun(text: str) -> bool:
    """Whether a word of the text is spelled like a pronoun; a quick look before :func:`find_pronouns`."""
    return not _SPELLED_BYTES.isdisjoint(text.encode("ascii", "replace").translate(_LETTERS_ONLY).split())


def find_pronouns(text: str, start: int = 0, end: int | None = None) -> list[PronounUse]:
    """The pronouns of a stretch of a text in order; those of the second person wherever they stand."""
    stop = len(text) if end is None else end
    found = []
    previous = ""
    for match in _WORD.finditer(text, start, stop):
        word = match[0]
        before, previous = previous, word.lower()
        if word not in _SPELLINGS:
            continue
        left, right = match.span()
        if text[right : right + 1] == "-" or (left and text[left - 1] == "-"):
            continue
        if (previous == "i" and before in _NUMBERED) or (previous == "mine" and before in _BEFORE_MINE):
            continue
        person, role = PRONOUNS[previous]
        if previous == "her" and not _stands_before_noun(text, right, stop):
            role = "object"
        found.append(PronounUse(left, right, previous, person, role))
    return found


def find_quotations(text: str, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """Stretches between quotation marks, straight or curly, in order; a mark that is not closed counts to its line's end."""
    stop = len(text) if end is None else end
    quotations = []
    opened = -1
    for match in _QUOTES.finditer(text, start, stop):
        mark = match[0]
        if opened >= 0 and mark != "\u201c":
            quotations.append((opened, match.start()))
            opened = -1
        elif opened < 0 and mark in '"\u201c':
            opened = match.end()
    if opened >= 0:
        quotations.append((opened, stop))
    return quotations


def is_inside(offset: int, stretches: Sequence[tuple[int, int]]) -> bool:
    """Whether an offset lies in one of several stretches that are in order and do not overlap."""
    place = bisect_right(stretches, (offset, float("inf"))) - 1
    return place >= 0 and offset < stretches[place][1]


def _stands_before_noun(text: str, at: int, stop: int) -> bool:
    """Whether ``her`` ending at ``at`` can be possessive: a word follows at once that is no preposition or the like."""
    following = _WORD.match(text, at + 1, stop) if text[at : at + 1].isspace() else None
    return following is not None and following[0].lower() not in _AFTER_OBJECT
