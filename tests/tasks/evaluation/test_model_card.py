"""What a model's card says of an evaluation."""

from tasks.evaluation.measures import compare, measure
from tasks.evaluation.model_card import card_section, model_index
from tasks.evaluation.scores import Scores
from tests.tasks.evaluation.test_scores import tallies


def scores(meteor: float | None = None) -> Scores:
    stories = tallies()
    return Scores("strict", "test", 4, 3, measure(stories), meteor, stories)


def test_a_row_a_measure_with_its_interval_and_the_model_before() -> None:
    alone = card_section(scores(0.2), None, None)
    assert (
        "3 answers to 4 stories of the split `test`, strict mode; 95 % intervals by the bootstrap over 2 films" in alone
    )
    assert "| Well-formed answers | 75.0 | 50.0 to 100.0 |" in alone
    assert "| METEOR | 20.0 | |" in alone
    assert "Landmarks" not in alone
    same = card_section(scores(), compare(tallies(), tallies()), None)
    assert "| Well-formed answers | 75.0 | 50.0 to 100.0 | 75.0 | +0.0, p 1.000 |" in same
    widths = {line.count("|") for line in same.splitlines() if line.startswith("|")}
    assert len(widths) == 1, "a table whose rows have as many cells as its head"


def test_the_name_of_a_judge_stays_in_its_place() -> None:
    judged = {
        "model": "a`b | c\n# d",
        "rubric": "judge-v1@0",
        "means": {"creativity": {"value": 3.0, "low": 2.0, "high": 4.0}, "hallucinations": {"value": None}},
    }
    said = card_section(scores(), None, judged)
    assert "Judged by `a'b / c # d` with the rubric `judge-v1@0`:" in said
    assert "| creativity | 3.00 | 2.00 to 4.00 |" in said


def test_the_index_holds_what_was_measured_and_nothing_else() -> None:
    (entry,) = model_index(scores(0.2), "teller", "me/stories")
    (result,) = entry["results"]
    found = {one["type"]: one["value"] for one in result["metrics"]}
    assert found["format_compatible"] == 75.0
    assert found["meteor"] == 20.0
    assert "language_gmeteor" not in found
    assert all(isinstance(value, float) for value in found.values())
    assert result["dataset"] == {"name": "me/stories", "type": "me/stories", "split": "test"}
