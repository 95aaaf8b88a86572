"""What reading a chain of thought gives: typed values, and where in the text each stands."""

from dataclasses import dataclass
from typing import NamedTuple

from schemas.codecs.tables import TABLES, TableKind, arrange_cells
from schemas.faults import Fault, Span
from schemas.text import ChainOfThought, CharacterRow, ObjectRow, PhaseRow, SettingRow

RowValue = CharacterRow | ObjectRow | SettingRow | PhaseRow


class ParsedRow(NamedTuple):
    """One row of a table and where it stands.

    ``entity_id`` is empty where the row has none that could be read; ``value`` is ``None`` where the id or box could not.
    """

    start: int
    end: int
    entity_id: str
    value: RowValue | None


@dataclass(frozen=True, slots=True)
class ParsedTable:
    """One table: of which kind, from its heading to its last line.

    ``heading``, ``header`` and ``separator`` are ``None`` where the text lacks them. ``columns`` tells, for each column of
    :class:`schemas.codecs.tables.Table`, where the text has it (-1 where nowhere); ``None`` when all stand in their places.
    """

    kind: TableKind
    span: Span
    heading: Span | None
    header: Span | None
    separator: Span | None
    columns: tuple[int, ...] | None
    rows: tuple[ParsedRow, ...]


@dataclass(frozen=True, slots=True)
class ParsedImage:
    """One image: its number, its heading, everything up to the next heading of its rank, and its tables in text order."""

    number: int
    heading: Span
    span: Span
    tables: tuple[ParsedTable, ...]


@dataclass(frozen=True, slots=True)
class ParsedChainOfThought:
    """What a text says, where, and what is wrong with how it says it.

    ``outside`` are tables of images that stand below no image heading; ``narrative`` has one table in a sound text.
    ``value`` holds every row whose id and box could be read, images in text order.
    """

    text: str
    value: ChainOfThought
    images: tuple[ParsedImage, ...]
    narrative: tuple[ParsedTable, ...]
    outside: tuple[ParsedTable, ...]
    faults: tuple[Fault, ...]

    def cell_spans(self, table: ParsedTable, row: ParsedRow) -> tuple[Span, ...]:
        """Where the cells of a row stand, in the order of the table's documented columns; empty where one is missing."""
        spans, _ = arrange_cells(self.text[row.start : row.end], TABLES[table.kind], table.columns)
        return tuple(Span(row.start + start, row.start + end) for start, end in spans)

    def entity_rows(self) -> dict[int, dict[str, ParsedRow]]:
        """For each image number the rows of its entities by id; the first where an id stands twice."""
        found: dict[int, dict[str, ParsedRow]] = {}
        for image in self.images:
            rows = found.setdefault(image.number, {})
            for table in image.tables:
                for row in table.rows:
                    if row.entity_id:
                        rows.setdefault(row.entity_id, row)
        return found
