"""The JSON schema of an analysis: rows for exactly the entities of each frame, words from the vocabularies, no boxes to write.

Rows stand under the id they are for, so that there is one for each entity and none for any other. Only what a model says was
missed has a box.
"""

from collections.abc import Sequence

from schemas.draft_config import AnalysisConfig
from schemas.evidence import EntityView, FrameView
from schemas.text import NARRATIVE_PHASES, SETTING_ELEMENTS
from tasks.drafting.shape import Schema, record, refer

MOST_SETTINGS, MOST_MISSED, MOST_LANDMARKS, MOST_MERGES = 4, 4, 3, 12
WHOLE_FRAME = "frame"
"""What a landmark is tied to when it fills the image."""
NEW = "new"
"""What a missed thing is when it is none of the entities."""


def image_key(number: int) -> str:
    """The name under which the answer for an image stands."""
    return f"image{number}"


def phase_key(phase: str) -> str:
    """The name under which the answer for a phase stands: ``turning_point``."""
    return phase.lower().replace(" ", "_")


def people_of(frame: FrameView) -> list[EntityView]:
    """The people of a frame, in its order."""
    return [view for view in frame.entities if view.kind == "char"]


def things_of(frame: FrameView) -> list[EntityView]:
    """Everything else of a frame, in its order."""
    return [view for view in frame.entities if view.kind != "char"]


def analysis_schema(frames: Sequence[FrameView], params: AnalysisConfig) -> Schema:
    """The schema for these frames."""
    text: Schema = {"type": "string"}
    if params.cell_chars:
        text["maxLength"] = params.cell_chars
    ids = list(dict.fromkeys(view.entity_id for frame in frames for view in frame.entities))
    cast = [one for one in ids if one.startswith("char")]
    defs: dict[str, Schema] = {
        "person": record(dict.fromkeys(("description", "emotions", "actions", "narrative_function"), text)),
        "thing": record(dict.fromkeys(("description", "function", "interaction", "narrative_function"), text)),
        "setting": record(
            {
                "element": {"type": "string", "enum": list(SETTING_ELEMENTS)},
                **dict.fromkeys(("description", "mood", "time", "narrative_function"), text),
            }
        ),
        "image_number": {"type": "integer", "enum": [frame.number for frame in frames]},
    }
    defs["phase"] = record(
        {"description": text, "key_events": text, "images": _list(refer("image_number"), 1, len(frames))}
    )
    fields: dict[str, Schema] = {}
    if cast:
        fields["cast"] = record(dict.fromkeys(cast, text))
    if params.corrections:
        if ids:
            defs["entity"] = {"type": "string", "enum": ids}
        if len(ids) > 1:
            same = record({"entity": refer("entity"), "same_as": refer("entity"), "why": text})
            fields["same_entity"] = _list(same, 0, MOST_MERGES)
        defs["missed"] = _missed(text, ids)
    fields |= {image_key(frame.number): _image(frame, text, params) for frame in frames}
    fields["narrative"] = record({phase_key(phase): refer("phase") for phase in NARRATIVE_PHASES})
    return {**record(fields), "$defs": defs}


def _list(items: Schema, least: int, most: int) -> Schema:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


def _image(frame: FrameView, text: Schema, params: AnalysisConfig) -> Schema:
    people = [view.entity_id for view in people_of(frame)]
    things = [view.entity_id for view in things_of(frame)]
    fields: dict[str, Schema] = {}
    if params.corrections:
        if people or things:
            own: Schema = {"type": "string", "enum": [*people, *things]}
            fields["not_there"] = _list(record({"entity": own, "why": text}), 0, len(people) + len(things))
        if things:
            thing: Schema = {"type": "string", "enum": things}
            fields["wrong_label"] = _list(record({"entity": thing, "label": text}), 0, len(things))
        fields["missed"] = _list(refer("missed"), 0, MOST_MISSED)
    if people:
        fields["characters"] = record({one: refer("person") for one in people})
    if things:
        fields["objects"] = record({one: refer("thing") for one in things})
    if params.landmarks:
        place: Schema = {"type": "string", "enum": [*things, WHOLE_FRAME]}
        landmark = record({"name": text, "where": place, "description": text, "narrative_function": text})
        fields["landmarks"] = _list(landmark, 0, MOST_LANDMARKS)
    fields["setting"] = _list(refer("setting"), 1, MOST_SETTINGS)
    return record(fields)


def _missed(text: Schema, ids: Sequence[str]) -> Schema:
    number: Schema = {"type": "integer"}
    return record(
        {
            "what": {"type": "string", "enum": ["person", "thing"]},
            "name": text,
            "same_as": {"type": "string", "enum": [*ids, NEW]},
            **dict.fromkeys(("x1", "y1", "x2", "y2"), number),
            **dict.fromkeys(
                ("description", "action_or_function", "emotion_or_interaction", "narrative_function"), text
            ),
        }
    )
