"""The four tables of a chain of thought: names, columns, canonical lines, and how a row is split into cells."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from schemas.codecs.cells import read_box_numbers, read_images

TableKind = Literal["characters", "objects", "setting", "narrative"]

LINE_BREAKS = "\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
"""Characters besides the newline at which some readers (``str.splitlines``, JavaScript) end a line."""


@dataclass(frozen=True, slots=True)
class Table:
    """One kind of table: its ``heading`` line, ``columns``, and the canonical ``header`` and ``separator`` lines.

    ``free`` is the column that takes what an unescaped pipe cut off; ``box`` and ``images`` columns stand last.
    """

    kind: TableKind
    title: str
    heading: str
    columns: tuple[str, ...]
    header: str
    separator: str
    free: int


def _table(
    kind: TableKind, title: str, heading: str, columns: Sequence[str], dashes: Sequence[int], free: int
) -> Table:
    return Table(
        kind=kind,
        title=title,
        heading=heading,
        columns=tuple(columns),
        header=f"| {' | '.join(columns)} |",
        separator=f"|{'|'.join('-' * count for count in dashes)}|",
        free=free,
    )


# The dash counts are those of the published dataset, uneven as they are.
CHARACTERS = _table(
    "characters",
    "Characters",
    "### Characters",
    ("Character ID", "Name", "Description", "Emotions", "Actions", "Narrative Function", "Bounding Box"),
    (14, 6, 13, 10, 9, 19, 14),
    2,
)
OBJECTS = _table(
    "objects",
    "Objects",
    "### Objects",
    ("Object ID", "Description", "Function", "Interaction", "Narrative Function", "Bounding Box"),
    (11, 13, 10, 12, 19, 14),
    1,
)
SETTING = _table(
    "setting",
    "Setting",
    "### Setting",
    ("Setting Element", "Description", "Mood", "Time", "Narrative Function"),
    (17, 13, 6, 6, 19),
    1,
)
NARRATIVE = _table(
    "narrative",
    "Narrative Structure",
    "## Narrative Structure",
    ("Narrative Phase", "Description", "Key Events", "Images"),
    (17, 13, 12, 8),
    1,
)
TABLES: dict[TableKind, Table] = {table.kind: table for table in (CHARACTERS, OBJECTS, SETTING, NARRATIVE)}

_LINE_BREAK = re.compile(f"[{LINE_BREAKS}]")
_LETTERS = re.compile(r"[^a-z]++")
_PIPE = re.compile(r"(?<!\\)\|")


def clean_cell(text: str) -> str:
    """``text`` as a cell that every reader carries: ``|`` becomes ``/``, any run of white space or line breaks one space."""
    return " ".join(text.replace("\\|", "/").replace("|", "/").split())


def is_clean_cell(text: str) -> bool:
    """Whether a cell comes back unchanged from every reader: no pipe, no line break, no white space at its ends."""
    return "|" not in text and text == text.strip() and len(text.splitlines()) <= 1


def render_row(cells: Sequence[str]) -> str:
    """One table row without its newline. The cells must be clean."""
    return f"| {' | '.join(cells)} |"


def split_row(line: str) -> list[tuple[int, int]]:
    """Where the cells of a table line stand, white space at their ends left out.

    Pipes escaped with a backslash do not end a cell; a leading and a trailing pipe bound the row.

    Returns:
        ``(start, end)`` offsets into ``line``, one for each cell.
    """
    bounds = [match.start() for match in _PIPE.finditer(line)] if "\\|" in line else _find_pipes(line)
    start = 0
    if bounds and not line[: bounds[0]].strip():
        start = bounds.pop(0) + 1
    stop = len(line)
    if bounds and not line[bounds[-1] + 1 :].strip():
        stop = bounds.pop()
    cells = []
    for bound in [*bounds, stop]:
        raw = line[start:bound]
        left = len(raw) - len(raw.lstrip())
        cells.append((start + left, start + max(len(raw.rstrip()), left)))
        start = bound + 1
    return cells


def is_separator(line: str) -> bool:
    """Whether a line is the line of dashes under a header, or looks like one."""
    return "-" in line and "|" in line and not line.strip("|-: \t\r")


def match_header(line: str, table: Table) -> tuple[int, ...] | None:
    """Which cell of a header line names each column of a table, -1 for a column that is not named.

    Case, spaces and marks do not matter; the id may be called ``ID``, the box ``Box`` or ``BBox``.

    Returns:
        ``None`` when the line does not look like a header of this table: fewer than half of the columns are named.
    """
    if len(line) > 400:
        return None
    names = [_LETTERS.sub("", line[start:end].lower()) for start, end in split_row(line)]
    places = tuple(
        next((names.index(alias) for alias in _aliases(column) if alias in names), -1) for column in table.columns
    )
    if len(names) == len(places) and all(place in (-1, column) for column, place in enumerate(places)):
        # A name that is not known, in its usual place, is that column's own.
        usual = tuple(range(len(places)))
        return usual if 2 * places.count(-1) <= len(places) else None
    return places if 2 * sum(place >= 0 for place in places) >= len(places) else None


def arrange_cells(line: str, table: Table, columns: Sequence[int] | None) -> tuple[list[tuple[int, int]], str]:
    """Where the cells of a row stand, one for each column of its table.

    In a row with too many cells the last is kept (box or images) and the surplus joined to the free column; in one with
    too few the last cell goes to the last column when it can be nothing else, and the missing ones are empty.

    Args:
        line: the row.
        table: the kind of table it belongs to.
        columns: see :func:`match_header`; ``None`` when every column is in its place.

    Returns:
        ``(start, end)`` offsets into ``line`` by column, and ``row-short``, ``row-long`` or nothing.
    """
    cells = split_row(line)
    nowhere = (len(line), len(line))
    wanted = len(table.columns) if columns is None else max(columns) + 1
    while len(cells) > wanted and cells[-1][0] == cells[-1][1]:
        cells.pop()
        if len(cells) == wanted:
            return _permute(cells, columns, nowhere), "row-long"
    surplus = len(cells) - wanted
    if surplus > 0:
        free = table.free if columns is None else max(columns[table.free], 0)
        joined = (cells[free][0], cells[free + surplus][1])
        return _permute([*cells[:free], joined, *cells[free + surplus + 1 :]], columns, nowhere), "row-long"
    if surplus < 0:
        missing = [nowhere] * -surplus
        last = line[cells[-1][0] : cells[-1][1]]
        ends_whole = columns is None and len(cells) > 1 and _fits_last(last, table)
        cells = [*cells[:-1], *missing, cells[-1]] if ends_whole else [*cells, *missing]
        return _permute(cells, columns, nowhere), "row-short"
    return _permute(cells, columns, nowhere), ""


def _permute(
    cells: list[tuple[int, int]], columns: Sequence[int] | None, nowhere: tuple[int, int]
) -> list[tuple[int, int]]:
    if columns is None:
        return cells
    return [cells[place] if place >= 0 else nowhere for place in columns]


def _fits_last(cell: str, table: Table) -> bool:
    if table.kind in ("characters", "objects"):
        return read_box_numbers(cell) is not None
    return table.kind == "narrative" and read_images(cell)[1]


def _aliases(column: str) -> tuple[str, ...]:
    name = _LETTERS.sub("", column.lower())
    return {
        "boundingbox": (name, "bbox", "box"),
        "characterid": (name, "id"),
        "objectid": (name, "id"),
        "settingelement": (name, "element"),
        "narrativephase": (name, "phase"),
    }.get(name, (name,))


def find_line_break(text: str) -> int:
    """Offset of the first line break that is no newline; -1 when there is none."""
    if not any(mark in text for mark in LINE_BREAKS):  # nine quick scans; the pattern's one is slower than all of them
        return -1
    found = _LINE_BREAK.search(text)
    return -1 if found is None else found.start()


def _find_pipes(line: str) -> list[int]:
    found = []
    at = line.find("|")
    while at >= 0:
        found.append(at)
        at = line.find("|", at + 1)
    return found
