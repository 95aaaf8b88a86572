"""Commands on a workspace at a URL."""

import json
from pathlib import Path

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


def test_what_drops_files_wants_them_here(run: Run) -> None:
    told = run("gc", URL)
    assert told.code == 2
    assert f"works on a workspace of this machine, and {URL} is a URL" in told.error


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
