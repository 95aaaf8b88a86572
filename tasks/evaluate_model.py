"""``evaluate_model``: a model's answers, their scores beside the last model's, and what its card says of them.

In: a dataset and a model, or its answers. Out, in ``<folder>/<model>``: ``answers.jsonl``, the files of an evaluation,
``card.md`` and ``model-index.json``. Invariants: the model evaluated before is the one compared with; a run that was broken
off changes no pointer, so that its repetition compares with the same model.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.errors import ConfigError, WorkspaceError
from schemas.judge_config import JudgeConfig
from tasks.evaluation.judged import summarise, write_ratings
from tasks.evaluation.judged_facts import judge_facts
from tasks.evaluation.model_card import card_section, model_index
from tasks.judge import judge_answers
from tasks.runtime.atomic import write_bytes, write_json
from tasks.runtime.keys import slug
from tasks.score import compare_scores, score_answers
from tasks.write_scores import PAGE, SCORES, STORIES, write_evaluation

INDEX = "model-index.json"
LAST = "last.json"
"""The file of the models evaluated last, the newest first: two of them, for one that is evaluated again."""


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """What is to be evaluated.

    Attributes:
        dataset: the dataset's folder.
        folder: where evaluations are kept, one folder a model.
        model: a model, an adapter or the folder of a run; with ``server`` the model's name there; else a name for ``outputs``.
        split: of the dataset.
        server: base URL of the server that answers; empty loads the model here.
        outputs: answers that are there already; then nothing is generated.
        against: another model's folder in ``folder`` to compare with; empty for the last one.
        meteor: whether METEOR is measured where it can be.
        judge: None for no judge.
    """

    dataset: str
    folder: str
    model: str
    split: str = "test"
    server: str = ""
    outputs: str = ""
    against: str = ""
    meteor: bool = True
    judge: JudgeConfig | None = None

    @property
    def place(self) -> Path:
        """The folder of this model's evaluation."""
        return Path(self.folder) / slug(self.model)


@dataclass(frozen=True, slots=True)
class EvaluationSummary:
    """What came of it: the folder, the model it was compared with or nothing, and scores of all measures by name."""

    folder: str
    against: str
    measures: dict[str, float | None]

    @property
    def report(self) -> str:
        """The page."""
        return str(Path(self.folder) / PAGE)


def answer_split(request: EvaluationRequest) -> str:
    """Where the model's answers are: given, or generated now; what is answered already is not asked again.

    Raises:
        StoryReasoningError: says what failed and what to do.
    """
    if not request.model:
        raise ConfigError("name the model: it names the folder of its evaluation")
    _claim(request)
    if request.outputs:
        return request.outputs
    from tasks.generate import generate_answers

    out = request.place / "answers.jsonl"
    out.parent.mkdir(parents=True, exist_ok=True)
    generate_answers(request.model, Path(request.dataset), out, split=request.split, server=request.server)
    return str(out)


def _claim(request: EvaluationRequest) -> None:
    """Refuse a folder that another model has: names such as ``a/b`` and ``a-b`` come to the same."""
    path = request.place / INDEX
    if path.exists():
        (entry,) = json.loads(path.read_text(encoding="utf-8"))
        if entry["name"] != request.model:
            raise ConfigError(f"{request.place} holds the evaluation of {entry['name']}: give another folder")


def score_model(request: EvaluationRequest, outputs: str) -> EvaluationSummary:
    """Score answers, compare them with the last model's, and write everything.

    Raises:
        StoryReasoningError: says what failed and what to do.
    """
    given, references, place = Path(outputs), Path(request.dataset), request.place
    before = find_before(request)
    judged = facts = None
    if request.judge is not None:
        said = judge_answers(place, request.judge, given, references, request.split)
        write_ratings(said, place / "judge.parquet")
        judged = summarise(said)
        facts = judge_facts(judged)
    scores = score_answers(given, references, split=request.split, meteor=request.meteor)
    other = Path(request.folder) / before / STORIES if before else None
    differences = compare_scores(scores, other, references) if other is not None else None
    write_evaluation(place, scores, given, references, differences=differences, judged=judged, facts=facts)
    write_bytes(place / "card.md", card_section(scores, differences, judged).encode())
    write_json(place / INDEX, model_index(scores, request.model, references.resolve().name))
    names = [place.name, *(name for name in _read_last(Path(request.folder)) if name != place.name)]
    write_json(Path(request.folder) / LAST, {"models": names[:2]})
    return EvaluationSummary(str(place), before, {name: one.value for name, one in scores.measures.items()})


def find_before(request: EvaluationRequest) -> str:
    """The name of the folder of the model to compare with; empty where there is none.

    Raises:
        ConfigError: the model that was asked for has not been evaluated.
    """
    folder = Path(request.folder)
    if request.against:
        if not (folder / slug(request.against) / STORIES).is_file():
            raise ConfigError(f"{request.against} has no evaluation in {folder}: evaluate it first")
        return slug(request.against)
    found = (name for name in _read_last(folder) if name != request.place.name and (folder / name / STORIES).is_file())
    return next(found, "")


def _read_last(folder: Path) -> list[str]:
    path = folder / LAST
    if not path.exists():
        return []
    try:
        value: Any = json.loads(path.read_text(encoding="utf-8"))["models"]
        names = [str(name) for name in value]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WorkspaceError(f"{path} cannot be read: remove it to compare with no model") from error
    # A name is a folder of this one and nothing else, whatever was written into the file.
    return [name for name in names if name == slug(name)]


def summary_value(summary: EvaluationSummary) -> dict[str, Any]:
    """A summary as JSON."""
    return {"folder": summary.folder, "against": summary.against, "measures": summary.measures, "scores": SCORES}
