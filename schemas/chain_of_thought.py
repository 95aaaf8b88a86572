"""The ``chain_of_thought`` text: rendering it from typed tables, reading it back from whatever was written."""

from collections.abc import Iterable, Sequence

from schemas.codecs.cells import ENTITY_ID, MAX_IMAGE, MAX_PIXEL
from schemas.codecs.parsed_tables import ParsedChainOfThought, ParsedImage, ParsedRow, ParsedTable
from schemas.codecs.table_parser import parse_chain_of_thought
from schemas.codecs.tables import CHARACTERS, NARRATIVE, OBJECTS, SETTING, Table, is_clean_cell, render_row
from schemas.errors import SampleError
from schemas.text import (
    NARRATIVE_PHASES,
    SETTING_ELEMENTS,
    ChainOfThought,
    CharacterRow,
    ImageAnalysis,
    ObjectRow,
    PhaseRow,
    PixelBox,
    SettingRow,
)

__all__ = [
    "ParsedChainOfThought",
    "ParsedImage",
    "ParsedRow",
    "ParsedTable",
    "parse_chain_of_thought",
    "render_box",
    "render_chain_of_thought",
    "render_images",
]


def render_chain_of_thought(value: ChainOfThought) -> str:
    """The canonical text. Characters and Objects are left out of an image that has none; Setting always stands.

    What it gives reads back as ``value``, without a fault of form.

    Raises:
        SampleError: a cell, id, box or number that no reader could carry (a pipe, a line break, white space at the ends, a
            word outside the vocabularies); :func:`schemas.codecs.tables.clean_cell` makes any text a cell.
    """
    images = [_render_image(image) for image in value.images]
    phases = _render_table(NARRATIVE, map(_phase_cells, value.narrative), NARRATIVE.title)
    return "\n\n\n".join([*images, f"{NARRATIVE.heading}\n\n{phases}\n"])


def _render_image(image: ImageAnalysis) -> str:
    where = f"image {image.number}"
    if not 1 <= image.number <= MAX_IMAGE:
        raise SampleError(f"chain of thought: image number {image.number} is outside 1..{MAX_IMAGE}")
    sections = [f"## Image {image.number}"]
    if image.characters:
        sections.append(
            f"{CHARACTERS.heading}\n{_render_table(CHARACTERS, map(_character_cells, image.characters), where)}"
        )
    if image.objects:
        sections.append(f"{OBJECTS.heading}\n{_render_table(OBJECTS, map(_object_cells, image.objects), where)}")
    sections.append(f"{SETTING.heading}\n{_render_table(SETTING, map(_setting_cells, image.settings), where)}")
    return "\n\n".join(sections)


def _render_table(table: Table, rows: Iterable[Sequence[str]], where: str) -> str:
    lines = [table.header, table.separator]
    for cells in rows:
        for column, cell in zip(table.columns, cells, strict=True):
            if not is_clean_cell(cell):
                told = f"{column} {cell!r} cannot be a cell; pass it through clean_cell"
                raise SampleError(f"chain of thought, {where}: {told}")
        lines.append(render_row(cells))
    return "\n".join(lines)


def render_box(box: PixelBox) -> str:
    """``x1,y1,x2,y2``."""
    return "{},{},{},{}".format(*box)


def render_images(images: Sequence[int]) -> str:
    """Image numbers as a cell: ``1, 2``, and ``1-3`` for three or more in a row."""
    runs: list[list[int]] = []
    for number in images:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)


def _character_cells(row: CharacterRow) -> tuple[str, ...]:
    if not ENTITY_ID.fullmatch(row.entity_id) or not row.entity_id.startswith("char"):
        raise SampleError(f"chain of thought: {row.entity_id!r} is no id of a character")
    box = _checked_box(row.entity_id, row.box)
    return (row.entity_id, row.name, row.description, row.emotions, row.actions, row.narrative_function, box)


def _object_cells(row: ObjectRow) -> tuple[str, ...]:
    if not ENTITY_ID.fullmatch(row.entity_id) or row.entity_id.startswith("char"):
        raise SampleError(f"chain of thought: {row.entity_id!r} is no id of an object, landmark or background")
    box = _checked_box(row.entity_id, row.box)
    return (row.entity_id, row.description, row.function, row.interaction, row.narrative_function, box)


def _checked_box(entity_id: str, box: PixelBox) -> str:
    if any(abs(edge) > MAX_PIXEL for edge in box):
        raise SampleError(f"chain of thought: {entity_id} has a box beyond {MAX_PIXEL} pixels: {box}")
    return render_box(box)


def _setting_cells(row: SettingRow) -> tuple[str, ...]:
    if row.element not in SETTING_ELEMENTS:
        raise SampleError(f"chain of thought: {row.element!r} is not a Setting Element")
    return (row.element, row.description, row.mood, row.time, row.narrative_function)


def _phase_cells(row: PhaseRow) -> tuple[str, ...]:
    if row.phase not in NARRATIVE_PHASES:
        raise SampleError(f"chain of thought: {row.phase!r} is not a Narrative Phase")
    if not row.images or len(row.images) > MAX_IMAGE or not all(1 <= number <= MAX_IMAGE for number in row.images):
        raise SampleError(f"chain of thought: {row.phase} has no image numbers or impossible ones: {row.images[:20]}")
    return (row.phase, row.description, row.key_events, render_images(row.images))
