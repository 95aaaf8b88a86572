"""Every engine writes the same bytes, and says the same when something fails."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.building import CONFIG, STAGES, digests, temporaries

ROOT = Path(__file__).parents[2]
MAIN = "import sys; from tests import fakes; fakes.install(); from cli.main import main; sys.exit(main(sys.argv[1:]))"

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect")]


def run_build(
    engine: str, films: Path, workspace: Path, tmp_path: Path, main: str = MAIN
) -> "subprocess.CompletedProcess[str]":
    """Build by the command line in a process of its own, with a Prefect of its own."""
    settings = tmp_path / "my.toml"
    lines = [
        line for name, values in CONFIG.items() for line in (f"[{name}]", *(f"{k} = {v}" for k, v in values.items()))
    ]
    settings.write_text("\n".join(lines))
    environment = {
        **os.environ,
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_PROFILES_PATH": str(tmp_path / "prefect" / "profiles.toml"),
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        "DASK_DISTRIBUTED__WORKER__PRELOAD": "tests.e2e.dask_models",
        "PYTHONPATH": str(ROOT),
        "PYTHONHASHSEED": "77",
    }
    environment.pop("PREFECT_API_URL", None)
    words = ["build", films, "--workspace", workspace, "--config", settings, "--engine", engine, "--json"]
    command = [sys.executable, "-c", main, *map(str, words)]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("engine", ["threads", "dask"])
def test_an_engine_writes_the_same_bytes(engine: str, films: Path, finished: tuple[Path, Path], tmp_path: Path) -> None:
    if engine == "dask":
        pytest.importorskip("prefect_dask")
    done = run_build(engine, films, tmp_path / "w", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    for stage in summary["stages"]:
        assert stage["items_in"] == stage["items_out"] + sum(stage["rejected"].values())
        assert stage["shards"] == 3
        assert stage["reused"] == 0
    assert digests(tmp_path / "w" / "dataset") == digests(finished[1] / "dataset")
    assert temporaries(tmp_path / "w") == []


FAILING = """
import sys
from tests import fakes
fakes.install()
import tasks.draft
compose = tasks.draft.compose
def fail(evidence, params):
    if evidence.film == "heat":
        raise RuntimeError("out of words")
    return compose(evidence, params)
tasks.draft.compose = fail
from cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_failing_shard_is_one_line_on_threads_too(films: Path, finished: tuple[Path, Path], tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    done = run_build("threads", films, workspace, tmp_path, FAILING)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert line.startswith("error: 1 of 3 shards failed: draft failed on shard heat-")
    assert "RuntimeError: out of words; the rest is kept, run again to continue" in line
    stands = {p.parent.parent.name for p in (workspace / "shards").rglob("ronin-*/*.json")}
    assert stands >= set(STAGES), "the other films went on to the end"
    again = run_build("plain", films, workspace, tmp_path)
    fresh = [
        (e["stage"], e["shard"].split("-")[0])
        for e in map(json.loads, again.stdout.splitlines())
        if e["event"] == "shard_done" and not e.get("reused")
    ]
    assert fresh == [("draft", "heat"), ("ground", "heat")]
    assert digests(workspace / "dataset") == digests(finished[1] / "dataset")
