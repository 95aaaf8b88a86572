"""``plan``: films, scenes and frames in natural order, and how they are cut into shards."""

import random
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.config import BuildConfig, IngestConfig
from schemas.errors import SourceError
from tasks.plan import PlannedFrame, cut_shards, order_frames, plan, plan_shards, split_name
from tasks.runtime.progress import Event, listening
from tasks.runtime.stage import RunSpec, ShardRef
from tasks.sources.source import SourceItem


@dataclass
class Listed:
    """A source that is a list."""

    items: Sequence[SourceItem]
    title: str = "title"
    names_hold_film: bool = False

    def scan(self) -> Iterator[SourceItem]:
        """The list."""
        return iter(self.items)

    def read(self, item: str) -> bytes:
        """Nothing is read when a plan is made."""
        raise AssertionError

    def ignored(self) -> dict[str, int]:
        """Something that was no image."""
        return {".txt": 2}


def item(address: str, sha256: str = "0" * 64) -> SourceItem:
    """What a folder source says of a file."""
    parts = address.split("/")
    film = parts[0] if len(parts) > 1 else ""
    return SourceItem(address, parts[-1].rsplit(".", 1)[0], film, "/".join(parts[1:-1]), sha256, 10)


def ids(*addresses: str, names_hold_film: bool = False) -> dict[str, str]:
    """Frame id of each file, in the order of the plan."""
    source = Listed([item(a) for a in addresses], names_hold_film=names_hold_film)
    return {frame.item.item: frame.frame_id for frame in order_frames(source.scan(), source)}


@pytest.mark.parametrize(
    ("address", "from_dataset", "film_and_scene"),
    [
        ("heat/0001.jpg", False, ("heat", "")),
        ("heat/scene 3/0001.jpg", False, ("heat", "scene 3")),
        ("heat/other_scene_4_1.jpg", False, ("heat", "4")),
        ("heat/a/other_scene_4_1.jpg", False, ("heat", "a")),
        ("heat_scene_12_003.jpg", False, ("heat", "12")),
        ("heat_SEQ_007.png", False, ("heat", "007")),
        ("the_third_man_scene_2_frame_9.jpg", False, ("the_third_man", "2")),
        ("a_scene_1_scene_2_3.jpg", False, ("a", "1")),
        ("heat_scene_x_1.jpg", False, ("title", "")),
        ("_scene_1.jpg", False, ("title", "")),
        ("0001.jpg", False, ("title", "")),
        ("heat_12_003.jpg", False, ("title", "")),
        ("heat_12_003.jpg", True, ("heat", "12")),
        ("heat_12.jpg", True, ("title", "")),
        ("tt0114369_seq_0012_3.jpg", True, ("tt0114369", "0012")),
        ("new\nline_scene_1_2.jpg", False, ("new\nline", "1")),
    ],
)
def test_where_film_and_scene_are_read_from(address: str, from_dataset: bool, film_and_scene: tuple[str, str]) -> None:
    assert split_name(item(address), Listed([], names_hold_film=from_dataset)) == film_and_scene


def test_scene_10_stands_after_scene_9() -> None:
    found = ids("f_scene_10_1.jpg", "f_scene_2_10.jpg", "f_scene_9_1.jpg", "f_scene_2_9.jpg")
    assert found == {
        "f_scene_2_9.jpg": "f_scene_0002_0001",
        "f_scene_2_10.jpg": "f_scene_0002_0002",
        "f_scene_9_1.jpg": "f_scene_0009_0001",
        "f_scene_10_1.jpg": "f_scene_0010_0001",
    }
    assert list(found) == ["f_scene_2_9.jpg", "f_scene_2_10.jpg", "f_scene_9_1.jpg", "f_scene_10_1.jpg"]


def test_frames_without_a_pattern_are_one_scene_in_file_order() -> None:
    assert list(ids("img10.jpg", "img9.jpg", "img100.jpg", "img1.jpg")) == [
        "img1.jpg",
        "img9.jpg",
        "img10.jpg",
        "img100.jpg",
    ]
    assert set(ids("b.jpg", "a.jpg").values()) == {"title_scene_0001_0001", "title_scene_0001_0002"}


def test_films_come_in_natural_order_and_do_not_mix() -> None:
    assert list(ids("film 10/a.jpg", "film 9/b.jpg", "film 9/a.jpg")) == [
        "film 9/a.jpg",
        "film 9/b.jpg",
        "film 10/a.jpg",
    ]


def test_a_scene_keeps_its_own_number_where_every_scene_has_one() -> None:
    assert set(ids("f/scene 7/a.jpg", "f/scene 12/a.jpg").values()) == {"f_scene_0007_0001", "f_scene_0012_0001"}


@pytest.mark.parametrize(
    "scenes",
    [
        ["Kitchen", "Opening", "Street"],
        ["03", "3"],
        ["a 1", "b 1"],
        ["kitchen", "scene 2"],
        ["act 1 scene 2", "act 2 scene 1"],
        ["1/2", "2/1"],
        ["1" * 12, "2" * 12],
    ],
)
def test_scenes_are_counted_where_their_numbers_do_not_say_the_order(scenes: list[str]) -> None:
    found = ids(*(f"f/{scene}/a.jpg" for scene in reversed(scenes)))
    assert list(found) == [f"f/{scene}/a.jpg" for scene in scenes]
    assert list(found.values()) == [f"f_scene_{n:04d}_0001" for n in range(1, len(scenes) + 1)]


def test_frames_outside_every_scene_come_last() -> None:
    found = ids("f/loose.jpg", "f/scene 2/a.jpg", "f/scene 1/a.jpg")
    assert list(found.items()) == [
        ("f/scene 1/a.jpg", "f_scene_0001_0001"),
        ("f/scene 2/a.jpg", "f_scene_0002_0001"),
        ("f/loose.jpg", "f_scene_0003_0001"),
    ]


def test_films_whose_names_look_alike_have_ids_of_their_own() -> None:
    found = ids("my film/a.jpg", "my-film/a.jpg", "MY FILM/a.jpg", "Café/a.jpg", "Cafe/a.jpg")
    assert len({name.casefold() for name in found.values()}) == 5


def test_films_in_other_scripts_keep_their_ids_when_others_come() -> None:
    alone = ids("七人の侍/a.jpg")
    assert ids("七人の侍/a.jpg", "羅生門/a.jpg")["七人の侍/a.jpg"] == alone["七人の侍/a.jpg"]
    long = "a very long title " * 5
    alone = ids(f"{long}1/a.jpg")
    assert ids(f"{long}1/a.jpg", f"{long}2/a.jpg")[f"{long}1/a.jpg"] == alone[f"{long}1/a.jpg"]


def test_the_same_name_with_two_suffixes() -> None:
    found = ids("f/a.png", "f/a.jpg")
    assert list(found) == ["f/a.jpg", "f/a.png"]
    assert len(set(found.values())) == 2


PART = st.text(st.characters(categories=["L", "N", "P", "Zs"], exclude_characters="/"), min_size=1, max_size=6)
ADDRESS = st.one_of(
    st.builds(lambda n: f"{n}.jpg", PART),
    st.builds(lambda f, n: f"{f}/{n}.jpg", PART, PART),
    st.builds(lambda f, s, n: f"{f}/{s}/{n}.jpg", PART, PART, PART),
    st.builds(lambda f, s, n: f"{f}_scene_{s}_{n}.jpg", PART, st.integers(0, 30), st.integers(0, 30)),
)


@given(st.lists(ADDRESS, unique=True, max_size=25), st.randoms(use_true_random=False), st.booleans())
def test_a_plan_holds_every_frame_once_whatever_the_order(
    addresses: list[str], rng: random.Random, from_dataset: bool
) -> None:
    planned = ids(*addresses, names_hold_film=from_dataset)
    assert set(planned) == set(addresses)
    assert len({unicodedata.normalize("NFC", value).casefold() for value in planned.values()}) == len(addresses)
    assert all(re.fullmatch(r"[A-Za-z0-9-]+_scene_[0-9]{4,}_[0-9]{4,}", value) for value in planned.values())
    mixed = addresses[:]
    rng.shuffle(mixed)
    assert list(ids(*mixed, names_hold_film=from_dataset).items()) == list(planned.items())


@given(st.lists(ADDRESS, unique=True, max_size=25))
def test_films_and_scenes_are_not_interleaved(addresses: list[str]) -> None:
    source = Listed([item(a) for a in addresses])
    frames = order_frames(source.scan(), source)
    films = [film for film, _ in groupby(frame.film for frame in frames)]
    assert len(films) == len(set(films))
    scenes = [key for key, _ in groupby((frame.film, frame.scene) for frame in frames)]
    assert len(scenes) == len(set(scenes))


def frames_of(*scene_lengths: int) -> list[PlannedFrame]:
    """A film of scenes of these lengths."""
    return [
        PlannedFrame(item(f"f/{s}/{k}.jpg"), "f", f"{s:04d}", f"f_scene_{s:04d}_{k:04d}")
        for s, length in enumerate(scene_lengths)
        for k in range(length)
    ]


@pytest.mark.parametrize(
    ("scenes", "aim", "lengths"),
    [
        ([5, 5, 5, 5], 10, [10, 10]),
        ([5, 5, 5], 10, [10, 5]),
        ([10, 10, 2], 10, [10, 12]),
        ([10, 10, 3], 10, [10, 10, 3]),
        ([20], 10, [20]),
        ([21], 10, [7, 7, 7]),
        ([1], 10, [1]),
        ([], 10, []),
        ([25, 4], 10, [8, 8, 9, 4]),
        ([3, 20, 3], 10, [3, 20, 3]),
        ([1, 1, 1], 1, [1, 1, 1]),
    ],
)
def test_shards_by_hand(scenes: list[int], aim: int, lengths: list[int]) -> None:
    assert [len(shard) for shard in cut_shards(frames_of(*scenes), aim)] == lengths


@given(st.lists(st.integers(1, 40), max_size=15), st.integers(1, 30))
def test_cutting_keeps_order_loses_nothing_and_keeps_scenes_whole(scenes: list[int], aim: int) -> None:
    frames = frames_of(*scenes)
    shards = cut_shards(frames, aim)
    assert [frame for shard in shards for frame in shard] == frames
    assert all(shards)
    assert all(len(shard) <= 2 * aim + aim // 4 for shard in shards)
    for number, length in enumerate(scenes):
        pieces = [sum(frame.scene == f"{number:04d}" for frame in shard) for shard in shards]
        pieces = [piece for piece in pieces if piece]
        if length <= 2 * aim:
            assert pieces == [length]
        else:
            assert max(pieces) - min(pieces) <= 1


def refs_of(workspace: Path, *addresses: str, **changed: str) -> list[ShardRef]:
    """The shards of a plan; ``changed`` gives other bytes to a file, by its name without suffix."""
    items = [item(a, sha256=changed.get(a.rsplit("/", 1)[-1].split(".")[0], "0" * 64)) for a in addresses]
    run = RunSpec(str(workspace), "list", BuildConfig())
    return plan_shards(run, Listed(items), IngestConfig(shard_frames=2))


ADDRESSES = [f"{film}/{scene}/{k}.jpg" for film in ("heat", "ronin") for scene in (1, 2) for k in (1, 2)]


def rows_of(workspace: Path, ref: ShardRef) -> list[str]:
    """What a plan lists."""
    store = RunSpec(str(workspace), "list", BuildConfig()).store
    return [row["item"] for row in store.read("plan", ref.shard, ref.keys["plan"])]


def test_a_plan_is_written_for_every_shard(tmp_path: Path) -> None:
    refs = refs_of(tmp_path, *ADDRESSES)
    assert [(ref.film, ref.frames) for ref in refs] == [("heat", 2), ("heat", 2), ("ronin", 2), ("ronin", 2)]
    assert [name for ref in refs for name in rows_of(tmp_path, ref)] == ADDRESSES
    assert len({ref.shard for ref in refs}) == 4


def test_the_same_source_gives_the_same_plan_and_writes_nothing(tmp_path: Path) -> None:
    first = refs_of(tmp_path, *ADDRESSES)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
    assert refs_of(tmp_path, *reversed(ADDRESSES)) == first
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")} == before


def test_a_changed_frame_touches_its_shard_only(tmp_path: Path) -> None:
    before = refs_of(tmp_path, "heat/1/1.jpg", "heat/1/2.jpg", "ronin/1/3.jpg")
    after = refs_of(tmp_path, "heat/1/1.jpg", "heat/1/2.jpg", "ronin/1/3.jpg", **{"3": "1" * 64})
    assert before[0] == after[0]
    assert before[1].shard == after[1].shard
    assert before[1].keys != after[1].keys


@pytest.mark.parametrize("film", ["another", "zulu", "七人の侍"])
def test_a_new_film_touches_no_other(tmp_path: Path, film: str) -> None:
    before = refs_of(tmp_path, *ADDRESSES)
    after = refs_of(tmp_path, *ADDRESSES, f"{film}/1/1.jpg")
    assert [ref for ref in after if ref.film != film] == before
    assert len(after) == len(before) + 1


def test_a_removed_film_is_gone(tmp_path: Path) -> None:
    before = refs_of(tmp_path, *ADDRESSES)
    after = refs_of(tmp_path, *(a for a in ADDRESSES if a.startswith("ronin")))
    assert after == [ref for ref in before if ref.film == "ronin"]


def test_a_repacked_source_is_the_same_dataset_read_at_new_addresses(tmp_path: Path) -> None:
    run = RunSpec(str(tmp_path), "list", BuildConfig())
    old = Listed([replace(item("film_scene_1_1.jpg"), item="0:0:0")])
    new = Listed([replace(item("film_scene_1_1.jpg"), item="7:1:3")])
    (before,) = plan_shards(run, old, IngestConfig())
    (after,) = plan_shards(run, new, IngestConfig())
    assert after == before
    assert rows_of(tmp_path, after) == ["7:1:3"]


def test_a_damaged_plan_is_written_anew(tmp_path: Path) -> None:
    (ref,) = refs_of(tmp_path, "heat/1/1.jpg")
    path = RunSpec(str(tmp_path), "list", BuildConfig()).store.path("plan", ref.shard, ref.keys["plan"])
    content = path.read_bytes()
    path.write_bytes(content[:-5])
    assert refs_of(tmp_path, "heat/1/1.jpg") == [ref]
    assert path.read_bytes() == content


def test_a_plan_is_told(tmp_path: Path) -> None:
    told: list[Event] = []
    with listening(told.append):
        refs_of(tmp_path, *ADDRESSES)
    assert [(e.kind, e.shards, e.items) for e in told if e.kind == "plan"] == [("plan", 4, 8)]
    assert [e.text for e in told if e.kind == "message"] == ["passed over 2 files that are no images (.txt)"]


def test_nothing_to_plan(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no images"):
        refs_of(tmp_path)


@settings(max_examples=15, deadline=None)
@given(st.lists(PART, min_size=1, max_size=4, unique=True))
def test_shard_names_are_file_names_and_their_own(films: list[str]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        refs = refs_of(Path(folder), *(f"{film}/1/1.jpg" for film in films))
    assert len({ref.shard.casefold() for ref in refs}) == len(films)
    assert all(re.fullmatch(r"[A-Za-z0-9-]{1,64}", ref.shard) for ref in refs)


def test_a_run_opens_its_source_itself(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "a.jpg").write_bytes(b"x")
    run = RunSpec(str(tmp_path / "w"), str(tmp_path / "frames"), BuildConfig())
    (ref,) = plan(run)
    assert (ref.film, ref.frames) == ("frames", 1)
