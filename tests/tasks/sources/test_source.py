"""What a text names: a folder, tables, or a dataset of the Hub."""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import SourceError
from tasks.sources.folder import FolderSource
from tasks.sources.source import open_source
from tasks.sources.table import TableSource

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def table(*names: str) -> pa.Table:
    """Rows in the GroundCap layout."""
    return pa.table(
        {
            "id": pa.array(names, pa.string()),
            "image": pa.array([{"bytes": n.encode(), "path": None} for n in names], IMAGE),
        }
    )


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The Hub is never asked; the names that it would have been asked for."""
    asked: list[str] = []

    def download(repo_id: str) -> list[Path]:
        asked.append(repo_id)
        raise SourceError(f"{repo_id} is no local path and cannot be fetched")

    monkeypatch.setattr("tasks.sources.table.download_dataset", download)
    return asked


def test_a_folder_of_images(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"1")
    assert isinstance(open_source(str(tmp_path)), FolderSource)


def test_an_empty_folder_is_found_empty_when_it_is_scanned(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no images"):
        list(open_source(str(tmp_path)).scan())


def test_tables_in_a_folder_go_before_images(tmp_path: Path) -> None:
    (tmp_path / "thumbnail.jpg").write_bytes(b"1")
    (tmp_path / "data").mkdir()
    pq.write_table(table("film_scene_1_1"), tmp_path / "data" / "train-0.parquet")
    source = open_source(str(tmp_path))
    assert isinstance(source, TableSource)
    assert [item.name for item in source.scan()] == ["film_scene_1_1"]


def test_one_table(tmp_path: Path) -> None:
    pq.write_table(table("a"), tmp_path / "heat.parquet")
    source = open_source(str(tmp_path / "heat.parquet"))
    assert isinstance(source, TableSource)
    assert source.title == "heat"


def test_tables_of_a_workspace_below_the_folder_are_no_source(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"1")
    (tmp_path / "w" / "shards").mkdir(parents=True)
    (tmp_path / "w" / "workspace.json").write_text('{"format": 1}')
    (tmp_path / "w" / ".lock").touch()
    pq.write_table(pa.table({"x": [1]}), tmp_path / "w" / "shards" / "k.parquet")
    assert isinstance(open_source(str(tmp_path)), FolderSource)


@pytest.mark.parametrize("name", ["picture.jpg", "notes.txt", "film"])
def test_a_file_of_another_kind(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(
        SourceError, match="is a file of another kind: give a folder of images, a Parquet file, a video or"
    ):
        open_source(str(tmp_path / name))


@pytest.mark.parametrize("text", ["no/such/folder", "./frames", "/no/such", "frames", "../x/y", "a/b/c", "~/no/such"])
def test_a_missing_folder_does_not_go_to_the_hub(text: str, no_network: list[str]) -> None:
    with pytest.raises(SourceError, match=r"does not exist: give a folder of images, a Parquet file, .*or owner/name"):
        open_source(text)
    assert no_network == []


def test_owner_and_name_go_to_the_hub(no_network: list[str]) -> None:
    with pytest.raises(SourceError, match="cannot be fetched"):
        open_source("daniel3303/GroundCap")
    assert no_network == ["daniel3303/GroundCap"]


def test_home_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "frames").mkdir()
    assert isinstance(open_source("~/frames"), FolderSource)


def test_an_arrow_stream(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with pa.ipc.new_stream(buffer, table().schema) as stream:
        stream.write_table(table("a", "b"))
    (tmp_path / "data.arrow").write_bytes(buffer.getvalue())
    source = open_source(str(tmp_path))
    assert [source.read(item.item) for item in source.scan()] == [b"a", b"b"]
