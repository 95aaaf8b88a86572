"""A story's evidence read once: who and what is in each frame, how each is seen, and who was where before."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from schemas.errors import SampleError
from schemas.evidence import EntityView, FrameView, StoryEvidence
from schemas.pronouns import PRONOUNS
from tasks.composer.view import Facing, Shot, Side, facing, shot, side, tilt

_ID = re.compile(r"(char|obj|lm|bg)[1-9][0-9]*\Z")

CLOTHING_SHARE = 0.22
"""Share of a crop from which a colour is said to be worn."""
SURE_LINK = 0.6
"""Mean confidence of an identity from which it is told that somebody is new, or back."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A person in one frame, in words: ``None`` where the view does not tell."""

    view: EntityView
    side: Side
    shot: Shot
    facing: Facing | None
    tilt: str | None
    colour: str | None


@dataclass(frozen=True, slots=True)
class Moment:
    """One frame read: people and things from left to right, whether a new scene begins."""

    frame: FrameView
    people: tuple[str, ...]
    things: tuple[str, ...]
    figures: dict[str, Figure]
    views: dict[str, EntityView]
    cut: bool


@dataclass(frozen=True, slots=True)
class Chronicle:
    """All moments of a story, for each entity the indices of those in which it is seen, and whose identity is sure."""

    story_key: str
    moments: tuple[Moment, ...]
    seen: dict[str, tuple[int, ...]]
    sure: frozenset[str]

    def before(self, entity_id: str, index: int) -> tuple[int, ...]:
        """Indices before ``index`` at which the entity was seen."""
        return tuple(at for at in self.seen.get(entity_id, ()) if at < index)

    def met(self, one: str, other: str, index: int) -> tuple[int, ...]:
        """Indices before ``index`` at which both were seen together."""
        return tuple(at for at in self.before(one, index) if other in self.moments[at].views)

    @property
    def lead(self) -> str | None:
        """The person seen in most frames; the first met of those alike; ``None`` when there is nobody."""
        people = [entity_id for entity_id in self.seen if entity_id.startswith("char")]
        return max(people, key=lambda entity_id: (len(self.seen[entity_id]), -self.seen[entity_id][0]), default=None)

    def scene_span(self, index: int) -> tuple[int, int]:
        """First and last index of the scene that ``index`` lies in."""
        first = last = index
        while not self.moments[first].cut:
            first -= 1
        while last + 1 < len(self.moments) and not self.moments[last + 1].cut:
            last += 1
        return first, last


def clean_words(text: str) -> str:
    """A label or tag as plain words: one line, no characters that mean something in tables or tags, no pronouns."""
    words = re.sub(r"[^\w' -]|_", " ", text).split()
    return " ".join(word for word in words if word.lower() not in PRONOUNS and re.search(r"\w", word))


def _clothing(view: EntityView, how: Shot) -> bool:
    """Whether enough of a person is seen for the colours of the crop to be those of clothes."""
    return how != "close" and (view.face is None or view.face.box.height <= 0.5 * view.box.height)


def worn_colours(evidence: StoryEvidence) -> dict[str, str]:
    """For each person the colour or two colours worn, where that can be told: the largest shares over all views.

    One person is told in the same colours throughout, whatever the light of a frame makes of them. A second colour that is a
    shade of the first ("grey" beside "dark grey") is left out.
    """
    shares: dict[str, dict[str, float]] = {}
    views: dict[str, int] = {}
    for frame in evidence.frames:
        for view in frame.entities:
            if view.kind != "char" or not view.colours or not _clothing(view, shot(view, frame)):
                continue
            views[view.entity_id] = views.get(view.entity_id, 0) + 1
            known = shares.setdefault(view.entity_id, {})
            for name, share in view.colours:
                known[clean_words(name)] = known.get(clean_words(name), 0.0) + share
    worn: dict[str, str] = {}
    for who, known in shares.items():
        ranked = sorted(known, key=lambda name: (-known[name], name))
        told = [name for name in ranked[:2] if name and known[name] / views[who] >= CLOTHING_SHARE]
        if len(told) == 2 and told[0].split()[-1] == told[1].split()[-1]:
            told.pop()
        if told:
            worn[who] = " and ".join(told)
    return worn


def _figure(view: EntityView, frame: FrameView, worn: Mapping[str, str]) -> Figure:
    how = shot(view, frame)
    lean = tilt(view.face)
    # landmarks of a leaning head shift as those of a turned one do, so one answer at a time
    turn = facing(view.face) if lean is None else None
    colour = worn.get(view.entity_id) if _clothing(view, how) else None
    return Figure(view, side(view.box, frame), how, turn, lean, colour)


def _check(evidence: StoryEvidence) -> None:
    if not evidence.frames:
        raise SampleError(f"story {evidence.story_key}: it has no frame, so there is nothing to tell; leave it out")
    for number, frame in enumerate(evidence.frames, start=1):
        where = f"story {evidence.story_key}, frame {frame.frame_id}"
        if frame.number != number:
            raise SampleError(f"{where}: it has number {frame.number}, not {number}; number the frames from 1 in order")
        if frame.width < 1 or frame.height < 1:
            raise SampleError(f"{where}: it has no pixel ({frame.width}x{frame.height}); leave it out")
        ids = [view.entity_id for view in frame.entities]
        if len(set(ids)) != len(ids):
            twice = next(entity_id for entity_id in ids if ids.count(entity_id) > 1)
            raise SampleError(f"{where}: {twice} is there twice; one entity is seen once in a frame")
        for view in frame.entities:
            match = _ID.match(view.entity_id)
            if match is None or match[1] != view.kind:
                raise SampleError(
                    f"{where}: {view.entity_id!r} is no id of kind {view.kind!r}; ids are char1, obj1, lm1, bg1 and so on"
                )


def read_evidence(evidence: StoryEvidence) -> Chronicle:
    """The chronicle of ``evidence``; the order of the entities within a frame makes no difference.

    Raises:
        SampleError: no frames, numbers that are not 1, 2, 3, ..., an id twice in a frame or of another kind than it says.
    """
    _check(evidence)
    worn = worn_colours(evidence)
    moments: list[Moment] = []
    seen: dict[str, list[int]] = {}
    for index, frame in enumerate(evidence.frames):
        ordered = sorted(frame.entities, key=lambda view: (view.box.centre[0], view.box.centre[1], view.entity_id))
        for view in ordered:
            seen.setdefault(view.entity_id, []).append(index)
        moments.append(
            Moment(
                frame=frame,
                people=tuple(view.entity_id for view in ordered if view.kind == "char"),
                things=tuple(view.entity_id for view in ordered if view.kind != "char"),
                figures={view.entity_id: _figure(view, frame, worn) for view in ordered if view.kind == "char"},
                views={view.entity_id: view for view in ordered},
                cut=index == 0 or frame.scene != evidence.frames[index - 1].scene,
            )
        )
    sure = frozenset(one for one, indices in seen.items() if _is_sure([moments[at].views[one] for at in indices]))
    return Chronicle(evidence.story_key, tuple(moments), {one: tuple(at) for one, at in seen.items()}, sure)


def _is_sure(views: list[EntityView]) -> bool:
    """Whether the identity behind ``views`` stands: linked with confidence, and not a single view without a face."""
    confident = sum(view.confidence for view in views) / len(views) >= SURE_LINK
    return confident and (len(views) > 1 or views[0].face is not None)
