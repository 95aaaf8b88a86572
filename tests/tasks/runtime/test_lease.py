"""The lock of a workspace at a URL: one holder, however wrong the clocks are, and a way on when the holder died."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import WorkspaceError
from tasks.runtime import lease
from tasks.runtime.lease import LOCK, leased
from tasks.runtime.objects import Objects, Taken
from tests.object_store import make_bucket, nobody_listens, point_to, s3_server


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds become tenths."""
    for name, seconds in {"BEAT_S": 0.1, "EXPIRES_S": 1.0, "GIVES_UP_S": 0.7, "_LOOK_S": 0.05}.items():
        monkeypatch.setattr(lease, name, seconds)


@pytest.fixture(params=["s3", "memory"])
def objects(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Objects]:
    """A place without objects, in a store that decides conditions itself and in one that does not."""
    if request.param == "memory":
        import fsspec

        memory: Any = fsspec.filesystem("memory")
        yield Objects("memory://locks/w")
        if memory.exists("/locks"):
            memory.rm("/locks", recursive=True)
        return
    with s3_server(monkeypatch):
        make_bucket("locks")
        yield Objects("s3://locks/w")


def test_a_lock_goes_with_the_block_even_after_an_error(objects: Objects) -> None:
    for _ in range(2):
        with pytest.raises(KeyError), leased(objects) as held:
            held.check()
            assert list(objects.list()) == [LOCK]
            raise KeyError
        assert objects.list() == {}


def test_a_lock_that_lives_is_respected_however_long(objects: Objects) -> None:
    with leased(objects) as held:
        time.sleep(1.2)
        told = r"another build is at work in .*locks/w \(process \d+ on "
        with pytest.raises(WorkspaceError, match=told), leased(objects):
            pytest.fail("two at once")
        held.check()


def test_a_lock_whose_holder_died_is_taken_over_whatever_its_clock_said(objects: Objects) -> None:
    """No time stands in it: a clock that is years ahead or behind changes nothing."""
    dead = json.dumps({"owner": "x", "host": "gone", "process": 1, "beat": 7}).encode()
    objects.write(LOCK, dead, new=True)
    begun = time.monotonic()
    with leased(objects) as held:
        assert 1.0 <= time.monotonic() - begun < 5
        held.check()
        assert objects.read(LOCK) != dead
    assert objects.list() == {}


def test_a_holder_that_slept_too_long_finds_the_lock_gone_and_leaves_it(objects: Objects) -> None:
    with leased(objects) as held:
        other = json.dumps({"owner": "y", "host": "b", "process": 2, "beat": 0}).encode()
        held._ended.set()  # no beat comes between
        held._thread.join()
        objects.write(LOCK, other)
        held._ended.clear()
        held._beat()
        with pytest.raises(WorkspaceError, match="lost the lock of"):
            held.check()
    assert objects.read(LOCK) == other, "that of the other build stays"


def test_a_holder_that_cannot_reach_the_place_gives_up(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    with leased(objects) as held:
        monkeypatch.setattr(Objects, "write", unreachable)
        time.sleep(0.9)
        with pytest.raises(WorkspaceError, match="lost the lock of"):
            held.check()


def unreachable(*_: object, **__: object) -> None:
    """What a place says that is gone."""
    raise WorkspaceError("cannot be reached")


def test_an_answer_that_was_lost_loses_no_lock(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Objects.write

    def write_without_answer(self: Objects, *args: Any, **kwargs: Any) -> None:
        write(self, *args, **kwargs)
        raise WorkspaceError("timed out")

    with leased(objects) as held:
        monkeypatch.setattr(Objects, "write", write_without_answer)
        time.sleep(1.2)
        held.check()
        monkeypatch.setattr(Objects, "write", write)
        time.sleep(0.3)
        held.check()
    assert objects.list() == {}


@pytest.mark.slow
def test_of_many_one_gets_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight builds find the lock of a dead one and take it over at the same time; the store lets one."""
    with s3_server(monkeypatch):
        make_bucket("locks")
        Objects("s3://locks/w").write(LOCK, json.dumps({"host": "gone", "process": 1, "beat": 0}).encode(), new=True)
        inside, most, refused = 0, 0, 0
        count = threading.Lock()

        def build() -> None:
            nonlocal inside, most, refused
            try:
                with leased(Objects("s3://locks/w")):
                    with count:
                        inside += 1
                        most = max(most, inside)
                    time.sleep(1.0)
                    with count:
                        inside -= 1
            except WorkspaceError:
                with count:
                    refused += 1

        threads = [threading.Thread(target=build) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert (most, refused) == (1, 7)


def test_conditions(objects: Objects) -> None:
    objects.write("a", b"1", new=True)
    with pytest.raises(Taken):
        objects.write("a", b"2", new=True)
    with pytest.raises(Taken):
        objects.write("a", b"2", instead_of=b"0")
    objects.write("a", b"2", instead_of=b"1")
    assert objects.read("a") == b"2"
    assert objects.read("b") is None
    objects.remove("a")
    objects.remove("a")
    assert objects.list() == {}


def test_files(objects: Objects, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"content")
    objects.put("x/y.bin", tmp_path / "in")
    first = objects.list()
    assert list(first) == ["x/y.bin"]
    assert objects.list("x") == first
    assert objects.fetch("x/y.bin", tmp_path / "deep" / "out")
    assert (tmp_path / "deep" / "out").read_bytes() == b"content"
    assert not objects.fetch("none", tmp_path / "none")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["deep", "in", "out"], "nothing is left half-written"
    (tmp_path / "in").write_bytes(b"CONTENT")
    objects.put("x/y.bin", tmp_path / "in")
    assert objects.list() != first


def test_a_place_that_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    point_to(nobody_listens(), monkeypatch)
    with (
        pytest.raises(WorkspaceError, match="s3://locks/w cannot be reached") as caught,
        leased(Objects("s3://locks/w")),
    ):
        pytest.fail("it is down")
    assert "\n" not in str(caught.value)
