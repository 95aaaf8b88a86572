"""From an answer that keeps to its schema to the tables of a chain of thought; ids and boxes come from the evidence."""

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.codecs.tables import clean_cell
from schemas.evidence import EntityView, FrameView
from schemas.text import (
    NARRATIVE_PHASES,
    ChainOfThought,
    CharacterRow,
    ImageAnalysis,
    ObjectRow,
    PhaseRow,
    SettingRow,
)
from tasks.drafting.analysis_schema import image_key, phase_key
from tasks.drafting.corrections import Corrected, Entity, views_in
from tasks.drafting.material import printable

LONGEST_CELL = 400
NOTHING = "None"


def make_cell(text: str) -> str:
    """A model's words as a cell: one line, no pipes or angle brackets, bounded; ``None`` where there are none."""
    return clean_cell(clean_cell(printable(text))[:LONGEST_CELL]) or NOTHING


def make_tables(frames: Sequence[FrameView], answer: Mapping[str, Any], corrected: Corrected) -> ChainOfThought:
    """The tables of a story after the corrections of its answer."""
    names = name_people(answer.get("cast", {}), corrected.entities)
    images = tuple(_image(frame, answer[image_key(frame.number)], corrected, names) for frame in frames)
    narrative = []
    for phase in NARRATIVE_PHASES:
        told = answer["narrative"][phase_key(phase)]
        numbers = tuple(sorted(set(told["images"])))
        narrative.append(PhaseRow(phase, make_cell(told["description"]), make_cell(told["key_events"]), numbers))
    return ChainOfThought(images, tuple(narrative))


def name_people(cast: Mapping[str, str], entities: Mapping[str, Entity]) -> Mapping[str, str]:
    """A name for each person: the one given to its first id, or for a missed one the first it was added by; all different."""
    names: dict[str, str] = {}
    for entity_id, entity in entities.items():
        if entity.kind != "char":
            continue
        given = next((cast[one] for one in entity.ids if one in cast), "")
        given = given or next((text["name"] for _, text in sorted(entity.texts.items())), "")
        # What a person said it is called goes before what the model calls it.
        given = next((view.name for view in entity.views.values() if view.name), given)
        name = make_cell(given)
        if name == NOTHING or name in names.values():
            name = f"{'Person' if name == NOTHING else name} {entity_id.removeprefix('char')}"
        names[entity_id] = name
    return names


def _image(
    frame: FrameView, answer: Mapping[str, Any], corrected: Corrected, names: Mapping[str, str]
) -> ImageAnalysis:
    people, things = [], []
    for entity_id, entity, view in views_in(corrected.entities, frame.number):
        box = view.box.rounded(frame.width, frame.height)
        if entity.kind == "char":
            cells = _person(answer, entity, view, frame.number)
            people.append(CharacterRow(entity_id, names[entity_id], *cells, box))
        else:
            things.append(ObjectRow(entity_id, *_thing(answer, entity, view, frame.number), box))
    settings = tuple(
        SettingRow(
            one["element"],
            *(make_cell(one[name]) for name in ("description", "mood", "time", "narrative_function")),
        )
        for one in answer["setting"]
    )
    return ImageAnalysis(frame.number, tuple(people), tuple(things), settings)


def _person(answer: Mapping[str, Any], entity: Entity, view: EntityView, number: int) -> tuple[str, str, str, str]:
    added = entity.texts.get(number)
    if added is not None:
        fields = ("description", "emotion_or_interaction", "action_or_function", "narrative_function")
        first, second, third, fourth = (make_cell(added[name]) for name in fields)
    else:
        row = answer["characters"][view.entity_id]
        fields = ("description", "emotions", "actions", "narrative_function")
        first, second, third, fourth = (make_cell(row[name]) for name in fields)
    return first, second, third, fourth


def _thing(answer: Mapping[str, Any], entity: Entity, view: EntityView, number: int) -> tuple[str, str, str, str]:
    added = entity.texts.get(number)
    if added is None:
        row = answer["objects"][view.entity_id]
        fields = ("description", "function", "interaction", "narrative_function")
        first, second, third, fourth = (make_cell(row[name]) for name in fields)
        return first, second, third, fourth
    described = f"{added['name']}: {added['description']}" if added["description"].strip() else added["name"]
    last = make_cell(added["narrative_function"])
    if entity.kind == "lm":
        return make_cell(described), "Landmark", NOTHING, last
    return (
        make_cell(described),
        make_cell(added["action_or_function"]),
        make_cell(added["emotion_or_interaction"]),
        last,
    )
