from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.config import ExportConfig
from tasks.exporting.parquet import CONFIGS, SplitWriter
from tasks.exporting.rows import image_structs


def story_row(number: int) -> dict[str, Any]:
    """A row of the five columns but for the images."""
    return {
        "story_id": str(number),
        "frame_count": 1,
        "chain_of_thought": "...",
        "story": "...",
    }


def picture(content: bytes) -> pa.StructArray:
    """The images of a story of one frame."""
    return image_structs(pa.array([content], pa.binary()), ["a.jpg"])


def written(folder: Path) -> dict[str, list[str]]:
    """Story ids of each file."""
    return {p.name: pq.read_table(p).column("story_id").to_pylist() for p in sorted(folder.glob("*.parquet"))}


def test_files_are_named_as_the_hub_expects(tmp_path: Path) -> None:
    with SplitWriter(tmp_path, "default", "train", ExportConfig(shard_bytes=250, rows_per_group=1)) as writer:
        for number in range(5):
            writer.write(story_row(number), picture(bytes(100)))
    assert written(tmp_path / "default") == {
        "train-00000-of-00002.parquet": ["0", "1", "2"],
        "train-00001-of-00002.parquet": ["3", "4"],
    }


def test_a_split_without_stories_is_one_file_without_rows(tmp_path: Path) -> None:
    for config, schema in CONFIGS.items():
        with SplitWriter(tmp_path, config, "test", ExportConfig()):
            pass
        (path,) = (tmp_path / config).iterdir()
        assert path.name == "test-00000-of-00001.parquet"
        table = pq.read_table(path)
        assert table.num_rows == 0
        assert table.schema.metadata == schema.metadata


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_row_groups_are_bounded_in_rows(tmp_path: Path, limit: int) -> None:
    with SplitWriter(tmp_path, "default", "train", ExportConfig(rows_per_group=limit)) as writer:
        for number in range(7):
            writer.write(story_row(number), picture(b""))
    (path,) = (tmp_path / "default").iterdir()
    meta = pq.read_metadata(path)
    assert [meta.row_group(i).num_rows for i in range(meta.num_row_groups)] == [
        min(limit, 7 - start) for start in range(0, 7, limit)
    ]


def test_row_groups_are_bounded_in_image_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.exporting.parquet.GROUP_BYTES", 1000)
    with SplitWriter(tmp_path, "default", "train", ExportConfig()) as writer:
        for number in range(6):
            writer.write(story_row(number), picture(bytes(400)))
    (path,) = (tmp_path / "default").iterdir()
    assert pq.read_metadata(path).num_row_groups == 2


def test_images_are_stored_as_they_are_and_texts_are_compressed(tmp_path: Path) -> None:
    with SplitWriter(tmp_path, "default", "train", ExportConfig()) as writer:
        writer.write(story_row(1), picture(bytes(1000)))
    (path,) = (tmp_path / "default").iterdir()
    group = pq.read_metadata(path).row_group(0)
    found = {group.column(i).path_in_schema: group.column(i).compression for i in range(group.num_columns)}
    assert found.pop("images.list.element.bytes") == "UNCOMPRESSED"
    assert set(found.values()) == {"ZSTD"}
    assert group.column(0).has_offset_index, "a page index lets readers skip"


def test_a_failing_writer_closes_its_file(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), SplitWriter(tmp_path, "default", "train", ExportConfig()) as writer:
        writer.write(story_row(1), picture(b""))
        raise ZeroDivisionError
    assert not list((tmp_path / "default").glob("*.parquet"))


@settings(max_examples=20)
@given(st.lists(st.lists(st.binary(max_size=40), min_size=1, max_size=4), min_size=1, max_size=6), st.integers(1, 4))
def test_images_come_back_however_they_were_held(
    tmp_path_factory: pytest.TempPathFactory, stories: list[list[bytes]], rows: int
) -> None:
    folder = tmp_path_factory.mktemp("split")
    whole = pa.array([image for images in stories for image in images], pa.binary())
    with SplitWriter(folder, "default", "train", ExportConfig(rows_per_group=rows)) as writer:
        at = 0
        for number, images in enumerate(stories):
            piece = whole.slice(at, len(images))
            at += len(images)
            writer.write(story_row(number), image_structs(piece, [f"{k}.jpg" for k in range(len(images))]))
    (path,) = (folder / "default").iterdir()
    found = pq.read_table(path).column("images").to_pylist()
    assert [[image["bytes"] for image in images] for images in found] == stories
    assert [[image["path"] for image in images] for images in found] == [
        [f"{k}.jpg" for k in range(len(images))] for images in stories
    ]


def test_nobody_looks_for_the_least_image(tmp_path: Path) -> None:
    with SplitWriter(tmp_path, "default", "train", ExportConfig()) as writer:
        writer.write(story_row(1), picture(bytes(1000)))
    (path,) = (tmp_path / "default").iterdir()
    group = pq.read_metadata(path).row_group(0)
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    assert not columns["images.list.element.bytes"].is_stats_set
    assert columns["images.list.element.bytes"].has_offset_index
    assert columns["story_id"].is_stats_set
