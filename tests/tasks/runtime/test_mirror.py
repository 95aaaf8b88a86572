"""The copy of a workspace at a URL: what is fetched, what is sent, what goes, and what is refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import WorkspaceError
from tasks.runtime.lease import LOCK
from tasks.runtime.mirror import building_in, fetch_outputs, mirror_of, send_outputs
from tasks.runtime.objects import Objects
from tasks.runtime.workspace import Workspace

URL = "memory://mirrored/w"


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty place in memory; copies go to a folder of the test."""
    import fsspec

    monkeypatch.setenv("STORYREASONING_WORKSPACES", str(tmp_path / "copies"))
    system: Any = fsspec.filesystem("memory")
    yield system
    if system.exists("/mirrored"):
        system.rm("/mirrored", recursive=True)


def there(memory: Any) -> dict[str, bytes]:
    """Every object."""
    return {path.removeprefix("/mirrored/w/"): memory.cat_file(path) for path in memory.find("/mirrored/w")}


def put(folder: Path, **contents: str) -> None:
    """Files of a copy; ``a__b`` stands for ``a/b``."""
    for name, content in contents.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def test_a_folder_stays_a_folder(tmp_path: Path) -> None:
    with building_in(str(tmp_path / "w")) as workspace:
        assert workspace == Workspace(tmp_path / "w")


def test_what_is_made_is_sent_and_found_elsewhere(memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with building_in(f"{URL}/") as workspace:
        assert workspace == Workspace(mirror_of(URL), URL)
        put(workspace.root, latest="2", dataset__a="a", dataset__b="b", shards__x="not yet whole")
    assert set(there(memory)) == {"workspace.json", "latest", "dataset/a", "dataset/b"}
    monkeypatch.setenv("STORYREASONING_WORKSPACES", str(tmp_path / "elsewhere"))
    with building_in(URL) as workspace:
        assert (workspace.root / "dataset" / "a").read_text() == "a"
        (workspace.root / "dataset" / "a").unlink()
        put(workspace.root, dataset__c="c")
    assert set(there(memory)) == {"workspace.json", "latest", "dataset/b", "dataset/c"}


def test_what_failed_is_kept_too(memory: Any) -> None:
    with pytest.raises(KeyError), building_in(URL) as workspace:
        put(workspace.root, runs__one="begun")
        raise KeyError
    assert set(there(memory)) == {"workspace.json", "runs/one"}


def test_only_what_changed_is_moved(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[str] = []
    with building_in(URL) as workspace:
        put(workspace.root, dataset__a="a", dataset__b="b", export="1")
    for name in ("put", "fetch"):
        real = getattr(Objects, name)

        def count(self: Objects, address: str, *args: Any, real: Any = real, name: str = name) -> Any:
            moved.append(f"{name} {address}")
            return real(self, address, *args)

        monkeypatch.setattr(Objects, name, count)
    with building_in(URL) as workspace:
        put(workspace.root, dataset__b="B")
    assert moved == ["put dataset/b"]
    moved.clear()
    memory.pipe_file("/mirrored/w/dataset/a", b"from elsewhere")
    with building_in(URL) as workspace:
        assert (workspace.root / "dataset" / "a").read_text() == "from elsewhere"
    assert moved == ["fetch dataset/a"]


def test_what_went_there_goes_here(memory: Any) -> None:
    with building_in(URL) as workspace:
        put(workspace.root, dataset__a="a", runs__one="1")
        put(workspace.root / "shards", plan__x__key="{}")
        (workspace.root / "shards/plan/x/key").rename(workspace.root / "shards/plan/x/key.json")
    memory.rm_file("/mirrored/w/dataset/a")
    fetch_outputs(Objects(URL), mirror_of(URL))
    left = {p.relative_to(mirror_of(URL)).as_posix() for p in mirror_of(URL).rglob("*") if p.is_file()}
    assert left == {"workspace.json", "runs/one", ".lock", ".sent.json", ".origin.json"}, (
        "the manifest was never there: it did not stand"
    )


def test_latest_goes_last(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    monkeypatch.setattr(Objects, "put", lambda self, address, source: sent.append(address))
    folder = mirror_of(URL)
    for name in ("zebra", "latest.json", "export.json", "dataset/a"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    send_outputs(Objects(URL), folder)
    assert sent == ["dataset/a", "zebra", "export.json", "latest.json"]


def test_names_that_lead_out_are_refused(memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = {"workspace.json": "1", "dataset/../../../out": "2"}
    monkeypatch.setattr(Objects, "list", lambda self, below="": dict(listed))
    monkeypatch.setattr(Objects, "fetch", lambda self, address, target: target.write_text("x"))
    (tmp_path / "copy").mkdir()
    with pytest.raises(WorkspaceError, match="which is no name of a file"):
        fetch_outputs(Objects(URL), tmp_path / "copy")
    assert not (tmp_path.parent / "out").exists()


def test_another_version(memory: Any) -> None:
    memory.pipe_file("/mirrored/w/workspace.json", b'{"format": 99}')
    with pytest.raises(WorkspaceError, match="has format 99"), building_in(URL):
        pytest.fail("it is of another version")
    assert LOCK not in there(memory)


@pytest.mark.parametrize(
    ("url", "told"),
    [("s3://me:secret@b/w", "holds a user or password"), ("zip::s3://b/w", "chain of URLs"), ("no://b/w", "no://b/w")],
)
def test_urls_that_are_no_places(url: str, told: str) -> None:
    with pytest.raises(WorkspaceError, match=told) as caught, building_in(url):
        pytest.fail("there is no such place")
    assert "secret" not in str(caught.value)


def test_every_url_has_a_copy_of_its_own(memory: Any) -> None:
    urls = ["s3://a/w", "s3://b/w", "s3://a/w/x", "gs://a/w", "s3://a/../../x"]
    copies = {mirror_of(url) for url in urls}
    assert len(copies) == len(urls)
    assert {copy.parent for copy in copies} == {mirror_of(URL).parent}
    assert mirror_of("s3://a/w/") == mirror_of("s3://a/w")
