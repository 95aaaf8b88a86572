"""Frames from Parquet and Arrow files."""

import hashlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import SampleError, SourceError
from tasks.sources.table import TableSource, download_dataset

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def table(rows: list[tuple[Any, bytes | None]], id_type: pa.DataType | None = None) -> pa.Table:
    """Rows in the GroundCap layout, with a column that nobody asks for."""
    return pa.table(
        {
            "id": pa.array([name for name, _ in rows], id_type),
            "image": pa.array([{"bytes": content, "path": None} for _, content in rows], IMAGE),
            "caption": ["..."] * len(rows),
        }
    )


def write(path: Path, rows: list[tuple[Any, bytes | None]], **options: Any) -> Path:
    """A Parquet file of such rows."""
    pq.write_table(table(rows), path, **options)
    return path


ROWS: list[tuple[Any, bytes | None]] = [(f"film_scene_1_{n}", f"image {n}".encode()) for n in range(7)]


def test_every_row_of_every_file_and_group(tmp_path: Path) -> None:
    files = [
        write(tmp_path / "0.parquet", ROWS[:5], row_group_size=2),
        write(tmp_path / "1.parquet", []),
        write(tmp_path / "2.parquet", ROWS[5:]),
    ]
    source = TableSource(files, "title")
    items = list(source.scan())
    assert [item.name for item in items] == [name for name, _ in ROWS]
    assert [item.item for item in items] == ["0:0:0", "0:0:1", "0:1:0", "0:1:1", "0:2:0", "2:0:0", "2:0:1"]
    for item, (_, content) in zip(items, ROWS, strict=True):
        assert content is not None
        assert item.sha256 == hashlib.sha256(content).hexdigest()
        assert item.bytes == len(content)
        assert source.read(item.item) == content
    assert source.ignored() == {}


def test_rows_can_be_read_in_any_order(tmp_path: Path) -> None:
    source = TableSource([write(tmp_path / "0.parquet", ROWS, row_group_size=1)], "title")
    for number in (6, 0, 3, 3, 1):
        assert source.read(f"0:{number}:0") == ROWS[number][1]


def test_a_row_without_bytes_is_an_item_that_cannot_be_read(tmp_path: Path) -> None:
    source = TableSource([write(tmp_path / "0.parquet", [("a", None), ("b", b"x")])], "title")
    first, second = source.scan()
    assert (first.sha256, first.bytes) == ("", 0)
    assert second.sha256
    with pytest.raises(SampleError, match="has no image bytes, only a path"):
        source.read(first.item)


def test_a_row_without_image(tmp_path: Path) -> None:
    rows = pa.table({"id": ["a", "b"], "image": pa.array([None, {"bytes": b"x", "path": None}], IMAGE)})
    pq.write_table(rows, tmp_path / "0.parquet")
    source = TableSource([tmp_path / "0.parquet"], "title")
    assert [item.sha256 == "" for item in source.scan()] == [True, False]


@pytest.mark.parametrize("columns", [["id"], ["image"], ["caption"], ["id", "caption"]])
def test_columns_that_are_missing_are_said(tmp_path: Path, columns: list[str]) -> None:
    pq.write_table(table(ROWS).select(columns), tmp_path / "0.parquet")
    with pytest.raises(
        SourceError, match=r"0\.parquet is not in the GroundCap layout: it needs columns 'id' and 'image'"
    ):
        list(TableSource([tmp_path / "0.parquet"], "title").scan())


@pytest.mark.parametrize("kind", [pa.binary(), pa.string(), pa.struct([("path", pa.string())])])
def test_an_image_column_of_another_type_is_said(tmp_path: Path, kind: pa.DataType) -> None:
    pq.write_table(pa.table({"id": ["a"], "image": pa.array([None], kind)}), tmp_path / "0.parquet")
    with pytest.raises(SourceError, match="is not in the GroundCap layout"):
        list(TableSource([tmp_path / "0.parquet"], "title").scan())


@pytest.mark.parametrize("kind", [pa.int64(), pa.large_string()])
def test_ids_of_other_types_become_text(tmp_path: Path, kind: pa.DataType) -> None:
    values = [7, 8] if pa.types.is_integer(kind) else ["7", "8"]
    pq.write_table(table([(value, b"x") for value in values], kind), tmp_path / "0.parquet")
    assert [item.name for item in TableSource([tmp_path / "0.parquet"], "title").scan()] == ["7", "8"]


def test_large_binary_images(tmp_path: Path) -> None:
    image = pa.struct([("bytes", pa.large_binary()), ("path", pa.string())])
    rows = pa.table({"id": ["a"], "image": pa.array([{"bytes": b"xyz", "path": None}], image)})
    pq.write_table(rows, tmp_path / "0.parquet")
    source = TableSource([tmp_path / "0.parquet"], "title")
    assert [source.read(item.item) for item in source.scan()] == [b"xyz"]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"noise" * 100])
def test_a_file_that_is_no_parquet(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "0.parquet").write_bytes(content)
    with pytest.raises(SourceError, match="cannot be read as Parquet") as caught:
        list(TableSource([tmp_path / "0.parquet"], "title").scan())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"noise" * 100])
def test_a_file_that_is_no_arrow(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "0.arrow").write_bytes(content)
    with pytest.raises(SourceError, match="cannot be read"):
        list(TableSource([tmp_path / "0.arrow"], "title").scan())


def test_files_without_rows(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no rows"):
        list(TableSource([write(tmp_path / "0.parquet", [])], "title").scan())


def test_a_file_that_changed_under_a_running_build(tmp_path: Path) -> None:
    source = TableSource([write(tmp_path / "0.parquet", ROWS)], "title")
    list(source.scan())
    write(tmp_path / "0.parquet", ROWS[:1])
    with pytest.raises(SampleError, match="row 0:0:5"):
        source.read("0:0:5")
    (tmp_path / "0.parquet").unlink()
    with pytest.raises(SampleError, match="row 0:1:0"):
        source.read("0:1:0")


def test_a_dataset_that_cannot_be_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(SourceError, match="cannot be fetched from the Hub") as caught:
        download_dataset("nobody/nothing-of-that-name")
    assert "check the name, the network, HF_TOKEN" in str(caught.value)
    assert "\n" not in str(caught.value)
