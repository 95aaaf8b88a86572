"""What happens and holds in a frame, as facts that a sentence can be made of. A fact is measured, never supposed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from tasks.composer.chronicle import Chronicle, Figure, Moment
from tasks.composer.view import gap, scale_ratio

Topic = Literal["company", "motion", "head", "space", "place", "light", "thing", "look", "memory"]

NEARER = 1.13
"""Growth in scale from one frame to the next that is told as coming nearer; its inverse as moving off."""
SHIFT = 0.045
"""Share of the frame's width by which a box moves when it is told as moving across."""
STILL_SHIFT, STILL_SCALE = 0.02, 1.05
"""Within these, and with the head the same, a person is told as still."""
APART, CLOSE = 0.22, 0.03
"""Gap between two people, as a share of the frame's width, from which they are apart, and up to which side by side."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something true of one frame: ``who`` it is about (ids from left to right), ``other`` whom or what it also names.

    ``words`` fill the plain slots of its patterns; ``weight`` (0 to 1) is how much it matters here; ``covers`` are the facts
    that it says as well.
    """

    kind: str
    topic: Topic
    who: tuple[str, ...]
    other: tuple[str, ...] = ()
    words: tuple[tuple[str, str], ...] = ()
    weight: float = 0.5
    covers: tuple["Fact", ...] = ()


def grouped(chronicle: Chronicle, index: int) -> Iterator[Fact]:
    """All facts of frame ``index`` that are about people's movement, heads, distance and looks, merged."""
    yield from merge(_single(chronicle, index))


def merge(facts: Iterable[Fact]) -> Iterator[Fact]:
    """The same facts, those of one kind and with the same words as one fact about all they hold for."""
    merged: dict[tuple[str, tuple[tuple[str, str], ...]], Fact] = {}
    for fact in facts:
        kind = fact.kind.removesuffix("_much")
        key = (" ".join((kind, *fact.who, *fact.other)) if fact.other else kind, fact.words)
        known = merged.get(key)
        if known is None:
            merged[key] = fact
            continue
        # what is true of some only in a smaller degree is true of all in that degree
        same = fact.kind if known.kind == fact.kind else kind
        weight = max(known.weight, fact.weight) + 0.04
        merged[key] = Fact(same, fact.topic, known.who + fact.who, (), fact.words, weight)
    yield from merged.values()


def _single(chronicle: Chronicle, index: int) -> Iterator[Fact]:
    moment = chronicle.moments[index]
    before = chronicle.moments[index - 1] if index and not moment.cut else None
    for who in moment.people:
        then = before.figures.get(who) if before is not None else None
        changes = list(_changes(moment, before, who)) if before is not None and then is not None else []
        yield from changes
        if not any(fact.topic == "head" for fact in changes):
            yield from _head(chronicle, index, who, then)
        yield from _state(moment, before, who)
    yield from _space(chronicle, index)


def _changes(moment: Moment, before: Moment, who: str) -> Iterator[Fact]:
    now, then = moment.figures[who], before.figures[who]
    ratio = scale_ratio(now.view, moment.frame, then.view, before.frame)
    shift = now.view.box.centre[0] / moment.frame.width - then.view.box.centre[0] / before.frame.width
    moved = False
    if ratio >= NEARER or ratio <= 1 / NEARER:
        moved = True
        size = max(ratio, 1 / ratio)
        kind = "nearer" if ratio > 1 else "farther"
        yield Fact(kind + "_much" if size > 1.5 else kind, "motion", (who,), weight=min(0.6 + 0.3 * (size - 1), 0.95))
    if abs(shift) >= SHIFT and not _outward(shift, then.view.box.centre[0] / before.frame.width, ratio):
        moved = True
        way = "left" if shift < 0 else "right"
        weight = min(0.5 + 1.5 * abs(shift), 0.9)
        crossed = (then.side in ("left", "far left") and now.side in ("right", "far right")) or (
            then.side in ("right", "far right") and now.side in ("left", "far left")
        )
        yield Fact("crossed" if crossed else "sideways", "motion", (who,), words=(("way", way),), weight=weight)
    turned = now.facing is not None and then.facing is not None and now.facing != then.facing
    if turned and now.facing == "front":
        yield Fact("turned_front", "head", (who,), weight=0.75)
    elif turned:
        yield Fact("turned_aside", "head", (who,), words=(("way", str(now.facing)),), weight=0.78)
    if now.tilt is not None and now.tilt != then.tilt and then.view.face is not None:
        yield Fact("tilted", "head", (who,), words=(("way", now.tilt),), weight=0.7)
        turned = True
    if now.view.face is not None and then.view.face is None:
        yield Fact("face_shown", "head", (who,), weight=0.5)
        turned = True
    if now.view.face is None and then.view.face is not None:
        yield Fact("face_lost", "head", (who,), weight=0.5)
        turned = True
    still = abs(shift) <= STILL_SHIFT and 1 / STILL_SCALE <= ratio <= STILL_SCALE
    if not moved and not turned and still:
        yield Fact("still", "motion", (who,), weight=0.34)


def _outward(shift: float, across: float, ratio: float) -> bool:
    """Whether a shift is what coming nearer or moving off does by itself to somebody beside the middle."""
    own = (across - 0.5) * (ratio - 1)
    return own * shift > 0 and abs(shift) <= 1.4 * abs(own) + 0.02


def _head(chronicle: Chronicle, index: int, who: str, then: Figure | None) -> Iterator[Fact]:
    """Where a head points while nothing about it changes."""
    moment = chronicle.moments[index]
    figure = moment.figures[who]
    kept = then is not None and (then.facing, then.tilt) == (figure.facing, figure.tilt)
    if figure.facing == "front":
        yield Fact("keeps_front" if kept else "faces_front", "head", (who,), weight=0.34)
    elif figure.facing is not None:
        words = (("way", figure.facing),)
        yield Fact("keeps_aside" if kept else "faces_aside", "head", (who,), words=words, weight=0.4)
        place = moment.people.index(who)
        beyond = moment.people[:place] if figure.facing == "left" else moment.people[place + 1 :]
        if not beyond and len(moment.people) <= 4:
            yield Fact("faces_nobody", "head", (who,), words=words, weight=0.36)
    if figure.tilt is not None:
        yield Fact("tilts", "head", (who,), words=(("way", figure.tilt),), weight=0.4)


def _state(moment: Moment, before: Moment | None, who: str) -> Iterator[Fact]:
    figure = moment.figures[who]
    new = before is None or who not in before.figures or before.figures[who].side != figure.side
    if new or len(moment.people) == 1:
        yield Fact("on_" + figure.side.replace(" ", "_"), "place", (who,), weight=0.24 if new else 0.1)
    if figure.shot in ("close", "shoulders", "full", "small"):
        weight = 0.34 if figure.shot in ("close", "small") else 0.24
        yield Fact("shot_" + figure.shot, "look", (who,), weight=weight)
    if figure.colour is not None:
        yield Fact("wears", "look", (who,), words=(("colour", figure.colour),), weight=0.16)
    share = figure.view.box.area / (moment.frame.width * moment.frame.height)
    for least, word in ((0.62, "two thirds"), (0.45, "half"), (0.3, "a third"), (0.22, "a quarter")):
        if share >= least:
            yield Fact("fills", "look", (who,), words=(("share", word),), weight=0.26)
            break


def _space(chronicle: Chronicle, index: int) -> Iterator[Fact]:
    """How the people of a frame stand to one another, for the neighbours from left to right."""
    moment = chronicle.moments[index]
    people = moment.people
    if not 2 <= len(people) <= 4:
        return
    figures = moment.figures
    for left, right in pairwise(people):
        one, other = figures[left], figures[right]
        inward = one.facing == "right", other.facing == "left"
        if all(inward):
            yield Fact("face_each_other", "head", (left, right), weight=0.8)
        elif one.facing == "left" and other.facing == "right" and len(people) == 2:
            yield Fact("face_apart", "head", (left, right), weight=0.74)
        elif inward[0]:
            yield Fact("faces_toward", "head", (left,), (right,), (("way", "right"),), 0.6)
        elif inward[1]:
            yield Fact("faces_toward", "head", (right,), (left,), (("way", "left"),), 0.6)
        between = gap(one.view.box, other.view.box, moment.frame)
        alike = _depth(moment, left, right)
        if len(people) == 2:
            yield from _sides(moment, left, right)
        if between >= APART and len(people) == 2:
            yield Fact("apart", "space", (left, right), weight=0.45)
        elif between <= CLOSE and 0.75 <= alike <= 1.33 and between > -0.12 and len(people) == 2:
            yield Fact("side_by_side", "space", (left, right), weight=0.45)
        if alike >= 1.45:
            yield Fact("before", "space", (left,), (right,), weight=0.44)
        elif 0 < alike <= 1 / 1.45:
            yield Fact("before", "space", (right,), (left,), weight=0.44)
    yield from _depths(moment)
    if len(people) == 3:
        yield Fact("between", "space", (people[1],), (people[0], people[2]), weight=0.42)
    if len(people) == 4:
        yield Fact("in_a_row", "space", people, weight=0.4)
    if index and not moment.cut:
        yield from _spacing_change(moment, chronicle.moments[index - 1])


def _depths(moment: Moment) -> Iterator[Fact]:
    """Who is nearest and who farthest off of three or four people whose faces are all seen."""
    faces = [
        (view.face.box.height, who)
        for who, view in moment.views.items()
        if view.kind == "char" and view.face is not None
    ]
    if len(faces) == len(moment.people) >= 3:
        faces.sort()
        (least, far), (most, close) = faces[0], faces[-1]
        if most >= 1.3 * faces[-2][0] and faces[1][0] >= 1.15 * least > 0:
            yield Fact("nearest_farthest", "space", (close,), (far,), weight=0.44)


def _sides(moment: Moment, left: str, right: str) -> Iterator[Fact]:
    sides = moment.figures[left].side, moment.figures[right].side
    if sides[0] in ("left", "far left") and sides[1] in ("right", "far right"):
        yield Fact("sides", "place", (left,), (right,), weight=0.42)


def _depth(moment: Moment, one: str, other: str) -> float:
    """How many times larger ``one`` is seen than ``other``, by faces; 1 when that cannot be told."""
    first, second = moment.figures[one].view, moment.figures[other].view
    if first.face is not None and second.face is not None and second.face.box.height > 0:
        return first.face.box.height / second.face.box.height
    whole = all(moment.figures[who].shot in ("full", "small") for who in (one, other))
    return first.box.height / second.box.height if whole and second.box.height > 0 else 1.0


def _spacing_change(moment: Moment, before: Moment) -> Iterator[Fact]:
    people = moment.people
    if len(people) != 2 or before.people != people:
        return
    ratios = [scale_ratio(moment.views[who], moment.frame, before.views[who], before.frame) for who in people]
    if not all(1 / NEARER < ratio < NEARER for ratio in ratios):
        return
    now, then = (
        abs(which.views[people[1]].box.centre[0] - which.views[people[0]].box.centre[0]) / which.frame.width
        for which in (moment, before)
    )
    if now - then >= 0.06:
        yield Fact("gap_grew", "space", people, weight=0.66)
    elif then - now >= 0.06:
        yield Fact("gap_shrank", "space", people, weight=0.66)
