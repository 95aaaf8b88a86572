"""Commands on a workspace at a URL."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.chat_scribe import answer_schema
from tests.chat_stand_in import Asked, ChatServer, running_chat
from tests.cli.conftest import Run

URL = "memory://commands/w"


@pytest.fixture
def built(run: Run, films: Path, settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a finished workspace, on a machine that has no copy of it any more."""
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.store.clear()
    monkeypatch.setenv("STORYREASONING_WORKSPACES", str(tmp_path / "builder"))
    told = run("build", films, "--workspace", URL, "--engine", "plain", "--config", settings)
    assert told.code == 0, told.err
    monkeypatch.setenv("STORYREASONING_WORKSPACES", str(tmp_path / "reader"))
    return URL


def test_a_workspace_at_a_url_is_read_like_one_here(run: Run, built: str) -> None:
    overview = json.loads(run("inspect", built, "--json").out)
    assert overview["stages"][0]["items_in"] == 31
    assert run("check", built).code == 0
    assert run("explain", built).out.startswith("3 of 3 shards were made by the last build\n")
    traced = run("trace", overview["stories"][0]["story_id"], built)
    assert traced.code == 0, "what a story stands on is fetched shard by shard"
    assert "sha256" in traced.out


def test_gc_drops_at_the_url_what_no_run_needs(
    run: Run, built: str, films: Path, settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fsspec

    system: Any = fsspec.filesystem("memory")
    with settings.open("a") as file:
        file.write("[draft]\nseed = 5\n")
    monkeypatch.setenv("STORYREASONING_WORKSPACES", str(tmp_path / "second builder"))
    assert run("build", films, "--workspace", built, "--engine", "plain", "--config", settings).code == 0
    monkeypatch.setenv("STORYREASONING_WORKSPACES", str(tmp_path / "cleaner"))  # which has seen none of it
    before = set(system.store)
    assert "would drop 0 results of shards and 0 records" in run("gc", built, "--dry-run").out
    told = json.loads(run("gc", built, "--keep", 1, "--dry-run", "--json").out)
    assert (told["dropped"], told["shards"], len(told["kept_runs"])) == (False, 9, 1)
    assert set(system.store) == before, "looking drops nothing"
    root = "/" + URL.partition("://")[2]
    assert told["bytes"] == sum(system.size(f"{root}/{name}") for name in told["files"])

    refused = system.rm_file

    def fails_for_tables(path: str) -> None:
        if path.endswith(".parquet"):
            raise OSError("503 Slow Down")
        refused(path)

    with monkeypatch.context() as broken:
        broken.setattr(type(system), "rm_file", lambda _, path: fails_for_tables(path))
        broken.setattr(type(system), "rm", lambda self, paths, **_: [self.rm_file(path) for path in paths])
        failed = run("gc", built, "--keep", 1)
    assert failed.code == 1
    assert "\n" not in failed.error
    assert "503 Slow Down" in failed.error
    left = {path for path in set(system.store) - before if not path.endswith("lock.json")}
    assert left == set(), "nothing new"
    gone = before - set(system.store)
    assert gone, "manifests go first"
    assert all(path.endswith(".json") for path in gone)

    assert run("gc", built, "--keep", 1).out.startswith("dropped 9 results of shards and 1 records")
    assert before - set(system.store) == {f"{root}/{name}" for name in told["files"]}
    again = run("build", films, "--workspace", built, "--engine", "plain", "--config", settings, "--json")
    assert not [line for line in again.out.splitlines() if json.loads(line)["event"] == "shard_started"]


def test_gc_of_a_url_without_a_workspace_makes_none(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fsspec

    monkeypatch.setenv("STORYREASONING_WORKSPACES", str(tmp_path / "cleaner"))
    told = run("gc", "memory://nothing/here")
    assert told.code != 0
    assert "memory://nothing/here holds no workspace" in told.error
    assert not [path for path in fsspec.filesystem("memory").store if path.startswith("/nothing")]


def test_a_retry_changes_what_is_at_the_url(
    run: Run, films: Path, settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fsspec

    store = fsspec.filesystem("memory").store
    store.clear()
    monkeypatch.setenv("STORYREASONING_WORKSPACES", str(tmp_path / "builder"))
    sound = True

    def answer(asked: Asked) -> str:
        return answer_schema(asked.schema, asked.key) if asked.schema and sound else "no story"

    with running_chat(ChatServer(answer=answer)) as server:
        model = ["--drafter", "llm", "--endpoint", server.url, "--model", "scribe"]
        built = run("build", films, "--workspace", URL, "--engine", "plain", "--config", settings, *model)
        assert built.code == 0, built.err
        sound = False
        settings.write_text(settings.read_text() + "\n[draft]\nseed = 5\n")
        assert run("build", films, "--workspace", URL, "--engine", "plain", "--config", settings, *model).code == 0
        given_up = json.loads(run("inspect", URL, "--json").out)
        assert not given_up["stories"]
        sound = True
        monkeypatch.setenv("STORYREASONING_WORKSPACES", str(tmp_path / "another machine"))
        retried = run("retry", URL)
        assert retried.code == 0, retried.err
        monkeypatch.setenv("STORYREASONING_WORKSPACES", str(tmp_path / "reader"))
        assert json.loads(run("inspect", URL, "--json").out)["stories"]
        assert run("retry", URL).out == "nothing was given up: nothing to try again\n"


def test_a_retry_begins_no_workspace(run: Run) -> None:
    assert "holds no workspace" in run("retry", "memory://nothing/there").error
    import fsspec

    assert not [path for path in fsspec.filesystem("memory").store if "nothing" in path]


def test_a_url_without_a_workspace(run: Run) -> None:
    assert "holds no workspace" in run("inspect", "memory://nothing/here").error
