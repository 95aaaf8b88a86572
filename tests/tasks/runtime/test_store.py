"""Shards on disk: what stands, what is damaged, and what a failing writer leaves behind."""

import contextlib
import dataclasses
import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.arrow import DEAD_LETTERS, FRAMES, PEOPLE, PLAN, STORED, STORIES
from schemas.errors import ShardError, WorkspaceError
from tasks.runtime.atomic import TEMPORARY_MARK, sweep_temporaries
from tasks.runtime.keys import file_sha256
from tasks.runtime.stage import Row
from tasks.runtime.store import GROUP_BYTES, GROUP_ROWS, Manifest, ShardStore, ShardWriter, write_shard

ROOT = Path(__file__).parents[3]


def plan_row(number: int) -> Row:
    """A row of ``PLAN``."""
    return {
        "item": f"{number}.jpg",
        "film": "Amélie",
        "scene": "0001",
        "frame_id": f"a_scene_0001_{number:04d}",
        "sha256": "0" * 64,
        "bytes": number,
    }


def manifest_of(out: ShardWriter, stage: str = "plan", shard: str = "a", key: str = "k", **changes: Any) -> Manifest:
    """The manifest of what was written."""
    made = Manifest(
        stage=stage,
        stage_version=1,
        shard=shard,
        film="Amélie",
        key=key,
        unit="frame",
        inputs={"earlier": "e"},
        params={"x": [1, 2.5, None]},
        models={"m": "0" * 64},
        items_in=out.rows + len(out.rejects),
        items_out=out.rows,
        rows=out.rows,
        rejected=out.rejected,
        seconds=0.25,
        cpu_s=0.5,
        finished="2026-01-01T00:00:00.000+00:00",
        software={"python": "3.11"},
        files=out.files,
    )
    return dataclasses.replace(made, **changes)


def commit_rows(store: ShardStore, rows: int, rejects: int = 0, key: str = "k", **changes: Any) -> Manifest:
    """A shard that stands."""
    with write_shard(store, "plan", "a", key, PLAN) as out:
        for number in range(rows):
            out.write(plan_row(number))
        for number in range(rejects):
            out.reject("frame", f"r{number}", "broken", f"{number}")
    store.commit(manifest_of(out, key=key, **changes))
    found = store.find("plan", "a", key)
    assert found is not None
    return found


@pytest.fixture
def store(tmp_path: Path) -> ShardStore:
    """An empty store."""
    return ShardStore(tmp_path / "shards")


def names(store: ShardStore) -> list[str]:
    """Every file of a store."""
    return sorted(p.relative_to(store.root).as_posix() for p in store.root.rglob("*") if p.is_file())


def test_rows_come_back_as_they_went_in(store: ShardStore) -> None:
    commit_rows(store, 5, rejects=2)
    assert names(store) == ["plan/a/k.json", "plan/a/k.parquet", "plan/a/k.rejected.parquet"]
    reader = store.read("plan", "a", "k")
    assert list(reader) == [plan_row(n) for n in range(5)]
    assert (reader.rows, reader.columns) == (5, PLAN.names)
    assert list(reader.select(["bytes"])) == [{"bytes": n} for n in range(5)]
    reader.close()
    assert [(row["item"], row["reason"], row["detail"]) for row in store.rejects("plan", "a", "k")] == [
        ("r0", "broken", "0"),
        ("r1", "broken", "1"),
    ]
    assert pq.read_schema(store.path("plan", "a", "k")).equals(PLAN, check_metadata=True)
    assert pq.read_schema(store.rejects_path("plan", "a", "k")).equals(DEAD_LETTERS, check_metadata=True)


def test_a_shard_without_rows(store: ShardStore) -> None:
    assert commit_rows(store, 0).rows == 0
    assert list(store.read("plan", "a", "k")) == []
    assert store.rejects("plan", "a", "k") == []


@pytest.mark.parametrize("schema", STORED, ids=lambda s: str(s.metadata[b"storyreasoning"], "ascii"))
def test_every_schema_can_be_stored_empty(schema: pa.Schema, store: ShardStore) -> None:
    with write_shard(store, "s", "a", "k", schema):
        pass
    assert pq.read_schema(store.path("s", "a", "k")).equals(schema, check_metadata=True)


def test_nested_rows_and_binary_columns(store: ShardStore) -> None:
    face = {"det_id": "d0", "score": 0.5, "quality": 0.25, "x1": 0.0, "y1": 0.0, "x2": 8.0, "y2": 8.0}
    face |= {"landmarks": [1.0] * 10, "embedding": b"\x00\xff" * 8}
    row = {"frame_id": "f", "scene": "1", "detections": [], "faces": [face, face]}
    with write_shard(store, "people", "a", "k", PEOPLE) as out:
        out.write(row)
    assert list(store.read("people", "a", "k")) == [row]


def test_row_groups_are_bounded_in_rows_and_in_bytes(store: ShardStore) -> None:
    with write_shard(store, "plan", "a", "k", PLAN) as out:
        for number in range(2 * GROUP_ROWS + 1):
            out.write(plan_row(number))
    assert pq.read_metadata(store.path("plan", "a", "k")).num_row_groups == 3
    small: Row = {f.name: 0 if pa.types.is_integer(f.type) else 0.0 for f in FRAMES}
    small |= {f.name: "" for f in FRAMES if pa.types.is_string(f.type)}
    with write_shard(store, "frames", "a", "k", FRAMES) as out:
        for _ in range(5):
            out.write({**small, "image": bytes(GROUP_BYTES // 2)})
    assert pq.read_metadata(store.path("frames", "a", "k")).num_row_groups == 3
    reader = store.read("frames", "a", "k")
    assert [len(reader.group(i)) for i in range(3)] == [2, 2, 1]
    reader.close()


def test_image_bytes_are_not_compressed_a_second_time(store: ShardStore) -> None:
    with write_shard(store, "frames", "a", "k", FRAMES):
        pass
    commit_rows(store, 1)
    row_group = pq.read_metadata(store.path("plan", "a", "k")).row_group(0)
    assert {row_group.column(i).compression for i in range(row_group.num_columns)} == {"ZSTD"}
    small: Row = {f.name: 0 if pa.types.is_integer(f.type) else 0.0 for f in FRAMES}
    small |= {f.name: "" for f in FRAMES if pa.types.is_string(f.type)}
    with write_shard(store, "frames", "a", "k", FRAMES) as out:
        out.write({**small, "image": bytes(100)})
    row_group = pq.read_metadata(store.path("frames", "a", "k")).row_group(0)
    found = {row_group.column(i).path_in_schema: row_group.column(i).compression for i in range(row_group.num_columns)}
    assert found.pop("image") == "UNCOMPRESSED"
    assert set(found.values()) == {"ZSTD"}


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    stores = [ShardStore(tmp_path / name) for name in "ab"]
    for store in stores:
        commit_rows(store, 300, rejects=3)
    for name in ("k.parquet", "k.rejected.parquet", "k.json"):
        first, second = (store.folder("plan", "a") / name for store in stores)
        assert first.read_bytes() == second.read_bytes()


def test_a_manifest_survives(store: ShardStore) -> None:
    with write_shard(store, "plan", "a", "k", PLAN) as out:
        out.write(plan_row(0))
        out.reject("frame", "r", "broken", "why")
    manifest = manifest_of(out)
    store.commit(manifest)
    assert store.find("plan", "a", "k") == manifest
    assert manifest.items_in == manifest.items_out + sum(manifest.rejected.values())
    for entry in manifest.files:
        path = store.folder("plan", "a") / entry.name
        assert (entry.bytes, entry.sha256) == (path.stat().st_size, file_sha256(path))


def test_a_shard_stands_only_once_it_has_its_manifest(store: ShardStore) -> None:
    with write_shard(store, "plan", "a", "k", PLAN) as out:
        out.write(plan_row(0))
    assert store.path("plan", "a", "k").exists()
    assert store.find("plan", "a", "k") is None
    store.commit(manifest_of(out))
    assert store.find("plan", "a", "k") is not None
    assert store.find("plan", "a", "other") is None
    assert store.find("other", "a", "k") is None


def test_dead_letters_of_an_earlier_attempt_do_not_linger(store: ShardStore) -> None:
    commit_rows(store, 1, rejects=2)
    commit_rows(store, 3, rejects=0)
    assert store.rejects("plan", "a", "k") == []
    assert names(store) == ["plan/a/k.json", "plan/a/k.parquet"]


def test_versions_are_oldest_first_and_skip_what_is_damaged(store: ShardStore) -> None:
    commit_rows(store, 1, key="b", finished="2026-01-01T00:00:00.000+00:00")
    commit_rows(store, 1, key="a", finished="2026-01-02T00:00:00.000+00:00")
    commit_rows(store, 1, key="c", finished="2026-01-03T00:00:00.000+00:00")
    store.path("plan", "a", "c").write_bytes(b"")
    assert [m.key for m in store.versions("plan", "a")] == ["b", "a"]
    assert store.versions("plan", "nothing") == []


@pytest.mark.parametrize("which", ["parquet", "rejected.parquet"])
@pytest.mark.parametrize("damage", ["truncated", "longer", "removed", "a folder"])
def test_a_file_of_another_size_does_not_stand_and_is_made_anew(store: ShardStore, which: str, damage: str) -> None:
    commit_rows(store, 5, rejects=2)
    path = store.folder("plan", "a") / f"k.{which}"
    content = path.read_bytes()
    path.unlink()
    if damage == "truncated":
        path.write_bytes(content[:-7])
    elif damage == "longer":
        path.write_bytes(content + b"x")
    elif damage == "a folder":
        path.mkdir()
    assert store.find("plan", "a", "k") is None
    if damage == "a folder":
        path.rmdir()
    commit_rows(store, 5, rejects=2)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "content", [b"", b"{", b"null", b"[]", b'"x"', b"7", b"{}", b'{"files": 5}', b'{"files": [1]}', b"\xff\xfe\x00"]
)
def test_a_damaged_manifest_is_no_manifest(store: ShardStore, content: bytes) -> None:
    commit_rows(store, 2)
    store.manifest_path("plan", "a", "k").write_bytes(content)
    assert store.find("plan", "a", "k") is None
    commit_rows(store, 2)


@pytest.mark.parametrize("change", [{"more": 1}, {"rows": None}])
def test_a_manifest_of_another_shape_is_no_manifest(store: ShardStore, change: dict[str, Any]) -> None:
    commit_rows(store, 2)
    path = store.manifest_path("plan", "a", "k")
    value = json.loads(path.read_text()) | change
    path.write_text(json.dumps({name: v for name, v in value.items() if v is not None}))
    assert store.find("plan", "a", "k") is None


def flip(path: Path, at: int) -> None:
    """Change one byte of a file and leave its size."""
    content = bytearray(path.read_bytes())
    content[at] ^= 0xFF
    path.write_bytes(bytes(content))


def middle_of_data(path: Path) -> int:
    """Place of a byte inside the values of the first column."""
    column = pq.read_metadata(path).row_group(0).column(0)
    return int(column.data_page_offset + column.total_compressed_size - 3)


@pytest.mark.parametrize("which", ["parquet", "rejected.parquet"])
@pytest.mark.parametrize("place", ["magic", "footer", "page"])
def test_damage_of_the_same_size_withdraws_the_manifest(store: ShardStore, which: str, place: str) -> None:
    commit_rows(store, 50, rejects=50)
    path = store.folder("plan", "a") / f"k.{which}"
    flip(path, {"magic": -1, "footer": -40, "page": middle_of_data(path)}[place])
    if place == "footer":  # a footer has no checksum, so that one flipped byte may not hurt: spoil all of it
        size = path.stat().st_size
        path.write_bytes(path.read_bytes()[: size - 400] + b"\xff" * 392 + path.read_bytes()[-8:])
    assert store.find("plan", "a", "k") is not None, "find looks at sizes only"
    with pytest.raises(ShardError, match="run again to make it anew") as caught:
        if which == "parquet":
            list(store.read("plan", "a", "k"))
        else:
            store.rejects("plan", "a", "k")
    assert "shard a of plan" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert store.find("plan", "a", "k") is None


def test_no_damage_of_the_values_goes_unseen(store: ShardStore) -> None:
    commit_rows(store, 60)
    path = store.path("plan", "a", "k")
    good, rows = path.read_bytes(), [plan_row(n) for n in range(60)]
    footer = len(good) - 8 - int.from_bytes(good[-8:-4], "little")
    for place in random.Random(0).sample(range(footer), 300):
        flip(path, place)
        with contextlib.suppress(ShardError):
            assert list(store.read("plan", "a", "k")) == rows
        path.write_bytes(good)


class Boom(Exception):
    """An error that no library raises."""


@pytest.mark.parametrize("error", [Boom(), KeyboardInterrupt(), MemoryError()])
@pytest.mark.parametrize("rows", [0, 3, GROUP_ROWS + 3])
def test_an_error_in_the_middle_of_a_shard_leaves_nothing(store: ShardStore, error: BaseException, rows: int) -> None:
    with pytest.raises(type(error)), write_shard(store, "plan", "a", "k", PLAN) as out:
        for number in range(rows):
            out.write(plan_row(number))
        out.reject("frame", "r", "broken", "")
        raise error
    assert names(store) == []


def test_an_error_in_the_middle_leaves_the_shard_that_stood(store: ShardStore) -> None:
    standing = commit_rows(store, 4, rejects=1)
    before = {name: (store.root / name).read_bytes() for name in names(store)}
    with pytest.raises(Boom), write_shard(store, "plan", "a", "k", PLAN) as out:
        out.write(plan_row(0))
        raise Boom
    assert {name: (store.root / name).read_bytes() for name in names(store)} == before
    assert store.find("plan", "a", "k") == standing


@pytest.mark.parametrize("row", [{}, {"item": None}, {**plan_row(0), "bytes": "many"}])
def test_a_row_that_does_not_fit_the_schema_is_never_stored(store: ShardStore, row: Row) -> None:
    with pytest.raises((ValueError, TypeError, pa.ArrowException)), write_shard(store, "plan", "a", "k", PLAN) as out:
        out.write(row)
    assert names(store) == []


def test_no_space_while_the_manifest_is_written(store: ShardStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with write_shard(store, "plan", "a", "k", PLAN) as out:
        out.write(plan_row(0))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(WorkspaceError, match=r"no space left while writing k\.json"):
            store.commit(manifest_of(out))
    assert store.find("plan", "a", "k") is None
    assert not [name for name in names(store) if TEMPORARY_MARK in name]


FULL_DISK = """
import os, random, sys
from pathlib import Path
sys.path.insert(0, os.getcwd())
from schemas.errors import WorkspaceError
from tasks.runtime.store import ShardStore, write_shard
from schemas.arrow import STORIES
store = ShardStore(Path(sys.argv[1]))
rng = random.Random(0)
try:
    with write_shard(store, "sequence", "a", "k", STORIES) as out:
        for n in range(100_000):
            ids = [f"{rng.getrandbits(200):x}" for _ in range(20)]
            out.write({"story_key": str(n), "film": "a", "frame_ids": ids, "scenes": []})
except WorkspaceError as error:
    print(error)
    print([p.name for p in store.root.rglob("*") if p.is_file()])
"""


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare to mount a small disk")
def test_a_full_disk(tmp_path: Path) -> None:
    """A real one: a tmpfs of 300 kB in a mount namespace of its own."""
    (tmp_path / "script.py").write_text(FULL_DISK)
    (tmp_path / "disk").mkdir()
    mount = 'mount -t tmpfs -o size=300k none "$1" && exec "$2" "$3" "$1"'
    command = ["unshare", "-rm", "sh", "-c", mount, "sh"]
    arguments = [str(tmp_path / "disk"), sys.executable, str(tmp_path / "script.py")]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60, cwd=ROOT)
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip(f"may not mount here: {done.stderr.strip()}")
    told, left = done.stdout.splitlines()
    assert told.startswith("no space left while writing k.parquet in ")
    assert told.endswith(": free space and run again")
    assert left == "[]"


KILLED = """
import os, signal, sys
from pathlib import Path
from schemas.arrow import STORIES
from tasks.runtime.store import GROUP_ROWS, ShardStore, write_shard
with write_shard(ShardStore(Path(sys.argv[1])), "sequence", "a", "k", STORIES) as out:
    for n in range(3 * GROUP_ROWS):
        out.write({"story_key": str(n), "film": "a", "frame_ids": ["f"], "scenes": []})
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_sigkill_in_the_middle_of_a_shard(store: ShardStore) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(store.root)], cwd=ROOT, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert len(names(store)) == 1
    assert TEMPORARY_MARK in names(store)[0]
    assert store.find("sequence", "a", "k") is None
    assert sweep_temporaries(store.root) == 1
    assert names(store) == []
    with write_shard(store, "sequence", "a", "k", STORIES) as out:
        pass
    store.commit(manifest_of(out, stage="sequence"))
    assert store.find("sequence", "a", "k") is not None


@settings(max_examples=20)
@given(st.lists(st.sampled_from(["empty", "broken", "black"]), max_size=30), st.integers(0, 5))
def test_rejects_are_counted_by_reason(reasons: list[str], rows: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        store = ShardStore(Path(folder))
        with write_shard(store, "plan", "a", "k", PLAN) as out:
            for number in range(rows):
                out.write(plan_row(number))
            for number, reason in enumerate(reasons):
                out.reject("frame", str(number), reason, "")
        assert out.rejected == {reason: reasons.count(reason) for reason in set(reasons)}
        assert [row["reason"] for row in store.rejects("plan", "a", "k")] == reasons
