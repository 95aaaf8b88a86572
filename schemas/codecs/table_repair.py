"""Mending a chain of thought: only what cannot change its meaning."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from schemas.chain_of_thought import (
    ParsedChainOfThought,
    ParsedImage,
    ParsedRow,
    ParsedTable,
    render_box,
    render_images,
)
from schemas.codecs.cells import ENTITY_ID, is_normalised, read_box_numbers, read_id, read_images, read_word, round_box
from schemas.codecs.edits import Change, Edit, delete_line
from schemas.codecs.headings import read_heading
from schemas.codecs.tables import TABLES, TableKind, render_row, split_row
from schemas.faults import Fault
from schemas.geometry import Box
from schemas.text import NARRATIVE_PHASES, SETTING_ELEMENTS, PixelBox
from schemas.validation import Sizes

_ROUNDING = 1
"""Pixels by which a box may stand over its frame and still be taken for a rounding error."""

_ROW_CODES = frozenset(
    (
        "box-empty",
        "box-form",
        "box-normalised",
        "box-outside",
        "id-form",
        "phase-images",
        "pipe-escaped",
        "row-bounds",
        "row-long",
        "word-form",
    )
)
_ORDER: tuple[TableKind, ...] = ("characters", "objects", "setting")
_WORDS: dict[TableKind, Sequence[str]] = {"setting": SETTING_ELEMENTS, "narrative": NARRATIVE_PHASES}


def mend_tables(cot: ParsedChainOfThought, faults: Sequence[Fault], sizes: Sizes | None) -> Change:
    """Edits for the faults of a chain of thought that can be mended where they stand.

    Args:
        cot: the chain of thought as it was read.
        faults: its faults at the level that is wanted.
        sizes: width and height of each frame, for boxes given in shares of it.
    """
    edits: list[Edit] = []
    mended: list[Fault] = []
    for fault in faults:
        start, end = fault.span
        if fault.code == "code-fence":
            edits.append(delete_line(cot.text, start, end))
            mended.append(fault)
        elif fault.code == "heading-form":
            heading = read_heading(cot.text[start:end])
            if heading is not None and not heading.title:
                canonical = TABLES[heading.kind].heading if heading.kind else f"## Image {heading.image}"
                edits.append(Edit(start, end, canonical))
                mended.append(fault)
    starts = [fault.span.start for fault in faults]
    for number, table in _tables(cot):
        size = sizes[number - 1] if sizes is not None and 1 <= number <= len(sizes) else None
        inside = faults[bisect_left(starts, table.span.start) : bisect_right(starts, table.span.end)]
        if inside:
            change = _TableMender(cot, table, size).mend(inside)
            edits += change.edits
            mended += change.mended
    return Change(edits, mended)


def reorder_tables(cot: ParsedChainOfThought, faults: Sequence[Fault]) -> Change:
    """One edit that puts images, their tables and Narrative Structure in order, where none of them stands twice."""
    wrong = [fault for fault in faults if fault.code in ("image-order", "section-order")]
    numbers = [image.number for image in cot.images]
    kinds = [[table.kind for table in image.tables] for image in cot.images]
    unique = len(set(numbers)) == len(numbers) and all(len(set(each)) == len(each) for each in kinds)
    if not wrong or not unique or len(cot.narrative) > 1 or cot.outside:
        return Change((), ())
    start = min(
        span.start for span in (*(image.span for image in cot.images), *(table.span for table in cot.narrative))
    )
    images = [_order_sections(cot, image) for image in sorted(cot.images, key=lambda image: image.number)]
    narrative = []
    for table in cot.narrative:
        end = min(
            (image.span.start for image in cot.images if image.span.start > table.span.start), default=len(cot.text)
        )
        narrative.append(cot.text[table.span.start : end].strip())
    return Change((Edit(start, len(cot.text), "\n\n\n".join([*images, *narrative]) + "\n"),), wrong)


def _order_sections(cot: ParsedChainOfThought, image: ParsedImage) -> str:
    """The text of an image with its tables in order, each with what follows it."""
    starts = [table.span.start for table in image.tables]
    bounds = [*starts, image.span.end]
    order = sorted(range(len(starts)), key=lambda place: _ORDER.index(image.tables[place].kind))
    heading = cot.text[image.span.start : bounds[0]]
    return "\n\n".join(piece.strip() for piece in (heading, *(cot.text[bounds[at] : bounds[at + 1]] for at in order)))


def _tables(cot: ParsedChainOfThought) -> Iterator[tuple[int, ParsedTable]]:
    """Every table with the number of its image, 0 where it has none."""
    for image in cot.images:
        for table in image.tables:
            yield image.number, table
    for table in (*cot.outside, *cot.narrative):
        yield 0, table


class _TableMender:
    """Mends one table."""

    def __init__(self, cot: ParsedChainOfThought, table: ParsedTable, size: tuple[int, int] | None) -> None:
        self._cot = cot
        self._table = table
        self._spec = TABLES[table.kind]
        self._size = size
        self._edits: list[Edit] = []
        self._mended: list[Fault] = []

    def mend(self, faults: Sequence[Fault]) -> Change:
        """Edits for those of the table's ``faults`` that can be mended."""
        starts = [row.start for row in self._table.rows]
        by_row: dict[int, list[Fault]] = {}
        permuted = any(fault.code == "table-columns" for fault in faults) and self._columns_are_clear()
        for fault in faults:
            place = bisect_right(starts, fault.span.start) - 1
            if fault.code in _ROW_CODES and place >= 0 and fault.span.start <= self._table.rows[place].end:
                by_row.setdefault(place, []).append(fault)
            elif fault.code == "table-columns":
                if permuted:
                    self._change(fault, Edit(*fault.span, self._spec.header))
            else:
                self._mend_line(fault)
        for place in range(len(starts)) if permuted else sorted(by_row):
            self._mend_row(self._table.rows[place], by_row.get(place, []))
        return Change(self._edits, self._mended)

    def _change(self, fault: Fault, edit: Edit) -> None:
        self._edits.append(edit)
        self._mended.append(fault)

    def _columns_are_clear(self) -> bool:
        """Whether the columns are only in another order, and every row has them all."""
        columns = self._table.columns or ()
        widths = (len(split_row(self._cot.text[row.start : row.end])) for row in self._table.rows)
        return sorted(columns) == list(range(len(self._spec.columns))) and all(
            width == len(columns) for width in widths
        )

    def _mend_line(self, fault: Fault) -> None:
        """Headings, header lines, lines of dashes and blank lines."""
        text = self._cot.text
        start, end = fault.span
        if fault.code == "heading-missing":
            self._change(fault, Edit(start, start, f"{self._spec.heading}\n"))
        elif fault.code == "table-separator":
            self._change(fault, Edit(start, start, f"{self._spec.separator}\n"))
        elif fault.code == "table-header":
            if fault.span == self._table.header:
                self._change(fault, Edit(start, end, self._spec.header))
            elif self._table.header is None and self._is_first(fault):
                self._change(fault, Edit(start, start, f"{self._spec.header}\n"))
            else:
                self._change(fault, delete_line(text, start, end))
        elif fault.code == "table-gap":
            above = start
            while above and text[above - 1] in " \t\n":
                above -= 1
            if text[above - 1 : above] == "|":
                self._change(fault, Edit(text.index("\n", above) + 1, start, ""))

    def _is_first(self, fault: Fault) -> bool:
        """Whether a fault stands at the first line of the table below its heading."""
        first = self._table.separator or (self._table.rows[0] if self._table.rows else None)
        return first is not None and fault.span.start <= first[0]

    def _mend_row(self, row: ParsedRow, faults: Sequence[Fault]) -> None:
        """Write a row anew where all of its cells are certain."""
        line = self._cot.text[row.start : row.end]
        surplus = [line[start:end] for start, end in split_row(line)[len(self._spec.columns) :]]
        if len(split_row(line)) < len(self._spec.columns) or any(surplus):
            return
        spans = self._cot.cell_spans(self._table, row)
        cells = [self._cot.text[start:end].replace("\\|", "/") for start, end in spans]
        mended = [fault for fault in faults if self._mend_cells(fault.code, cells)]
        edit = Edit(row.start, row.end, render_row(cells))
        if edit.text != line:
            self._edits.append(edit)
            self._mended += mended

    def _mend_cells(self, code: str, cells: list[str]) -> bool:
        """Mend one kind of fault in the cells of a row; whether that could be done."""
        if code == "id-form":
            cells[0] = read_id(cells[0]) or cells[0]
            return ENTITY_ID.fullmatch(cells[0]) is not None
        if code == "word-form":
            cells[0] = read_word(cells[0], _WORDS[self._table.kind]) or cells[0]
        elif code == "phase-images":
            numbers, complete = read_images(cells[-1])
            if complete:
                cells[-1] = render_images(numbers)
            return complete
        elif code.startswith("box-"):
            box = self._mend_box(code, cells[-1])
            if box is not None:
                cells[-1] = render_box(box)
            return box is not None
        return True

    def _mend_box(self, code: str, cell: str) -> PixelBox | None:
        """The box that is meant; ``None`` where the fault cannot be mended without guessing."""
        numbers = read_box_numbers(cell)
        if numbers is None:
            return None
        if is_normalised(cell, numbers):
            if self._size is None or min(self._size) < 1 or numbers[0] >= numbers[2] or numbers[1] >= numbers[3]:
                return None
            width, height = self._size
            return Box(numbers[0] * width, numbers[1] * height, numbers[2] * width, numbers[3] * height).rounded(
                *self._size
            )
        box = round_box(numbers)
        x1, y1, x2, y2 = box
        if code == "box-empty":
            swapped = min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)
            return swapped if swapped[0] < swapped[2] and swapped[1] < swapped[3] else None
        if code == "box-outside":
            if self._size is None or min(self._size) < 1:
                return None
            clamped = Box(*map(float, box)).clamp(*self._size).rounded(*self._size)
            moved = max(abs(old - new) for old, new in zip(box, clamped, strict=True))
            return clamped if moved <= _ROUNDING else None
        return box
