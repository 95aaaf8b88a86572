"""Answers and references read from files, paired, and scored."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from cli.main import main
from schemas.arrow import STORYREASONING
from schemas.errors import SourceError
from schemas.model_output import join_output
from tasks.evaluation.sample import Reference
from tasks.score import read_outputs, read_references, score_answers
from tests.tasks.evaluation.stories import SIZE, reference

LEFT, RIGHT = (0, 0, 100, 200), (300, 0, 400, 200)
STORIES = [
    reference([{"char1": LEFT, "char2": RIGHT}] * 5, story_id="11", film="one"),
    reference([{"char1": LEFT}] * 5, story_id="12", film="one"),
    reference([{"char1": RIGHT, "obj1": LEFT}] * 5, story_id="21", film="two"),
]


def write_dataset(
    folder: Path, stories: Sequence[Reference] = STORIES, films: bool = True, broken: bool = False
) -> Path:
    """A dataset of stories in the layout of an export."""
    picture = io.BytesIO()
    Image.new("RGB", SIZE).save(picture, "PNG")
    image = {"bytes": b"no picture" if broken else picture.getvalue(), "path": None}
    rows = [
        {
            "story_id": story.story_id,
            "images": [image] * len(story.frames),
            "frame_count": len(story.frames),
            "chain_of_thought": story.chain_of_thought,
            "story": story.story,
        }
        for story in stories
    ]
    (folder / "default").mkdir(parents=True)
    pq.write_table(
        pa.Table.from_pylist(rows, schema=STORYREASONING), folder / "default" / "test-00000-of-00001.parquet"
    )
    if films:
        (folder / "grounding").mkdir()
        grounding = pa.table(
            {
                "story_id": [story.story_id for story in stories],
                "film": [story.film for story in stories],
                "detections": [[{"frame": 1, "label": "dog"}, {"frame": 2, "label": "dog"}] for _ in stories],
            }
        )
        pq.write_table(grounding, folder / "grounding" / "test-00000-of-00001.parquet")
    return folder


def write_answers(folder: Path, outputs: Mapping[str, str]) -> Path:
    folder.mkdir()
    for story_id, output in outputs.items():
        (folder / f"{story_id}.txt").write_text(output)
    return folder


def answers(*stories: Reference) -> dict[str, str]:
    return {story.story_id: join_output(story.chain_of_thought, story.story) for story in stories}


def test_references_come_with_their_film_and_the_sizes_of_their_frames(tmp_path: Path) -> None:
    found = list(read_references(write_dataset(tmp_path), "test"))
    assert found == [replace(story, labels=("dog",)) for story in STORIES]


def test_a_dataset_without_films_is_resampled_by_story(tmp_path: Path) -> None:
    assert [one.film for one in read_references(write_dataset(tmp_path, films=False), "test")] == ["11", "12", "21"]


def test_a_single_file_is_a_split(tmp_path: Path) -> None:
    write_dataset(tmp_path)
    path = tmp_path / "default" / "test-00000-of-00001.parquet"
    assert [one.story_id for one in read_references(path, "whatever")] == ["11", "12", "21"]


@pytest.mark.parametrize("kind", ["folder", "jsonl", "parquet"])
def test_answers_are_the_same_in_every_form(tmp_path: Path, kind: str) -> None:
    outputs = answers(*STORIES)
    if kind == "folder":
        place = write_answers(tmp_path / "answers", outputs)
    elif kind == "jsonl":
        place = tmp_path / "answers.jsonl"
        place.write_text("\n".join(json.dumps({"story_id": k, "output": v}) for k, v in outputs.items()) + "\n\n")
    else:
        place = tmp_path / "answers.parquet"
        pq.write_table(pa.table({"story_id": list(outputs), "output": list(outputs.values())}), place)
    assert read_outputs(place) == outputs


def test_a_missing_answer_counts_nothing_in_strict_mode_and_is_left_out_in_legacy_mode(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "dataset")
    given = write_answers(tmp_path / "answers", answers(*STORIES[:2]))
    strict = score_answers(given, dataset, meteor=False)
    assert strict.measures["boxes.all.f1"].value == pytest.approx(2 / 3)
    assert strict.measures["format.answered"].value == pytest.approx(2 / 3)
    assert (strict.references, strict.answers) == (3, 2)
    legacy = score_answers(given, dataset, mode="legacy", meteor=False)
    assert legacy.measures["F1"].value == 1.0
    assert legacy.measures["BLEU-4"].value == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.jsonl", "{}\n", r"a.jsonl, line 1: not an object with story_id and output"),
        ("a.jsonl", "[1]\n", r"line 1"),
        ("a.jsonl", "no json\n", r"line 1"),
        ("a.jsonl", '{"story_id": "1", "output": 3}\n', r"output of story 1 is no text"),
        ("a.jsonl", '{"story_id": "1", "output": ""}\n' * 2, r"answers story 1 twice"),
        ("a.jsonl", "", r"holds no answers"),
        ("a.parquet", "text", r"cannot be read as Parquet"),
        ("none.jsonl", None, r"there are no answers at"),
    ],
)
def test_answers_that_cannot_be_read(tmp_path: Path, name: str, content: str | None, says: str) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(SourceError, match=says):
        read_outputs(tmp_path / name)


def test_answers_to_another_split_are_refused(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "dataset")
    given = write_answers(tmp_path / "answers", {"99": "x", **answers(STORIES[0])})
    with pytest.raises(SourceError, match="1 answers are to no story of this split: 99"):
        score_answers(given, dataset, meteor=False)


def test_references_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no dataset at"):
        list(read_references(tmp_path / "nowhere", "test"))
    with pytest.raises(SourceError, match="has no split 'train'"):
        list(read_references(write_dataset(tmp_path / "a"), "train"))
    with pytest.raises(SourceError, match="story 11 has an image whose size cannot be read"):
        list(read_references(write_dataset(tmp_path / "b", broken=True), "test"))
    other = tmp_path / "other.parquet"
    pq.write_table(pa.table({"text": ["x"]}), other)
    with pytest.raises(SourceError, match="has no column story_id"):
        list(read_references(other, "test"))


def test_the_command_says_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = write_dataset(tmp_path / "dataset")
    given = write_answers(tmp_path / "answers", answers(*STORIES))
    assert main(["evaluate", str(given), "--references", str(dataset), "--no-meteor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["measures"]["boxes.all.f1"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert told["measures"]["boxes.lm.f1"]["value"] is None
    assert main(["evaluate", str(given), "--references", str(dataset), "--no-meteor"]) == 0
    assert "3 answers to 3 stories of 'test', strict mode" in capsys.readouterr().out
    assert main(["evaluate", str(given), "--references", str(dataset), "--no-meteor", "--mode", "legacy"]) == 0
    assert "Char. Precision" in capsys.readouterr().out


def test_wrong_use_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(tmp_path), "--references", str(tmp_path), "--mode", "strickt"]) == 2
    assert capsys.readouterr().err == "error: unknown mode 'strickt'; did you mean 'strict'? known: legacy, strict\n"
    assert main(["evaluate", str(tmp_path / "no"), "--references", str(tmp_path)]) == 2
    assert "there are no answers at" in capsys.readouterr().err
