"""Who is there, who comes and who is gone, as facts; people who are not in the frame are never among their ids."""

from collections.abc import Iterator

from tasks.composer.chronicle import Chronicle
from tasks.composer.facts import Fact
from tasks.composer.nouns import number_word

CROWD = 5
"""From this many people on, they are told as a number and not by name."""


def company(chronicle: Chronicle, index: int) -> list[Fact]:
    """The facts about company in frame ``index``, in the order in which they are told."""
    moment = chronicle.moments[index]
    people = moment.people
    if not people:
        return [_nobody(chronicle, index)]
    if index == 0:
        return [_counted("open", people, weight=1.0)]
    return list(_scene_cut(chronicle, index) if moment.cut else _same_scene(chronicle, index))


def _counted(kind: str, who: tuple[str, ...], *, weight: float, gap: int = 0) -> Fact:
    suffix = "_one" if len(who) == 1 else "_many"
    if kind in ("open", "appear", "shows") and len(who) >= CROWD:
        suffix = "_crowd"
    words = (("gap", count_views(gap)),) if gap else ()
    return Fact(kind + suffix, "company", who, words=words, weight=weight)


def count_views(count: int) -> str:
    """A number of views in words."""
    return "one view" if count == 1 else f"{number_word(count)} views"


def _nobody(chronicle: Chronicle, index: int) -> Fact:
    if index == 0:
        kind = "open_none"
    elif chronicle.moments[index - 1].people:
        kind = "none_cut" if chronicle.moments[index].cut else "none_now"
    else:
        kind = "none_still"
    return Fact(kind, "company", (), weight=1.0)


def _absence(chronicle: Chronicle, who: tuple[str, ...], index: int) -> int:
    """For how many frames all of ``who`` have been away; 0 when that differs among them."""
    gaps = {index - 1 - chronicle.before(one, index)[-1] for one in who}
    return gaps.pop() if len(gaps) == 1 else 0


def _scene_cut(chronicle: Chronicle, index: int) -> Iterator[Fact]:
    people, before = chronicle.moments[index].people, chronicle.moments[index - 1].people
    stayed = tuple(who for who in people if who in before)
    new = tuple(who for who in people if not chronicle.before(who, index))
    back = tuple(who for who in people if who not in before and who not in new)
    if new and not chronicle.sure.issuperset((*new, *back)):
        yield _counted("shows", people, weight=0.9)
    elif stayed and new:
        yield Fact("stays/appear", "company", stayed, new, weight=0.95)
        if back:
            yield _returned(chronicle, back, index)
    elif stayed and back:
        yield Fact("stays/back", "company", stayed, back, weight=0.9)
    elif back and new:
        yield Fact("back/appear", "company", back, new, weight=0.95)
    elif stayed:
        if len(people) == 1 and len(before) > 1:
            words = (("before", number_word(len(before))),)
            yield Fact("stays_alone", "company", stayed, words=words, weight=0.95)
        else:
            yield _counted("stays", stayed, weight=0.8)
    elif back:
        yield _returned(chronicle, back, index)
    else:
        yield _counted("appear", new, weight=0.95)


def _returned(chronicle: Chronicle, back: tuple[str, ...], index: int) -> Fact:
    last = chronicle.before(back[0], index)[-1]
    if len(chronicle.moments[index].people) == 1 and len(chronicle.moments[last].people) > 1:
        return Fact("back_alone", "company", back, weight=0.95)
    gap = _absence(chronicle, back, index)
    return _counted("back" if gap else "again", back, weight=0.95, gap=gap)


def _same_scene(chronicle: Chronicle, index: int) -> Iterator[Fact]:
    people, before = chronicle.moments[index].people, chronicle.moments[index - 1].people
    entered = tuple(who for who in people if who not in before)
    new = tuple(who for who in entered if not chronicle.before(who, index))
    back = tuple(who for who in entered if who not in new)
    if len(people) < len(before) and not entered:
        if len(people) == 1:
            yield Fact("left_alone", "company", people, weight=0.95)
        else:
            kind = "thinned_crowd" if len(people) >= CROWD else "thinned"
            words = (("before", number_word(len(before))), ("after", number_word(len(people))))
            yield Fact(kind, "company", people, words=words, weight=0.9)
    gone = set(before) - set(people)
    # somebody vague who went as somebody else came may be the same person
    if entered and not chronicle.sure.issuperset({*entered, *gone}):
        yield _counted("shows", people, weight=0.5)
        return
    if back:
        gap = _absence(chronicle, back, index)
        yield _counted("reenter" if gap else "again", back, weight=0.9, gap=gap)
    if new:
        yield _counted("enter", new, weight=0.92)
