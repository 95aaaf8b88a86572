"""Things, light and place of a frame, as facts."""

from collections.abc import Iterator
from typing import Literal

from schemas.evidence import Light
from tasks.composer.chronicle import Chronicle, Moment
from tasks.composer.facts import NEARER, SHIFT, Fact
from tasks.composer.nouns import FEATURES, PLACES, tag_phrase
from tasks.composer.view import gap, scale_ratio, side

Band = Literal["dark", "low", "middling", "bright", "white"]

LUMA_STEP = 0.08
"""Change of mean luma from which a frame is told as brighter or darker."""
WARMTH_STEP = 0.06
"""Change of warmth from which the colours are told as warmer or colder."""
OTHER_TAG = 0.6
"""Score from which a tag that names neither a place nor a part of one is told."""

_WHERE = {
    "far left": ("at the left edge", "far to the left"),
    "left": ("on the left", "to the left"),
    "centre": ("in the middle", "near the centre"),
    "right": ("on the right", "to the right"),
    "far right": ("at the right edge", "far to the right"),
}


def light_band(light: Light) -> Band:
    """Mean luma in a word."""
    if light.luma < 0.18:
        return "dark"
    if light.luma < 0.36:
        return "low"
    if light.luma < 0.56:
        return "middling"
    return "bright" if light.luma < 0.82 else "white"


def light_facts(chronicle: Chronicle, index: int) -> Iterator[Fact]:
    """The light of a frame and how it differs from the frame before."""
    moment = chronicle.moments[index]
    light = moment.frame.light
    yield Fact("light_" + light_band(light), "light", (), weight=0.46 if moment.cut else 0.2)
    if light.contrast >= 0.28:
        yield Fact("contrast_hard", "light", (), weight=0.34)
    elif light.contrast <= 0.08:
        yield Fact("contrast_flat", "light", (), weight=0.34)
    if light.warmth >= 0.07:
        yield Fact("warm", "light", (), weight=0.38)
    elif light.warmth <= -0.045:
        yield Fact("cold", "light", (), weight=0.38)
    if light.saturation <= 0.1:
        yield Fact("grey", "light", (), weight=0.32)
    elif light.saturation >= 0.5:
        yield Fact("vivid", "light", (), weight=0.34)
    if index:
        then = chronicle.moments[index - 1].frame.light
        step, tint = light.luma - then.luma, light.warmth - then.warmth
        if abs(step) >= LUMA_STEP:
            yield Fact("brighter" if step > 0 else "darker", "light", (), weight=min(0.5 + abs(step), 0.85))
        elif abs(step) < 0.02 and abs(tint) < 0.02 and not moment.cut:
            yield Fact("same_light", "light", (), weight=0.16)
        if abs(tint) >= WARMTH_STEP:
            yield Fact("warmer" if tint > 0 else "colder", "light", (), weight=0.55)


def place_tag(moment: Moment, least: float) -> tuple[str, float, bool] | None:
    """The tag of a frame that is told, its score, and whether it names a place: the best that scores enough.

    ``least`` is enough for places and their parts, ``OTHER_TAG`` for any other tag. What was detected as a thing needs no guess.
    """
    detected = {moment.views[thing].label for thing in moment.things}
    for name, score in moment.frame.tags:
        if score >= (least if name in PLACES or name in FEATURES else max(least, OTHER_TAG)) and name not in detected:
            return name, score, name in PLACES
    return None


def place_facts(chronicle: Chronicle, index: int, least: float) -> Iterator[Fact]:
    """What a classifier takes the place for, as a guess."""
    tag = place_tag(chronicle.moments[index], least)
    if tag is not None:
        kind = "place" if tag[2] else "feature"
        yield Fact(kind, "place", (), words=(("place", tag_phrase(tag[0])),), weight=0.4)


def near(moment: Moment, thing: str) -> str | None:
    """The person within whose reach a thing may be: boxes that overlap or nearly touch, the closest first."""
    box = moment.views[thing].box
    reach: list[tuple[float, str]] = []
    for who in moment.people:
        other = moment.views[who].box
        across = gap(box, other, moment.frame)
        level = min(box.y2, other.y2) - max(box.y1, other.y1)
        if across <= 0.03 and level > 0:
            shared = box.intersection(other) / box.area if box.area > 0 else 0.0
            reach.append((across - shared, who))
    return min(reach)[1] if reach else None


def thing_facts(chronicle: Chronicle, index: int) -> Iterator[Fact]:
    """Things worth a word: large, near someone, or moved since the frame before."""
    moment = chronicle.moments[index]
    frame = moment.frame
    things = sorted(moment.things, key=lambda one: (-moment.views[one].box.area * moment.views[one].score, one))
    if not things:
        if not moment.people:
            yield Fact("bare", "thing", (), weight=0.5)
        return
    if not moment.people:
        few = tuple(one for one in moment.things if one in things[:6])
        yield Fact("thing_only" if len(few) == 1 else "things_only", "thing", (), few, weight=0.9)
    before = chronicle.moments[index - 1] if index and not moment.cut else None
    for one in things[:6]:
        view = moment.views[one]
        share = view.box.area / (frame.width * frame.height)
        person = near(moment, one)
        if person is not None and one.startswith("obj"):
            yield Fact("thing_by", "thing", (person,), (one,), weight=0.4 + min(share, 0.2))
        elif moment.people:
            for where in _WHERE[side(view.box, frame)][:1]:
                yield Fact("thing", "thing", (), (one,), (("where", where),), 0.3 + min(share, 0.3))
        if before is not None and one in before.views:
            then = before.views[one]
            shift = view.box.centre[0] / frame.width - then.box.centre[0] / before.frame.width
            if abs(shift) >= SHIFT:
                way = "left" if shift < 0 else "right"
                yield Fact("thing_moved", "thing", (), (one,), (("way", way),), 0.5)
            elif scale_ratio(view, frame, then, before.frame) >= NEARER + 0.1:
                yield Fact("thing_nearer", "thing", (), (one,), weight=0.46)
    if len(things) > 2 and moment.people:
        few = tuple(one for one in moment.things if one in things[:5])
        yield Fact("things", "thing", (), few, weight=0.36)


def composition_facts(chronicle: Chronicle, index: int, least: float) -> Iterator[Fact]:
    """Parts of the frame in which nobody was found, that nothing else was, and that nobody came or went."""
    moment = chronicle.moments[index]
    if not moment.people:
        return
    boxes = [view.box for view in moment.views.values()]
    width = moment.frame.width
    if len(moment.people) <= 4:
        if min(box.x1 for box in boxes) >= 0.5 * width:
            yield Fact("empty_side", "place", (), words=(("way", "left"), ("other", "right")), weight=0.34)
        elif max(box.x2 for box in boxes) <= 0.5 * width:
            yield Fact("empty_side", "place", (), words=(("way", "right"), ("other", "left")), weight=0.34)
    if not moment.things and len(moment.people) <= 2 and place_tag(moment, least) is None:
        yield Fact("only_people", "thing", moment.people, weight=0.22)
    if index and not moment.cut and set(chronicle.moments[index - 1].people) == set(moment.people):
        yield Fact("none_came", "memory", (), weight=0.14)
