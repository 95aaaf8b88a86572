"""What a model may correct in the evidence, each correction applied or refused with a reason.

In: the entities of a story as re-identification found them, and an answer that keeps to its schema. Out: the entities after the
corrections, numbered anew by first appearance, what was added, and a record of every correction. Invariants: two detections of
a frame are never one entity; a story that had people keeps one; boxes lie in their frames.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from schemas.evidence import EntityKind, EntityView, FrameView
from schemas.geometry import Box
from tasks.drafting.analysis_schema import NEW, WHOLE_FRAME, image_key
from tasks.drafting.material import clean_label
from tasks.drafting.picture import ShownFrame

SMALLEST_SIDE = 4.0
"""Pixels of the frame below which a missed thing is too small to point to."""
KNOWN_IOU = 0.7
"""Overlap with an entity of the same kind from which a missed thing is that one, which was not missed."""
NO_BOX = Box(0, 0, 0, 0)
ADDED_SCORE = 0.5
"""Score and confidence of what no detector has seen: neither for nor against."""


@dataclass(frozen=True, slots=True)
class Correction:
    """One correction: ``kind`` is ``not_there``, ``wrong_label``, ``missed`` or ``same_entity``; ``frame`` is 0 for the story.

    ``entity_id`` and ``other_id`` are ids as the model was given them; ``became`` is the id after all corrections, empty where
    the entity is gone.
    """

    frame: int
    kind: str
    entity_id: str
    applied: bool
    reason: str
    other_id: str = ""
    label: str = ""
    box: Box = NO_BOX
    became: str = ""


@dataclass(slots=True)
class Entity:
    """An entity under correction: its views by frame. ``ids`` are all ids that it was given."""

    ids: list[str]
    kind: EntityKind
    label: str
    gallery_id: str
    views: dict[int, EntityView]
    relabelled: bool = False
    texts: dict[int, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Added:
    """A detection that the drafter added, as stored with the analysis."""

    frame: int
    det_id: str
    label: str
    origin: str
    box: Box
    score: float = ADDED_SCORE


@dataclass(frozen=True, slots=True)
class Landmark:
    """A place that a model named in a frame; ``region`` is the id of the thing it is, as the model was given it, or ``frame``."""

    entity_id: str
    name: str
    frame: int
    region: str


@dataclass(frozen=True, slots=True)
class Corrected:
    """The entities by id after the corrections, each kind in the order of its numbers, and how they came to be."""

    entities: Mapping[str, Entity]
    added: tuple[Added, ...]
    corrections: tuple[Correction, ...]
    landmarks: tuple[Landmark, ...]


class Corrector:
    """Applies the corrections of one story, those of frames first."""

    def __init__(self, frames: Sequence[FrameView], shown: Sequence[ShownFrame]) -> None:
        """Start from the evidence; ``shown`` says how the model saw each frame."""
        self.frames = frames
        self.shown = {one.number: one for one in shown}
        self.sizes = {frame.number: (frame.width, frame.height) for frame in frames}
        self.entities: dict[str, Entity] = {}
        self.had_people = False
        for frame in frames:
            for view in frame.entities:
                blank = Entity([view.entity_id], view.kind, view.label, view.gallery_id, {})
                self.entities.setdefault(view.entity_id, blank).views[frame.number] = view
                self.had_people = self.had_people or view.kind == "char"
        self.added: list[Added] = []
        self.done: list[Correction] = []
        self.named: dict[tuple[str, str], Entity] = {
            ("lm", entity.label.casefold()): entity for entity in self.entities.values() if entity.kind == "lm"
        }
        self.landmarks: list[Landmark] = []

    def apply(self, answer: Mapping[str, Any]) -> None:
        """All corrections of an answer, in a fixed order."""
        images = [(frame.number, answer[image_key(frame.number)]) for frame in self.frames]
        for number, image in images:
            for one in image.get("not_there", ()):
                self.remove(number, one["entity"], one["why"])
        for number, image in images:
            for one in image.get("wrong_label", ()):
                self.relabel(number, one["entity"], one["label"])
        for number, image in images:
            for one in image.get("missed", ()):
                self.add_missed(number, one)
        for one in answer.get("same_entity", ()):
            self.merge(one["entity"], one["same_as"], one["why"])
        for number, image in images:
            for one in image.get("landmarks", ()):
                self.name_landmark(number, one)

    def find(self, entity_id: str) -> Entity | None:
        """The entity that goes by an id now, None where it is gone."""
        return next((entity for entity in self.entities.values() if entity_id in entity.ids), None)

    def note(self, frame: int, kind: str, entity_id: str, refused: str, **more: Any) -> None:
        """Record a correction; ``refused`` says why it was not applied, empty where it was."""
        self.done.append(Correction(frame, kind, entity_id, not refused, refused, **more))

    def remove(self, frame: int, entity_id: str, why: str) -> None:
        """A detection that is not really there."""
        entity = self.find(entity_id)
        told = clean_label(why)
        if entity is None or frame not in entity.views:
            return self.note(frame, "not_there", entity_id, "it is gone already", label=told)
        people = sum(len(one.views) for one in self.entities.values() if one.kind == "char")
        if entity.kind == "char" and people == 1:
            return self.note(frame, "not_there", entity_id, "the story would be left without a person", label=told)
        del entity.views[frame]
        if not entity.views:
            self.entities = {name: one for name, one in self.entities.items() if one is not entity}
        return self.note(frame, "not_there", entity_id, "", label=told)

    def relabel(self, frame: int, entity_id: str, label: str) -> None:
        """A thing that is something else; it is so in all of its frames."""
        entity, told = self.find(entity_id), clean_label(label).lower()
        refused = ""
        if entity is None:
            refused = "it is gone already"
        elif not told:
            refused = "no label was given"
        elif entity.relabelled and entity.label != told:
            refused = f"it was called {entity.label} already"
        else:
            entity.label, entity.relabelled = told, True
        self.note(frame, "wrong_label", entity_id, refused, label=told)

    def add_missed(self, frame: int, missed: Mapping[str, Any]) -> None:
        """A person or thing that no detector saw, with a box in shown pixels."""
        kind: EntityKind = "char" if missed["what"] == "person" else "obj"
        label = "person" if kind == "char" else clean_label(missed["name"]).lower()
        place = self.shown[frame].grow([missed[edge] for edge in ("x1", "y1", "x2", "y2")])
        box = place.clamp(*self.sizes[frame])
        same = missed["same_as"]
        name = clean_label(missed["name"])
        entity = self.find(same) if same != NEW else self.named.get((kind, name.casefold()))
        refused = self._refuse(frame, kind, label, box, same, entity)
        known = {"label": label, "box": box, "other_id": "" if same == NEW else same}
        if refused:
            return self.note(frame, "missed", "", refused, **known)
        det_id = f"missed{len(self.added) + 1}"
        if entity is None:
            entity = Entity([det_id], kind, label, "", {})
            self.entities[det_id] = entity
            self.named[kind, name.casefold()] = entity
        view = EntityView(det_id, kind, label, det_id, box, ADDED_SCORE, ADDED_SCORE, (), None)
        entity.views[frame] = view
        entity.texts[frame] = missed
        self.added.append(Added(frame, det_id, label, "drafter", box))
        return self.note(frame, "missed", entity.ids[0], "", **known)

    def _refuse(self, frame: int, kind: str, label: str, box: Box, same: str, entity: Entity | None) -> str:
        """Why a missed thing cannot be added; empty when it can."""
        if not label:
            return "it was given no name"
        if box.width < SMALLEST_SIDE or box.height < SMALLEST_SIDE:
            return "its box has no area in the frame"
        if same != NEW and entity is None:
            return f"{same} is gone"
        if entity is not None and entity.kind != kind:
            return f"{same} is of another kind" if same != NEW else "its name belongs to something of another kind"
        if entity is not None and frame in entity.views:
            return f"{entity.ids[0]} is in this frame already"
        for other in self.entities.values():
            view = other.views.get(frame)
            if view is not None and other.kind == kind and view.box.iou(box) >= KNOWN_IOU:
                return f"it is {other.ids[0]}, which was found"
        return ""

    def merge(self, entity_id: str, same_as: str, why: str) -> None:
        """Two entities that are one; the one met first keeps its id."""
        one, other = self.find(entity_id), self.find(same_as)
        refused = ""
        if one is None or other is None:
            refused = f"{entity_id if one is None else same_as} is gone"
        elif one is other:
            refused = "they are one already"
        elif one.kind != other.kind:
            refused = "they are of different kinds"
        elif both := sorted(one.views.keys() & other.views.keys()):
            refused = f"both are in image {both[0]}"
        else:
            order = list(self.entities.values())
            kept, gone = sorted((one, other), key=order.index)
            kept.ids += gone.ids
            kept.views |= gone.views
            kept.texts |= gone.texts
            self.entities = {name: entity for name, entity in self.entities.items() if entity is not gone}
        self.note(0, "same_entity", entity_id, refused, other_id=same_as, label=clean_label(why))

    def name_landmark(self, frame: int, landmark: Mapping[str, Any]) -> None:
        """A place that the model recognises: the same name is the same landmark; it has the box of what it is, or the frame's."""
        name, region = clean_label(landmark["name"]), landmark["where"]
        entity = self.named.get(("lm", name.casefold()))
        thing = None if region == WHOLE_FRAME else self.find(region)
        if not name or (entity is not None and frame in entity.views):
            return
        if region != WHOLE_FRAME and (thing is None or frame not in thing.views):
            return
        box = thing.views[frame].box if thing else Box(0, 0, *map(float, self.sizes[frame]))
        det_id = f"landmark{len(self.landmarks) + 1}"
        if entity is None:
            entity = Entity([det_id], "lm", name, "", {})
            self.entities[det_id] = self.named["lm", name.casefold()] = entity
        entity.views[frame] = EntityView(det_id, "lm", name, det_id, box, ADDED_SCORE, ADDED_SCORE, (), None)
        entity.texts[frame] = landmark
        self.added.append(Added(frame, det_id, name, "landmark", box))
        self.landmarks.append(Landmark(entity.ids[0], name, frame, region))

    def finish(self) -> Corrected:
        """Number what is left, each kind by first appearance and then in the old order."""
        ordered = sorted(enumerate(self.entities.values()), key=lambda item: (min(item[1].views), item[0]))
        counts: dict[str, int] = {}
        numbered: dict[str, Entity] = {}
        for _, entity in ordered:
            counts[entity.kind] = counts.get(entity.kind, 0) + 1
            numbered[f"{entity.kind}{counts[entity.kind]}"] = entity
        became = {old: new for new, entity in numbered.items() for old in entity.ids}
        done = tuple(replace(one, became=became.get(one.entity_id, "")) for one in self.done)
        places = tuple(replace(one, entity_id=became[one.entity_id]) for one in self.landmarks)
        return Corrected(numbered, tuple(self.added), done, places)


def correct(frames: Sequence[FrameView], shown: Sequence[ShownFrame], answer: Mapping[str, Any]) -> Corrected:
    """The entities of a story after the corrections of an answer."""
    corrector = Corrector(frames, shown)
    corrector.apply(answer)
    return corrector.finish()


def views_in(entities: Mapping[str, Entity], frame: int) -> Iterator[tuple[str, Entity, EntityView]]:
    """Id, entity and view of everything in a frame, in the order of the ids."""
    for entity_id, entity in entities.items():
        if frame in entity.views:
            yield entity_id, entity, entity.views[frame]
