"""The end of a build: dead letters, reasons for emptiness, the record."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from schemas.arrow import DEAD_LETTERS
from tasks.assembly import latest_run
from tasks.conclude import STAGES, explain_emptiness, gather_dead_letters
from tasks.runtime.record import StageTotals, begin_run
from tasks.runtime.stage import RunSpec
from tests.tasks.runtime.shards import spec


def totals(**rejected: dict[str, int]) -> list[StageTotals]:
    """Totals of a run in which nothing came out."""
    return [
        StageTotals(
            name,
            "story" if name in ("reidentify", "draft_analysis", "draft_story", "ground") else "frame",
            rejected=rejected.get(name, {}),
        )
        for name in STAGES
    ]


def test_no_reason_is_given_where_there_are_stories() -> None:
    found = totals(ingest={"empty": 3})
    found[-1].items_out = 1
    assert explain_emptiness(found) == ""


def test_reasons_stand_by_their_weight() -> None:
    told = explain_emptiness(
        totals(ingest={"empty": 3, "broken": 1}, select={"black": 20}, sequence={"no person": 7}, ground={"invalid": 2})
    )
    assert told == (
        "no story came out: 20 frames 'black' (select), 7 frames 'no person' (sequence), "
        "3 frames 'empty' (ingest), 2 stories 'invalid' (ground)"
    )


def test_nothing_left_out_and_nothing_come_out() -> None:
    assert explain_emptiness(totals()).startswith("no story came out")


def test_dead_letters_come_in_the_order_of_shards_and_stages(finished: tuple[Path, Path], tmp_path: Path) -> None:
    run, refs, record = latest_run(finished[1])
    count = gather_dead_letters(run, refs, tmp_path / "d.parquet")
    table = pq.read_table(tmp_path / "d.parquet")
    assert table.schema.equals(DEAD_LETTERS, check_metadata=True)
    letters = table.to_pylist()
    assert len(letters) == count == sum(sum(stage["rejected"].values()) for stage in record["stages"])
    order = [([ref.shard for ref in refs].index(row["shard"]), STAGES.index(row["stage"])) for row in letters]
    assert order == sorted(order)


def test_a_run_without_losses_has_an_empty_list(tmp_path: Path) -> None:
    assert gather_dead_letters(spec(tmp_path), [], tmp_path / "d.parquet") == 0
    assert pq.read_metadata(tmp_path / "d.parquet").num_rows == 0


def test_runs_begun_one_after_the_other_have_names_of_their_own(tmp_path: Path) -> None:
    names = {begin_run(RunSpec(str(tmp_path), "s", spec(tmp_path).config), "p", "plain").run_id for _ in range(50)}
    assert len(names) >= 2
    assert all(name[:8].isdigit() for name in names)


@pytest.mark.parametrize("name", ["latest.json", "report.html", "dead_letters.parquet"])
def test_the_end_of_a_build_is_there(finished: tuple[Path, Path], name: str) -> None:
    assert (finished[1] / name).stat().st_size > 0
    if name.endswith(".json"):
        assert json.loads((finished[1] / name).read_text())["engine"] == "plain"
