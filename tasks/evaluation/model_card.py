"""What an evaluation adds to a model's card: a section of Markdown, and the ``model-index`` that the Hub reads."""

from collections.abc import Mapping
from typing import Any

from tasks.evaluation.measures import COUNTS, Difference, Measure
from tasks.evaluation.scores import Scores

CARD: Mapping[str, str] = {
    "format.compatible": "Well-formed answers",
    "boxes.char.precision": "People, precision",
    "boxes.char.recall": "People, recall",
    "boxes.obj.precision": "Objects, precision",
    "boxes.obj.recall": "Objects, recall",
    "boxes.all.f1": "All boxes, F1",
    "boxes.all.mean_f1": "All boxes, mean F1 over IoU .5 to .95",
    "identity.char.idf1": "People, IDF1",
    "identity.char.bcubed_f1": "People, B-cubed F1",
    "tags.all.f1": "Tags, F1",
    "pronouns.any.grounded": "Pronouns grounded",
    "lasting.char.5_frames": "People in 5 frames or more",
    "lasting.obj.5_frames": "Objects in 5 frames or more",
    "language.bleu_4": "BLEU-4",
    "language.rouge_l": "ROUGE-L",
    "language.gmeteor": "gMETEOR",
    "hallucination.chair_i": "CHAIR-like, of things named",
    "hallucination.per_story": "Things named that are not there, a story",
    "hallucination.unfounded": "Tagged mentions without a box",
}
"""The measures that a card shows, with their names there; percentages but for those in ``measures.COUNTS``."""


def card_section(scores: Scores, differences: Mapping[str, Difference] | None, judged: Mapping[str, Any] | None) -> str:
    """A section of Markdown: every measure of the card with its interval, beside the model before where there is one."""
    said = (
        f"{scores.answers:,} answers to {scores.references:,} stories of the split `{scores.split}`, {scores.mode} mode"
    )
    films = len({tally.film for tally in scores.stories})
    intervals = f"; 95 % intervals by the bootstrap over {films:,} films" if films > 1 else ""
    versus = differences is not None
    lines = ["## Evaluation", "", f"{said}{intervals}. An answer that is missing or cannot be read counts 0.", ""]
    lines.append(f"| measure | score | interval |{' before | difference, p |' if versus else ''}")
    lines.append(f"|---|---|---|{'---|---|' if versus else ''}")
    names = CARD if scores.mode == "strict" else {name: name for name in scores.measures}
    for name, title in names.items():
        one = scores.measures.get(name)
        if one is None or one.value is None:
            continue
        lines.append(_row(name, title, one, differences.get(name) if differences is not None else None, versus))
    if scores.meteor is not None:
        lines.append(f"| METEOR | {100 * scores.meteor:.1f} | |{' | |' if versus else ''}")
    if judged is not None:
        lines += ["", f"Judged by `{_plain(judged['model'])}` with the rubric `{judged['rubric']}`:", ""]
        lines += ["| | mean | interval |", "|---|---|---|"]
        for name, one in judged["means"].items():
            if one["value"] is not None:
                known = one["low"] is not None
                interval = f"{one['low']:.2f} to {one['high']:.2f}" if known else ""
                lines.append(f"| {name.replace('_', ' ')} | {one['value']:.2f} | {interval} |")
    return "\n".join(lines) + "\n"


def _row(name: str, title: str, one: Measure, change: Difference | None, versus: bool) -> str:
    row = f"| {title} | {_figure(name, one.value)} | {_interval(name, one)} |"
    if not versus:
        return row
    if change is None or change.difference is None:
        return f"{row} | |"
    scale, digits = _scale(name)
    p = f", p {change.p:.3f}" if change.p is not None else ""
    return f"{row} {_figure(name, change.first)} | {scale * change.difference:+.{digits}f}{p} |"


def _scale(name: str) -> tuple[int, int]:
    return (1, 2) if name in COUNTS else (100, 1)


def _figure(name: str, value: float | None) -> str:
    scale, digits = _scale(name)
    return "" if value is None else f"{scale * value:.{digits}f}"


def _interval(name: str, one: Measure) -> str:
    return f"{_figure(name, one.low)} to {_figure(name, one.high)}" if one.low is not None else ""


def _plain(text: str) -> str:
    """Text that cannot leave a table's cell or a code span."""
    return " ".join(text.replace("`", "'").replace("|", "/").split())


def model_index(scores: Scores, model: str, dataset: str) -> list[dict[str, Any]]:
    """The value of ``model-index`` in a card's front matter, as the Hub's documentation of model cards describes it.

    Args:
        scores: of the model.
        model: its name.
        dataset: the dataset's name, ``owner/name`` on the Hub.
    """
    names = CARD if scores.mode == "strict" else {name: name for name in scores.measures}
    metrics = [
        {
            "type": name.replace(".", "_").replace(" ", "_").lower(),
            "name": title,
            "value": round(_scale(name)[0] * one.value, 2),
        }
        for name, title in names.items()
        if (one := scores.measures.get(name)) is not None and one.value is not None
    ]
    if scores.meteor is not None:
        metrics.append({"type": "meteor", "name": "METEOR", "value": round(100 * scores.meteor, 2)})
    result = {
        "task": {"type": "image-text-to-text", "name": "Grounded visual storytelling"},
        "dataset": {"name": dataset, "type": dataset, "split": scores.split},
        "metrics": metrics,
    }
    return [{"name": model, "results": [result]}]
