"""The files of an evaluation: which stories are shown, and what stands after a write that failed."""

from pathlib import Path

import pytest

from schemas.errors import WorkspaceError
from tasks.score import score_answers
from tasks.scorecard.stories import worth
from tasks.write_scores import choose_stories, write_evaluation
from tests.tasks.test_score import STORIES, answers, write_answers, write_dataset


def test_no_story_is_among_the_best_and_the_worst(tmp_path: Path) -> None:
    scores = score_answers(
        write_answers(tmp_path / "a", answers(*STORIES)), write_dataset(tmp_path / "d"), meteor=False
    )
    best, worst = choose_stories(scores.stories, count=2)
    assert [tally.story_id for tally in (*best, *worst)] == ["11", "12", "21"]
    assert worth(best[0]) == 1.0


def test_scores_that_stand_survive_a_page_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = write_dataset(tmp_path / "d")
    given = write_answers(tmp_path / "a", answers(*STORIES))
    report = tmp_path / "report"
    write_evaluation(report, score_answers(given, dataset, meteor=False), given, dataset)
    before = {path.name: path.read_bytes() for path in report.iterdir()}
    assert set(before) == {"scores.json", "stories.parquet", "report.html"}
    worse = write_answers(tmp_path / "b", answers(*STORIES[:1]))

    def fail(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tasks.scorecard.page.draw_story", fail)
    with pytest.raises(WorkspaceError, match=r"no space left while writing report\.html"):
        write_evaluation(report, score_answers(worse, dataset, meteor=False), worse, dataset)
    after = {path.name: path.read_bytes() for path in report.iterdir()}
    assert set(after) == set(before), "nothing half-written is left"
    assert (after["scores.json"], after["report.html"]) == (before["scores.json"], before["report.html"])
