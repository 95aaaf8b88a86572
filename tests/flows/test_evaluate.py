"""The flow that evaluates: answers given and generated, the last model compared with, the card."""

import json
from pathlib import Path

import pytest

from flows.evaluate import evaluate_model
from schemas.errors import ConfigError, SourceError, WorkspaceError
from tasks.evaluate_model import EvaluationSummary
from tests.tasks.test_score import STORIES, answers, write_answers, write_dataset


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "dataset")


def evaluate(tmp_path: Path, model: str, stories: int = 3, against: str = "") -> EvaluationSummary:
    outputs = tmp_path / model
    if not outputs.exists():
        write_answers(outputs, answers(*STORIES[:stories]))
    return evaluate_model.fn(
        dataset=str(tmp_path / "dataset"),
        model=model,
        folder=str(tmp_path / "evaluations"),
        outputs=str(outputs),
        against=against,
        meteor=False,
        engine="plain",
    )


def test_a_model_is_compared_with_the_one_before_it(tmp_path: Path, dataset: Path) -> None:
    first = evaluate(tmp_path, "first", stories=2)
    assert first.against == ""
    assert first.measures["format.answered"] == pytest.approx(2 / 3)
    second = evaluate(tmp_path, "second")
    assert second.against == "first"
    again = evaluate(tmp_path, "second")
    assert again.against == "first", "a model is not compared with itself"
    third = evaluate(tmp_path, "third", stories=1)
    assert third.against == "second"
    assert evaluate(tmp_path, "third", against="first").against == "first"
    folder = Path(second.folder)
    value = json.loads((folder / "scores.json").read_text())
    assert value["compared"]["format.answered"]["difference"] == pytest.approx(1 / 3)
    card = (folder / "card.md").read_text()
    assert "| All boxes, F1 | 100.0 | 100.0 to 100.0 | 66.7 | +33.3, p " in card
    (index,) = json.loads((folder / "model-index.json").read_text())
    assert index["name"] == "second"
    metrics = {one["type"]: one["value"] for one in index["results"][0]["metrics"]}
    assert metrics["boxes_all_f1"] == 100.0
    assert index["results"][0]["dataset"] == {"name": "dataset", "type": "dataset", "split": "test"}


def test_answers_are_generated_where_none_are_given(
    tmp_path: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def generate(model: str, place: Path, out: Path, *, split: str, server: str) -> None:
        asked.append((model, place, split, server))
        lines = [json.dumps({"story_id": key, "output": text}) for key, text in answers(*STORIES).items()]
        out.write_text("\n".join(lines))

    monkeypatch.setattr("tasks.generate.generate_answers", generate)
    server = "http://127.0.0.1:8000/v1"
    summary = evaluate_model.fn(
        str(dataset), "me/teller", str(tmp_path / "e"), server=server, meteor=False, engine="plain"
    )
    assert asked == [("me/teller", dataset, "test", server)]
    assert summary.measures["boxes.all.f1"] == 1.0
    assert Path(summary.report).is_file()


def test_a_failed_evaluation_leaves_the_last_model_as_it_was(tmp_path: Path, dataset: Path) -> None:
    evaluate(tmp_path, "first")
    write_answers(tmp_path / "broken", {"99": "x"})
    with pytest.raises(SourceError):
        evaluate(tmp_path, "broken")
    assert json.loads((tmp_path / "evaluations" / "last.json").read_text()) == {"models": ["first"]}
    assert evaluate(tmp_path, "second").against == "first"


def test_wrong_use_is_said(tmp_path: Path, dataset: Path) -> None:
    with pytest.raises(ConfigError, match="name the model"):
        evaluate_model.fn(str(dataset), "", outputs="x", engine="plain")
    evaluate(tmp_path, "a-b")
    with pytest.raises(ConfigError, match="holds the evaluation of a-b"):
        evaluate_model.fn(str(dataset), "a/b", str(tmp_path / "evaluations"), outputs="x", engine="plain")
    with pytest.raises(ConfigError, match="nobody has no evaluation in"):
        evaluate(tmp_path, "first", against="nobody")
    (tmp_path / "evaluations").mkdir(exist_ok=True)
    (tmp_path / "evaluations" / "last.json").write_text("[]")
    with pytest.raises(WorkspaceError, match=r"last.json cannot be read"):
        evaluate(tmp_path, "first")
    (tmp_path / "evaluations" / "last.json").write_text('{"models": ["../dataset", "first"]}')
    assert evaluate(tmp_path, "first").against == "", "a name is no way out of the folder"


@pytest.mark.slow
@pytest.mark.xdist_group("prefect server")
@pytest.mark.usefixtures("prefect_server")
def test_prefect_runs_it(tmp_path: Path, dataset: Path) -> None:
    outputs = write_answers(tmp_path / "m", answers(*STORIES))
    summary = evaluate_model(
        str(dataset), "m", str(tmp_path / "evaluations"), outputs=str(outputs), meteor=False, engine="threads"
    )
    assert summary.measures["boxes.all.f1"] == 1.0
