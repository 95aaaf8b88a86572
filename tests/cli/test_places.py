"""Commands on a workspace at a URL."""

import json
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("command", [["gc"], ["retry"]])
def test_what_changes_a_workspace_wants_it_here(run: Run, command: list[str]) -> None:
    told = run(*command, URL)
    assert told.code == 2
    assert f"works on a workspace of this machine, and {URL} is a URL" in told.error


def test_a_url_without_a_workspace(run: Run) -> None:
    assert "holds no workspace" in run("inspect", "memory://nothing/here").error
