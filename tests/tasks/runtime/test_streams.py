import hashlib
import os
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.runtime.streams import HashingFile, WorkBehind


def test_the_digest_is_that_of_the_file(tmp_path: Path) -> None:
    table = pa.table({"a": [bytes(100_000), b"x"]})
    file = HashingFile(tmp_path / "a")
    with pq.ParquetWriter(file, table.schema) as parquet:
        parquet.write_table(table)
    file.close()
    assert file.sha256 == hashlib.sha256((tmp_path / "a").read_bytes()).hexdigest()
    assert pq.read_table(tmp_path / "a").equals(table)


def test_an_error_of_the_disk_comes_through_arrow_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    file = HashingFile(tmp_path / "a")
    monkeypatch.setattr(file, "write", full)
    with pytest.raises(OSError, match="No space left") as told:
        pq.ParquetWriter(file, pa.schema([("a", pa.int32())])).close()
    assert told.value.errno == 28


def test_the_disk_is_set_to_work_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.runtime.streams.SYNC_BYTES", 100)
    sizes: list[int] = []
    monkeypatch.setattr("os.fsync", lambda handle: sizes.append(os.fstat(handle).st_size))
    file = HashingFile(tmp_path / "a")
    file.write(bytes(99))
    assert sizes == []
    file.write(bytes(1))
    file.close()
    file.close()
    assert sizes == [100]


def test_an_error_of_the_disk_is_told_at_the_latest_when_the_file_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("tasks.runtime.streams.SYNC_BYTES", 1)
    monkeypatch.setattr("os.fsync", fail)
    file = HashingFile(tmp_path / "a")
    file.write(b"x")
    with pytest.raises(OSError, match="Input/output error"):
        file.close()
    assert file.closed


def test_work_is_done_in_order_beside_this_thread() -> None:
    done: list[tuple[int, int]] = []
    with WorkBehind() as behind:
        for number in range(20):
            behind.submit(lambda number=number: done.append((number, threading.get_ident())))  # type: ignore[misc]
    assert [number for number, _ in done] == list(range(20))
    assert {thread for _, thread in done}.isdisjoint({threading.get_ident()})


def test_only_one_piece_is_under_way() -> None:
    go = threading.Event()
    with WorkBehind() as behind:
        behind.submit(lambda: _wait(go))
        second = threading.Thread(target=behind.submit, args=(lambda: None,))
        second.start()
        second.join(0.05)
        assert second.is_alive(), "it waits for the first"
        go.set()
        second.join(10)


def _wait(event: threading.Event) -> None:
    event.wait(10)


def fail() -> None:
    raise ZeroDivisionError


def test_an_error_comes_out_at_the_next_piece() -> None:
    done: list[int] = []
    with pytest.raises(ZeroDivisionError), WorkBehind() as behind:
        behind.submit(fail)
        behind.submit(lambda: done.append(1))
    assert done == []


def test_an_error_comes_out_at_the_end() -> None:
    with pytest.raises(ZeroDivisionError), WorkBehind() as behind:
        behind.submit(fail)


def test_an_error_of_the_block_goes_before() -> None:
    with pytest.raises(KeyError), WorkBehind() as behind:
        behind.submit(fail)
        raise KeyError
