"""Figures for Prometheus, read back by Prometheus's own parser."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ConfigError
from tasks.runtime.metrics import exported_metrics, render_metrics

parser = pytest.importorskip("prometheus_client.parser")

RECORD: dict[str, Any] = {
    "finished": "2026-01-02T03:04:05.500+00:00",
    "wall_s": 12.5,
    "dataset": {"splits": {"train": 7, "test": 2}, "films": {"heat": "train", "ronin": "test"}},
    "removed_films": ["alien"],
    "stages": [
        {
            "name": "ingest",
            "shards": 3,
            "reused": 1,
            "items_in": 10,
            "items_out": 8,
            "rejected": {"empty": 2},
            "seconds": 1.25,
            "cpu_s": 0.5,
            "gpu_s": 0.0,
            "peak_bytes": 1000,
            "read_bytes": 20,
            "written_bytes": 30,
        },
    ],
}


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample by name and labels other than the workspace."""
    found = {}
    for family in parser.text_string_to_metric_families(text):
        assert family.type == "gauge"
        assert family.documentation
        for sample in family.samples:
            labels = {k: v for k, v in sample.labels.items() if k != "workspace"}
            found[sample.name.removeprefix("storyreasoning_"), tuple(sorted(labels.items()))] = sample.value
    return found


def test_every_figure_comes_back() -> None:
    found = samples(render_metrics("w", RECORD, True))
    ingest = (("stage", "ingest"),)
    assert found["build_success", ()] == 1
    assert found["build_seconds", ()] == 12.5
    assert found["build_finished_timestamp_seconds", ()] == 1767323045.5
    assert found["stories", (("split", "test"),)] == 2
    assert found["films", ()] == 2
    assert found["films_removed", ()] == 1
    assert found["stage_shards_reused", ingest] == 1
    assert found["stage_seconds", ingest] == 1.25
    assert found["stage_peak_memory_bytes", ingest] == 1000
    assert found["stage_rejected", (("reason", "empty"), ("stage", "ingest"))] == 2


def test_a_failed_build_keeps_the_figures_of_the_last_whole_one() -> None:
    found = samples(render_metrics("w", RECORD, False))
    assert found["build_success", ()] == 0
    assert found["build_seconds", ()] == 12.5
    assert samples(render_metrics("w", None, False)) == {("build_success", ()): 0.0}


@given(st.text())
def test_any_name_comes_back(name: str) -> None:
    record = {**RECORD, "stages": [{**RECORD["stages"][0], "rejected": {name: 1}}]}
    text = render_metrics("w", record, True)
    (line,) = (line for line in text.split("\n") if line.startswith("storyreasoning_stage_rejected{"))
    (family,) = parser.text_string_to_metric_families(line)
    assert family.samples[0].labels["reason"] == name


def test_the_file_tells_of_success_and_failure(tmp_path: Path) -> None:
    target = tmp_path / "out" / "m.prom"
    target.parent.mkdir()
    (tmp_path / "latest.json").write_text(json.dumps(RECORD))
    with exported_metrics(str(target), str(tmp_path)):
        assert not target.exists()
    assert samples(target.read_text())["build_success", ()] == 1
    with pytest.raises(ZeroDivisionError), exported_metrics(str(target), str(tmp_path)):
        raise ZeroDivisionError
    assert samples(target.read_text())["build_success", ()] == 0
    assert [path.name for path in target.parent.iterdir()] == ["m.prom"]


def test_without_a_file_nothing_is_written(tmp_path: Path) -> None:
    with exported_metrics(None, str(tmp_path)):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_is_not_there_is_said_before_any_work(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigError, match="give one in a folder that exists"),
        exported_metrics(str(tmp_path / "none" / "m.prom"), str(tmp_path)),
    ):
        raise AssertionError("no work may begin")
