"""Sources at URLs, on a real S3 server, a web server and in memory: the same items as the same files in a folder."""

import hashlib
import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import ConfigError, SampleError, SourceError
from tasks.runtime.places import find_place, hide_secrets, is_url
from tasks.sources.remote import RemoteTree
from tasks.sources.source import Source, SourceItem, open_source
from tests.object_store import make_bucket, nobody_listens, point_to, refusing_server, s3_server, upload
from tests.tasks.sources.test_archive import FRAMES, pack
from tests.video_files import shots, write_video

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
KINDS = [
    "folder",
    "folder/a.tar",
    "folder/a.tar.gz",
    "folder/a.zip",
    "tables",
    "tables/0.parquet",
    "tables/1.arrow",
    "heat.mp4",
]


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of each kind of source."""
    root = tmp_path_factory.mktemp("sources")
    for name, content in FRAMES.items():
        (root / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "folder" / name).write_bytes(content)
    (root / "folder" / "notes.txt").write_bytes(b"x")
    for name in ("a.tar", "a.tar.gz", "a.zip"):
        pack(root / "folder" / name, FRAMES)
    images = pa.array([{"bytes": f"image {k}".encode(), "path": None} for k in range(9)], IMAGE)
    table = pa.table({"id": [f"film_scene_1_{k}" for k in range(9)], "image": images})
    (root / "tables").mkdir()
    pq.write_table(table, root / "tables" / "0.parquet", row_group_size=4)
    with pa.OSFile(str(root / "tables" / "1.arrow"), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table)
    write_video(root / "heat.mp4", shots([5, 5]))
    return root


@pytest.fixture(scope="module")
def s3(local: Path) -> Iterator[Any]:
    """The same in a bucket."""
    with pytest.MonkeyPatch.context() as patch, s3_server(patch):
        system = make_bucket("films")
        upload(system, local, "films/all")
        yield system


@pytest.fixture(scope="module")
def web(local: Path) -> Iterator[str]:
    """The same on a web server, which lists its folders."""

    with web_server(local, Ranged) as address:
        yield address


class Whole(SimpleHTTPRequestHandler):
    """Gives whole files only, as Python's own server does."""

    def log_message(self, *args: object) -> None:
        """Quiet."""


class Ranged(Whole):
    """Gives parts of files too."""

    def send_head(self) -> Any:
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        path = Path(self.translate_path(self.path))
        if asked is None or not path.is_file():
            return super().send_head()
        content = path.read_bytes()
        first, last = int(asked[1]), min(int(asked[2]), len(content) - 1)
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
        self.send_header("Content-Length", str(last - first + 1))
        self.end_headers()
        return io.BytesIO(content[first : last + 1])


@contextmanager
def web_server(folder: Path, kind: type[Whole]) -> Iterator[str]:
    """A folder on a web server on loopback; gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(kind, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_web_server_that_gives_no_parts_is_said(local: Path) -> None:
    with web_server(local, Whole) as address:
        assert_same(open_source(f"{address}/folder/heat/1"), local / "folder/heat/1")
        with pytest.raises(SourceError, match=r"gives no parts of files \(range requests\): download it first"):
            found(open_source(f"{address}/folder/a.zip"))


def found(source: Source) -> list[SourceItem]:
    """What a scan finds, in the order of addresses."""
    return sorted(source.scan(), key=lambda item: item.item)


def assert_same(source: Source, path: Path) -> None:
    """A source holds, and gives, what a path does."""
    items = found(open_source(str(path)))
    assert found(source) == items
    read = source.reader([item.item for item in items])
    assert [hashlib.sha256(read(item.item)).hexdigest() for item in items] == [item.sha256 for item in items]


@pytest.mark.parametrize("kind", KINDS)
def test_a_bucket_is_as_a_folder(s3: Any, local: Path, kind: str) -> None:
    source = open_source(f"s3://films/all/{kind}")
    assert_same(source, local / kind)
    assert source.title == open_source(str(local / kind)).title or kind == "heat.mp4"
    assert source.ignored() == open_source_scanned(local / kind).ignored()


def open_source_scanned(path: Path) -> Source:
    """A source after its scan."""
    source = open_source(str(path))
    found(source)
    return source


@pytest.mark.parametrize("kind", ["folder/a.zip", "folder/a.tar", "tables/0.parquet", "heat.mp4"])
def test_files_on_a_web_server(web: str, local: Path, kind: str) -> None:
    assert_same(open_source(f"{web}/{kind}"), local / kind)


def test_a_folder_in_memory(local: Path) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    upload(memory, local / "folder", "/frames")
    try:
        assert_same(open_source("memory://frames"), local / "folder")
    finally:
        memory.rm("/frames", recursive=True)


def test_a_file_url_is_a_path(local: Path) -> None:
    assert_same(open_source((local / "folder").as_uri()), local / "folder")
    with pytest.raises(SourceError, match="does not exist"):
        open_source("file:///no/such/folder")


def test_a_folder_is_listed_once_and_objects_that_did_not_change_are_not_read_again(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "w" / "index.parquet"
    first = found(open_source("s3://films/all/folder", index))
    calls: list[str] = []
    real = type(s3)._call_s3

    async def count(self: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        calls.append(method)
        return await real(self, method, *args, **kwargs)

    monkeypatch.setattr(type(s3), "_call_s3", count)
    assert found(open_source("s3://films/all/folder", index)) == first
    assert not [name for name in calls if name.startswith(("get_object", "head_object"))]
    s3.pipe_file("films/all/folder/heat/1/0.jpg", b"new")
    calls.clear()
    again = found(open_source("s3://films/all/folder", index))
    assert [a.item for a, b in zip(again, first, strict=True) if a != b] == ["heat/1/0.jpg"]
    assert calls.count("get_object") == 1
    s3.pipe_file("films/all/folder/heat/1/0.jpg", FRAMES["heat/1/0.jpg"])


def test_hidden_objects_workspaces_and_odd_names(s3: Any) -> None:
    for name in ("a.jpg", ".hidden.jpg", "x/.git/a.jpg", "w/workspace.json", "w/dataset/a.jpg", "x//b.jpg"):
        s3.call_s3("put_object", Bucket="films", Key=f"odd/{name}", Body=b"x")
    source = open_source("s3://films/odd")
    assert [item.item for item in found(source)] == ["a.jpg"]
    assert source.ignored() == {"unsafe name": 1}


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("s3://no-such-bucket/frames", "s3://no-such-bucket/frames"),
        ("s3://films/no/such/folder", "s3://films/no/such/folder holds no images|does not exist"),
        ("s3://films/none.parquet", "s3://films/none.parquet does not exist"),
        ("s3://films/none.mp4", "s3://films/none.mp4 does not exist"),
        ("s3://films/none.tar.gz", "s3://films/none.tar.gz does not exist"),
    ],
)
def test_what_is_not_there(s3: Any, url: str, told: str) -> None:
    with pytest.raises(SourceError, match=told) as caught:
        found(open_source(url))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["frames", "a.zip", "a.parquet", "a.mp4"])
def test_a_bucket_that_refuses(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with refusing_server() as address:
        point_to(address, monkeypatch)
        with pytest.raises(SourceError, match=f"s3://films/{name} refuses access: check its permissions and") as caught:
            found(open_source(f"s3://films/{name}"))
    assert "\n" not in str(caught.value)


def test_a_server_that_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    point_to(nobody_listens(), monkeypatch)
    with pytest.raises(SourceError, match="s3://films/frames cannot be reached") as caught:
        found(open_source("s3://films/frames"))
    assert "\n" not in str(caught.value)
    with pytest.raises(SourceError, match=r"http://127\.0\.0\.1:\d+/a\.zip cannot be reached"):
        found(open_source(f"{nobody_listens()}/a.zip"))


def test_an_object_that_went_away(s3: Any) -> None:
    s3.pipe_file("films/going/a.jpg", b"x")
    source = open_source("s3://films/going")
    (item,) = source.scan()
    s3.rm_file("films/going/a.jpg")
    with pytest.raises(SampleError, match=r"^a\.jpg: "):
        source.reader([item.item])(item.item)


def test_credentials_in_a_url_are_refused_and_not_repeated() -> None:
    with pytest.raises(SourceError, match="holds a user or password") as caught:
        open_source("s3://AKIAKEY:verysecret@films/frames")
    assert "verysecret" not in str(caught.value)
    assert "AKIAKEY" not in str(caught.value)
    assert hide_secrets("https://host/a.tar?X-Amz-Signature=abc") == "https://host/a.tar"


@pytest.mark.parametrize("url", ["zip://a.jpg::s3://films/a.zip", "simplecache::s3://films/a"])
def test_chains_are_refused(url: str) -> None:
    with pytest.raises(SourceError, match=r"chain of URLs|does not exist"):
        open_source(url)


def test_a_scheme_that_nobody_knows() -> None:
    with pytest.raises(SourceError, match="nosuch://a/b cannot be reached"):
        open_source("nosuch://a/b")


def test_a_package_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    import fsspec

    def missing(*_: object, **__: object) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", missing)
    with pytest.raises(ConfigError, match=r"pip install 'storyreasoning\[s3\]'"):
        open_source("s3://films/frames")
    with pytest.raises(ConfigError, match="pip install gcsfs"):
        open_source("gs://films/frames")


@pytest.mark.parametrize(
    ("text", "yes"),
    [("s3://a/b", True), ("memory://x", True), ("a/b", False), ("C:/x", False), ("s3:/a", False), ("://x", False)],
)
def test_what_is_a_url(text: str, yes: bool) -> None:
    assert is_url(text) is yes


def test_the_tree_of_one_file(s3: Any) -> None:
    tree = RemoteTree(find_place("s3://films/all/folder", SourceError), "loose.png")
    assert [file.address for file in tree.files(lambda _: None)] == ["loose.png"]
    assert tree.where == "s3://films/all/folder/loose.png"
