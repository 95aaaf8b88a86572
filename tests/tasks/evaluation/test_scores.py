"""gMETEOR by hand, and the table of stories that later evaluations are compared with."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import SourceError
from tasks.evaluation.measures import compare, measure
from tasks.evaluation.scores import LAYOUT, add_meteor, holds_stories, read_stories, write_stories
from tasks.evaluation.tally import StoryTally, tally_story
from tests.tasks.evaluation.stories import exact, reference, sample

LEFT, RIGHT = (0, 0, 100, 200), (300, 0, 400, 200)


def tallies() -> list[StoryTally]:
    whole = reference([{"char1": LEFT}], story_id="1", film="a")
    half = reference([{"char1": LEFT, "char2": RIGHT}], story_id="2", film="a")
    empty = reference([{}], story_id="3", film="b")
    none = reference([{"char1": LEFT}], story_id="4", film="b")
    samples = [exact(whole), sample(half, [{"char1": LEFT}]), exact(empty), sample(none, None)]
    return [tally_story(one) for one in samples]


def test_gmeteor_is_the_harmonic_mean_of_meteor_and_the_f1_of_the_boxes() -> None:
    found = measure(add_meteor(tallies(), [0.5, 0.5, 0.9, 0.0]))
    # F1 is 1 and 2/3 in the first two; the third has no boxes on either side, the fourth no answer.
    by_hand = (2 * 0.5 * 1 / 1.5 + 2 * 0.5 * (2 / 3) / (0.5 + 2 / 3) + 0) / 3
    assert found["language.gmeteor"].value == pytest.approx(by_hand)
    assert found["language.meteor"].value == pytest.approx((0.5 + 0.5 + 0.9 + 0.0) / 4)
    assert "language.gmeteor" not in measure(tallies())


def test_stories_come_back_from_their_table(tmp_path: Path) -> None:
    path = tmp_path / "stories.parquet"
    before = add_meteor(tallies(), [0.5, 0.5, 0.9, 0.0])
    write_stories(before, path)
    assert holds_stories(path)
    after = read_stories(path)
    assert after == before
    assert measure(after) == measure(before)


def test_other_tables_are_no_stories(tmp_path: Path) -> None:
    path = tmp_path / "answers.parquet"
    pq.write_table(pa.table({"story_id": ["1"], "output": ["x"]}), path)
    assert not holds_stories(path)
    assert not holds_stories(tmp_path / "nothing.parquet")
    pq.write_table(pa.table({"a": [1]}).replace_schema_metadata({LAYOUT: "0"}), path)
    assert holds_stories(path)
    with pytest.raises(SourceError, match="holds scores of layout 0, not 1: evaluate those answers again"):
        read_stories(path)


def test_few_films_prove_nothing_however_clear(tmp_path: Path) -> None:
    def answers(films: int, right: bool) -> list[StoryTally]:
        stories = [reference([{"char1": LEFT}], story_id=str(n), film=f"film {n}") for n in range(films)]
        return [tally_story(exact(one) if right else sample(one, [{"char1": RIGHT}])) for one in stories]

    least = [compare(answers(films, False), answers(films, True))["boxes.char.f1"] for films in (2, 4, 12)]
    assert [one.difference for one in least] == [1.0, 1.0, 1.0]
    # Two to the power of one less than the number of films are the ways in which signs can fall, both sides taken together.
    assert [one.p for one in least] == pytest.approx([1 / 2, 1 / 8, 2 / 2001])


def test_films_must_be_the_same_on_both_sides() -> None:
    one = tally_story(exact(reference([{"char1": LEFT}], story_id="1", film="a")))
    other = tally_story(exact(reference([{"char1": LEFT}], story_id="1", film="b")))
    with pytest.raises(ValueError, match="different films"):
        compare([one], [other])
