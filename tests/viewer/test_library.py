import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import ConfigError, SourceError
from tests.viewer.datasets import Sample, picture, write_dataset, write_stories
from viewer.entries import Query
from viewer.library import Library, UnknownStoryError, free_key
from viewer.places import find_place


def ids(library: Library, **query: object) -> list[str]:
    return [entry.story_id for entry, _ in library.page(Query(**query)).entries]  # type: ignore[arg-type]


def test_pages_follow_the_order_of_the_dataset(library: Library) -> None:
    first, second = library.page(Query(size=24)), library.page(Query(size=24, page=2))
    assert [entry.story_id for entry, _ in first.entries] == [str(n) for n in range(1, 25)]
    assert [entry.story_id for entry, _ in second.entries] == ["25", "26", "27", "28", "29", "30", "t0", "t1", "t2"]
    assert first.total == second.total == 33
    assert library.page(Query(page=3)).entries == ()


def test_a_page_tells_who_is_in_a_story(library: Library) -> None:
    entry, digest = library.page(Query(size=1)).entries[0]
    assert (entry.split, entry.film, entry.frames) == ("train", "film 1", 6)
    assert (digest.people, digest.things, digest.names) == (2, 2, ("Marko", "Tove"))
    assert digest.opening.startswith("Marko and Tove met at pier number 1. They waited by the lamp below the wall.")
    # "They" and the names are tagged, so nothing is wrong with it.
    assert (digest.faults, digest.breaking) == (0, 0)


def test_filters(library: Library) -> None:
    assert ids(library, film="film 3") == ["3", "8", "13", "18", "23", "28"]
    assert ids(library, split="test") == ["t0", "t1", "t2"]
    assert ids(library, film="film 3", split="test") == []
    assert library.films == [("film 0", 6), ("film 1", 6), ("film 2", 6), ("film 3", 6), ("film 4", 6), ("the end", 3)]
    assert library.splits == [("test", 3), ("train", 30)]


def test_search_finds_words_of_the_text_the_film_and_the_id(library: Library) -> None:
    assert ids(library, text="NUMBER 17") == ["17"]
    assert ids(library, text="the END") == ["t0", "t1", "t2"]
    assert ids(library, text="t1") == ["t1"]
    assert ids(library, text="number nowhere") == []
    assert ids(library, text=".*") == [], "a search is words, no pattern"


def test_sorts(library: Library) -> None:
    assert ids(library, sort="frames", size=3) == ["3", "6", "9"]
    assert ids(library, sort="frames", descending=True, size=4) == ["2", "5", "8", "11"]
    assert ids(library, sort="order", descending=True, size=2) == ["t2", "t1"]
    assert ids(library, sort="film", descending=True, size=3) == ["t0", "t1", "t2"]


def test_what_needs_the_texts_waits_for_them(tmp_path: Path) -> None:
    bare = Sample("bare", story="Nobody is tagged here.")
    unknown = Sample("unknown", story="<gdi image1>\n<gdo char9>X</gdo>\n</gdi>")
    place = find_place(str(write_dataset(tmp_path / "d", [Sample("sound"), bare, unknown])))
    with Library(place) as library:
        assert ids(library, quality="sound") == []
        library.read_ahead()
        for _ in range(200):
            if library.digested == 3:
                break
            threading.Event().wait(0.02)
        assert ids(library, quality="sound") == ["sound"]
        assert ids(library, quality="faulty") == ["bare", "unknown"]
        assert ids(library, sort="faults", descending=True)[-1] == "sound"
        assert ids(library, sort="words")[0] == "unknown"


def test_a_story_has_its_bytes_as_they_are_stored(library: Library, dataset: Path) -> None:
    row = library.story("t2")
    stored = pq.read_table(dataset / "default" / "test-00000-of-00001.parquet").to_pylist()[2]
    assert row.images == tuple(image["bytes"] for image in stored["images"])
    assert row.story == stored["story"] and row.chain_of_thought == stored["chain_of_thought"]
    assert row.grounding is not None
    assert (row.grounding["film"], row.grounding["story_key"]) == ("the end", "key of t2")
    assert library.frame("t2", 7) == picture(7)
    assert library.neighbours("t2") == ("t1", "")
    assert library.neighbours("1") == ("", "2")


@pytest.mark.parametrize("number", [0, 8, -1])
def test_a_frame_that_is_not_there(library: Library, number: int) -> None:
    with pytest.raises(UnknownStoryError, match="frame"):
        library.frame("t2", number)


@pytest.mark.parametrize("key", ["", "nowhere", "../t2", "t2/..", "T2"])
def test_a_story_that_is_not_there(library: Library, key: str) -> None:
    with pytest.raises(UnknownStoryError):
        library.story(key)


def test_every_row_of_every_group_is_found_in_any_order(library: Library) -> None:
    for number in (30, 1, 17, 16, 29, 4, 5):
        assert f"pier number {number}." in library.story(str(number)).story
        assert len(library.story(str(number)).images) == 5 + number % 3


def test_keys_are_plain_words_whatever_the_ids_are(tmp_path: Path) -> None:
    odd = ["a", "a", "", "../../etc/passwd", "<script>", "n3", "x" * 300, "a b"]
    place = find_place(str(write_stories(tmp_path / "train-0.parquet", [Sample(one) for one in odd])))
    with Library(place) as library:
        keys = [entry.key for entry in library.entries]
        assert len(set(keys)) == len(odd)
        assert all(key.replace("-", "").isalnum() and len(key) <= 64 for key in keys)
        assert [library.story(key).entry.story_id for key in keys] == odd


def test_a_free_key_is_never_taken() -> None:
    taken: set[str] = set()
    for number in range(1, 50):
        key = free_key("same", number, taken)
        assert key not in taken
        taken.add(key)


def test_another_layout_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "train-0.parquet"
    pq.write_table(pa.table({"id": ["a"], "image": [b""]}), path)
    with pytest.raises(ConfigError, match="no column story_id, frame_count, chain_of_thought, story"):
        Library(find_place(str(tmp_path)))


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train-0.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(SourceError, match=r"train-0\.parquet cannot be read as Parquet"):
        Library(find_place(str(tmp_path)))


def test_a_dataset_without_stories_is_an_empty_library(tmp_path: Path) -> None:
    with Library(find_place(str(write_dataset(tmp_path / "d", [])))) as library:
        assert library.page(Query()).total == 0
        assert library.films == []


def test_missing_values_are_empty_not_fatal(tmp_path: Path) -> None:
    schema = pa.schema(
        [
            ("story_id", pa.int64()),
            ("frame_count", pa.int32()),
            ("chain_of_thought", pa.string()),
            ("story", pa.string()),
        ]
    )
    pq.write_table(pa.Table.from_pylist([dict.fromkeys(schema.names)], schema=schema), tmp_path / "train-0.parquet")
    with Library(find_place(str(tmp_path))) as library:
        row = library.story(library.entries[0].key)
        assert (row.story, row.chain_of_thought, row.images, row.entry.frames) == ("", "", (), 0)


def test_threads_read_the_same(library: Library) -> None:
    found: dict[int, bool] = {}

    def read(number: int) -> None:
        found[number] = all(f"number {n}." in library.story(str(n)).story for n in range(number, 31, 3))

    threads = [threading.Thread(target=read, args=(n,)) for n in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {1: True, 2: True, 3: True}


def test_closing_ends_the_reading(dataset: Path) -> None:
    library = Library(find_place(str(dataset)))
    library.read_ahead()
    library.close()
    assert not any(thread.name == "library" for thread in threading.enumerate())


def test_what_is_saved_live_comes_in_at_once(tmp_path: Path) -> None:
    write_dataset(tmp_path / "dataset", [Sample("1")])
    (tmp_path / "workspace.json").write_text("{}")
    with Library(find_place(str(tmp_path))) as library:
        assert ids(library) == ["1"]
        assert ids(library, text="sailing") == []
        write_stories(tmp_path / "live" / "b.parquet", [Sample("saved", words="sailing")])
        (tmp_path / "live" / "a.parquet").write_bytes(b"half a file")
        assert ids(library) == ["1", "saved"]
        assert ids(library, split="live") == ids(library, text="sailing") == ["saved"]
        assert "sailing" in library.story("saved").story
        assert library.neighbours("1") == ("", "saved")
        assert library.splits == [("live", 1), ("train", 1)]


@pytest.mark.parametrize("kind", [pa.int32(), pa.binary(), pa.list_(pa.string())])
def test_a_text_that_is_none_is_refused(tmp_path: Path, kind: pa.DataType) -> None:
    schema = pa.schema(
        [("story_id", pa.string()), ("frame_count", pa.int32()), ("chain_of_thought", pa.string()), ("story", kind)]
    )
    pq.write_table(schema.empty_table(), tmp_path / "train-0.parquet")
    with pytest.raises(ConfigError, match="its column story holds"):
        Library(find_place(str(tmp_path)))


def test_images_of_another_kind_are_no_images(tmp_path: Path) -> None:
    row = {"story_id": "1", "images": 5, "frame_count": 2, "chain_of_thought": "", "story": ""}
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "train-0.parquet")
    with Library(find_place(str(tmp_path))) as library:
        assert library.story("1").images == ()


def test_a_grounding_of_another_kind_is_none(tmp_path: Path) -> None:
    write_stories(tmp_path / "default" / "train-0.parquet", [Sample("1")])
    (tmp_path / "grounding").mkdir()
    names = ("story_key", "film", "frames", "entities", "links", "drafter", "model", "prompt_version")
    pq.write_table(
        pa.table({"story_id": ["1"], **{name: ["x"] for name in names}}), tmp_path / "grounding" / "a.parquet"
    )
    with Library(find_place(str(tmp_path))) as library:
        assert library.story("1").grounding is None
        assert library.films == []
