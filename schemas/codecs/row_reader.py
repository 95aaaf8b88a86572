"""Turning the cells of a row into a typed value, with a fault for each cell that is not written as it must be."""

from collections.abc import Callable, Sequence

from schemas.codecs.cells import (
    ENTITY_ID,
    EXACT_IMAGES,
    MAX_PIXEL,
    is_normalised,
    nearest_word,
    read_box_numbers,
    read_id,
    read_images,
    read_word,
    round_box,
)
from schemas.codecs.parsed_tables import ParsedRow
from schemas.codecs.tables import CHARACTERS, NARRATIVE, OBJECTS, SETTING, Table, TableKind, arrange_cells
from schemas.faults import FaultList, quote
from schemas.text import (
    NARRATIVE_PHASES,
    SETTING_ELEMENTS,
    CharacterRow,
    ObjectRow,
    PhaseRow,
    PixelBox,
    SettingRow,
)

_LONGEST_BOX = 4 * len(f"-{MAX_PIXEL}") + 4

ReadRow = Callable[[Sequence[str], int, str, Sequence[int] | None], ParsedRow]
"""Reads the cells of a row, given the row's offset, its line, and the places of the columns if they are not the usual."""


class RowReader:
    """Reads the rows of one text; remembers the ids it has seen written exactly."""

    def __init__(self, faults: FaultList) -> None:
        """Add what is wrong with cells to ``faults``."""
        self._faults = faults
        self._ids: dict[str, str] = {}
        self._methods: dict[TableKind, ReadRow] = {
            "characters": self._read_character,
            "objects": self._read_object,
            "setting": self._read_setting,
            "narrative": self._read_phase,
        }

    def method(self, kind: TableKind) -> ReadRow:
        """The reader of the rows of one kind of table."""
        return self._methods[kind]

    def _read_character(
        self, cells: Sequence[str], start: int, line: str, columns: Sequence[int] | None = None
    ) -> ParsedRow:
        identity, name, description, emotions, actions, function, place = cells
        entity_id = self._ids.get(identity) or self._read_id(identity, CHARACTERS, start, line, columns)
        box = self._read_box(place, CHARACTERS, start, line, columns)
        value = None
        if entity_id:
            if entity_id[0] != "c":
                self._report_table(entity_id, CHARACTERS, start, line, columns)
            if box is not None:
                value = CharacterRow(entity_id, name, description, emotions, actions, function, box)
        return ParsedRow(start, start + len(line), entity_id, value)

    def _read_object(
        self, cells: Sequence[str], start: int, line: str, columns: Sequence[int] | None = None
    ) -> ParsedRow:
        identity, description, use, interaction, function, place = cells
        entity_id = self._ids.get(identity) or self._read_id(identity, OBJECTS, start, line, columns)
        box = self._read_box(place, OBJECTS, start, line, columns)
        value = None
        if entity_id:
            if entity_id[0] == "c":
                self._report_table(entity_id, OBJECTS, start, line, columns)
            if box is not None:
                value = ObjectRow(entity_id, description, use, interaction, function, box)
        return ParsedRow(start, start + len(line), entity_id, value)

    def _read_setting(
        self, cells: Sequence[str], start: int, line: str, columns: Sequence[int] | None = None
    ) -> ParsedRow:
        element, description, mood, time, function = cells
        if element not in SETTING_ELEMENTS:
            element = self._read_word(element, SETTING, SETTING_ELEMENTS, start, line, columns)
        return ParsedRow(start, start + len(line), "", SettingRow(element, description, mood, time, function))

    def _read_phase(
        self, cells: Sequence[str], start: int, line: str, columns: Sequence[int] | None = None
    ) -> ParsedRow:
        phase, description, events, images = cells
        if phase not in NARRATIVE_PHASES:
            phase = self._read_word(phase, NARRATIVE, NARRATIVE_PHASES, start, line, columns)
        numbers = self._read_images(images, start, line, columns)
        return ParsedRow(start, start + len(line), "", PhaseRow(phase, description, events, numbers))

    # ------------------------------------------------------------------ cells that are not written as they must be

    def _report(
        self, code: str, told: str, column: int, table: Table, start: int, line: str, columns: Sequence[int] | None
    ) -> None:
        """Add a fault of one cell, or of the whole row where the cell is missing or empty."""
        left, right = arrange_cells(line, table, columns)[0][column]
        if right > left:
            self._faults.add(code, start + left, start + right, told)
        else:
            self._faults.add(code, start, start + len(line), told)

    def _report_table(self, entity_id: str, table: Table, start: int, line: str, columns: Sequence[int] | None) -> None:
        self._report("id-table", f"{entity_id} stands in {table.title}", 0, table, start, line, columns)

    def _read_id(self, cell: str, table: Table, start: int, line: str, columns: Sequence[int] | None) -> str:
        if ENTITY_ID.fullmatch(cell):
            self._ids[cell] = cell
            return cell
        entity_id = read_id(cell)
        told = f"should read {quote(entity_id)}" if entity_id else "is no entity id"
        self._report("id-form", f"{quote(cell)} {told}", 0, table, start, line, columns)
        return entity_id or ""

    def _read_box(
        self, cell: str, table: Table, start: int, line: str, columns: Sequence[int] | None
    ) -> PixelBox | None:
        try:
            x1, y1, x2, y2 = map(int, cell.split(","))
            if f"{x1},{y1},{x2},{y2}" == cell and len(cell) < _LONGEST_BOX:
                return x1, y1, x2, y2
        except ValueError:
            pass
        last = len(table.columns) - 1
        numbers = read_box_numbers(cell)
        if numbers is None:
            told = f"{quote(cell)} is no box" if cell else "the row has no box"
            self._report("box-unreadable", told, last, table, start, line, columns)
            return None
        if is_normalised(cell, numbers):
            told = f"{quote(cell)} is given in shares of the frame"
            self._report("box-normalised", told, last, table, start, line, columns)
            return None
        box = round_box(numbers)
        told = f"{quote(cell)} should read {quote('{},{},{},{}'.format(*box))}"
        self._report("box-form", told, last, table, start, line, columns)
        return box

    def _read_word(
        self,
        cell: str,
        table: Table,
        words: Sequence[str],
        start: int,
        line: str,
        columns: Sequence[int] | None,
    ) -> str:
        """The listed word that is meant, or the cell itself when none is."""
        word = read_word(cell, words)
        if word is not None:
            told = f"{quote(cell)} is spelled {quote(word)}"
            self._report("word-form", told, 0, table, start, line, columns)
            return word
        told = f"{quote(cell)} is no {table.columns[0]}; the nearest is {quote(nearest_word(cell, words))}"
        self._report("word-unknown", told, 0, table, start, line, columns)
        return cell

    def _read_images(self, cell: str, start: int, line: str, columns: Sequence[int] | None) -> tuple[int, ...]:
        numbers, complete = read_images(cell)
        if not complete or not EXACT_IMAGES.fullmatch(cell):
            told = "should read like 1, 2 or 1-3" if complete else "is no list of image numbers"
            self._report("phase-images", f"{quote(cell)} {told}", 3, NARRATIVE, start, line, columns)
        return numbers
