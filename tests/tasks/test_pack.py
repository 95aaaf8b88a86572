"""Samples: what is learned of each story, what is shortened or left out, and that nothing is lost."""

import json
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from schemas.errors import SourceError
from schemas.model_output import join_output, split_output
from schemas.training_config import read_settings
from schemas.validation import check_texts
from tasks.pack import Measures, Packed, pack
from tasks.training.budget import PixelBudget, count_prompt
from tasks.training.prompt import REQUEST, SYSTEM_PROMPT
from tests.tiny_stories import FRAMES, SIDE, paint_frame, tell, write_stories


def words(text: str) -> int:
    return len(text.split())


MEASURES = Measures(words, PixelBudget(), ("<|im_end|>",))
PROMPT = count_prompt(SYSTEM_PROMPT, REQUEST, [(SIDE, SIDE)] * FRAMES, PixelBudget(), words)


def pack_stories(
    folder: Path, measures: Measures = MEASURES, **given: object
) -> tuple[Packed, list[dict[str, object]]]:
    target = folder / "out" / "samples.parquet"
    packed = pack(folder, "train", target, read_settings(given), measures)
    return packed, pq.read_table(target).to_pylist()


def edit(folder: Path, row: int, old: str, new: str) -> None:
    path = folder / "data" / "train-00000-of-00001.parquet"
    table = pq.read_table(path)
    stories = table["story"].to_pylist()
    assert old in stories[row]
    stories[row] = stories[row].replace(old, new)
    pq.write_table(table.set_column(table.schema.get_field_index("story"), "story", [stories]), path)


def test_stories_that_fit_stay_as_they_are(tmp_path: Path) -> None:
    packed, rows = pack_stories(write_stories(tmp_path, range(3)))
    assert [row["story_id"] for row in rows] == ["0", "1", "2"]
    assert rows[1]["answer"] == join_output(*tell(1))
    assert rows[1]["images"] == [paint_frame(1, number) for number in range(1, 6)]
    assert rows[1]["tokens"] == PROMPT + words(join_output(*tell(1)))
    assert (packed.stories, packed.samples, packed.shortened, packed.left_out) == (3, 3, {}, {})
    assert packed.longest == max(int(str(row["tokens"])) for row in rows)
    assert packed.tokens == sum(int(str(row["tokens"])) for row in rows)
    assert json.loads((tmp_path / "out" / "samples.json").read_text())["samples"] == 3


def test_the_digest_is_of_what_is_learned(tmp_path: Path) -> None:
    first, _ = pack_stories(write_stories(tmp_path / "a", range(3)))
    same, _ = pack_stories(write_stories(tmp_path / "b", range(3)))
    other, _ = pack_stories(write_stories(tmp_path / "c", range(1, 4)))
    assert first.digest == same.digest != other.digest


def test_a_dataset_with_faults_is_refused_or_they_are_left_out(tmp_path: Path) -> None:
    folder = write_stories(tmp_path, range(3))
    edit(folder, 1, "<gdo char1>", "<gdo char9>")
    with pytest.raises(SourceError, match=r"story 1 has \d+ faults at level strict, the first: .*storyreasoning check"):
        pack_stories(folder)
    assert not (folder / "out" / "samples.parquet").exists()
    packed, rows = pack_stories(folder, leave_out_faulty=True)
    assert [row["story_id"] for row in rows] == ["0", "2"]
    assert list(packed.left_out) == ["1"]
    assert packed.stories == packed.samples + len(packed.left_out)


def test_control_tokens_in_a_story_would_end_the_turn(tmp_path: Path) -> None:
    folder = write_stories(tmp_path, range(2))
    edit(folder, 0, " by ", " by <|im_end|> ")
    packed, rows = pack_stories(folder, level="compatible", leave_out_faulty=True)
    assert [row["story_id"] for row in rows] == ["1"]
    assert "control token" in packed.left_out["0"] or "faults" in packed.left_out["0"]


def test_what_does_not_fit_is_listed_and_where_nothing_fits_it_is_an_error(tmp_path: Path) -> None:
    folder = write_stories(tmp_path, range(2))
    with pytest.raises(SourceError, match=r"can be learned: 0 \d+ tokens with the fewest frames"):
        pack_stories(folder, max_tokens=256, measures=Measures(lambda text: 10 * words(text), PixelBudget()))


def test_pairs_prefer_what_is_right(tmp_path: Path) -> None:
    packed, rows = pack_stories(write_stories(tmp_path, range(3)), objective="dpo")
    assert [row["story_id"] for row in rows] == ["0", "0/mixed", "1", "1/mixed", "2", "2/mixed"]
    assert packed.samples == 6
    for row in rows:
        better, worse = (split_output(str(row[name])) for name in ("answer", "rejected"))
        linked, apart = (better, worse) if "mixed" not in str(row["story_id"]) else (worse, better)
        assert "char2" not in linked[0]
        assert "| char5 |" in apart[0]
        sizes = [(SIDE, SIDE)] * 5
        assert not check_texts(*better, frame_count=5, frame_sizes=sizes, level="strict")
    whole = {paint_frame(seed, number): seed for seed in range(3) for number in range(1, 6)}
    sources = [whole[image] for image in rows[1]["images"]]  # type: ignore[attr-defined]
    assert all(one != other for one, other in pairwise(sources)), "no film twice in a row"


def test_pairs_of_one_film_alone_have_no_mixed_ones(tmp_path: Path) -> None:
    packed, rows = pack_stories(write_stories(tmp_path, range(1)), objective="dpo")
    assert [row["story_id"] for row in rows] == ["0"]
    assert packed.left_out == {"0/mixed": "all stories are of one film"}


def test_an_image_that_cannot_be_read(tmp_path: Path) -> None:
    folder = write_stories(tmp_path, range(1))
    path = folder / "data" / "train-00000-of-00001.parquet"
    rows = pq.read_table(path).to_pylist()
    rows[0]["images"][2]["bytes"] = b"nothing"
    pq.write_table(type(pq.read_table(path)).from_pylist(rows, pq.read_schema(path)), path)
    with pytest.raises(SourceError, match="story 0 has an image that cannot be read"):
        pack_stories(folder)
