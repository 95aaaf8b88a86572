"""The same films from other places, and a workspace in another place: the dataset is the same bytes."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import WorkspaceError
from tasks.runtime import lease
from tasks.runtime.mirror import building_in, mirror_of
from tasks.runtime.objects import Objects
from tests import fakes
from tests.e2e.building import build, digests
from tests.e2e.test_engines import run_build
from tests.object_store import make_bucket, s3_server, upload
from tests.painted_films import write_film
from tests.video_files import shots, write_video

URL = "s3://builds/nightly/films"


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small films."""
    root = tmp_path_factory.mktemp("places") / "films"
    write_film(root, "heat", {1: 5, 2: 4}, cast=(0, 1))
    write_film(root, "ronin", {1: 6}, cast=(2, 3))
    (root / "ronin" / "ronin_scene_1_9.jpg").write_bytes(b"not an image at all")
    return root


@pytest.fixture(scope="module")
def local(films: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in a folder, built from a folder."""
    workspace = tmp_path_factory.mktemp("local") / "w"
    with pytest.MonkeyPatch.context() as patch:
        fakes.install(patch.setattr)
        build(films, workspace)
    return workspace


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty bucket; copies of workspaces on this machine go to a folder of the test."""
    monkeypatch.setenv("STORYREASONING_WORKSPACES", str(tmp_path / "machine 1"))
    with s3_server(monkeypatch):
        yield make_bucket("builds")


def objects(system: Any, place: str = "builds/nightly/films") -> dict[str, bytes]:
    """Every object of a place."""
    system.invalidate_cache()
    return {path.removeprefix(f"{place}/"): system.cat_file(path) for path in system.find(place)}


def dataset_of(system: Any, folder: Path) -> Path:
    """The dataset of the workspace in the bucket, fetched."""
    for name, content in objects(system, "builds/nightly/films/dataset").items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("kind", ["tar", "gztar", "zip"])
def test_from_an_archive(films: Path, local: Path, tmp_path: Path, kind: str) -> None:
    archive = shutil.make_archive(str(tmp_path / "films"), kind, films)
    build(archive, tmp_path / "w")
    assert digests(tmp_path / "w" / "dataset") == digests(local / "dataset")


def test_from_a_bucket(films: Path, local: Path, tmp_path: Path, bucket: Any) -> None:
    upload(bucket, films, "builds/frames")
    built = build("s3://builds/frames", tmp_path / "w")
    assert digests(tmp_path / "w" / "dataset") == digests(local / "dataset")
    assert {stage for stage, _ in built.fresh} >= {"ingest"}
    assert build("s3://builds/frames", tmp_path / "w").fresh == []


def test_a_workspace_in_a_bucket(
    films: Path, local: Path, tmp_path: Path, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build(films, URL)
    there = objects(bucket)
    assert digests(dataset_of(bucket, tmp_path / "fetched")) == digests(local / "dataset")
    assert json.loads(there["latest.json"])["dataset"] == json.loads((local / "latest.json").read_text())["dataset"]
    assert {"report.html", "dead_letters.parquet", "export.json", "workspace.json"} <= set(there)
    assert there["dead_letters.parquet"] == (local / "dead_letters.parquet").read_bytes()
    assert "lock.json" not in there
    here = {p.relative_to(local).as_posix() for p in (local / "shards").rglob("*.parquet")}
    assert {name for name in there if name.startswith("shards/") and name.endswith(".parquet")} == here
    assert not [name for name in there if ".tmp-" in name or name.startswith(".")]
    assert first.fresh
    assert build(films, URL).fresh == [], "a second build on this machine"

    monkeypatch.setenv("STORYREASONING_WORKSPACES", str(tmp_path / "machine 2"))
    write_film(films.parent / "more", "alien", {1: 5}, cast=(1, 2))
    shutil.copytree(films, films.parent / "more", dirs_exist_ok=True)
    again = build(films.parent / "more", URL)
    assert {shard.partition("-")[0] for _, shard in again.fresh} == {"alien"}, "on another machine: the new film alone"
    build(films.parent / "more", tmp_path / "w")
    shutil.rmtree(tmp_path / "fetched")
    assert digests(dataset_of(bucket, tmp_path / "fetched")) == digests(tmp_path / "w" / "dataset")


@pytest.mark.slow
def test_what_was_lost_or_damaged_in_the_bucket_is_made_anew(
    films: Path, local: Path, tmp_path: Path, bucket: Any
) -> None:
    build(films, URL)
    shards = [name for name in objects(bucket) if name.startswith("shards/ingest/heat") and name.endswith(".parquet")]
    bucket.pipe_file(f"builds/nightly/films/{shards[0]}", b"noise")
    (ground,) = (name for name in objects(bucket) if name.startswith("shards/ground/heat") and name.endswith(".json"))
    bucket.rm_file(f"builds/nightly/films/{ground}")
    shutil.rmtree(mirror_of(URL))
    with pytest.raises(Exception, match="is damaged"):
        build(films, URL, draft={"seed": 1})
    build(films, URL)
    assert digests(dataset_of(bucket, tmp_path / "fetched")) == digests(local / "dataset")
    assert objects(bucket)[shards[0]] != b"noise"


def test_a_second_build_says_that_the_first_is_at_work(
    films: Path, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "BEAT_S", 0.2)
    monkeypatch.setattr(lease, "_LOOK_S", 0.1)
    with (
        building_in(URL),
        pytest.raises(WorkspaceError, match=r"another build is at work in s3://builds/nightly/films \(process \d+"),
    ):
        build(films, URL)
    assert list(objects(bucket)) == ["workspace.json"]


def test_a_place_that_is_something_else(films: Path, bucket: Any) -> None:
    bucket.pipe_file("builds/nightly/films/holiday.jpg", b"x")
    with pytest.raises(WorkspaceError, match="holds files but is no workspace"):
        build(films, URL)
    assert objects(bucket) == {"holiday.jpg": b"x"}


def test_a_bucket_that_is_not_there(films: Path, bucket: Any) -> None:
    with pytest.raises(WorkspaceError, match="s3://nowhere/films") as caught:
        build(films, "s3://nowhere/films")
    assert "\n" not in str(caught.value)


def test_settings_of_videos_touch_films_that_are_videos_alone(films: Path, tmp_path: Path) -> None:
    mixed = tmp_path / "films"
    shutil.copytree(films, mixed)
    write_video(mixed / "clip.mp4", shots([5, 5, 5]))
    build(mixed, tmp_path / "w")
    assert build(mixed, tmp_path / "w").fresh == []
    again = build(mixed, tmp_path / "w", video={"max_side": 64})
    assert {shard.partition("-")[0] for _, shard in again.fresh} == {"clip"}
    (mixed / "clip.mp4").unlink()
    assert build(mixed, tmp_path / "w").fresh == []


class Killed(BaseException):
    """The machine is gone: nothing that would run after an error runs."""


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97, 0.999])
def test_a_machine_that_dies_leaves_what_another_goes_on_from(
    films: Path, local: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    """Cut off at any write to the place, a build goes on elsewhere: no shard that stood there is made again."""
    import fsspec

    monkeypatch.setattr(lease, "EXPIRES_S", 0.2)
    monkeypatch.setattr(lease, "_LOOK_S", 0.05)
    memory: Any = fsspec.filesystem("memory")
    writes = 0
    last = 10**9

    def counted(real: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal writes
            writes += 1
            if writes > last:
                raise Killed
            return real(*args, **kwargs)

        return call

    for name in ("put", "write", "remove"):
        monkeypatch.setattr(Objects, name, counted(getattr(Objects, name)))
    try:
        monkeypatch.setenv("STORYREASONING_WORKSPACES", str(tmp_path / "0"))
        build(films, "memory://whole/w")
        last, writes = int(writes * share), 0
        monkeypatch.setenv("STORYREASONING_WORKSPACES", str(tmp_path / "1"))
        with pytest.raises(Killed):
            build(films, "memory://cut/w")
        stood = {path.removeprefix("/cut/w/shards/") for path in memory.find("/cut/w/shards") if path.endswith(".json")}
        assert "/cut/w/lock.json" in memory.find("/cut/w"), "nobody has let go of it"
        last = 10**9
        monkeypatch.setenv("STORYREASONING_WORKSPACES", str(tmp_path / "2"))
        again = build(films, "memory://cut/w")
        whole = {path.removeprefix("/whole/w/shards/") for path in memory.find("/whole/w/shards")}
        assert {path.removeprefix("/cut/w/shards/") for path in memory.find("/cut/w/shards")} == whole
        made = {"/".join(path.split("/")[:2]) for path in stood if not path.startswith("plan/")}
        assert made.isdisjoint(f"{stage}/{shard}" for stage, shard in again.fresh)
        assert digests(mirror_of("memory://cut/w") / "dataset") == digests(local / "dataset")
        there = {path: memory.cat_file(path) for path in memory.find("/cut/w/dataset")}
        here = mirror_of("memory://cut/w")
        assert {path.removeprefix("/cut/w/"): content for path, content in there.items()} == {
            p.relative_to(here).as_posix(): p.read_bytes() for p in (here / "dataset").rglob("*") if p.is_file()
        }
    finally:
        for name in ("/whole", "/cut"):
            if memory.exists(name):
                memory.rm(name, recursive=True)


@pytest.mark.slow
@pytest.mark.xdist_group("prefect")
def test_dask_workers_on_a_bucket(films: Path, local: Path, tmp_path: Path, bucket: Any) -> None:
    upload(bucket, films, "builds/frames")
    done = run_build("dask", "s3://builds/frames", URL, tmp_path)
    assert done.returncode == 0, done.stderr
    assert digests(dataset_of(bucket, tmp_path / "fetched")) == digests(local / "dataset")
    there = {name for name in objects(bucket) if name.startswith("shards/")}
    assert there == {f"shards/{p.relative_to(local / 'shards').as_posix()}" for p in (local / "shards").rglob("*.*")}
