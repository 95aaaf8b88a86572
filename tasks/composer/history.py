"""What a frame is against everything before it, as facts."""

from collections.abc import Iterator

from tasks.composer.chronicle import Chronicle
from tasks.composer.company import count_views
from tasks.composer.facts import STILL_SCALE, STILL_SHIFT, Fact, merge
from tasks.composer.nouns import number_word
from tasks.composer.view import scale_ratio

_ORDINALS = ("", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")

RECORD = 1.15
"""How much nearer or farther off than ever before someone must be for it to be told."""
LIGHT_RECORD = 0.06
"""The same for mean luma."""


def history(chronicle: Chronicle, index: int) -> Iterator[Fact]:
    """Facts about frame ``index`` that only the frames before it make true."""
    if index == 0:
        return
    moment = chronicle.moments[index]
    few = moment.people if len(moment.people) <= 4 else ()
    yield from merge(fact for who in few for fact in _stillness(chronicle, index, who))
    yield from merge(fact for who in few for fact in _distance(chronicle, index, who))
    for who in few:
        if who in chronicle.sure:
            yield from _side(chronicle, index, who)
    yield from _sameness(chronicle, index)
    yield from _company(chronicle, index)
    if chronicle.sure.issuperset(moment.people):
        yield from _firsts(chronicle, index)
        yield from _meetings(chronicle, index)
        yield from _order(chronicle, index)
    yield from _light(chronicle, index)


def _stillness(chronicle: Chronicle, index: int, who: str) -> Iterator[Fact]:
    """For how many views in a row somebody has kept one place, from three on."""
    views, at = 1, index
    while at > 0 and not chronicle.moments[at].cut and who in chronicle.moments[at - 1].views:
        now, then = chronicle.moments[at], chronicle.moments[at - 1]
        shift = now.views[who].box.centre[0] / now.frame.width - then.views[who].box.centre[0] / then.frame.width
        ratio = scale_ratio(now.views[who], now.frame, then.views[who], then.frame)
        if abs(shift) > STILL_SHIFT or not 1 / STILL_SCALE <= ratio <= STILL_SCALE:
            break
        views, at = views + 1, at - 1
    if 3 <= views < len(_ORDINALS):
        words = (("count", number_word(views)), ("ordinal", _ORDINALS[views]))
        yield Fact("still_again", "memory", (who,), words=words, weight=0.4)


def _sameness(chronicle: Chronicle, index: int) -> Iterator[Fact]:
    """That nothing at all changed: the same people, places, sizes, heads and light."""
    now, then = chronicle.moments[index], chronicle.moments[index - 1]
    if (
        now.cut
        or not now.people
        or now.people != then.people
        or abs(now.frame.light.luma - then.frame.light.luma) > 0.02
    ):
        return
    for who in now.people:
        figure, before = now.figures[who], then.figures[who]
        shift = figure.view.box.centre[0] / now.frame.width - before.view.box.centre[0] / then.frame.width
        ratio = scale_ratio(figure.view, now.frame, before.view, then.frame)
        if abs(shift) > STILL_SHIFT or not 1 / STILL_SCALE <= ratio <= STILL_SCALE:
            return
        if (figure.facing, figure.tilt) != (before.facing, before.tilt):
            return
    yield Fact("all_same", "memory", now.people, weight=0.42)


def _distance(chronicle: Chronicle, index: int, who: str) -> Iterator[Fact]:
    before = chronicle.before(who, index)
    moment = chronicle.moments[index]
    if len(before) < 2:
        return
    faces = [chronicle.moments[at].views[who].face for at in (*before, index)]
    heights = [
        face.box.height / chronicle.moments[at].frame.height
        for at, face in zip((*before, index), faces, strict=True)
        if face is not None
    ]
    if len(heights) < len(faces) or moment.views[who].face is None:
        return
    if heights[-1] > RECORD * max(heights[:-1]):
        yield Fact("nearest_yet", "memory", (who,), weight=0.6)
    elif heights[-1] * RECORD < min(heights[:-1]):
        yield Fact("farthest_yet", "memory", (who,), weight=0.58)


def _side(chronicle: Chronicle, index: int, who: str) -> Iterator[Fact]:
    """Which side somebody has in a new scene, against the last time."""
    before = chronicle.before(who, index)
    if not before or not chronicle.moments[index].cut:
        return
    then = chronicle.moments[before[-1]].figures[who].side.removeprefix("far ")
    now = chronicle.moments[index].figures[who].side.removeprefix("far ")
    words = (("then", _side_word(then)), ("now", _side_word(now)))
    if then != now:
        yield Fact("other_side", "memory", (who,), words=words, weight=0.5)
    elif now != "centre":
        yield Fact("same_side", "memory", (who,), words=words, weight=0.34)


def _side_word(side: str) -> str:
    return "middle" if side == "centre" else side


def _company(chronicle: Chronicle, index: int) -> Iterator[Fact]:
    people = chronicle.moments[index].people
    counts = [len(chronicle.moments[at].people) for at in range(index)]
    if len(people) >= 3 and len(people) > max(counts) and chronicle.moments[index].cut:
        yield Fact("most_people", "memory", people, weight=0.5)
    last = index == len(chronicle.moments) - 1
    first = chronicle.moments[0].people
    between = any(chronicle.moments[at].people != first for at in range(1, index))
    if last and between and people and set(people) == set(first):
        kind = "as_at_first_one" if len(people) == 1 else "as_at_first"
        if len(people) <= 4:
            yield Fact(kind, "memory", people, weight=0.8)
    lead = chronicle.lead
    if lead is not None and lead in people and index >= 5:
        times = len(chronicle.before(lead, index)) + 1
        others = [
            len(chronicle.before(who, index + 1)) for who in chronicle.seen if who != lead and who.startswith("char")
        ]
        late = index >= 0.7 * len(chronicle.moments)
        if late and times < index + 1 and times > max(others, default=0) and times >= 0.5 * (index + 1):
            words = (("count", number_word(times)), ("total", number_word(index + 1)))
            yield Fact("share", "memory", (lead,), words=words, weight=0.52)


def _firsts(chronicle: Chronicle, index: int) -> Iterator[Fact]:
    """The first time somebody is alone, or in company."""
    people = chronicle.moments[index].people
    if len(people) == 1:
        before = chronicle.before(people[0], index)
        if len(before) >= 2 and all(len(chronicle.moments[at].people) > 1 for at in before):
            yield Fact("alone_first", "memory", people, weight=0.62)
    elif len(people) == 2:
        for who in people:
            before = chronicle.before(who, index)
            if len(before) >= 2 and all(len(chronicle.moments[at].people) == 1 for at in before):
                yield Fact("company_first", "memory", (who,), weight=0.62)


def _order(chronicle: Chronicle, index: int) -> Iterator[Fact]:
    people = chronicle.moments[index].people
    if not chronicle.moments[index].cut or not 3 <= len(people) <= 4:
        return
    for at in range(index - 1, -1, -1):
        then = chronicle.moments[at].people
        if set(then) == set(people):
            yield Fact("same_order" if then == people else "other_order", "memory", people, weight=0.5)
            return


def _light(chronicle: Chronicle, index: int) -> Iterator[Fact]:
    if index < 3:
        return
    luma = chronicle.moments[index].frame.light.luma
    before = [moment.frame.light.luma for moment in chronicle.moments[:index]]
    if luma > max(before) + LIGHT_RECORD:
        yield Fact("brightest_yet", "light", (), weight=0.6)
    elif luma < min(before) - LIGHT_RECORD:
        yield Fact("darkest_yet", "light", (), weight=0.6)
    elif chronicle.moments[index].cut and abs(luma - before[0]) < 0.02 < abs(before[-1] - before[0]) - 0.05:
        yield Fact("light_of_first", "light", (), weight=0.44)


def _meetings(chronicle: Chronicle, index: int) -> Iterator[Fact]:
    """Two people who meet again, or for the first time after both were seen apart."""
    people = chronicle.moments[index].people
    if len(people) != 2:
        return
    one, other = people
    earlier = chronicle.before(one, index), chronicle.before(other, index)
    if not all(earlier):
        return
    together = chronicle.met(one, other, index)
    if not together:
        yield Fact("first_together", "memory", people, weight=0.7)
    elif together[-1] < max(earlier[0][-1], earlier[1][-1]):
        words = (("gap", count_views(index - 1 - together[-1])),)
        yield Fact("reunion", "memory", people, words=words, weight=0.75)
