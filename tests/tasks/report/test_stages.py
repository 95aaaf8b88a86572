from pathlib import Path
from typing import Any

import pytest

from tasks.report.stages import count_table, gather_losses, loss_table, model_table, plural, seconds, time_table
from tests.tasks.report.films import Film, make_run
from tests.tasks.report.pages import Node, read_page


def stage(name: str, unit: str, items_in: int, items_out: int, spent: float = 1.0, **more: Any) -> dict[str, Any]:
    rest = {"shards": 4, "reused": 1, "rejected": {}, "cpu_s": 1.5, "models": {}, "seconds": spent}
    return {"name": name, "unit": unit, "items_in": items_in, "items_out": items_out, **rest, **more}


STAGES = [
    stage("ingest", "frame", 200, 190, rejected={"corrupt": 3, "a<b": 7}),
    stage("detect", "frame", 190, 190, 6.0, models={"net": "12ab"}),
    stage("draft_story", "story", 20, 20, 0.0),
    stage("ground", "story", 20, 19, 1.0, rejected={"invalid": 1}),
]


def cells(page: Node) -> list[list[str]]:
    return [[cell.text for cell in row.all("td")] for row in page.all("tr")[1:]]


def test_counts_with_reasons_most_frequent_first() -> None:
    rows = cells(read_page(count_table(STAGES)))
    assert rows[0] == ["ingest", "200 frames", "190", "", "10", "7 a<b3 corrupt"]
    assert rows[1] == ["detect", "190 frames", "190", "", "\u2013", ""]


def test_bars_are_on_the_scale_of_their_unit() -> None:
    page = read_page(count_table(STAGES))
    kept = [float(rect.attributes["width"] or 0) for rect in page.all("rect", "kept")]
    assert kept == [95, 95, 100, 95]
    assert [float(rect.attributes["width"] or 0) for rect in page.all("rect", "lost")] == [5, 5]


def test_time_shares_rates_and_reuse() -> None:
    rows = cells(read_page(time_table(STAGES)))
    assert rows[0] == [
        "ingest",
        "1.00 s",
        "",
        "12.5%",
        "200.0 frames/s",
        "1.50 s",
        *"\u2013\u2013\u2013\u2013",
        "1 of 4",
    ]
    assert rows[1][3:5] == ["75.0%", "31.7 frames/s"]
    assert rows[2][1:5] == ["0.00 s", "", "0.0%", "\u2013"]
    assert rows[3][4] == "20.0 stories/s"


def test_memory_and_bytes_and_gpu_time_where_they_were_measured() -> None:
    spent = {"gpu_s": 2.5, "peak_bytes": 1_234_000_000, "read_bytes": 9_940_000, "written_bytes": 50_000}
    (row,) = cells(read_page(time_table([{**STAGES[0], **spent}])))
    assert row[6:10] == ["2.50 s", "1,234 MB", "9.9 MB", "0.1 MB"]


def test_a_run_that_took_no_time_has_no_shares() -> None:
    assert cells(read_page(time_table([stage("ingest", "frame", 0, 0, 0.0)])))[0][3] == "0.0%"


def test_models() -> None:
    table = model_table(STAGES)
    assert table is not None
    assert cells(read_page(table)) == [["detect", "net", "12ab"]]
    assert model_table(STAGES[2:]) is None


def test_losses_are_gathered_over_shards(tmp_path: Path) -> None:
    run, refs, record = make_run(tmp_path, [Film(name="one"), Film(name="three", stories=1, rejected=1)])
    (loss,) = gather_losses(run, refs, record["stages"])
    assert (loss.stage, loss.reason, loss.unit, loss.count) == ("select", "near-duplicate", "frame", 4)
    assert [item for item, _ in loss.examples] == ["one_0", "one_1", "one_2"]
    (row,) = cells(read_page(loss_table([loss])))
    assert row[:3] == ["select", "near-duplicate", "4 frames"]
    assert row[3].endswith("and 1 other")


def test_nothing_left_out() -> None:
    assert read_page(loss_table([])).text == "Nothing was left out."


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.00 s"), (9.994, "9.99 s"), (10.0, "10.0 s"), (59.9, "59.9 s"), (65.4, "1 min 5 s"), (7322, "2 h 2 min")],
)
def test_seconds(value: float, text: str) -> None:
    assert seconds(value) == text


def test_plural() -> None:
    assert [plural(1, "frame"), plural(2, "story"), plural(1200, "frame")] == ["1 frame", "2 stories", "1,200 frames"]
