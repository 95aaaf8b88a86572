"""Checking whole sources: what is counted, what is told, what the repaired copy is."""

import io
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from schemas.arrow import STORYREASONING
from schemas.errors import ConfigError, SourceError
from schemas.model_output import join_output
from tasks.check import StoryReport, check_source, count_by_rule
from tasks.check_files import check_hub, read_size
from tests.schemas.documented_rules import make_pair, read_blocks

PAIR = make_pair(read_blocks())
UNCLOSED = PAIR.story.replace("Ines</gdo>", "Ines")
OUTSIDE = f"The Gate\n\n{PAIR.story}"


def encode(size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "grey").save(buffer, "JPEG")
    return buffer.getvalue()


FRAME = encode((426, 240))


def write_dataset(path: Path, stories: list[str], frame: bytes = FRAME, groups: int = 2) -> Path:
    """A Parquet file in the layout of StoryReasoning whose rows differ in their stories."""
    rows = [
        {
            "story_id": str(place),
            "images": [{"bytes": frame, "path": None}] * 2,
            "frame_count": 2,
            "chain_of_thought": PAIR.chain_of_thought,
            "story": story,
        }
        for place, story in enumerate(stories)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=STORYREASONING), path, row_group_size=groups, compression="zstd")
    return path


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "films" / "data" / "train-00000-of-00001.parquet", [PAIR.story, UNCLOSED, OUTSIDE])


def test_faults_are_counted_by_rule_and_story(dataset: Path) -> None:
    told: list[StoryReport] = []
    report = check_source(str(dataset), on_story=told.append)
    assert (report.stories, report.faulty) == (3, 2)
    assert report.rules == {"tag-unclosed": 1, "text-outside": 1}
    assert count_by_rule(report.rules) == [("text-outside", "strict", 1), ("tag-unclosed", "compatible", 1)]
    assert [(one.name, [fault.code for fault in one.faults]) for one in told] == [
        ("1", ["tag-unclosed"]),
        ("2", ["text-outside"]),
    ]
    assert report.worst == told
    assert not report.notes


def test_compatible_leaves_strict_rules_out(dataset: Path) -> None:
    report = check_source(str(dataset), "compatible")
    assert report.rules == {"tag-unclosed": 1}


def test_worst_stories_come_first(tmp_path: Path) -> None:
    stories = [PAIR.story + "<gdo" * 0, *(PAIR.story.replace("</gd", "<", count) for count in range(7))]
    report = check_source(str(write_dataset(tmp_path / "a.parquet", stories)))
    counts = [len(one.faults) for one in report.worst]
    assert len(counts) == 5 and counts == sorted(counts, reverse=True)
    assert report.worst[0].name == "7"


def test_boxes_are_held_against_the_images(tmp_path: Path) -> None:
    small = write_dataset(tmp_path / "small.parquet", [PAIR.story], encode((300, 240)))
    assert check_source(str(small)).rules == {"box-outside": 2}  # 200,0,425,239 and 230,40,330,239


def test_missing_and_broken_images_are_told(tmp_path: Path, dataset: Path) -> None:
    broken = write_dataset(tmp_path / "broken.parquet", [PAIR.story], b"no image")
    assert list(check_source(str(broken)).notes.values()) == [1]
    bare = tmp_path / "bare.parquet"
    pq.write_table(pq.read_table(dataset).drop_columns(["images", "frame_count"]), bare)
    report = check_source(str(bare))
    assert report.rules == {"tag-unclosed": 1, "text-outside": 1}
    assert report.notes == {"stories without images: their boxes were not held against the frames": 3}


def test_sizes_come_from_headers() -> None:
    assert read_size({"bytes": encode((30, 20)), "path": None}) == (30, 20)
    assert read_size({"bytes": encode((30, 20))[:200], "path": None}) is None
    assert read_size({"bytes": None, "path": "a.jpg"}) is None
    assert read_size(None) is None


def test_wrong_number_of_frames_is_a_fault(tmp_path: Path, dataset: Path) -> None:
    table = pq.read_table(dataset)
    counts = pa.array([2, 2, 5], pa.int32())
    wrong = tmp_path / "wrong.parquet"
    pq.write_table(table.set_column(2, table.schema.field("frame_count"), counts), wrong)
    assert check_source(str(wrong)).rules["frame-count"] == 1


def test_copy_is_the_same_but_for_what_was_mended(tmp_path: Path, dataset: Path) -> None:
    before = dataset.read_bytes()
    report = check_source(str(dataset), copy=tmp_path / "copy.parquet")
    copy = tmp_path / "copy.parquet"
    assert report.written == [copy]
    assert (report.fixes, report.left) == ({"tag-unclosed": 1}, {"text-outside": 1})
    old, new = pq.ParquetFile(dataset), pq.ParquetFile(copy)
    assert new.schema_arrow.equals(old.schema_arrow, check_metadata=True)
    assert b"huggingface" in new.schema_arrow.metadata
    assert new.num_row_groups == old.num_row_groups == 2
    assert new.metadata.row_group(0).column(0).compression == "ZSTD"
    expected = old.read().to_pylist()
    expected[1]["story"] = PAIR.story
    assert new.read().to_pylist() == expected
    assert dataset.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.parquet", "films"]
    assert check_source(str(copy)).rules == {"text-outside": 1}


def test_missing_text_is_a_fault_and_stays_missing(tmp_path: Path, dataset: Path) -> None:
    table = pq.read_table(dataset).slice(0, 1)
    empty = table.set_column(4, table.schema.field("story"), pa.array([None], pa.string()))
    pq.write_table(empty, tmp_path / "empty.parquet")
    report = check_source(str(tmp_path / "empty.parquet"), copy=tmp_path / "copy.parquet")
    assert report.rules == {"block-missing": 1}
    assert pq.read_table(tmp_path / "copy.parquet").column("story").to_pylist() == [None]


@pytest.mark.parametrize("place", ["", "data", "data/train-00000-of-00001.parquet"])
def test_folders_and_files_are_found(dataset: Path, place: str) -> None:
    assert check_source(str(dataset.parents[1] / place)).stories == 3


def test_stories_of_a_workspace_are_those_it_publishes(tmp_path: Path, dataset: Path) -> None:
    workspace = tmp_path / "workspace"
    (workspace / "dataset" / "default").mkdir(parents=True)
    (workspace / "dataset" / "grounding").mkdir()
    shutil.copy(dataset, workspace / "dataset" / "default" / "train.parquet")
    (workspace / "dataset" / "grounding" / "train.parquet").write_bytes(b"not for checking")
    (workspace / "dataset" / "README.md").write_text("a card")
    assert check_source(str(workspace)).stories == 3
    assert check_source(str(workspace / "dataset")).stories == 3
    report = check_source(str(workspace), copy=tmp_path / "copy")
    assert report.written == [tmp_path / "copy" / "dataset" / "default" / "train.parquet"]


def test_text_files_are_answers_of_a_model(tmp_path: Path) -> None:
    folder = tmp_path / "answers"
    folder.mkdir()
    (folder / "10.txt").write_text(join_output(PAIR.chain_of_thought, OUTSIDE))
    (folder / "9.md").write_text(f"<think>\n{PAIR.chain_of_thought}</think>{UNCLOSED}")
    (folder / "README.md").write_text("not an answer")
    told: list[StoryReport] = []
    report = check_source(str(folder), on_story=told.append)
    assert (report.stories, report.rules) == (2, {"text-outside": 1, "tag-unclosed": 1})
    assert [one.source for one in told] == ["9.md", "10.txt"]
    # Places are those of the file: the story begins on the line of </think>, or on the one after it.
    lines = PAIR.chain_of_thought.count("\n")
    assert told[0].places == ((lines + 3, 1),)
    assert told[1].places == ((lines + 4, 1),)


def test_place_on_the_line_of_the_mark(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(f"<think>\n{PAIR.chain_of_thought}</think>Well.\n{PAIR.story}")
    report = check_source(str(tmp_path / "a.txt"))
    assert report.worst[0].places == ((PAIR.chain_of_thought.count("\n") + 2, len("</think>") + 1),)


def test_copy_of_a_text_keeps_what_is_around(tmp_path: Path) -> None:
    source, copy = tmp_path / "a.txt", tmp_path / "b.txt"
    source.write_text(f"\n<think>\n{PAIR.chain_of_thought}</think>\n{UNCLOSED}")
    report = check_source(str(source), copy=copy)
    assert copy.read_text() == f"\n<think>\n{PAIR.chain_of_thought}</think>\n{PAIR.story}"
    assert report.left == {}


def test_half_an_answer_is_checked_as_far_as_it_goes(tmp_path: Path) -> None:
    (tmp_path / "story.txt").write_text(UNCLOSED)
    (tmp_path / "tables.txt").write_text(PAIR.chain_of_thought.replace("| bg2 |", "| bg02 |"))
    report = check_source(str(tmp_path))
    assert report.rules == {"tag-unclosed": 1, "id-form": 1}
    assert len(report.notes) == 3
    (tmp_path / "cut.txt").write_text("<think>\n" + PAIR.chain_of_thought[:300])
    assert check_source(str(tmp_path / "cut.txt")).rules["block-missing"] == 1


def test_odd_line_ends_and_bytes_are_read(tmp_path: Path) -> None:
    text = join_output(PAIR.chain_of_thought, PAIR.story)
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbf" + text.encode().replace(b"\n", b"\r\n"))
    assert set(check_source(str(tmp_path / "a.txt")).rules) == {"line-break"}
    (tmp_path / "b.txt").write_bytes(text.replace("Walled", "W\xe4lled").encode("latin-1"))
    assert check_source(str(tmp_path / "b.txt")).rules == {}


def test_streamed_dataset(tmp_path: Path, dataset: Path) -> None:
    pytest.importorskip("datasets")
    texts: list[str] = []

    def handle(given: object) -> tuple[str | None, str | None]:
        assert getattr(given, "sizes") == [(426, 240)] * 2  # noqa: B009 -- checked for what it has
        story = str(getattr(given, "story"))  # noqa: B009
        texts.append(story)
        return PAIR.chain_of_thought, story.upper()

    check_hub(str(dataset.parents[1]), handle, tmp_path / "copy", with_sizes=True)
    assert texts == [PAIR.story, UNCLOSED, OUTSIDE]
    copy = pq.read_table(tmp_path / "copy" / "data" / "train-00000-of-00001.parquet")
    assert copy.column("story").to_pylist() == [text.upper() for text in texts]
    assert copy.column("images").to_pylist()[0][0]["bytes"] == FRAME
    assert b"huggingface" in copy.schema.metadata


def test_what_cannot_be_checked(tmp_path: Path, dataset: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="does not exist"):
        check_source(str(tmp_path / "nothing"))
    with pytest.raises(SourceError, match="holds no stories"):
        check_source(str(tmp_path / "empty"))
    (tmp_path / "a.bin").write_bytes(b"")
    with pytest.raises(SourceError, match="neither Parquet nor text"):
        check_source(str(tmp_path / "a.bin"))
    (tmp_path / "a.parquet").write_bytes(b"PAR1 but not really")
    with pytest.raises(SourceError, match="cannot be read as Parquet"):
        check_source(str(tmp_path / "a.parquet"))
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "b.parquet")
    with pytest.raises(SourceError, match="no column chain_of_thought, story"):
        check_source(str(tmp_path / "b.parquet"))
    pq.write_table(pa.table({"chain_of_thought": [1], "story": ["a"]}), tmp_path / "c.parquet")
    with pytest.raises(SourceError, match="chain_of_thought holds int64, not text"):
        check_source(str(tmp_path / "c.parquet"))


@pytest.mark.parametrize("copy", ["films", "films/data", "films/data/train-00000-of-00001.parquet", "films/new"])
def test_source_is_never_overwritten(tmp_path: Path, dataset: Path, copy: str) -> None:
    before = dataset.read_bytes()
    for source in (dataset.parents[1], dataset):
        if source.is_file() and copy in ("films", "films/new"):
            continue
        with pytest.raises(ConfigError, match="--fix"):
            check_source(str(source), copy=tmp_path / copy)
    assert dataset.read_bytes() == before
