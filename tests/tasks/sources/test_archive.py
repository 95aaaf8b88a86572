"""Archives of frames: the same items as the folder they were packed from, and archives that mean harm."""

import bz2
import gzip
import hashlib
import io
import lzma
import os
import stat
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import SampleError, SourceError
from tasks.sources.archive import archive_title, check_bomb, safe_name
from tasks.sources.forward import MAX_READ, ForwardReader, TooLarge
from tasks.sources.source import Source, SourceItem, open_source
from tests.video_files import shots, write_video

TARS: dict[str, Callable[[bytes], bytes]] = {
    "a.tar": bytes,
    "a.tar.gz": gzip.compress,
    "a.tgz": gzip.compress,
    "a.tar.bz2": bz2.compress,
    "a.tar.xz": lzma.compress,
    "a.tar.zst": lambda content: bytes(pa.compress(content, codec="zstd", asbytes=True)),
}
NAMES = [*TARS, "a.zip", "stored.zip"]
FRAMES = {
    f"{film}/{scene}/{k}.jpg": f"{film} {scene} {k} ".encode() * (k + 1) ** 3
    for film in ("heat", "ronin")
    for scene in ("1", "2")
    for k in range(12)
} | {"loose.png": b"at the root", "heat/日本.webp": b"\0" * 512}


def pack(path: Path, members: dict[str, bytes]) -> Path:
    """An archive of the kind that its name says."""
    if path.suffix == ".zip":
        kind = zipfile.ZIP_STORED if path.stem == "stored" else zipfile.ZIP_DEFLATED
        with zipfile.ZipFile(path, "w", kind) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return path
    path.write_bytes(TARS[path.name](tar_of(members)))
    return path


def tar_of(members: dict[str, bytes], headers: list[tarfile.TarInfo] | None = None) -> bytes:
    """A plain tar file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for header in headers or []:
            archive.addfile(header)
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def by_address(source: Source) -> dict[str, SourceItem]:
    """What a scan finds."""
    return {item.item: item for item in source.scan()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The frames, unpacked."""
    root = tmp_path_factory.mktemp("a")
    for name, content in FRAMES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


@pytest.mark.parametrize("name", NAMES)
def test_an_archive_is_as_the_folder_that_it_was_packed_from(folder: Path, tmp_path: Path, name: str) -> None:
    path = pack(tmp_path / name, FRAMES)
    source = open_source(str(path))
    assert by_address(source) == by_address(open_source(str(folder)))
    assert source.title == path.name.partition(".")[0]
    assert source.ignored() == {}
    for order in (sorted(FRAMES), sorted(FRAMES, reverse=True), ["ronin/2/3.jpg"]):
        fresh = open_source(str(path)).reader(order)
        assert [fresh(item) for item in order] == [FRAMES[item] for item in order]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_written(tmp_path: Path, name: str) -> None:
    path = pack(tmp_path / name, FRAMES)
    before = sorted(tmp_path.rglob("*"))
    by_address(open_source(str(path)))
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", NAMES)
def test_names_that_lead_out_are_left_out_and_counted(tmp_path: Path, name: str) -> None:
    bad = ["../out.jpg", "a/../../out.jpg", "/etc/out.jpg", "a\\..\\out.jpg", "C:/out.jpg"]
    path = pack(
        tmp_path / name, {**dict.fromkeys(bad, b"x"), "./in.jpg": b"y", ".hidden.jpg": b"z", "__MACOSX/a.jpg": b"z"}
    )
    source = open_source(str(path))
    assert set(by_address(source)) == {"in.jpg"}
    assert source.ignored() == {"unsafe name": len(bad)}


@pytest.mark.parametrize("name", TARS)
def test_links_and_devices_are_left_out_and_counted(tmp_path: Path, name: str) -> None:
    headers = []
    for kind, target in (
        (tarfile.SYMTYPE, "/etc/passwd"), (tarfile.LNKTYPE, "in.jpg"), (tarfile.CHRTYPE, ""), (tarfile.FIFOTYPE, ""),
    ):  # fmt: skip
        info = tarfile.TarInfo(f"{len(headers)}.jpg")
        info.type, info.linkname = kind, target
        headers.append(info)
    (tmp_path / name).write_bytes(TARS[name](tar_of({"in.jpg": b"y"}, headers)))
    source = open_source(str(tmp_path / name))
    assert set(by_address(source)) == {"in.jpg"}
    assert source.ignored() == {"link": 2, "special file": 2}


def test_a_link_in_a_zip_is_left_out(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("link.jpg")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
        archive.writestr("in.jpg", b"y")
    source = open_source(str(tmp_path / "a.zip"))
    assert set(by_address(source)) == {"in.jpg"}
    assert source.ignored() == {"link": 1}


def test_an_encrypted_zip_is_said(tmp_path: Path) -> None:
    content = bytearray(pack(tmp_path / "a.zip", {"a.jpg": b"x"}).read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(SourceError, match=r"a\.zip holds no images \(found 1 encrypted file\)"):
        by_address(open_source(str(tmp_path / "a.zip")))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("damage", ["empty", "noise", "half"])
def test_a_damaged_archive_is_said_in_one_line(tmp_path: Path, name: str, damage: str) -> None:
    whole = pack(tmp_path / name, {f"{k}.jpg": os.urandom(3000) for k in range(20)}).read_bytes()
    (tmp_path / name).write_bytes({"empty": b"", "noise": os.urandom(3000), "half": whole[: len(whole) // 2]}[damage])
    with pytest.raises(SourceError, match=r"is a damaged archive \(.*\): pack it again") as caught:
        by_address(open_source(str(tmp_path / name)))
    assert "\n" not in str(caught.value)


def test_a_damaged_member_is_an_item_that_cannot_be_read(tmp_path: Path) -> None:
    content = bytearray(pack(tmp_path / "stored.zip", {"a.jpg": b"x" * 50, "b.jpg": b"y" * 50}).read_bytes())
    content[content.index(b"xxxx")] = 0
    (tmp_path / "stored.zip").write_bytes(content)
    source = open_source(str(tmp_path / "stored.zip"))
    assert {item.item: bool(item.sha256) for item in source.scan()} == {"a.jpg": False, "b.jpg": True}
    with pytest.raises(SampleError, match="Bad CRC-32"):
        source.reader(["a.jpg"])("a.jpg")


@pytest.mark.parametrize("name", ["a.tar.gz", "a.tar.xz", "a.zip"])
def test_a_bomb_is_refused_before_it_goes_off(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.sources.archive.MAX_EXPANDED", 3_000_000)
    path = pack(tmp_path / name, {"a.jpg": b"\0" * 50_000_000})
    begun = time.process_time()
    with pytest.raises(SourceError, match="it looks like a decompression bomb"):
        by_address(open_source(str(path)))
    if name != "a.tar.xz":  # whose reader takes in a lot at once
        assert time.process_time() - begun < 0.5


def test_bounds_of_a_bomb() -> None:
    check_bomb("a", 1 << 30, 1)
    check_bomb("a", 200 << 30, 1 << 30)
    with pytest.raises(SourceError, match="bomb"):
        check_bomb("a", (1 << 30) + 1, 1 << 20)


def test_a_header_that_claims_to_be_huge_is_not_read(tmp_path: Path) -> None:
    """A name of 8 GB in a tar file of a few bytes: ``tarfile`` would take it into memory."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 8 << 30
    header = info.tobuf(tarfile.GNU_FORMAT)
    for name in ("a.tar", "a.tar.gz"):
        (tmp_path / name).write_bytes(TARS[name](header + b"\0" * 4096))
        with pytest.raises(SourceError, match=r"damaged archive \(.* bytes at once"):
            by_address(open_source(str(tmp_path / name)))


def test_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.sources.archive.MAX_MEMBERS", 10)
    for name in NAMES:
        with pytest.raises(SourceError, match="holds more than 10 files"):
            by_address(open_source(str(pack(tmp_path / name, FRAMES))))


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
def test_of_a_name_that_comes_twice_the_last_counts(tmp_path: Path, name: str) -> None:
    content = tar_of({"a.jpg": b"old"})[:1024] + tar_of({"a.jpg": b"new"})
    (tmp_path / name).write_bytes(TARS[name](content))
    source = open_source(str(tmp_path / name))
    (item,) = source.scan()
    assert item.sha256 == hashlib.sha256(b"new").hexdigest()
    assert source.reader(["a.jpg"])("a.jpg") == b"new"


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "stored.zip", "a.zip"])
def test_a_member_that_has_gone(tmp_path: Path, name: str) -> None:
    source = open_source(str(pack(tmp_path / name, {"a.jpg": b"x"})))
    with pytest.raises(SampleError, match=r"b\.jpg is no longer in"):
        source.reader(["b.jpg"])("b.jpg")


@pytest.mark.parametrize("name", ["a.tar", "stored.zip", "a.zip", "a.tar.gz"])
def test_videos_in_archives(tmp_path: Path, name: str) -> None:
    video = write_video(tmp_path / "heat.mp4", shots([5, 5]))
    items = by_address(open_source(str(video)))
    source = open_source(str(pack(tmp_path / name, {"heat.mp4": video.read_bytes()})))
    if name in ("a.tar", "stored.zip"):
        assert by_address(source) == items
    else:
        assert [item.sha256 for item in source.scan()] == [""]
        with pytest.raises(SampleError, match="is compressed in its archive"):
            source.reader(["heat.mp4"])("heat.mp4")


def test_what_was_hashed_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pack(tmp_path / "a.tar", FRAMES)
    os.utime(path, (1, 1))
    monkeypatch.setattr("tasks.sources.folder._SETTLED_NS", -1)
    index = tmp_path / "w" / "index.parquet"
    first = by_address(open_source(str(path), index))
    monkeypatch.setattr("tasks.sources.tar_archive.TarTree.digest", lambda *_: pytest.fail("read again"))
    assert by_address(open_source(str(path), index)) == first


@given(st.text(max_size=30) | st.sampled_from(["a/../b", "..", "./a", "a//b", "/a", "a/./b", "\ud800"]))
def test_an_address_never_leads_out(name: str) -> None:
    address = safe_name(name)
    assert not address.startswith("/")
    assert not set(address.split("/")) & {"..", "."}
    assert safe_name(address) == address


@pytest.mark.parametrize(
    ("name", "title"), [("x/a.tar.gz", "a"), ("a.b.TAR", "a.b"), ("films", "films"), ("a.zip", "a"), (".zip", "")]
)
def test_the_name_of_an_archive(name: str, title: str) -> None:
    assert archive_title(name) == title


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 5000)), max_size=30))
def test_reading_forward_is_reading(steps: list[tuple[int, int]]) -> None:
    content = bytes(range(256)) * 300
    stream, plain = ForwardReader(io.BytesIO(content), lambda _: None), io.BytesIO(content)
    for back, size in steps:
        place = max(0, plain.tell() - min(back, 200))
        assert stream.seek(place) == plain.seek(place)
        assert stream.read(size) == plain.read(size)
        assert stream.tell() == plain.tell()
    with pytest.raises(TooLarge):
        stream.read(MAX_READ + 1)
    with pytest.raises(OSError, match="cannot be read backward"):
        ForwardReader(io.BytesIO(content)).seek(-5000)
