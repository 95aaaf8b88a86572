"""The page of an evaluation: what it shows, that nothing gets out of its place, that it loads nothing."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cli.main import main
from schemas.model_output import join_output
from schemas.text import Tag
from tasks.score import compare_scores, score_answers
from tasks.scorecard.charts import Line, intervals
from tasks.write_scores import write_evaluation
from tests.tasks.evaluation.stories import sample, told
from tests.tasks.report.pages import Node, read_page
from tests.tasks.test_score import LEFT, STORIES, answers, write_answers, write_dataset

HOSTILE = "<script>alert(1)</script>"


def page_of(tmp_path: Path, outputs: dict[str, str]) -> Node:
    dataset = write_dataset(tmp_path / "dataset")
    given = write_answers(tmp_path / "answers", outputs)
    scores = score_answers(given, dataset, meteor=False)
    write_evaluation(tmp_path / "report", scores, given, dataset)
    text = (tmp_path / "report" / "report.html").read_text()
    return read_page(text.removeprefix("<!doctype html>\n"))


def test_best_and_worst_stories_with_their_boxes(tmp_path: Path) -> None:
    frames = [{"char1": LEFT, "char2": (100, 0, 200, 200)}] * 5
    story = told([[Tag("gdo", ("char2",), "Rui"), " saw a giraffe."]] * 5)
    wrong = sample(STORIES[0], frames, story)
    assert wrong.output is not None
    page = page_of(tmp_path, {**answers(*STORIES[1:]), "11": wrong.output})
    sections = [node for node in page.all("section") if "story" in (node.attributes.get("class") or "").split()]
    assert [node.attributes["aria-label"] for node in sections] == ["Story 12", "Story 21", "Story 11"]
    worst = sections[-1]
    marks = {kind: [node.text for node in worst.all("g", kind)] for kind in ("found", "missed", "unfounded")}
    assert marks == {"found": ["char1"] * 5, "missed": ["char2"] * 5, "unfounded": ["char2"] * 5}
    assert len(worst.all("span", "bare")) == 5
    assert "giraffe" in "".join(node.text for node in page.all("span", "reason"))
    assert all((node.attributes["src"] or "").startswith("data:image/jpeg;base64,") for node in page.all("img"))
    assert page.all("script") == []


def test_hostile_answers_stay_text(tmp_path: Path) -> None:
    hostile = sample(STORIES[0], [{"char1": LEFT}] * 5, told([["SAID a giraffe"]] * 5))
    assert hostile.output is not None
    outputs = answers(*STORIES) | {
        "11": hostile.output.replace("A woman", HOSTILE).replace("SAID", HOSTILE),
        "12": HOSTILE,
    }
    page = page_of(tmp_path, outputs)
    assert page.all("script") == []
    assert "alert(1)" in page.text
    assert "nothing of the answer can be read" in page.text


def test_everything_is_written_beside_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = write_dataset(tmp_path / "dataset")
    new = write_answers(tmp_path / "new", answers(*STORIES))
    worse = {key: text.replace("char1", "char5") for key, text in answers(*STORIES[:2]).items()}
    old = write_answers(tmp_path / "old", worse)
    command = ["evaluate", str(new), "--references", str(dataset), "--no-meteor"]
    report = tmp_path / "scores"
    assert main([*command, "--compare", str(old), "--report", str(report)]) == 0
    said = capsys.readouterr().out
    assert "against the other answers" in said
    value = json.loads((report / "scores.json").read_text())
    assert value["compared"]["format.answered"]["first"] == pytest.approx(2 / 3)
    assert value["compared"]["format.answered"]["difference"] == pytest.approx(1 / 3)
    assert pq.read_table(report / "stories.parquet").num_rows == 3
    assert "Against the other answers" in (report / "report.html").read_text()
    # The table that was left stands for the answers in the next comparison.
    assert main([*command, "--compare", str(report / "stories.parquet"), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)["compared"]
    assert {one["difference"] for one in again.values()} <= {0.0, None}
    assert main([*command, "--mode", "legacy", "--report", str(tmp_path / "legacy")]) == 0
    assert not (tmp_path / "legacy" / "stories.parquet").exists()
    assert main([*command, "--mode", "legacy", "--compare", str(old)]) == 2


def test_a_table_of_stories_compares_like_the_answers_it_came_from(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "dataset")
    new = write_answers(tmp_path / "new", answers(*STORIES))
    old = write_answers(tmp_path / "old", {"11": join_output("", "<gdi image1>\nDull.\n</gdi>")})
    scores = score_answers(new, dataset, meteor=False)
    write_evaluation(tmp_path / "report", score_answers(old, dataset, meteor=False), old, dataset)
    by_table = compare_scores(scores, tmp_path / "report" / "stories.parquet", dataset)
    assert by_table == compare_scores(scores, old, dataset)


def test_a_chart_says_what_it_shows() -> None:
    chart = read_page(intervals("Boxes", [Line("people", 0.5, 0.25, 0.75, 0.4), Line("<b>", None)]))
    assert chart.all("title")[0].text == "people: 50.0 %, from 25.0% to 75.0%; the other answers 40.0%"
    assert len(chart.all("circle")) == 2
    (span,) = chart.all("line", "span")
    dot, before = (float(node.attributes["cx"] or 0) for node in reversed(chart.all("circle")))
    assert float(span.attributes["x1"] or 0) < before < dot < float(span.attributes["x2"] or 0)
