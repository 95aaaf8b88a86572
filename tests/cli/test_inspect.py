"""``storyreasoning inspect``: what is there, and one story by id, beginning or place."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import Run
from tests.e2e.building import rows


@pytest.fixture
def stories(finished: tuple[Path, Path]) -> list[str]:
    """Ids in the order of the list."""
    found = rows(finished[1], "default")
    return [r["story_id"] for r in sorted(found, key=lambda r: r["split"] != "train")]


def test_an_overview_of_a_workspace(run: Run, finished: tuple[Path, Path], stories: list[str]) -> None:
    done = run("inspect", finished[1])
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0] == f"{finished[1]}: {len(stories)} stories"
    record = json.loads((finished[1] / "latest.json").read_text())
    for stage in record["stages"]:
        (line,) = (line for line in lines if line.startswith(stage["name"]))
        assert line.split()[1:3] == [str(stage["items_in"]), str(stage["items_out"])]
        assert all(f"{count} {reason}" in line for reason, count in stage["rejected"].items())
    assert "1 empty" in done.out
    listed = [line.split()[1] for line in lines if line.strip() and line.split()[0].isdigit()]
    assert listed == stories


def test_an_overview_as_json(run: Run, finished: tuple[Path, Path], stories: list[str]) -> None:
    value = json.loads(run("inspect", finished[1], "--json").out)
    assert [s["story_id"] for s in value["stories"]] == stories
    assert next(s["name"] for s in value["stages"]) == "ingest"


@pytest.mark.parametrize("place", ["dataset", "dataset/default"])
def test_a_dataset_on_its_own(run: Run, finished: tuple[Path, Path], stories: list[str], place: str) -> None:
    done = run("inspect", finished[1] / place)
    assert done.code == 0
    assert all(story in done.out for story in stories)
    assert "stage" not in done.out


def test_one_file(run: Run, finished: tuple[Path, Path]) -> None:
    path = next((finished[1] / "dataset" / "default").glob("train-*.parquet"))
    done = run("inspect", path)
    assert done.code == 0
    assert f"{pq.read_metadata(path).num_rows} stories" in done.out


def test_a_story_by_id_beginning_and_place(run: Run, finished: tuple[Path, Path], stories: list[str]) -> None:
    for number, story in enumerate(stories, start=1):
        whole = run("inspect", finished[1], story).out
        assert whole.startswith(f"story {story} (")
        assert run("inspect", finished[1], number).out == whole
        assert run("inspect", finished[1], story[:-1]).out == whole
        assert "--- tables ---" in whole
        assert "## Image 1" in whole
        assert "<gdi image1>" in whole
        telling = whole.split("--- tables ---")[0]
        assert "<" not in telling, "the telling is plain text"
        assert "[image 1]" in telling


def test_a_story_as_json(run: Run, finished: tuple[Path, Path], stories: list[str]) -> None:
    value = json.loads(run("inspect", finished[1], stories[0], "--json").out)
    assert value["story_id"] == stories[0]
    assert set(value) == {"split", "story_id", "frame_count", "chain_of_thought", "story"}


@pytest.mark.parametrize("wanted", ["0", "99", "99999", "123456789", "abc", "", "²", "١"])
def test_a_story_that_is_not_there(run: Run, finished: tuple[Path, Path], wanted: str) -> None:
    done = run("inspect", finished[1], wanted)
    assert done.code == 2
    assert f"no story '{wanted}' in {finished[1]}" in done.error or "begins the ids of" in done.error


def dataset(folder: Path, *ids: str) -> Path:
    """A small dataset of stories without content."""
    folder.mkdir()
    columns = {"story_id": list(ids), "frame_count": pa.array([0] * len(ids), pa.int32())}
    texts = {"chain_of_thought": [""] * len(ids), "story": [""] * len(ids)}
    pq.write_table(pa.table({**columns, **texts}), folder / "train-00000-of-00001.parquet")
    return folder


def test_a_beginning_of_several_ids(run: Run, tmp_path: Path) -> None:
    place = dataset(tmp_path / "d", "12345678", "12345699", "5")
    done = run("inspect", place, "123456")
    assert "'123456' begins the ids of 2 stories" in done.error
    assert run("inspect", place, "1234567").out.startswith("story 12345678 (")
    assert run("inspect", place, "5").out.startswith("story 5 ("), "an id goes before a place"
    assert run("inspect", place, "2").out.startswith("story 12345699 (")


def test_a_dataset_without_stories(run: Run, tmp_path: Path) -> None:
    place = dataset(tmp_path / "d")
    assert "0 stories" in run("inspect", place).out
    assert "no story '1'" in run("inspect", place, "1").error


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"", "cannot be read as Parquet"), (b"noise" * 100, "cannot be read as Parquet")],
)
def test_a_damaged_dataset(run: Run, tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "train-0.parquet").write_bytes(content)
    assert told in run("inspect", tmp_path).error
    assert told in run("inspect", tmp_path / "train-0.parquet").error


def test_a_dataset_of_another_kind(run: Run, tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["x"]}), tmp_path / "train-0.parquet")
    assert "is not in the StoryReasoning layout: no column story_id" in run("inspect", tmp_path).error


@pytest.mark.parametrize("name", ["missing", "x" * 300])
def test_a_place_that_is_not_there(run: Run, tmp_path: Path, name: str) -> None:
    assert run("inspect", tmp_path / name).error


def test_an_empty_folder(run: Run, tmp_path: Path) -> None:
    assert "holds no finished dataset: build one with" in run("inspect", tmp_path).error


@pytest.mark.parametrize("content", ["", "{", "null", "[]", "{}", "5", '{"source": 1}'])
def test_a_damaged_record_hides_no_story(run: Run, workspace: Path, stories: list[str], content: str) -> None:
    (workspace / "latest.json").write_text(content)
    done = run("inspect", workspace)
    assert done.code == 0
    assert stories[0] in done.out
