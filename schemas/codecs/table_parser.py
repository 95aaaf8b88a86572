"""Reading a chain of thought: one pass over its lines, any text accepted, every departure from the format reported."""

from collections.abc import Iterator, Sequence

from schemas.codecs.headings import Heading, read_heading
from schemas.codecs.parsed_tables import ParsedChainOfThought, ParsedImage, ParsedRow, ParsedTable
from schemas.codecs.row_reader import ReadRow, RowReader
from schemas.codecs.tables import (
    TABLES,
    Table,
    TableKind,
    arrange_cells,
    find_line_break,
    is_separator,
    match_header,
    split_row,
)
from schemas.faults import FaultList, Span, quote
from schemas.text import ChainOfThought, CharacterRow, ImageAnalysis, ObjectRow, PhaseRow, SettingRow

_CHUNK = 1 << 14
_SHORTEST_HEADER = 15
_LONGEST_HEADER = 160  # no header is longer, and a shorter row costs little to compare with them


def parse_chain_of_thought(text: str) -> ParsedChainOfThought:
    """Read any text as a chain of thought. Time and memory grow linearly with the text; nothing is ever raised."""
    return _Parser(text).parse()


class _OpenTable:
    """A table that is being read."""

    __slots__ = (
        "columns",
        "end",
        "header",
        "heading",
        "in_rows",
        "read",
        "rows",
        "separator",
        "spec",
        "start",
        "width",
    )

    def __init__(self, spec: Table, read: ReadRow, heading: Span | None, start: int, end: int) -> None:
        self.spec = spec
        self.read = read
        self.heading = heading
        self.start = start
        self.end = end
        self.header: Span | None = None
        self.separator: Span | None = None
        self.columns: tuple[int, ...] | None = None
        self.rows: list[ParsedRow] = []
        self.in_rows = False
        self.width = len(spec.columns) + 2


class _OpenImage:
    """An image that is being read."""

    __slots__ = ("heading", "number", "tables")

    def __init__(self, number: int, heading: Span) -> None:
        self.number = number
        self.heading = heading
        self.tables: list[_OpenTable] = []


class _Parser:
    """State of one pass over the lines of a text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._faults = FaultList("chain_of_thought", text)
        self._images: list[ParsedImage] = []
        self._analyses: list[ImageAnalysis] = []
        self._image: _OpenImage | None = None
        self._narrative: list[_OpenTable] = []
        self._outside: list[_OpenTable] = []
        self._table: _OpenTable | None = None
        self._plain: _OpenTable | None = None  # the table, while it is in its rows and its columns are in their places
        self._gap = False
        self._strays: list[list[int]] = []
        self._stray_open = False
        self._odd_break = find_line_break(text)
        self._reader = RowReader(self._faults)

    def parse(self) -> ParsedChainOfThought:
        for start, line in _iterate_lines(self._text, self._odd_break >= 0):
            if not line:
                self._gap = True
            elif line[0] == "|":
                table = self._plain
                # The way of nearly every line: a row of as many cells as columns.
                if table is not None and not self._gap:
                    cells = line.split("|")
                    if (
                        len(cells) == table.width
                        and not cells[-1]
                        and "\\" not in line
                        and "--" not in cells[1]
                        and line != table.spec.header
                    ):
                        table.rows.append(table.read([cell.strip() for cell in cells[1:-1]], start, line, None))
                        continue
                self._read_table_line(line, start)
            else:
                self._read_other_line(line, start)
        return self._finish()

    # ------------------------------------------------------------------ lines

    def _read_other_line(self, line: str, start: int) -> None:
        heading = read_heading(line)
        if heading is not None:
            self._read_heading(heading, line, start)
            return
        stripped = line.strip()
        if not stripped:
            self._gap = True
            return
        if stripped[0] == "|" or (self._table is not None and stripped.count("|") > 1):
            self._read_table_line(line, start)
            return
        self._gap = False
        if stripped.startswith(("```", "~~~")):
            self._faults.add("code-fence", start, start + len(line), f"a code fence {quote(stripped)}")
        else:
            self._add_stray(start, start + len(line))

    def _add_stray(self, start: int, end: int) -> None:
        """Neighbouring lines that belong nowhere are one fault."""
        if self._stray_open:
            self._strays[-1][1] = end
        else:
            self._strays.append([start, end])
            self._stray_open = True

    def _read_heading(self, heading: Heading, line: str, start: int) -> None:
        self._gap = False
        self._stray_open = False
        self._plain = None
        self._table = None
        span = Span(start, start + len(line))
        if heading.image:
            self._end_image(start)
            self._image = _OpenImage(heading.image, span)
            canonical = f"## Image {heading.image}"
        elif heading.kind:
            self._open_table(heading.kind, span, span.start, span.end)
            canonical = TABLES[heading.kind].heading
        else:
            self._faults.add("heading-unknown", span.start, span.end, f"{quote(line)} is no heading of this format")
            return
        if not heading.exact:
            self._faults.add("heading-form", span.start, span.end, f"{quote(line)} should read {quote(canonical)}")

    def _open_table(self, kind: TableKind, heading: Span | None, start: int, end: int) -> _OpenTable:
        table = _OpenTable(TABLES[kind], self._reader.method(kind), heading, start, end)
        self._table = table
        if kind == "narrative":
            self._end_image(start)
            self._narrative.append(table)
        elif self._image is None:
            self._outside.append(table)
            title = table.spec.title
            self._faults.add("section-outside", start, end, f"{title} stands below no image")
        else:
            self._image.tables.append(table)
        return table

    def _end_image(self, at: int) -> None:
        """Close the open image as soon as it is whole, for its rows are at hand now."""
        image, self._image = self._image, None
        if image is not None:
            tables = tuple([_close_table(table) for table in image.tables])
            self._images.append(ParsedImage(image.number, image.heading, Span(image.heading.start, at), tables))
            self._analyses.append(_analyse(image.number, tables))

    # ------------------------------------------------------------------ tables

    def _read_table_line(self, line: str, start: int) -> None:
        """A line with pipes that is not a plain row in its place."""
        gap, self._gap = self._gap, False
        end = start + len(line)
        table = self._table
        if table is None:
            table = self._open_headless(line, start)
            if table is None:
                self._add_stray(start, end)
                return
        elif table.in_rows and len(line) < _LONGEST_HEADER:
            table = self._open_headless(line, start, table.spec.kind) or table
        self._stray_open = False
        table.end = end
        if not table.in_rows and self._read_header(table, line, start):
            return
        if gap:
            self._faults.add("table-gap", start, end, "a blank line stands above this row of the table")
        self._read_odd_row(table, line, start)

    def _open_headless(self, line: str, start: int, without: TableKind | None = None) -> _OpenTable | None:
        """A table without a heading, told by its header line; ``without`` is the kind that it cannot be."""
        if len(line) < _SHORTEST_HEADER:
            return None
        for spec in TABLES.values():
            matched = match_header(line, spec) if spec.kind != without else None
            if matched is not None and matched[0] >= 0:
                end = start + len(line)
                self._faults.add(
                    "heading-missing", start, end, f"{quote(spec.heading)} does not stand above this table"
                )
                return self._open_table(spec.kind, None, start, end)
        return None

    def _read_header(self, table: _OpenTable, line: str, start: int) -> bool:
        """Take a header or separator line at the top of a table; ``False`` when the line is a row."""
        end = start + len(line)
        spec = table.spec
        if table.header is None and table.separator is None:
            if line == spec.header:
                table.header = Span(start, end)
                return True
            matched = match_header(line, spec)
            if matched is not None:
                table.header = Span(start, end)
                identity = tuple(range(len(spec.columns)))
                if matched != identity:
                    table.columns = matched
                    missing = [name for name, at in zip(spec.columns, matched, strict=True) if at < 0]
                    told = f"without {', '.join(missing)}" if missing else "in another order"
                    self._faults.add("table-columns", start, end, f"the columns of {spec.title} {told}")
                elif [line[left:right] for left, right in split_row(line)] != list(spec.columns):
                    self._faults.add("table-header", start, end, f"the header should read {quote(spec.header, 120)}")
                return True
            self._faults.add("table-header", start, end, f"the header {quote(spec.header, 120)} is missing")
        if line == spec.separator or is_separator(line):
            table.separator = Span(start, end)
            self._begin_rows(table)
            return True
        self._begin_rows(table)
        self._faults.add("table-separator", start, end, "no line of dashes stands above the first row")
        return False

    def _begin_rows(self, table: _OpenTable) -> None:
        table.in_rows = True
        self._plain = table if table.columns is None else None

    def _read_odd_row(self, table: _OpenTable, line: str, start: int) -> None:
        end = start + len(line)
        if is_separator(line) or line == table.spec.header:
            self._faults.add("table-header", start, end, "the header or its line of dashes stands a second time")
            return
        stripped = line.strip()
        if not (stripped.startswith("|") and stripped.endswith("|") and len(stripped) > 1):
            self._faults.add("row-bounds", start, end, "the row does not begin and end with a pipe")
        if "\\|" in line:
            at = start + line.index("\\|")
            self._faults.add("pipe-escaped", at, at + 2, "readers that split at pipes shift the columns of this row")
        spans, problem = arrange_cells(line, table.spec, table.columns)
        if problem:
            wanted = len(table.spec.columns)
            count = len(split_row(line))
            self._faults.add(problem, start, end, f"{count} cells where {table.spec.title} has {wanted} columns")
        cells = [line[left:right].replace("\\|", "|") for left, right in spans]
        table.rows.append(table.read(cells, start, line, table.columns))

    # ------------------------------------------------------------------ the end

    def _finish(self) -> ParsedChainOfThought:
        self._end_image(len(self._text))
        for start, end in self._strays:
            self._faults.add("stray-text", start, end, f"{quote(self._text[start : start + 100])} stands in no table")
        if self._odd_break >= 0:
            at = self._odd_break
            self._faults.add(
                "line-break", at, at + 1, f"a line break other than a newline, U+{ord(self._text[at]):04X}"
            )
        narrative = tuple(map(_close_table, self._narrative))
        phases = tuple(row.value for table in narrative for row in table.rows if isinstance(row.value, PhaseRow))
        return ParsedChainOfThought(
            self._text,
            ChainOfThought(tuple(self._analyses), phases),
            tuple(self._images),
            narrative,
            tuple(map(_close_table, self._outside)),
            self._faults.sorted(),
        )


def _close_table(table: _OpenTable) -> ParsedTable:
    end = max(table.end, table.rows[-1].end) if table.rows else table.end
    return ParsedTable(
        table.spec.kind,
        Span(table.start, end),
        table.heading,
        table.header,
        table.separator,
        table.columns,
        tuple(table.rows),
    )


def _analyse(number: int, tables: Sequence[ParsedTable]) -> ImageAnalysis:
    """The values of an image's tables; of two tables of a kind the rows follow each other."""
    characters: list[CharacterRow] = []
    objects: list[ObjectRow] = []
    settings: list[SettingRow] = []
    for table in tables:
        for row in table.rows:
            value = row.value
            if isinstance(value, CharacterRow):
                characters.append(value)
            elif isinstance(value, ObjectRow):
                objects.append(value)
            elif isinstance(value, SettingRow):
                settings.append(value)
    return ImageAnalysis(number, tuple(characters), tuple(objects), tuple(settings))


def _iterate_lines(text: str, odd: bool) -> Iterator[tuple[int, str]]:
    """Each line with its offset, in chunks so that a long text is not held twice; ``odd``: it has other line breaks too."""
    position, length = 0, len(text)
    while position < length:
        stop = length
        if position + _CHUNK < length:
            stop = text.rfind("\n", position, position + _CHUNK) + 1 or text.find("\n", position + _CHUNK) + 1 or length
        chunk = text[position:stop]
        for line in chunk.removesuffix("\n").split("\n") if odd else chunk.splitlines():
            yield position, line
            position += len(line) + 1
        position = stop
