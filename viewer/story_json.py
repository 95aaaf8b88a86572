"""A story as the page takes it: blocks with tags, tables, entities and faults, from the two texts and what is known of it.

Every offset counts code points of its text (``start`` included, ``end`` excluded). Nothing here is ever raised for a text:
what cannot be read becomes a fault.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.chain_of_thought import ParsedChainOfThought, ParsedRow, ParsedTable, parse_chain_of_thought
from schemas.faults import Fault
from schemas.rules import RULES
from schemas.story import ParsedBlock, ParsedStory, parse_story
from schemas.text import CharacterRow, ObjectRow, PhaseRow
from schemas.validation import Sizes, validate

Json = dict[str, Any]
_KINDS = ("char", "obj", "lm", "bg")


def story_json(
    chain_of_thought: str,
    story: str,
    *,
    frame_count: int | None = None,
    frame_sizes: Sizes | None = None,
    grounding: Mapping[str, Any] | None = None,
) -> Json:
    """Everything that can be shown of two texts.

    Args:
        chain_of_thought: the tables; may be empty.
        story: the tagged story; may be empty.
        frame_count: what the dataset says; ``None`` when nothing does.
        frame_sizes: width and height of each frame in pixels where known.
        grounding: the story's row of the ``grounding`` config, for identity confidence; ``None`` when there is none.

    Returns:
        ``blocks``, ``outside``, ``images``, ``narrative``, ``entities``, ``faults``, and both texts.
    """
    cot = parse_chain_of_thought(chain_of_thought)
    told = parse_story(story)
    faults = validate(
        cot if chain_of_thought else None,
        told if story else None,
        frame_count=frame_count,
        frame_sizes=frame_sizes,
    )
    return {
        "chain_of_thought": chain_of_thought,
        "story": story,
        "blocks": [block_json(told, block, cot) for block in told.blocks],
        "outside": [{"start": s.start, "end": s.end, "text": story[s.start : s.end]} for s in told.outside],
        "images": images_json(cot),
        "narrative": [row_json(cot, table, row) for table in cot.narrative for row in table.rows],
        "entities": entities_json(cot, told, grounding),
        "faults": [fault_json(fault) for fault in faults],
    }


def block_json(told: ParsedStory, block: ParsedBlock, cot: ParsedChainOfThought) -> Json:
    """One ``gdi`` block: its pieces in order; a tagged one names its ids and which of them its frame's tables lack.

    ``start`` and ``end`` are with the markup (which may overlap where tags are not closed), ``text_start`` and ``text_end``
    without.
    """
    rows = cot.entity_rows().get(block.number, {})
    parts: list[Json] = []
    for piece in block.pieces:
        part: Json = {
            "start": piece.start,
            "end": piece.end,
            "text_start": piece.text_start,
            "text_end": piece.text_end,
        }
        part["text"] = told.text[piece.text_start : piece.text_end]
        if piece.tag is not None:
            part |= {"kind": piece.tag.kind, "ids": list(piece.tag.ids)}
            part["unresolved"] = [one for one in piece.tag.ids if one not in rows]
        parts.append(part)
    return {"number": block.number, "start": block.span.start, "end": block.span.end, "parts": parts}


def images_json(cot: ParsedChainOfThought) -> list[Json]:
    """The tables of each image, in text order."""
    found = []
    for image in cot.images:
        entry: Json = {"number": image.number, "start": image.span.start, "end": image.span.end}
        entry |= {"characters": [], "objects": [], "setting": []}
        for table in image.tables:
            if table.kind != "narrative":
                entry[table.kind] += [row_json(cot, table, row) for row in table.rows]
        found.append(entry)
    return found


def row_json(cot: ParsedChainOfThought, table: ParsedTable, row: ParsedRow) -> Json:
    """One row: its cells as written in the order of the documented columns, and what was read of them."""
    cells = [cot.text[span.start : span.end].strip().replace("\\|", "|") for span in cot.cell_spans(table, row)]
    entry: Json = {"start": row.start, "end": row.end, "cells": cells}
    if table.kind in ("characters", "objects"):
        entry["id"] = row.entity_id
        entry["box"] = list(row.value.box) if isinstance(row.value, CharacterRow | ObjectRow) else None
    if table.kind == "narrative":
        entry["images"] = list(row.value.images) if isinstance(row.value, PhaseRow) else []
    return entry


def entities_json(cot: ParsedChainOfThought, told: ParsedStory, grounding: Mapping[str, Any] | None) -> list[Json]:
    """Every entity of the tables or the text: people first, then by number.

    ``name`` is a person's first name in the tables, for a thing the first words of its description. ``known`` says whether
    the tables have it. ``appearances`` follow the frames; ``confidence`` is ``None`` where no grounding is at hand.
    """
    found: dict[str, Json] = {}

    def entry(entity_id: str) -> Json:
        empty: Json = {"id": entity_id, "kind": _kind(entity_id), "name": "", "label": "", "known": False}
        empty |= {"confidence": None, "gallery": "", "mentions": 0, "appearances": []}
        return found.setdefault(entity_id, empty)

    for image in cot.value.images:
        for person in image.characters:
            one = entry(person.entity_id)
            one["known"] = True
            one["name"] = one["name"] or person.name
            one["appearances"].append(
                {
                    "frame": image.number,
                    "box": list(person.box),
                    "description": person.description,
                    "emotions": person.emotions,
                    "actions": person.actions,
                    "role": person.narrative_function,
                    "confidence": None,
                }
            )
        for thing in image.objects:
            one = entry(thing.entity_id)
            one["known"] = True
            one["name"] = one["name"] or thing.description.split(",")[0]
            one["appearances"].append(
                {
                    "frame": image.number,
                    "box": list(thing.box),
                    "description": thing.description,
                    "function": thing.function,
                    "interaction": thing.interaction,
                    "role": thing.narrative_function,
                    "confidence": None,
                }
            )
    for block in told.blocks:
        for piece in block.pieces:
            for entity_id in piece.tag.ids if piece.tag else ():
                entry(entity_id)["mentions"] += 1
    for row in (grounding or {}).get("entities") or ():
        if row["entity_id"] in found:
            one = found[row["entity_id"]]
            one |= {"confidence": row["confidence"], "label": row["label"], "gallery": row["gallery_id"]}
            by_frame = {member["frame"]: member["confidence"] for member in row["members"]}
            for appearance in one["appearances"]:
                appearance["confidence"] = by_frame.get(appearance["frame"])
    return sorted(found.values(), key=lambda one: entity_order(one["id"]))


def fault_json(fault: Fault) -> Json:
    """A fault with the rule it breaks and what to do."""
    return {
        "code": fault.code,
        "level": fault.level,
        "part": fault.part,
        "line": fault.line,
        "column": fault.column,
        "start": fault.span.start,
        "end": fault.span.end,
        "message": fault.message,
        "rule": RULES[fault.code].sentence,
        "hint": RULES[fault.code].hint,
    }


def _kind(entity_id: str) -> str:
    return entity_id.rstrip("0123456789")


def entity_order(entity_id: str) -> tuple[int, int, str]:
    """Sort key: people, things, landmarks, background, each by number."""
    kind = _kind(entity_id)
    number = entity_id[len(kind) :]
    place = _KINDS.index(kind) if kind in _KINDS else len(_KINDS)
    return place, int(number[:9]) if number else 0, entity_id


def unresolved_ids(entities: Sequence[Json]) -> list[str]:
    """Ids that the text mentions and no table has."""
    return [one["id"] for one in entities if not one["known"]]
