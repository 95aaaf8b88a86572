"""Objects at a URL: sizes, and taking many away."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import WorkspaceError
from tasks.runtime import objects as module
from tasks.runtime.objects import Objects, inside
from tests.object_store import make_bucket, s3_server


@pytest.fixture(params=["s3", "memory", "file"])
def objects(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Objects]:
    if request.param == "file":
        yield Objects(f"file://{tmp_path}/w")
    elif request.param == "memory":
        import fsspec

        memory: Any = fsspec.filesystem("memory")
        yield Objects("memory://objects/w")
        memory.rm("/objects", recursive=True)
    else:
        with s3_server(monkeypatch):
            make_bucket("objects")
            yield Objects("s3://objects/w")


def put(objects: Objects, tmp_path: Path, names: list[str]) -> None:
    for name in names:
        source = tmp_path / "source"
        source.write_text(name)
        if objects.url.startswith("file"):
            (tmp_path / "w" / name).parent.mkdir(parents=True, exist_ok=True)
        objects.put(name, source)


def test_sizes_and_removing_many(objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", 3)
    names = [f"shards/{k}/x.json" for k in range(7)] + ["runs/a", "runs/bcd"]
    put(objects, tmp_path, names)
    assert objects.sizes() == {name: len(name) for name in names}
    assert objects.sizes("runs") == {"runs/a": 6, "runs/bcd": 8}
    assert objects.sizes("nothing") == {}
    objects.remove_all([])
    objects.remove_all([*names[:3], "shards/gone.json", *names[3:7]])
    assert objects.sizes() == {"runs/a": 6, "runs/bcd": 8}


def test_a_store_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    import fsspec

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError("403")

    monkeypatch.setattr(type(fsspec.filesystem("memory")), "rm", refuse)
    with pytest.raises(WorkspaceError, match=r"^cannot write a below memory://objects/w: access is refused"):
        Objects("memory://objects/w").remove_all(["a", "b"])


@pytest.mark.parametrize("address", ["../a", "a/../../b", "a//b", "a/./b", "a\\b", "", "/etc/passwd"])
def test_names_that_lead_out_are_no_files(address: str, tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="which is no name of a file"):
        inside(tmp_path, address)
    assert inside(tmp_path, "a/b.json") == tmp_path / "a" / "b.json"
