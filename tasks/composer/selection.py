"""What is told of a frame: the facts that matter most and were not told lately, put together into sentences."""

from collections import Counter
from collections.abc import Mapping

from schemas.draft_config import DraftConfig
from tasks.composer.chronicle import Chronicle
from tasks.composer.combine import combine
from tasks.composer.company import company
from tasks.composer.draw import Draw
from tasks.composer.facts import Fact, grouped
from tasks.composer.history import history
from tasks.composer.lexicon.forms import FORMS
from tasks.composer.lexicon.links import CUT_LEADS, ON_LEADS, ROWS, SIDED, STILL_LEADS
from tasks.composer.scenery import composition_facts, light_facts, place_facts, thing_facts
from tasks.composer.telling import Sentence, Telling, key
from tasks.composer.wording import open_clauses

FILLERS = frozenset(("none_came", "only_people", "empty_side", "fills", "same_light"))
"""Kinds that are nearly always true and soon stale."""
ONCE = frozenset(("share", "most_people", "alone_first", "company_first", "light_of_first"))
"""Kinds that are told once in a story."""

_CHANGE_KINDS = """
nearer nearer_all nearer_much farther farther_all farther_much sideways sideways_all crossed turned_front turned_aside tilted
face_shown face_lost gap_grew gap_shrank brighter darker thing_moved thing_nearer
"""
_CHANGES = frozenset(_CHANGE_KINDS.split())
_ORDER = {"company": 0, "space": 1, "motion": 1, "head": 2, "look": 3, "memory": 4, "thing": 5, "place": 6, "light": 7}
"""In which order the topics of a block are told."""
_TAILS = {
    "company": ("head", "place", "space", "motion", "look"),
    "place": ("head",),
    "motion": ("head", "memory"),
    "space": ("head",),
    "head": ("motion",),
}
"""Which topics may hang on a clause of which."""
_QUESTIONS = {
    kind: question
    for question, kinds in {
        "head": "faces_front keeps_front faces_aside keeps_aside faces_nobody faces_toward tilts face_each_other face_apart",
        "size": "shot_close shot_shoulders shot_full shot_small fills",
        "side": "on_far_left on_left on_centre on_right on_far_right sides between other_side same_side empty_side",
        "record": "nearest_yet farthest_yet",
        "same": "all_same still_again",
        "order": "most_people same_order other_order",
    }.items()
    for kind in kinds.split()
}
"""Which question about a person each kind of state answers; a block answers each once."""


class Selector:
    """Chooses what to tell of each frame of one story, in order."""

    def __init__(self, chronicle: Chronicle, telling: Telling, draw: Draw, params: DraftConfig) -> None:
        self._chronicle = chronicle
        self._telling = telling
        self._draw = draw
        self._params = params

    def sentences(self, index: int, dress: Mapping[str, str]) -> tuple[list[Sentence], list[Sentence]]:
        """The sentences that the block of frame ``index`` should have, in order, and more to take from while it is short.

        ``dress`` tells whose clothes will be told with the name. When the frame has an entity, the first list is about one.
        """
        moment = self._chronicle.moments[index]
        about = company(self._chronicle, index)
        line_up = self._line_up(index, about)
        chosen = self._choose(index, dress, lined_up=line_up is not None)
        opening = self._opening(about, line_up, chosen)
        wanted = 2 if opening else 3
        if (moment.people or moment.things) and not any(one.grounds for one in (*opening, *chosen[:wanted])):
            chosen = self._grounded(index, chosen)
        body = sorted(chosen[:wanted], key=lambda one: _ORDER[one.fact.topic] if one.fact else 0)
        body = _join_asides(body, self._draw.at("aside", index))
        first, *others = (*opening, *body)
        leads = self._leads(index, changes=bool(about) or any(_is_change(one) for one in chosen[:wanted]))
        led = Sentence(leads, first.fact, first.tail, first.second, first.patterns, first.slots)
        return [led, *others], chosen[wanted:]

    def worth(self, sentence: Sentence, index: int) -> float:
        """How much a sentence is worth telling of frame ``index``, about 0 to 1; stale ones fall below 0."""
        return self._value(sentence.fact, index) if sentence.fact is not None else 1.0

    # facts -----------------------------------------------------------------------------------------------------------

    def _facts(self, index: int, dress: Mapping[str, str]) -> list[Fact]:
        """Facts other than company, the most telling first."""
        chronicle, moment = self._chronicle, self._chronicle.moments[index]
        seen = [fact for fact in grouped(chronicle, index) if fact.kind != "wears" or not dress.keys() & set(fact.who)]
        if len(moment.people) > self._params.named:
            named = set(salient(chronicle, index, self._params.named))
            seen = [fact for fact in seen if len(fact.who) > 3 or set(fact.who) <= named]
        facts = [
            *seen,
            *combine(seen, moment),
            *history(chronicle, index),
            *thing_facts(chronicle, index),
            *light_facts(chronicle, index),
            *place_facts(chronicle, index, self._params.tag_score),
            *composition_facts(chronicle, index, self._params.tag_score),
        ]
        return sorted(facts, key=lambda fact: (-self._value(fact, index), fact.kind, fact.who, fact.other, fact.words))

    def _value(self, fact: Fact, index: int) -> float:
        """The weight of a fact, less for what was told lately, a little more for the lead, and a little drawn."""
        telling = self._telling
        first, _ = self._chronicle.scene_span(index)
        value = fact.weight
        for one in (fact, *fact.covers):
            last = telling.told.get(key(one))
            if last is not None:
                stale = 0.34 if last == index - 1 else 0.24 if last >= first else 0.1
                # where things stand need not be said twice in a scene
                stale += 0.2 if last >= first and one.topic in ("place", "space", "look") else 0.0
                value -= stale / (1 + len(fact.covers))
        value -= min(0.06 * telling.kinds[fact.kind], 0.24)
        if fact.kind in ONCE and telling.kinds[fact.kind]:
            value -= 1
        if fact.kind in FILLERS:
            value -= 0.3 * telling.kinds[fact.kind] / (1 + index / 4)
        if fact.kind.startswith("wears") and any(telling.dressed.get(who, -9) >= index - 6 for who in fact.who):
            value -= 0.3
        if self._chronicle.lead in fact.who:
            value += 0.03
        return value + (self._draw.at("value", index, fact.kind, *fact.who).number() % 1000) / 10000

    # sentences -------------------------------------------------------------------------------------------------------

    def _choose(self, index: int, dress: Mapping[str, str], *, lined_up: bool) -> list[Sentence]:
        left = self._facts(index, dress)
        if lined_up:
            told = ("wears", "between", "sides")
            left = [fact for fact in left if fact.kind not in told and not fact.kind.startswith("on_")]
        chosen: list[Sentence] = []
        used: Counter[str] = Counter()
        while left:
            fact = left.pop(0)
            if used[fact.topic] >= (2 if fact.topic in ("head", "motion") else 1):
                continue
            left = _without(left, fact)
            tail = _take_tail(left, fact)
            second = _take_second(left, fact) if tail is None else None
            sentence = Sentence(("",), fact, tail, second)
            for one in sentence.facts:
                used[one.topic] += 1
                left = _without(left, one)
            chosen.append(sentence)
        return chosen

    def _opening(self, about: list[Fact], line_up: Sentence | None, chosen: list[Sentence]) -> list[Sentence]:
        """The sentences about company; a tail is taken out of ``chosen``."""
        if not about:
            return []
        if line_up is not None:
            kind = "open_people" if about[0].kind.startswith("open_") else "appear_people"
            return [Sentence(("",), Fact(kind, "company", about[0].who)), line_up]
        if len(about) > 1:
            return [Sentence(("",), about[0], second=about[1])]
        free = [one.fact for one in chosen if one.fact is not None and len(one.facts) == 1]
        tail = _take_tail(free, about[0])
        chosen[:] = [one for one in chosen if tail is None or one.fact is not tail]
        return [Sentence(("",), about[0], tail)]

    def _grounded(self, index: int, chosen: list[Sentence]) -> list[Sentence]:
        """``chosen`` with a sentence about an entity first."""
        people = self._chronicle.moments[index].people
        grounds = next((one for one in chosen if one.grounds), None)
        if grounds is None:
            kind = "shows_one" if len(people) == 1 else "shows_many"
            grounds = Sentence(("",), Fact(kind, "company", people))
        return [grounds, *(one for one in chosen if one is not grounds)]

    def _leads(self, index: int, *, changes: bool) -> tuple[str, ...]:
        if index == 0:
            return ("",)
        if self._chronicle.moments[index].cut:
            return CUT_LEADS
        return ON_LEADS if changes else STILL_LEADS

    def _line_up(self, index: int, about: list[Fact]) -> Sentence | None:
        """A sentence that introduces two or three newcomers from left to right by what they wear, where that differs."""
        moment = self._chronicle.moments[index]
        people = moment.people
        if (
            not about
            or not about[0].kind.startswith(("open_", "appear_"))
            or about[0].who != people
            or len(people) not in ROWS
        ):
            return None
        colours = [moment.figures[who].colour for who in people]
        if None in colours or len(set(colours)) < len(colours):
            return None
        slots: list[tuple[str, tuple[str, ...] | str]] = []
        for letter, who, colour in zip("pqr", people, colours, strict=False):
            slots += [(letter, (who,)), (letter + "c", str(colour))]
        slots.append(("pr", (people[0], people[-1])))
        sides = moment.figures[people[0]].side, moment.figures[people[-1]].side
        apart = sides[0] in ("left", "far left") and sides[1] in ("right", "far right")
        patterns = ROWS[len(people)] + (SIDED[len(people)] if apart else ())
        return Sentence(("",), None, patterns=patterns, slots=tuple(slots))


def salient(chronicle: Chronicle, index: int, count: int) -> tuple[str, ...]:
    """The ``count`` people of a frame who matter most, from left to right: large, with a face, seen in many frames."""
    moment = chronicle.moments[index]

    def matter(who: str) -> float:
        view = moment.views[who]
        share = view.box.area / (moment.frame.width * moment.frame.height)
        often = len(chronicle.seen[who]) / len(chronicle.moments)
        return share + 0.1 * (view.face is not None) + 0.3 * often

    chosen = sorted(moment.people, key=lambda who: (-matter(who), who))[:count]
    return tuple(who for who in moment.people if who in chosen)


def _is_change(sentence: Sentence) -> bool:
    kinds = (part for fact in sentence.facts for part in fact.kind.replace("+", "/").split("/"))
    return any(kind in _CHANGES for kind in kinds)


def _without(facts: list[Fact], told: Fact) -> list[Fact]:
    """The facts that say nothing that ``told`` says, and answer no question about somebody that it answers."""
    said = {key(one) for one in (told, *told.covers)}
    answered = {(_QUESTIONS.get(one.kind), who) for one in (told, *told.covers) for who in one.who or ("",)}

    def repeats(fact: Fact) -> bool:
        for one in (fact, *fact.covers):
            question = _QUESTIONS.get(one.kind)
            if key(one) in said:
                return True
            if question is not None and any((question, who) in answered for who in (*one.who, "")):
                return True
        return False

    return [fact for fact in facts if not repeats(fact)]


def _take_tail(left: list[Fact], fact: Fact) -> Fact | None:
    """Take out of ``left`` the best fact about the same people that can hang on a clause about ``fact``."""
    if not fact.who or fact.other or fact.covers or not open_clauses(fact.kind):
        return None
    for other in left:
        if other.who == fact.who and other.topic in _TAILS.get(fact.topic, ()) and FORMS[other.kind].tails:
            left.remove(other)
            return other
    return None


def _take_second(left: list[Fact], fact: Fact) -> Fact | None:
    """Take out of ``left`` the best other event of the same topic about other people."""
    if fact.topic not in ("head", "motion") or fact.covers or fact.other or not fact.who:
        return None
    for other in left:
        alone = other.who and not other.other and not other.covers and not set(fact.who) & set(other.who)
        if alone and other.topic == fact.topic and other.kind != fact.kind:
            left.remove(other)
            return other
    return None


def _join_asides(body: list[Sentence], draw: Draw) -> list[Sentence]:
    """Short clauses about light, place or things are sometimes hung on the sentence before them."""
    joined: list[Sentence] = []
    for one in body:
        last = joined[-1].fact if joined and len(joined[-1].facts) == 1 else None
        aside = one.fact is not None and not one.fact.who and len(one.facts) == 1
        hangs = last is not None and last.who and not last.covers and last.topic not in ("memory", "company")
        if last is not None and hangs and aside and draw.chance(0.5):
            joined[-1] = Sentence(("",), last, second=one.fact)
        else:
            joined.append(one)
    return joined
