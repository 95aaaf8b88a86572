from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import SourceError
from viewer.parquet_rows import OPEN_FILES, ByteCache, ParquetRows, RowPlace


def write(folder: Path, files: int, rows: int = 10, group: int = 3) -> list[Path]:
    paths = []
    for number in range(files):
        path = folder / f"{number}.parquet"
        pq.write_table(pa.table({"a": [100 * number + row for row in range(rows)]}), path, row_group_size=group)
        paths.append(path)
    return paths


def test_rows_by_place(tmp_path: Path) -> None:
    rows = ParquetRows(write(tmp_path, OPEN_FILES + 3))
    wanted = [RowPlace(number, group, row) for number in (10, 0, 5) for group, row in ((3, 0), (0, 2), (2, 1))]
    found = rows.rows(wanted, ["a"], 2)
    assert {place: row["a"] for place, row in found.items()} == {p: 100 * p.file + 3 * p.group + p.row for p in wanted}
    assert len(rows._open) <= OPEN_FILES
    rows.close()
    assert not rows._open


def test_a_file_that_shrank_is_told(tmp_path: Path) -> None:
    rows = ParquetRows(write(tmp_path, 1))
    with pytest.raises(SourceError, match="has changed since it was opened"):
        rows.rows([RowPlace(0, 0, 7)], ["a"], 2)


def test_batches_know_where_they_begin(tmp_path: Path) -> None:
    rows = ParquetRows(write(tmp_path, 1, rows=7, group=7))
    assert [(start, batch.num_rows) for start, batch in rows.batches(0, ["a"], 0, 3)] == [(0, 3), (3, 3), (6, 1)]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 12)), max_size=60), st.integers(0, 30))
def test_a_cache_keeps_to_its_bytes_and_to_what_was_put(puts: list[tuple[int, int]], limit: int) -> None:
    cache: ByteCache[int, bytes] = ByteCache(limit, len)
    last: dict[int, bytes] = {}
    for key, size in puts:
        value = bytes(size)
        cache.put(key, value)
        last[key] = value
        assert cache.bytes <= limit
        assert cache.bytes == sum(len(v) for k in range(10) if (v := cache.get(k)) is not None)
        for k in range(10):
            assert cache.get(k) in (None, last.get(k))
        if size <= limit:
            assert cache.get(key) == value


def test_the_cache_drops_what_was_not_used() -> None:
    cache: ByteCache[str, bytes] = ByteCache(3, len)
    for key in "abc":
        cache.put(key, b"x")
    cache.get("a")
    cache.put("d", b"x")
    assert [key for key in "abcd" if cache.get(key)] == ["a", "c", "d"]
