"""The request ledger: found again, summed, shared, torn, copied to Parquet."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from schemas.arrow import CALLS
from schemas.chat_call import Call, Spent, request_key
from schemas.errors import WorkspaceError
from tasks.runtime.ledger import Ledger, read_calls
from tasks.runtime.ledger_table import write_ledger_table
from tasks.runtime.segments import segment_files
from tests.chat_requests import request

CALL = Call(
    call="c0",
    time="2026-01-01T00:00:00.000+00:00",
    request_key=request_key("m", request()),
    purpose="story",
    item="s0",
    prompt="story-v1",
    model="m",
    endpoint="host/v1",
    attempt=1,
    way="json_schema",
    outcome="answered",
    finish="stop",
    input_tokens=10,
    output_tokens=5,
    seconds=0.5,
    cost_usd=0.25,
    text='Zwei Zeilen\nund "é" \u2028 😀',
)
FAILED = replace(
    CALL, call="c1", outcome="unavailable", finish="", text="500", request_key=request_key("m", request(1))
)


def test_an_answer_is_found_and_a_failure_is_not(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    assert ledger.find(CALL.request_key) is None
    ledger.record(CALL)
    ledger.record(FAILED)
    for one in (ledger, Ledger(tmp_path)):
        assert one.find(CALL.request_key) == CALL
        assert one.find(FAILED.request_key) is None
        assert one.spent() == Spent(2, 30, 0.5)


def test_processes_see_each_other_s_answers(tmp_path: Path) -> None:
    ours, theirs = Ledger(tmp_path), Ledger(tmp_path)
    ours.record(CALL)
    assert theirs.find(CALL.request_key) == CALL
    other = replace(CALL, request_key=request_key("m", request(7)), call="c7")
    theirs.record(other)
    assert ours.find(other.request_key) == other
    assert ours.spent() == theirs.spent() == Spent(2, 30, 0.5)


def test_of_two_answers_the_first_stands(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.record(CALL)
    ledger.record(replace(CALL, call="c9", text="another"))
    found = ledger.find(CALL.request_key)
    assert found is not None
    assert found.text == CALL.text


def test_a_torn_end_is_not_read_and_costs_nothing_else(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.record(CALL)
    ledger.record(replace(CALL, call="c2", request_key=request_key("m", request(2))))
    ledger.close()
    (path,) = segment_files(tmp_path)
    os.truncate(path, path.stat().st_size - 3)
    again = Ledger(tmp_path)
    assert again.find(CALL.request_key) == CALL
    assert again.find(request_key("m", request(2))) is None
    assert again.spent().calls == 1
    assert [call.call for call in read_calls(tmp_path)] == ["c0"]


def test_a_ledger_that_changes_under_us_is_told(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.record(CALL)
    (path,) = segment_files(tmp_path)
    path.write_bytes(b"x" * path.stat().st_size)
    with pytest.raises(WorkspaceError, match="has changed under this process"):
        ledger.find(CALL.request_key)


def test_the_table_holds_every_call(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l")
    assert write_ledger_table(tmp_path / "l", tmp_path / "t.parquet") == 0
    assert not (tmp_path / "t.parquet").exists()
    for number in range(2500):
        ledger.record(replace(FAILED, call=f"{number}"))
    ledger.record(CALL)
    assert write_ledger_table(tmp_path / "l", tmp_path / "t.parquet") == 2501
    table = pq.read_table(tmp_path / "t.parquet")
    assert table.schema.equals(CALLS, check_metadata=True)
    assert table.column("call").to_pylist() == [*map(str, range(2500)), "c0"]
    assert table.column("text").to_pylist()[-1] == CALL.text
    assert pq.ParquetFile(tmp_path / "t.parquet").num_row_groups == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"purpose": "judge"}, {"item": "s9"}, {"prompt": "story-v2"}, {"system": "Sing."}, {"schema": None}, {"max_tokens": 7},
        {"temperature": 0.1}, {"top_p": 0.5}, {"seed": 1}, {"schema_name": "other"}, {"turns": ()},
    ],
)  # fmt: skip
def test_a_request_that_differs_in_anything_has_another_key(changes: dict[str, Any]) -> None:
    assert request_key("m", request(**changes)) != request_key("m", request())


def test_keys() -> None:
    from schemas.chat import Picture, Turn

    def pictured(data: bytes) -> str:
        return request_key("m", request(turns=(Turn("user", ("a", Picture(data))),)))

    assert pictured(b"1") != pictured(b"2")
    assert pictured(b"1") == pictured(b"1")
    assert request_key("m", request()) != request_key("n", request())
    text_like_a_picture = request(turns=(Turn("user", ('{"picture": "6b86b2"}',)),))
    assert len(request_key("m", text_like_a_picture)) == 32
