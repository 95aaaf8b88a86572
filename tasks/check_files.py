"""Where the stories that ``storyreasoning check`` reads come from, and how their repaired copies are written.

Each source is read a few rows at a time and hands every story to a callback, which gives back the two texts for the copy.
A copy keeps the schema, the columns and the row groups, and appears whole or not at all.
"""

import io
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import SourceError
from schemas.faults import Fault
from schemas.model_output import locate_output
from schemas.validation import Sizes
from tasks.runtime.atomic import atomic_path

TEXT_COLUMNS = ("chain_of_thought", "story")
TEXT_SUFFIXES = (".txt", ".md")
_BATCH_ROWS = 16
_LARGE_GROUP_BYTES = 128_000_000


@dataclass(frozen=True, slots=True)
class StoryText:
    """One story to check; a text is ``None`` where the source does not claim to have it.

    ``sizes`` are the frames' widths and heights where they are known; ``file_text`` with the offsets ``starts`` of the two
    texts in it is given where they are parts of a file.
    """

    name: str
    chain_of_thought: str | None
    story: str | None
    frame_count: int | None = None
    sizes: Sizes | None = None
    file_text: str = ""
    starts: tuple[int, int] = (0, 0)

    def locate(self, fault: Fault) -> tuple[int, int]:
        """Line and column of a fault, both from 1: in the file where the texts are parts of one, else in its text."""
        if not self.file_text:
            return fault.line, fault.column
        offset = self.starts[fault.part == "story"] + fault.span.start
        line = self.file_text.count("\n", 0, offset) + 1
        return line, offset - self.file_text.rfind("\n", 0, offset)


Handle = Callable[[StoryText], tuple[str | None, str | None]]
"""Takes a story, gives its texts for the copy."""


def check_parquet(path: Path, handle: Handle, copy: Path | None, *, with_sizes: bool) -> None:
    """Hand over every row of a Parquet file, and write it to ``copy`` with the texts that come back.

    Args:
        path: a file with the columns of StoryReasoning; only the two texts are needed.
        handle: called for each row in order.
        copy: where the copy goes; ``None`` for none.
        with_sizes: read the sizes of the images from their headers, where there are images.

    Raises:
        SourceError: the file cannot be read, or has not the columns.
    """
    try:
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20) as file, ExitStack() as stack:
            names = set(file.schema_arrow.names)
            _refuse_other_layouts(str(path), file.schema_arrow)
            images = ["images"] if with_sizes and _holds_images(file.schema_arrow) else []
            wanted = [*TEXT_COLUMNS, *(name for name in ("story_id", "frame_count") if name in names), *images]
            if copy is None:
                for batch in file.iter_batches(_BATCH_ROWS, columns=wanted):
                    _handle_rows(batch.to_pylist(), handle)
                return
            writer = stack.enter_context(_open_copy(file, stack.enter_context(atomic_path(copy))))
            for table in _iterate_tables(file):
                texts = []
                for start in range(0, table.num_rows, _BATCH_ROWS):
                    texts += _handle_rows(table.select(wanted).slice(start, _BATCH_ROWS).to_pylist(), handle)
                writer.write_table(_replace_texts(table, texts), row_group_size=max(1, table.num_rows))
    except pa.ArrowException as error:
        raise SourceError(f"{path} cannot be read as Parquet: {error}") from error


def check_text(path: Path, handle: Handle, copy: Path | None) -> None:
    """Hand over a text file: a model's answer, or one of the two texts alone; an empty file is an empty answer.

    Raises:
        SourceError: the file cannot be read.
    """
    try:
        # Line ends stay as they are, for odd ones are faults.
        text = path.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from error
    before, after = locate_output(text)
    cot: str | None = text[before.start : before.end]
    story: str | None = text[after.start : after.end]
    marked = "think>" in text.lower()
    if not marked and text.strip():
        cot = cot if cot and cot.strip() else None
        story = story if story and story.strip() else None
    given = StoryText(path.name, cot, story, file_text=text, starts=(before.start, after.start))
    cot, story = handle(given)
    if copy is not None:
        mended = [text[: before.start], cot or "", text[before.end : after.start], story or "", text[after.end :]]
        with atomic_path(copy) as temporary:
            temporary.write_bytes("".join(mended).encode("utf-8", errors="surrogatepass"))


def check_hub(name: str, handle: Handle, copy: Path | None, *, with_sizes: bool) -> None:
    """Hand over every row of a dataset on the Hub (or in a folder that ``datasets`` understands), streamed.

    Args:
        name: ``owner/name``.
        handle: called for each row in order.
        copy: folder for the copy, one Parquet file a split below ``data/``; ``None`` for none.
        with_sizes: read the sizes of the images from their headers.

    Raises:
        SourceError: it cannot be reached, or has not the columns.
    """
    import datasets

    try:
        splits = datasets.load_dataset(name, streaming=True)
        for split, rows in splits.items():
            features = datasets.Features(rows.features or {})
            _refuse_other_layouts(name, features.arrow_schema)
            if "images" in features:
                kept = [column for column in features if column != "images"]
                undecoded = datasets.List(datasets.Image(decode=False))
                whole = with_sizes or copy is not None
                rows = rows.cast_column("images", undecoded) if whole else rows.select_columns(kept)
            target = None if copy is None else copy / "data" / f"{split}-00000-of-00001.parquet"
            _check_stream(rows, features.arrow_schema, handle, target)
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        first = str(error).strip().splitlines()
        told = first[0] if first else type(error).__name__
        raise SourceError(f"{name} is no local path and cannot be read from the Hub: {told}") from error


def _check_stream(rows: Any, schema: pa.Schema, handle: Handle, copy: Path | None) -> None:
    with ExitStack() as stack:
        writer = None
        if copy is not None:
            temporary = stack.enter_context(atomic_path(copy))
            writer = stack.enter_context(pq.ParquetWriter(temporary, schema, write_page_index=True))
        for batch in rows.iter(batch_size=_BATCH_ROWS):
            columns = list(batch)
            records = [dict(zip(columns, values, strict=True)) for values in zip(*batch.values(), strict=True)]
            texts = _handle_rows(records, handle)
            if writer is not None:
                writer.write_table(_replace_texts(pa.Table.from_pylist(records, schema=schema), texts))


def _handle_rows(rows: Sequence[Mapping[str, Any]], handle: Handle) -> list[tuple[str | None, str | None]]:
    texts = []
    for row in rows:
        images, count = row.get("images"), row.get("frame_count")
        given = StoryText(
            name=str(row.get("story_id", "")),
            chain_of_thought=row["chain_of_thought"] or "",
            story=row["story"] or "",
            frame_count=count if isinstance(count, int) else None,
            sizes=None if images is None else [read_size(image) for image in images],
        )
        texts.append(handle(given))
    return texts


def read_size(image: Mapping[str, Any] | None) -> tuple[int, int] | None:
    """Width and height of a stored image from its header; ``None`` when they cannot be told."""
    from PIL import Image

    content = image.get("bytes") if image else None
    if not content:
        return None
    try:
        with warnings.catch_warnings():
            # The size is all that is read: no pixel is decoded, so a huge one does no harm.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content)) as opened:
                return opened.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _refuse_other_layouts(title: str, schema: pa.Schema) -> None:
    missing = [name for name in TEXT_COLUMNS if name not in schema.names]
    if missing:
        raise SourceError(f"{title} is not in the StoryReasoning layout: it has no column {', '.join(missing)}")
    for name in TEXT_COLUMNS:
        kind = schema.field(name).type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
            raise SourceError(f"{title} is not in the StoryReasoning layout: its column {name} holds {kind}, not text")


def _holds_images(schema: pa.Schema) -> bool:
    """Whether ``images`` is a list of structs with ``bytes``."""
    if "images" not in schema.names:
        return False
    kind = schema.field("images").type
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    return bool(is_list and pa.types.is_struct(kind.value_type) and kind.value_type.get_field_index("bytes") >= 0)


def _iterate_tables(file: pq.ParquetFile) -> Iterator[pa.Table]:
    """The row groups of a file; very large ones in pieces."""
    for group in range(file.num_row_groups):
        if file.metadata.row_group(group).total_byte_size <= _LARGE_GROUP_BYTES:
            yield file.read_row_group(group)
        else:
            for batch in file.iter_batches(_BATCH_ROWS, row_groups=[group]):
                yield pa.Table.from_batches([batch])


def _open_copy(file: pq.ParquetFile, path: Path) -> pq.ParquetWriter:
    """A writer with the schema, its metadata and the compression of each column of ``file``."""
    compression: dict[str, str] = {}
    if file.num_row_groups:
        group = file.metadata.row_group(0)
        for place in range(group.num_columns):
            column = group.column(place)
            codec = column.compression.lower().removesuffix("_raw")
            compression[column.path_in_schema] = "none" if codec == "uncompressed" else codec
    return pq.ParquetWriter(path, file.schema_arrow, compression=compression or "snappy", write_page_index=True)


def _replace_texts(table: pa.Table, texts: Sequence[tuple[str | None, str | None]]) -> pa.Table:
    """The table with new texts; a text that is missing stays missing when nothing was put there."""
    for column, name in enumerate(TEXT_COLUMNS):
        place = table.schema.get_field_index(name)
        old = table.column(place).to_pylist()
        new = [pair[column] if was is not None or pair[column] else None for pair, was in zip(texts, old, strict=True)]
        if new != old:
            field = table.schema.field(place)
            table = table.set_column(place, field, pa.array(new, type=field.type))
    return table
