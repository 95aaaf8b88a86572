"""Every pattern of the lexicon: it can be read, its slots are known, and it says nothing that cannot be measured."""

import re
from collections.abc import Iterator

import pytest

from schemas.pronouns import find_pronouns
from tasks.composer.draw import Draw
from tasks.composer.grammar import Action, Slot, cut, expand, readings
from tasks.composer.lexicon import links, remarks
from tasks.composer.lexicon.forms import FORMS
from tasks.composer.lexicon.together import TOGETHER

MENTIONS = {"", "o", "poss", "own", "list", "their", "them", "they", "themselves", "each", "others", "none", "both"}
FORMS_OF_SLOTS = MENTIONS | {"was", "were", "s", "n", "people", "figures", "figure", "newcomers", "newcomer"}
WORDS = {"way", "way2", "other", "gap", "before", "after", "count", "ordinal", "total", "then", "now", "share"}
WORDS |= {"place", "where", "colour", "colour2", "pc", "qc", "rc"}
_UNSEEN = """
happy sad angry afraid scared joy love hate fear smile smiled smiling laugh laughed cry cried tears nervous calm worried proud
man men woman women boy girl lady gentleman guy male female father mother son daughter brother sister husband wife friend
young elderly teenager child children baby adult aged
rain rainy snow snowy sun sunny sunlight storm cloud clouds wind windy fog morning evening noon night midnight dawn dusk today
said says spoke whispered shouted asked answered replied thought knew wanted hoped remembered decided felt
walked ran sat stood jumped waited watched listened
"""
UNSEEN = frozenset(_UNSEEN.split())


def remark_patterns() -> Iterator[str]:
    for group in (
        remarks.BEGINNINGS,
        remarks.MIDDLES,
        remarks.CONFLICTS,
        remarks.TURNINGS,
        remarks.GREATEST,
        remarks.CLOSINGS,
    ):
        for patterns in group.values():
            yield from patterns
    yield from remarks.ENDINGS


def all_patterns() -> Iterator[str]:
    for forms in FORMS.values():
        yield from (*forms.clauses, *forms.tails)
    yield from (*links.CUT_LEADS, *links.ON_LEADS, *links.STILL_LEADS)
    for rows in (links.ROWS, links.SIDED):
        for patterns in rows.values():
            yield from patterns
    yield from remark_patterns()


PATTERNS = sorted(set(all_patterns()))


def expansions(pattern: str) -> set[str]:
    """Readings of a pattern with the plain words filled in."""
    texts = {expand(pattern, Draw(pattern, key)) for key in range(min(4 * readings(pattern), 60))}
    return {re.sub(r"{(\w+)}", lambda slot: "word" if slot[1] in WORDS else slot[0], text) for text in texts}


def test_there_is_something_to_choose_from() -> None:
    assert len(PATTERNS) > 700
    assert sum(readings(pattern) for pattern in PATTERNS) > 1600
    thin = {kind: len(forms.clauses) for kind, forms in FORMS.items() if sum(map(readings, forms.clauses)) < 2}
    assert not thin


@pytest.mark.parametrize("kind", sorted(FORMS))
def test_slots_and_actions_can_be_filled(kind: str) -> None:
    for pattern in (*FORMS[kind].clauses, *FORMS[kind].tails):
        for text in expansions(pattern):
            for piece in cut(text):
                if isinstance(piece, Slot):
                    assert piece.name in ("a", "b"), pattern
                    assert piece.form in FORMS_OF_SLOTS, pattern
                elif isinstance(piece, Action):
                    assert piece.name in ("a", "b"), pattern
                    assert piece.text == piece.text.strip(), pattern


def test_no_pronoun_for_a_person_is_written_out() -> None:
    for pattern in PATTERNS:
        for text in expansions(pattern):
            words = " ".join(piece if isinstance(piece, str) else getattr(piece, "text", "") for piece in cut(text))
            found = [use.word for use in find_pronouns(words, 0, len(words)) if use.person != 2]
            assert not found, pattern


def test_nothing_is_said_that_no_frame_can_show() -> None:
    for pattern in PATTERNS:
        words = set(re.findall(r"[a-z]+", pattern.lower()))
        assert not words & UNSEEN, pattern


def test_patterns_are_clauses_not_sentences() -> None:
    for kind, forms in FORMS.items():
        for pattern in (*forms.clauses, *forms.tails):
            assert not pattern.endswith((".", ",", " ")), kind
            assert not pattern[0].isupper(), kind
            assert "  " not in pattern, kind


def test_leads_end_where_a_clause_can_begin() -> None:
    for pattern in (*links.CUT_LEADS, *links.ON_LEADS, *links.STILL_LEADS):
        assert all(text == "" or text.endswith(" ") for text in expansions(pattern)), pattern


def test_remarks_need_nobody() -> None:
    for pattern in remark_patterns():
        assert "{" not in pattern and "[" not in pattern, pattern
    themes = {"company", "distance", "attention", "light", "stillness"}
    assert set(remarks.BEGINNINGS) == set(remarks.MIDDLES) == set(remarks.CLOSINGS) == themes
    assert set(remarks.TURNINGS) == {"company", "light", "scale", "heads", "scene", "nothing"}


def test_combined_kinds_are_made_of_kinds_that_exist() -> None:
    for kind in TOGETHER:
        for part in re.split(r"[+/]", kind.removesuffix("_all")):
            assert part in FORMS, kind


def test_an_action_is_one_that_was_done() -> None:
    for pattern in PATTERNS:
        assert not re.search(r"\{a:none\} \[", pattern), pattern
        assert not re.search(r"\b(nobody|no one|hardly|space|distances?|light) (between \{\w:\w+\} )?\[", pattern), (
            pattern
        )
