"""A folder of images: what is found, what is passed over, and what is remembered of it."""

import hashlib
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import SampleError, SourceError
from tasks.sources.folder import FolderSource
from tasks.sources.source import SourceItem
from tasks.sources.tree import IMAGE_SUFFIXES

ROOT = Path(__file__).parents[3]


def put(root: Path, **files: str) -> None:
    """Write files; ``a__b`` stands for ``a/b``."""
    for name, content in files.items():
        put_file(root, name.replace("__", "/") + ".jpg", content.encode())


def put_file(root: Path, name: str, content: bytes) -> Path:
    """Write one file below a folder."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def scan(root: Path, index: Path | None = None) -> dict[str, SourceItem]:
    """What a scan finds, by address."""
    return {item.item: item for item in FolderSource(root, index).scan()}


def test_folders_say_film_and_scene(tmp_path: Path) -> None:
    put(tmp_path, top="0", heat__a="1", heat__scene2__a="2", heat__act1__scene2__a="3")
    found = scan(tmp_path)
    assert {name: (item.film, item.scene, item.name) for name, item in found.items()} == {
        "top.jpg": ("", "", "top"),
        "heat/a.jpg": ("heat", "", "a"),
        "heat/scene2/a.jpg": ("heat", "scene2", "a"),
        "heat/act1/scene2/a.jpg": ("heat", "act1/scene2", "a"),
    }
    assert found["heat/a.jpg"].sha256 == hashlib.sha256(b"1").hexdigest()
    assert found["heat/a.jpg"].bytes == 1
    assert FolderSource(tmp_path / "heat", None).title == "heat"


def test_what_is_read_is_what_was_found(tmp_path: Path) -> None:
    put(tmp_path, a="one", b__c="two")
    source = FolderSource(tmp_path, None)
    for item in source.scan():
        assert hashlib.sha256(source.read(item.item)).hexdigest() == item.sha256


def test_everything_else_is_passed_over_and_counted(tmp_path: Path) -> None:
    put(tmp_path, a="1")
    for name in ("notes.txt", "more.TXT", "noextension", ".hidden.jpg", ".git/x.jpg", "sound.mp3"):
        put_file(tmp_path, name, b"x")
    source = FolderSource(tmp_path, None)
    assert [item.item for item in source.scan()] == ["a.jpg"]
    assert source.ignored() == {".mp3": 1, ".txt": 2, "without suffix": 1}
    list(source.scan())
    assert source.ignored() == {".mp3": 1, ".txt": 2, "without suffix": 1}, "counted once a scan"


@pytest.mark.parametrize("suffix", sorted(IMAGE_SUFFIXES))
def test_suffixes_count_in_any_case(tmp_path: Path, suffix: str) -> None:
    put_file(tmp_path, f"a{suffix.upper()}", b"x")
    assert len(scan(tmp_path)) == 1


@pytest.mark.parametrize("files", [[], ["notes.txt", "sound.mp3"]])
def test_a_folder_without_images_says_what_it_holds(tmp_path: Path, files: list[str]) -> None:
    for name in files:
        put_file(tmp_path, name, b"x")
    with pytest.raises(SourceError, match="holds no images") as caught:
        scan(tmp_path)
    assert ("found 1 .mp3, 1 .txt" if files else "found nothing") in str(caught.value)


def test_names_of_any_kind(tmp_path: Path) -> None:
    names = [
        "a b.jpg",
        "ü ö.jpg",
        "日本 映画/シーン 1.jpg",
        "new\nline.jpg",
        "quo\"te's.jpg",
        "per%20cent.jpg",
        "a:b?.jpg",
    ]
    for name in names:
        put_file(tmp_path, name, name.encode())
    found = scan(tmp_path)
    assert set(found) == set(names)
    source = FolderSource(tmp_path, None)
    assert all(source.read(name) == name.encode() for name in names)


def test_names_that_are_no_unicode(tmp_path: Path) -> None:
    """Such a name cannot stand in a table or a file of ours: it is passed over and counted, not a crash."""
    put(tmp_path, a="1")
    (tmp_path / os.fsdecode(b"bad\xff.jpg")).write_bytes(b"2")
    bad_folder = tmp_path / os.fsdecode(b"dir\xfe")
    bad_folder.mkdir()
    put_file(bad_folder, "in.jpg", b"3")
    source = FolderSource(tmp_path, tmp_path / "index.parquet")
    assert [item.item for item in source.scan()] == ["a.jpg"]
    assert source.ignored() == {"name that is no Unicode": 2}


def test_a_fifo_does_not_hang_and_is_passed_over(tmp_path: Path) -> None:
    put(tmp_path, a="1")
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "linked.jpg").symlink_to("pipe.jpg")
    script = (
        "import sys; from pathlib import Path; from tasks.sources.folder import FolderSource\n"
        "s = FolderSource(Path(sys.argv[1]), None)\nprint([i.item for i in s.scan()], s.ignored())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, timeout=30, cwd=ROOT
    )
    assert done.stdout.strip() == "['a.jpg'] {'special file': 2}"


def test_a_folder_named_as_an_image_is_a_folder(tmp_path: Path) -> None:
    put_file(tmp_path, "x.jpg/y.jpg", b"1")
    assert {name: item.film for name, item in scan(tmp_path).items()} == {"x.jpg/y.jpg": "x.jpg"}


def test_links_to_files_are_followed_and_links_to_folders_are_not(tmp_path: Path) -> None:
    put(tmp_path / "films", a__one="1")
    (tmp_path / "films" / "a" / "two.jpg").symlink_to("one.jpg")
    (tmp_path / "films" / "a" / "loop").symlink_to("..", target_is_directory=True)
    source = FolderSource(tmp_path / "films", None)
    found = {item.item: item for item in source.scan()}
    assert set(found) == {"a/one.jpg", "a/two.jpg"}
    assert found["a/two.jpg"].sha256 == found["a/one.jpg"].sha256
    assert source.ignored() == {"link to a folder": 1}, "said, as its frames are missed"


def test_a_link_as_the_folder_itself_is_followed(tmp_path: Path) -> None:
    put(tmp_path / "real", a="1")
    (tmp_path / "link").symlink_to("real", target_is_directory=True)
    assert set(scan(tmp_path / "link")) == {"a.jpg"}


@pytest.mark.parametrize("target", ["loop.jpg", "nowhere.jpg"])
def test_a_link_to_nothing_is_an_item_that_cannot_be_read(tmp_path: Path, target: str) -> None:
    (tmp_path / "loop.jpg").symlink_to(target)
    source = FolderSource(tmp_path, None)
    (item,) = source.scan()
    assert (item.item, item.sha256, item.bytes) == ("loop.jpg", "", 0)
    with pytest.raises(SampleError, match=r"^loop\.jpg: "):
        source.read("loop.jpg")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_file_without_permission_is_an_item_that_cannot_be_read(tmp_path: Path) -> None:
    put_file(tmp_path, "a.jpg", b"1").chmod(0)
    source = FolderSource(tmp_path, None)
    (item,) = source.scan()
    assert item.sha256 == ""
    with pytest.raises(SampleError, match="Permission denied"):
        source.read("a.jpg")


def test_a_file_that_fails_while_it_is_hashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> str:
        raise OSError(5, "Input/output error")

    put(tmp_path, a="1")
    monkeypatch.setattr("tasks.sources.folder.file_sha256", fail)
    assert scan(tmp_path, tmp_path / "index.parquet")["a.jpg"].sha256 == ""


def test_a_folder_that_cannot_be_listed_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"cannot list .*missing: No such file or directory"):
        scan(tmp_path / "missing")


def settle(root: Path) -> None:
    """Make every file look as if it had been changed an hour ago."""
    for path in root.rglob("*.jpg"):
        os.utime(path, (1_700_000_000, 1_700_000_000))


def read_count(root: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many files a scan reads."""
    from tasks.runtime.keys import file_sha256

    counted: list[Path] = []

    def count(path: Path) -> str:
        counted.append(path)
        return file_sha256(path)

    with monkeypatch.context() as patch:
        patch.setattr("tasks.sources.folder.file_sha256", count)
        patch.setattr("tasks.sources.folder._SETTLED_NS", -1)
        scan(root, index)
    return len(counted)


def test_unchanged_files_are_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "f", a="1", b="2", c="3")
    index = tmp_path / "index.parquet"
    settle(tmp_path / "f")
    first = scan(tmp_path / "f")
    assert read_count(tmp_path / "f", index, monkeypatch) == 3
    assert read_count(tmp_path / "f", index, monkeypatch) == 0
    assert scan(tmp_path / "f", index) == first
    put(tmp_path / "f", b="new", d="4")
    assert read_count(tmp_path / "f", index, monkeypatch) == 2
    assert scan(tmp_path / "f", index) == scan(tmp_path / "f")
    (tmp_path / "f" / "a.jpg").unlink()
    assert set(scan(tmp_path / "f", index)) == {"b.jpg", "c.jpg", "d.jpg"}


def test_a_file_replaced_by_one_of_the_same_size_and_time_is_seen(tmp_path: Path) -> None:
    """As ``cp -p`` and ``rsync -t`` do: only the time of the change of the inode tells."""
    put(tmp_path / "f", a="old")
    index = tmp_path / "index.parquet"
    settle(tmp_path / "f")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tasks.sources.folder._SETTLED_NS", -1)
        scan(tmp_path / "f", index)
        put(tmp_path / "other", a="new")
        settle(tmp_path / "other")
        shutil.copy2(tmp_path / "other" / "a.jpg", tmp_path / "f" / "a.jpg")
        assert scan(tmp_path / "f", index)["a.jpg"].sha256 == hashlib.sha256(b"new").hexdigest()


def test_a_file_changed_a_moment_ago_is_not_remembered(tmp_path: Path) -> None:
    put(tmp_path / "f", a="1")
    scan(tmp_path / "f", tmp_path / "index.parquet")
    index = tmp_path / "index.parquet"
    assert not index.exists() or pq.read_table(index).num_rows == 0


def test_an_index_of_another_folder_is_not_believed(tmp_path: Path) -> None:
    index = tmp_path / "index.parquet"
    for name, content in (("f", "one"), ("g", "two")):
        put(tmp_path / name, a=content)
        settle(tmp_path / name)
    scan(tmp_path / "f", index)
    assert scan(tmp_path / "g", index)["a.jpg"].sha256 == hashlib.sha256(b"two").hexdigest()


@pytest.mark.parametrize("damage", ["empty", "noise", "truncated", "other columns", "a folder"])
def test_a_damaged_index_is_as_none(tmp_path: Path, damage: str) -> None:
    put(tmp_path / "f", a="1", b="2")
    settle(tmp_path / "f")
    index = tmp_path / "index.parquet"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tasks.sources.folder._SETTLED_NS", -1)
        scan(tmp_path / "f", index)
    content = index.read_bytes()
    if damage == "a folder":
        index.unlink()
        index.mkdir()
        index.rmdir()
    elif damage == "other columns":
        old = pq.read_schema(index)
        pq.write_table(pa.table({"x": [1]}).replace_schema_metadata(old.metadata), index)
    else:
        index.write_bytes({"empty": b"", "noise": os.urandom(500), "truncated": content[:-9]}[damage])
    assert scan(tmp_path / "f", index) == scan(tmp_path / "f")


def test_the_order_of_the_file_system_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, b__2="1", b__10="2", a__1="3", c="4")
    forward = list(FolderSource(tmp_path, None).scan())
    walk = os.walk

    def backward(top: Path, onerror: object = None) -> object:
        for folder, folders, names in walk(top):
            folders.reverse()
            yield folder, folders, sorted(names, reverse=True)

    monkeypatch.setattr(os, "walk", backward)
    assert list(FolderSource(tmp_path, None).scan()) == forward


FILE_NAME = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=40)


@settings(max_examples=40)
@given(st.lists(FILE_NAME, max_size=6, unique=True))
def test_any_unicode_name_can_be_planned_and_read(names: list[str]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        made = {}
        for name in names:
            file = f"x{name}.jpg"
            if len(os.fsencode(file)) <= 255:
                made[file] = put_file(Path(folder), file, file.encode()).read_bytes()
        put(Path(folder), sure="1")
        source = FolderSource(Path(folder), None)
        assert {item.item: source.read(item.item) for item in source.scan()} == {**made, "sure.jpg": b"1"}


def test_a_workspace_below_the_folder_is_no_part_of_it(tmp_path: Path) -> None:
    """``storyreasoning build . --workspace ./w``: what the build itself writes is no frame."""
    put(tmp_path, a="1")
    put_file(tmp_path, "w/workspace.json", b'{"format": 1}')
    put_file(tmp_path, "w/.lock", b"")
    put_file(tmp_path, "w/dataset/picture.jpg", b"2")
    assert set(scan(tmp_path)) == {"a.jpg"}


def test_modes_of_files_are_no_part_of_them(tmp_path: Path) -> None:
    path = put_file(tmp_path, "a.jpg", b"1")
    before = scan(tmp_path)
    path.chmod(stat.S_IRUSR)
    assert scan(tmp_path) == before
