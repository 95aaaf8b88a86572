from pathlib import Path

import pytest

from schemas.errors import ConfigError, SourceError
from tests.viewer.datasets import Sample, write_dataset, write_grounding, write_stories
from viewer import places
from viewer.places import find_place


def test_a_dataset_folder(tmp_path: Path) -> None:
    place = find_place(str(write_dataset(tmp_path / "d", [Sample("1")], [Sample("2")])))
    assert [(split, path.name) for split, path in place.stories] == [
        ("train", "train-00000-of-00001.parquet"),
        ("test", "test-00000-of-00001.parquet"),
    ]
    assert [path.parent.name for path in place.grounding] == ["grounding", "grounding"]
    assert place.workspace is None


def test_a_workspace_has_its_dataset_and_what_was_saved_live(tmp_path: Path) -> None:
    write_dataset(tmp_path / "dataset", [Sample("1")])
    write_stories(tmp_path / "live" / "2026-11-22.parquet", [Sample("2")])
    (tmp_path / "workspace.json").write_text("{}")
    place = find_place(str(tmp_path))
    assert [split for split, _ in place.stories] == ["train", "live"]
    assert place.workspace == tmp_path


def test_a_file_and_the_published_layout(tmp_path: Path) -> None:
    write_stories(tmp_path / "data" / "test-00000-of-00001.parquet", [Sample("1")])
    write_stories(tmp_path / "data" / "train-00000-of-00001.parquet", [Sample("1")])
    write_grounding(tmp_path / "data" / "grounding.parquet", [Sample("1")])
    assert [split for split, _ in find_place(str(tmp_path)).stories] == ["train", "test"]
    alone = find_place(str(tmp_path / "data" / "train-00000-of-00001.parquet"))
    assert [split for split, _ in alone.stories] == ["train"]


def test_what_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="nowhere does not exist"):
        find_place("nowhere")
    with pytest.raises(ConfigError, match="no dataset in the StoryReasoning layout"):
        find_place(str(tmp_path))
    (tmp_path / "workspace.json").write_text("{}")
    with pytest.raises(ConfigError, match="holds no finished dataset: build one with"):
        find_place(str(tmp_path))


def test_a_hub_name_is_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_dataset(tmp_path / "cache", [Sample("1")])
    asked = []

    def fetch(repo_id: str, *, offline: bool) -> Path:
        asked.append((repo_id, offline))
        return tmp_path / "cache"

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(places, "fetch_dataset", fetch)
    assert find_place("me/set", offline=True).title == "me/set"
    assert asked == [("me/set", True)]


def test_a_hub_name_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(SourceError, match="me/set is not in the Hub's cache: run once without --offline"):
        find_place("me/set", offline=True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(SourceError, match="me/set is no local path and cannot be fetched from the Hub"):
        find_place("me/set")
