"""Sources that shards share: opened once a process, and opened anew when they have changed."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.config import BuildConfig, VideoConfig
from schemas.errors import SampleError, SourceError
from tasks.ingest import STAGE
from tasks.plan import plan
from tasks.runtime.execute import execute
from tasks.runtime.stage import RunSpec
from tasks.sources import shared, table
from tasks.sources.shared import share_source, shared_reader
from tasks.sources.source import open_source
from tasks.sources.tar_archive import CompressedTarTree
from tests.tasks.image_files import encode, picture
from tests.tasks.sources.test_archive import pack

VIDEO = VideoConfig()
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


@pytest.fixture(autouse=True)
def nothing_open() -> Iterator[None]:
    """Every test begins without open sources."""
    shared._open.clear()
    yield
    shared._open.clear()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sources that were opened."""
    names: list[str] = []

    def count(text: str, *args: Any, **kwargs: Any) -> Any:
        names.append(text)
        return open_source(text, *args, **kwargs)

    monkeypatch.setattr(shared, "open_source", count)
    return names


def sha(content: bytes) -> str:
    """The hash of an item."""
    return hashlib.sha256(content).hexdigest()


def write(folder: Path, **contents: str) -> dict[str, str]:
    """Files of a folder and their hashes."""
    folder.mkdir(exist_ok=True)
    for name, content in contents.items():
        (folder / f"{name}.jpg").write_bytes(content.encode())
    return {f"{name}.jpg": sha(content.encode()) for name, content in contents.items()}


def test_a_source_is_opened_once(tmp_path: Path, opened: list[str]) -> None:
    hashes = write(tmp_path / "f", a="1", b="2")
    for _ in range(5):
        read = shared_reader(str(tmp_path / "f"), VIDEO, hashes)
        assert [read(item) for item in hashes] == [b"1", b"2"]
    assert opened == [str(tmp_path / "f")]
    shared_reader(str(tmp_path / "f"), VideoConfig(max_side=9), hashes)
    assert len(opened) == 2, "other frames of videos, another source"


def test_few_stay_open(tmp_path: Path, opened: list[str]) -> None:
    for k in range(6):
        shared_reader(str(tmp_path / f"{k}"), VIDEO, write(tmp_path / f"{k}", a="1"))
    assert len(shared._open) == 4


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.zip"])
def test_an_archive_that_was_packed_anew_is_opened_anew(tmp_path: Path, opened: list[str], name: str) -> None:
    path = tmp_path / name
    pack(path, {"a.jpg": b"old", "b.jpg": b"same"})
    assert shared_reader(str(path), VIDEO, {"a.jpg": sha(b"old")})("a.jpg") == b"old"
    path.unlink()
    pack(path, {"0.jpg": b"another before it", "a.jpg": b"new", "b.jpg": b"same"})
    read = shared_reader(
        str(path), VIDEO, {"a.jpg": sha(b"new"), "0.jpg": sha(b"another before it"), "b.jpg": sha(b"same")}
    )
    assert [read("b.jpg"), read("a.jpg"), read("0.jpg")] == [b"same", b"new", b"another before it"]
    assert opened == [str(path)] * (1 if name == "a.tar.gz" else 2), "a compressed one is opened for each pass anyway"


def test_what_has_changed_for_good_is_given_as_it_is(tmp_path: Path, opened: list[str]) -> None:
    hashes = write(tmp_path / "f", a="1", b="2")
    write(tmp_path / "f", a="other")
    (tmp_path / "f" / "b.jpg").unlink()
    read = shared_reader(str(tmp_path / "f"), VIDEO, hashes)
    assert read("a.jpg") == b"other"
    with pytest.raises(SampleError, match=r"^b\.jpg: "):
        read("b.jpg")
    assert len(opened) == 2, "looked at anew once, not for each item"


def test_an_item_that_could_never_be_read_opens_nothing_anew(tmp_path: Path, opened: list[str]) -> None:
    write(tmp_path / "f", a="1")
    with pytest.raises(SampleError):
        shared_reader(str(tmp_path / "f"), VIDEO, {"gone.jpg": ""})("gone.jpg")
    assert len(opened) == 1


def test_a_source_that_has_gone(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        share_source(str(tmp_path / "none"), VIDEO)


@pytest.fixture
def many_shards() -> BuildConfig:
    """Shards of about ten frames."""
    return BuildConfig.model_validate({"ingest": {"shard_frames": 10}})


def frames() -> dict[str, bytes]:
    """Four scenes of ten pictures."""
    return {f"heat_scene_{s}_{k}.png": encode(picture(10 * s + k, 40, 40), "PNG") for s in range(4) for k in range(10)}


def ingest_all(source: Path, workspace: Path, config: BuildConfig) -> list[str]:
    """Plan and ingest every shard; the ids of the frames that are kept."""
    run = RunSpec(str(workspace), str(source), config)
    refs = [execute(STAGE, run, ref) for ref in plan(run)]
    assert len(refs) == 4
    return [row["frame_id"] for ref in refs for row in run.store.read("ingest", ref.shard, ref.keys["ingest"])]


def test_a_folder_is_walked_once_a_run_and_not_once_a_shard(
    tmp_path: Path, many_shards: BuildConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.sources import folder, places
    from tasks.sources.walk import walk_files

    (tmp_path / "f").mkdir()
    for name, content in frames().items():
        (tmp_path / "f" / name).write_bytes(content)
    walks: list[Path] = []

    def count(root: Path, passed_over: Any) -> Any:
        walks.append(root)
        return walk_files(root, passed_over)

    monkeypatch.setattr(places, "walk_files", count)
    monkeypatch.setattr(folder, "walk_files", count)
    assert len(ingest_all(tmp_path / "f", tmp_path / "w", many_shards)) == 40
    assert len(walks) == 2, "for tables when it is opened, for images when it is planned"


def test_a_compressed_archive_is_passed_once_a_shard(
    tmp_path: Path, many_shards: BuildConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pack(tmp_path / "a.tar.gz", frames())
    passes: list[int] = []
    gather = CompressedTarTree._gather

    def count(self: CompressedTarTree, wanted: set[str]) -> dict[str, bytes]:
        passes.append(len(wanted))
        return gather(self, wanted)

    monkeypatch.setattr(CompressedTarTree, "_gather", count)
    assert len(ingest_all(path, tmp_path / "w", many_shards)) == 40
    assert passes == [10, 10, 10, 10]


def test_a_row_group_of_a_shuffled_table_is_read_once_a_shard(
    tmp_path: Path, many_shards: BuildConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = sorted(frames().items(), key=lambda pair: sha(pair[0].encode()))
    rows = pa.table(
        {
            "id": [name.removesuffix(".png") for name, _ in named],
            "image": pa.array([{"bytes": content, "path": None} for _, content in named], IMAGE),
        }
    )
    pq.write_table(rows, tmp_path / "a.parquet", row_group_size=8)
    groups: list[int] = []
    read_group = table._read_group

    def count(file: Any, group: int) -> Any:
        groups.append(group)
        return read_group(file, group)

    monkeypatch.setattr(table, "_read_group", count)
    found = ingest_all(tmp_path / "a.parquet", tmp_path / "w", many_shards)
    assert found == [f"heat_scene_{s:04d}_{k:04d}" for s in range(4) for k in range(1, 11)]
    assert len(groups) <= 4 * 5, "five row groups, four shards; one read an image would be 40"


def test_rows_are_let_go_as_they_are_given(tmp_path: Path) -> None:
    images = pa.array([{"bytes": bytes(100), "path": None} for _ in range(6)], IMAGE)
    pq.write_table(pa.table({"id": list("abcdef"), "image": images}), tmp_path / "a.parquet")
    read = table.TableSource([tmp_path / "a.parquet"], "t").reader(["0:0:1", "0:0:4"])
    read("0:0:1")
    assert isinstance(read, table.GroupedRows)
    assert list(read._held) == ["0:0:4"], "of the others of the row group nothing is held"
    read("0:0:4")
    assert read._held == {}
