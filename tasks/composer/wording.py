"""One sentence in words: several wordings are tried, the one that repeats least of what was read is kept."""

from collections.abc import Sequence

from tasks.composer.draw import Draw
from tasks.composer.facts import Fact
from tasks.composer.lexicon.forms import FORMS
from tasks.composer.lexicon.links import ASIDES, JOINS
from tasks.composer.rank import Echo, words_of
from tasks.composer.speech import Discourse, Part, Speaker, plain, tidy
from tasks.composer.telling import Sentence

TRIES = 7
"""Wordings of a sentence that are compared."""

_OPEN_WORDS = frozenset(
    ("it", "the", "there", "nobody", "no", "neither", "none", "only", "hardly", "a", "an", "something", "nothing")
)
"""Words with which a clause begins that can follow any lead."""


def open_clauses(kind: str) -> list[str]:
    """Clauses on which a tail can hang: the subject comes first, and nothing hangs on them yet."""
    return [pattern for pattern in FORMS[kind].clauses if pattern.startswith("{a} ") and "," not in pattern]


def word_sentence(
    sentence: Sentence, speaker: Speaker, talk: Discourse, echo: Echo, draw: Draw
) -> tuple[tuple[Part, ...], Discourse]:
    """The best of several wordings of ``sentence``, and what the reader has in mind after it; ``talk`` stays as it is."""
    best: tuple[float, tuple[Part, ...], Discourse] | None = None
    for turn in range(TRIES):
        after = talk.copy()
        said = _realise(sentence, speaker, after, draw.at(turn))
        cost = echo.cost(words_of(plain(said)))
        if best is None or cost < best[0]:
            best = (cost, said, after)
    if best is None:
        raise ValueError("TRIES must be at least 1")
    return best[1], best[2]


def word_remark(patterns: Sequence[str], speaker: Speaker, echo: Echo, draw: Draw) -> tuple[Part, ...]:
    """The remark, of ``patterns`` without slots, that repeats least."""
    said = [tidy([*speaker.say(pattern, {}, Discourse(), draw, first=False), "."]) for pattern in draw.order(patterns)]
    return min(said, key=lambda parts: echo.cost(words_of(plain(parts))))


def _realise(sentence: Sentence, speaker: Speaker, talk: Discourse, draw: Draw) -> tuple[Part, ...]:
    talk.next_sentence()
    if sentence.fact is None:
        slots = dict(sentence.slots)
        talk.dressed.update(who for ids in slots.values() if isinstance(ids, tuple) for who in ids)
        return tidy([*speaker.say(draw.pick(sentence.patterns), slots, talk, draw, first=True), "."])
    kind = sentence.fact.kind
    clauses = open_clauses(kind) if sentence.tail is not None else FORMS[kind].clauses
    parts = speaker.say(draw.pick(clauses), _slots(sentence.fact), talk, draw, first=True)
    if sentence.tail is not None:
        tail = draw.pick(FORMS[sentence.tail.kind].tails)
        parts += [", ", *speaker.say(tail, _slots(sentence.tail), talk, draw, first=False)]
    if sentence.second is not None:
        clause = draw.pick(FORMS[sentence.second.kind].clauses)
        parts.append(draw.pick(JOINS if sentence.second.who else ASIDES))
        parts += speaker.say(clause, _slots(sentence.second), talk, draw, first=True)
    lead = draw.pick(_fitting(sentence.leads, parts))
    return tidy([*speaker.say(lead, {}, talk, draw, first=False), *parts, "."])


def _slots(fact: Fact) -> dict[str, tuple[str, ...] | str]:
    return {"a": fact.who, "b": fact.other, **dict(fact.words)}


def _fitting(leads: Sequence[str], parts: Sequence[Part]) -> Sequence[str]:
    """The leads that can stand before a clause: one that begins with an adverb or a conjunction takes a full stop or nothing."""
    word = plain(parts[:1]).split(" ")[0].rstrip(",:;").lower()
    if " now" in plain(parts):
        leads = [lead for lead in leads if not lead.startswith(("now", "then ", "next ", "after"))] or leads
    if isinstance(parts[0], str) and word not in _OPEN_WORDS:
        closed = [lead for lead in leads if lead == "" or lead.endswith((". ", "; "))]
        return closed or ("",)
    if word == "it":
        # "it" is the view that the lead has just spoken of
        return [lead for lead in leads if lead.endswith((": ", ". ", ") ", "and ", "; "))] or leads
    return leads
