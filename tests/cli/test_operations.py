"""``explain``, ``trace``, ``replay``, ``gc`` and ``deploy`` as users run them."""

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.e2e.building import digests, rows

ROOT = Path(__file__).parents[2]


def test_explain_tells_of_the_last_build(run: Run, workspace: Path) -> None:
    told = run("explain", workspace)
    assert told.code == 0
    assert told.out.startswith("3 of 3 shards were made by the last build\n")
    assert "new shard" in told.out
    assert "stands" not in told.out


def test_explain_tells_what_a_build_would_do_and_the_build_does_it(
    run: Run, workspace: Path, films: Path, settings: Path
) -> None:
    nothing = run("explain", workspace, "--config", settings, "--source", films)
    assert nothing.out.startswith("0 of 3 shards would be made anew\n")
    with settings.open("a") as file:
        file.write("[faces]\nmin_side = 9\n")
    shutil.rmtree(films / "heat")
    shutil.copytree(films / "ronin", films / "again")
    words = ["explain", workspace, "--config", settings, "--source", films]
    foreseen = run(*words)
    assert "new film: again" in foreseen.out
    assert "removed film: heat" in foreseen.out
    assert "made     faces: parameter min_side 8.0 -> 9.0\n" in foreseen.out
    lines = [json.loads(line) for line in run(*words, "--json").out.splitlines()]
    *verdicts, summary = lines
    assert summary["new_films"] == ["again"]
    expected = {(v["stage"], v["shard"]) for v in verdicts if v["made"]}
    built = run("build", films, "--workspace", workspace, "--config", settings, "--json")
    assert built.code == 0, built.err
    events = [json.loads(line) for line in built.out.splitlines()]
    assert {(e["stage"], e["shard"]) for e in events if e["event"] == "shard_done" and not e.get("reused")} == expected
    assert events[-1]["removed_films"] == ["heat"]
    past = [json.loads(line) for line in run("explain", workspace, "--json").out.splitlines()]
    assert {(v["stage"], v["shard"]) for v in past[:-1] if v["made"]} == expected
    assert past[-1]["removed_films"] == ["heat"]
    assert {v["stage"]: v["why"] for v in past if v.get("film") == "ronin"}["faces"] == [
        "parameter min_side 8.0 -> 9.0"
    ]


def test_a_build_says_which_films_are_gone(run: Run, workspace: Path, films: Path, settings: Path) -> None:
    shutil.rmtree(films / "ronin")
    told = run("build", films, "--workspace", workspace, "--config", settings)
    assert "gone: ronin is no longer in the source, its stories left the dataset\n" in told.out
    assert json.loads((workspace / "latest.json").read_text())["removed_films"] == ["ronin"]
    assert "ronin" in (workspace / "report.html").read_text()
    again = run("build", films, "--workspace", workspace, "--config", settings)
    assert "gone:" not in again.out


def test_explain_before_any_build(run: Run, tmp_path: Path) -> None:
    assert "is not a workspace: build one" in run("explain", tmp_path).error
    (tmp_path / "workspace.json").write_text('{"format": 1}')
    assert "holds no finished build: ask with --next" in run("explain", tmp_path).error
    assert "name the frames with --source" in run("explain", tmp_path, "--next").error


def test_explain_of_a_build_that_never_was(run: Run, tmp_path: Path, films: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "workspace.json").write_text('{"format": 1}')
    told = run("explain", tmp_path / "w", "--source", films)
    assert told.out.startswith("3 of 3 shards would be made anew\n")
    assert [path.name for path in (tmp_path / "w").iterdir()] == ["workspace.json"]


def test_trace(run: Run, finished: tuple[Path, Path]) -> None:
    (row, *_) = rows(finished[1])
    told = run("trace", row["story_id"], finished[1])
    assert told.code == 0
    for frame in row["frames"]:
        assert frame["source"] in told.out
        assert frame["sha256"] in told.out
    assert json.loads(run("trace", row["story_id"], finished[1], "--json").out)["story_id"] == row["story_id"]
    assert "no story '0x'" in run("trace", "0x", finished[1]).error


def test_replay(run: Run, finished: tuple[Path, Path]) -> None:
    told = run("replay", "detect", "heat", finished[1])
    assert (told.code, told.out[:26]) == (0, "identical: detect of heat-")
    assert json.loads(run("replay", "detect", "heat", finished[1], "--json").out)["identical"] is True


def test_a_replay_that_differs_fails(run: Run, finished: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.detect.choose_detections", lambda *_: [])
    told = run("replay", "detect", "heat", finished[1])
    assert told.code == 1
    assert told.out.startswith("different: detect of heat-")
    assert "column detections differs in 15 of 15 rows, first in number 1" in told.out


def test_gc(run: Run, workspace: Path, films: Path, settings: Path) -> None:
    assert "would drop 0 results of shards and 0 records" in run("gc", workspace, "--dry-run").out
    with settings.open("a") as file:
        file.write("[draft]\nseed = 5\n")
    assert run("build", films, "--workspace", workspace, "--config", settings).code == 0
    told = run("gc", workspace, "--keep", 1, "--dry-run")
    assert told.out.startswith("would drop 9 results of shards and 1 records"), "two drafting stages and the check"
    assert run("gc", workspace, "--keep", 1).out.startswith("dropped 9 results of shards and 1 records")
    again = run("build", films, "--workspace", workspace, "--config", settings, "--json")
    events = [json.loads(line) for line in again.out.splitlines()]
    assert not [e for e in events if e["event"] == "shard_started"]
    assert json.loads(run("gc", workspace, "--json").out) == {
        "dropped": True,
        "bytes": 0,
        "shards": 0,
        "kept_runs": [e["run_id"] for e in events if e["event"] == "summary"]
        + [json.loads((workspace / "latest.json").read_text())["previous"]],
        "files": [],
    }


def test_gc_keeps_what_cannot_be_made_again(run: Run, workspace: Path) -> None:
    """Stories saved from live mode, what people said of stories, what was paid for, and what was released."""
    for kept in (
        "live/live-1.parquet",
        "live/live-1.json",
        "reviews.parquet",
        "ledger/20260101T000000-1-aa.segment",
        "ledger.parquet",
        "chat/servers/a.json",
        "released.json",
    ):
        (workspace / kept).parent.mkdir(parents=True, exist_ok=True)
        (workspace / kept).write_text(kept)
    before = digests(workspace)
    # As if the last run stood on nothing that is there: all of its results go.
    latest = json.loads((workspace / "latest.json").read_text())
    (workspace / "latest.json").write_text(json.dumps({**latest, "shards": []}))
    gone = json.loads(run("gc", workspace, "--keep", 1, "--json").out)
    assert gone["shards"] > 0
    after = digests(workspace)
    assert [name for name in after if name.startswith("shards/")] == []
    outside = {name for name in before if not name.startswith(("shards/", "runs/"))} - {"latest.json"}
    assert {name: after.get(name) for name in outside} == {name: before[name] for name in outside}


def test_gc_is_refused_while_a_build_is_at_work(run: Run, workspace: Path) -> None:
    from tasks.runtime.workspace import locked_workspace

    with locked_workspace(workspace):
        assert "another build is at work" in run("gc", workspace).error
        assert run("gc", workspace, "--dry-run").code == 0
    assert "--keep must be at least 1, not 0" in run("gc", workspace, "--keep", 0).error


def test_figures_for_prometheus(run: Run, films: Path, tmp_path: Path) -> None:
    target = tmp_path / "build.prom"
    assert run("build", films, "--workspace", tmp_path / "w", "--metrics-file", target).code == 0
    assert f'storyreasoning_build_success{{workspace="{tmp_path / "w"}"}} 1.0\n' in target.read_text()
    assert run("build", tmp_path / "nothing", "--workspace", tmp_path / "w", "--metrics-file", target).code == 2
    assert f'storyreasoning_build_success{{workspace="{tmp_path / "w"}"}} 0.0\n' in target.read_text()
    wrong = run("build", films, "--workspace", tmp_path / "w", "--metrics-file", tmp_path / "no" / "m.prom")
    assert "cannot be written: give one in a folder that exists" in wrong.error


def test_a_scheduler_goes_with_dask(run: Run) -> None:
    assert run("build", "--scheduler", "tcp://127.0.0.1:1").error == "--scheduler goes with --engine dask"


def test_deploy_dry_run_says_what_would_be_made(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    told = run("deploy", "--dry-run", "--pool", "films")
    assert told.code == 0
    assert told.out.startswith("would make work pool films (process), runs in ")
    assert "deployment build-dataset/nightly on cpu: 0 3 * * * Europe/Lisbon" in told.out
    assert "deployment publish-dataset/release on cpu: no schedule" in told.out


def test_deploy_without_a_file_or_server(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    monkeypatch.chdir(tmp_path)
    assert "cannot read prefect.yaml: run in a checkout" in run("deploy").error
    assert "unknown type 'proces'; did you mean 'process'" in run("deploy", "--type", "proces").error
    monkeypatch.chdir(ROOT)
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        assert "PREFECT_API_URL is not set" in run("deploy").error
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        assert run("deploy").error.startswith("no Prefect server answers at http://127.0.0.1:9/api")
