"""Append-only files under torn ends, damage, full disks, threads."""

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import WorkspaceError
from tasks.runtime.segments import Record, SegmentWriter, read_records, segment_files


def contents(folder: Path) -> list[bytes]:
    return [one.content for path in segment_files(folder) for one in read_records(path) if isinstance(one, Record)]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path / "s")
    assert segment_files(tmp_path / "s") == [], "no file before the first record"
    records = [writer.append(text) for text in (b"a", b"", b"c d {}")]
    writer.close()
    (path,) = segment_files(tmp_path / "s")
    assert list(read_records(path)) == records
    assert contents(tmp_path / "s") == [b"a", b"", b"c d {}"]
    assert list(read_records(path, records[1].offset)) == records[1:]


@given(st.data())
def test_every_whole_record_before_a_cut_is_read_and_nothing_else(data: st.DataObject) -> None:
    texts = data.draw(st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\n", b"")), min_size=1, max_size=8))
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        writer = SegmentWriter(Path(folder))
        records = [writer.append(text) for text in texts]
        writer.close()
        (path,) = segment_files(Path(folder))
        cut = data.draw(st.integers(0, path.stat().st_size))
        os.truncate(path, cut)
        assert contents(Path(folder)) == [r.content for r in records if r.offset + r.length <= cut]


def test_a_damaged_line_costs_that_line(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path)
    records = [writer.append(text) for text in (b"first", b"second", b"third")]
    writer.close()
    (path,) = segment_files(tmp_path)
    whole = bytearray(path.read_bytes())
    whole[records[1].offset + 12] ^= 1
    path.write_bytes(whole)
    found = list(read_records(path))
    assert found == [records[0], records[2].offset, records[2]]


def test_a_record_for_which_there_is_no_room_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = SegmentWriter(tmp_path)
    writer.append(b"first")
    real = os.write

    def half(handle: int, data: bytes) -> int:
        monkeypatch.setattr(os, "write", full)
        return real(handle, data[: len(data) // 2])

    def full(handle: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(WorkspaceError, match="no space left"):
        writer.append(b"second")
    monkeypatch.setattr(os, "write", real)
    writer.append(b"third")
    writer.close()
    assert contents(tmp_path) == [b"first", b"third"]


def test_threads_share_a_writer(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path)

    def work(number: int) -> None:
        for count in range(50):
            writer.append(b"%d-%d" % (number, count))
            writer.sync()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    assert sorted(contents(tmp_path)) == sorted(b"%d-%d" % (n, c) for n in range(8) for c in range(50))


def test_processes_write_files_of_their_own(tmp_path: Path) -> None:
    writers = [SegmentWriter(tmp_path) for _ in range(3)]
    for writer in writers:
        writer.append(b"x")
    assert len(segment_files(tmp_path)) == 3


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="cannot write"):
        SegmentWriter(tmp_path / "file" / "s").append(b"x")
