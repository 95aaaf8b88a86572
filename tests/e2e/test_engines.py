"""Every engine writes the same bytes, and says the same when something fails."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.chat_stand_in import FAULTS, ChatServer, running_chat
from tests.e2e.building import CONFIG, STAGES, build, digests, rows, temporaries
from tests.e2e.test_llm_build import write

ROOT = Path(__file__).parents[2]
MAIN = "import sys; from tests import fakes; fakes.install(); from cli.main import main; sys.exit(main(sys.argv[1:]))"

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect")]


Sections = Mapping[str, Mapping[str, object]]


def run_build(
    engine: str,
    films: Path | str,
    workspace: Path | str,
    tmp_path: Path,
    main: str = MAIN,
    sections: Sections = CONFIG,
    **variables: str,
) -> "subprocess.CompletedProcess[str]":
    """Build by the command line in a process of its own, with a Prefect of its own."""
    command, environment = make_command(engine, films, workspace, tmp_path, main, sections, **variables)
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)


def make_command(
    engine: str,
    films: Path | str,
    workspace: Path | str,
    tmp_path: Path,
    main: str = MAIN,
    sections: Sections = CONFIG,
    **variables: str,
) -> tuple[list[str], dict[str, str]]:
    """The command of such a build, and its environment."""
    settings = tmp_path / "my.toml"
    lines = [
        line
        for name, values in sections.items()
        for line in (f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items()))
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
        **variables,
    }
    environment.pop("PREFECT_API_URL", None)
    words = ["build", films, "--workspace", workspace, "--config", settings, "--engine", engine, "--json"]
    command = [sys.executable, "-c", main, *map(str, words)]
    return command, environment


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


@pytest.mark.parametrize("engine", ["threads", "dask"])
def test_an_engine_drafts_the_same_bytes(engine: str, films: Path, tmp_path: Path) -> None:
    """A server that fails every third time, asked by threads, by two processes, and by this one."""
    if engine == "dask":
        pytest.importorskip("prefect_dask")

    def server() -> ChatServer:
        return ChatServer(answer=write, fault_share=0.3, faults=FAULTS)

    with running_chat(server()) as first:
        chat = {"endpoints": [first.url], "model": "scribe"}
        build(films, tmp_path / "plain", chat=chat, draft={"drafter": "llm"})
    with running_chat(server()) as second:
        sections = {**CONFIG, "chat": {**chat, "endpoints": [second.url]}, "draft": {"drafter": "llm"}}
        done = run_build(engine, films, tmp_path / "w", tmp_path, sections=sections)
        assert done.returncode == 0, done.stderr
        assert max(second.accepted.values()) == 1, "no request was repeated that was answered"
        assert second.accepted == first.accepted
    assert digests(tmp_path / "w" / "dataset") == digests(tmp_path / "plain" / "dataset")
    assert rows(tmp_path / "w") == rows(tmp_path / "plain")


@pytest.mark.parametrize("engine", ["plain", "threads"])
def test_an_interrupted_build_does_not_wait_for_slow_answers(engine: str, films: Path, tmp_path: Path) -> None:
    with running_chat(ChatServer(answer=write, latency_s=100.0)) as server:
        sections = {
            **CONFIG,
            "chat": {"endpoints": [server.url], "model": "scribe", "structured": "json_schema"},
            "draft": {"drafter": "llm"},
        }
        command, environment = make_command(engine, films, tmp_path / "w", tmp_path, sections=sections)
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        deadline = time.monotonic() + 100
        while not server.asked and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert server.asked, "nobody was asked"
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert told.splitlines()[-1] == "interrupted: what is finished is kept; run the same command to go on"
    assert "Traceback" not in told
    assert temporaries(tmp_path / "w") == []


def test_a_worker_killed_in_the_middle_of_a_shard_changes_no_byte(
    films: Path, finished: tuple[Path, Path], tmp_path: Path
) -> None:
    """Two worker processes; one is killed by SIGKILL while it detects, with a half-written shard on the disk."""
    pytest.importorskip("prefect_dask")
    sign = tmp_path / "killed"
    done = run_build(
        "dask",
        films,
        tmp_path / "w",
        tmp_path,
        DASK_DISTRIBUTED__WORKER__PRELOAD="tests.e2e.dask_killed",
        STORYREASONING_SIGN=str(sign),
    )
    assert done.returncode == 0, done.stderr
    assert sign.exists(), "nobody was killed"
    assert digests(tmp_path / "w" / "dataset") == digests(finished[1] / "dataset")
    assert temporaries(tmp_path / "w") == []
    events = [json.loads(line) for line in done.stdout.splitlines()]
    ended = [(e["stage"], e["shard"]) for e in events if e["event"] == "shard_done"]
    assert len(ended) == len(set(ended)) == 3 * len(STAGES), "the end of every shard is told once"
    begun = [(e["stage"], e["shard"]) for e in events if e["event"] == "shard_started"]
    assert set(begun) == set(ended), "workers are heard while they are at it"
    order = [e["event"] for e in events if e.get("stage") == "ingest" and e["event"] != "stage"]
    assert order[0] == "shard_started"


CLUSTER = """
import sys
from pathlib import Path
from distributed import LocalCluster
from prefect.settings import PREFECT_LOGGING_LEVEL, temporary_settings
from schemas.errors import StoryReasoningError
from tests.e2e.building import config

if __name__ == "__main__":
    from flows.build_dataset import build_dataset
    import tasks.runtime.record as record
    films, workspace = sys.argv[1:3]
    version = record.code_version
    with LocalCluster(n_workers=1, threads_per_worker=2, host="127.0.0.1", dashboard_address=None) as cluster:
        for told in ("9.9+0", version()):
            record.code_version = lambda: told
            try:
                build_dataset(films, workspace, config(), "dask", "test", scheduler=cluster.scheduler_address)
                print("done")
            except StoryReasoningError as error:
                print(error)
    try:
        build_dataset(films, workspace, config(), "dask", "test", scheduler="tcp://127.0.0.1:9")
    except StoryReasoningError as error:
        print(error.exit_code, error)
"""


def test_workers_of_a_cluster_that_is_there(films: Path, finished: tuple[Path, Path], tmp_path: Path) -> None:
    """Refused while their code is another than the flow's; used when it is the same; and no cluster is said in one line."""
    pytest.importorskip("prefect_dask")
    environment = {
        **os.environ,
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_PROFILES_PATH": str(tmp_path / "prefect" / "profiles.toml"),
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        "PREFECT_LOGGING_LEVEL": "CRITICAL",
        "DASK_DISTRIBUTED__WORKER__PRELOAD": "tests.e2e.dask_models",
        "PYTHONPATH": str(ROOT),
        "DO_NOT_TRACK": "1",
    }
    environment.pop("PREFECT_API_URL", None)
    script = tmp_path / "cluster.py"
    script.write_text(CLUSTER)
    done = subprocess.run(
        [sys.executable, script, films, tmp_path / "w"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    refused, built, nobody = done.stdout.splitlines()[-3:]
    assert "and the build 9.9+0: install the same version on every worker and restart it" in refused
    assert built == "done"
    assert nobody == "2 no Dask scheduler answers at tcp://127.0.0.1:9: start one with 'dask scheduler'"
    assert digests(tmp_path / "w" / "dataset") == digests(finished[1] / "dataset")
    assert temporaries(tmp_path / "w") == []


FAILING = """
import sys
from tests import fakes
fakes.install()
import tasks.composer_rows
compose = tasks.composer_rows.compose_analysis
def fail(evidence, params):
    if evidence.film == "heat":
        raise RuntimeError("out of words")
    return compose(evidence, params)
tasks.composer_rows.compose_analysis = fail
from cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_failing_shard_is_one_line_on_threads_too(films: Path, finished: tuple[Path, Path], tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    done = run_build("threads", films, workspace, tmp_path, FAILING)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert line.startswith("error: 1 of 3 shards failed: draft_analysis failed on shard heat-")
    assert "RuntimeError: out of words; the rest is kept, run again to continue" in line
    stands = {p.parent.parent.name for p in (workspace / "shards").rglob("ronin-*/*.json")}
    assert stands >= set(STAGES), "the other films went on to the end"
    again = run_build("plain", films, workspace, tmp_path)
    fresh = [
        (e["stage"], e["shard"].split("-")[0])
        for e in map(json.loads, again.stdout.splitlines())
        if e["event"] == "shard_done" and not e.get("reused")
    ]
    assert fresh == [("draft_analysis", "heat"), ("draft_story", "heat"), ("ground", "heat")]
    assert digests(workspace / "dataset") == digests(finished[1] / "dataset")
