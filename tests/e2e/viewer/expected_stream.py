"""What the page must come to show of an answer, as the Python readers say."""

from collections.abc import Sequence
from typing import Any

from schemas.chain_of_thought import parse_chain_of_thought
from schemas.codecs.parsed_tables import ParsedRow, ParsedTable
from schemas.model_output import split_output
from schemas.story import Piece, parse_story
from schemas.text import CharacterRow, ObjectRow, PhaseRow, SettingRow


def expect(answer: str) -> dict[str, Any]:
    """Images, narrative, rows in no image, blocks, and text in no block."""
    thoughts, told = split_output(answer)
    tables, story = parse_chain_of_thought(thoughts), parse_story(told)
    return {
        "images": [
            {
                "number": image.number,
                **{kind: _rows(image.tables, kind) for kind in ("characters", "objects", "setting")},
            }
            for image in tables.images
        ],
        "narrative": [row for table in tables.narrative for row in map(_row, table.rows)],
        "strayRows": [[table.kind, row.entity_id or None] for table in tables.outside for row in table.rows],
        "blocks": [{"number": block.number, "parts": _parts(told, block.pieces)} for block in story.blocks],
        "outside": [told[span.start : span.end] for span in story.outside],
    }


def _rows(tables: Sequence[ParsedTable], kind: str) -> list[list[Any]]:
    return [_row(row) for table in tables if table.kind == kind for row in table.rows]


def _row(row: ParsedRow) -> list[Any]:
    value = row.value
    if isinstance(value, CharacterRow):
        texts = [value.name, value.description, value.emotions, value.actions, value.narrative_function]
        return [value.entity_id, *texts, list(value.box)]
    if isinstance(value, ObjectRow):
        texts = [value.description, value.function, value.interaction, value.narrative_function]
        return [value.entity_id, *texts, list(value.box)]
    if isinstance(value, SettingRow):
        return [value.element, value.description, value.mood, value.time, value.narrative_function]
    if isinstance(value, PhaseRow):
        return [value.phase, value.description, value.key_events, list(value.images)]
    return ["incomplete", row.entity_id or None]


def _parts(text: str, pieces: Sequence[Piece]) -> list[Any]:
    parts: list[Any] = []
    for piece in pieces:
        if piece.tag is not None:
            parts.append([piece.tag.kind, list(piece.tag.ids), piece.tag.text])
        elif parts and isinstance(parts[-1], str):
            parts[-1] += text[piece.start : piece.end]
        else:
            parts.append(text[piece.start : piece.end])
    return parts
