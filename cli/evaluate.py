"""``storyreasoning evaluate``."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasks.score import Scores

DESCRIPTION = """\
Score a model's answers against the stories of a dataset.

OUTPUTS is a folder of <story_id>.txt, a .jsonl of {"story_id": ..., "output": ...}, or a .parquet with these two columns; an
output is a whole answer: <think>, the tables, </think>, the story.

strict (default) matches boxes within their frame and kind, optimally; an answer that is missing or cannot be read counts 0.
legacy gives the numbers of the code that was published with the dataset, its faults included, to stand beside its table."""

EPILOG = """\
examples:
  storyreasoning evaluate answers/ --references films/dataset
  storyreasoning evaluate answers.jsonl --references StoryReasoning/ --mode legacy
  storyreasoning evaluate answers/ --references films/dataset --json > scores.json"""

SHOWN = {
    "form": ("format.answered", "format.readable", "format.compatible", "format.strict"),
    "boxes": (
        *(f"boxes.{kind}.{name}" for kind in ("char", "obj", "lm", "bg") for name in ("precision", "recall", "f1")),
        "boxes.all.f1",
        "boxes.all.micro_f1",
        "boxes.all.mean_f1",
    ),
    "identity": tuple(f"identity.{kind}.{name}" for kind in ("char", "obj") for name in ("idf1", "ass_a", "bcubed_f1")),
    "story": (
        "tags.valid",
        "tags.all.precision",
        "tags.all.recall",
        "tags.all.f1",
        *(f"pronouns.{word}.grounded" for word in ("any", "person1", "he", "she", "they")),
        "lasting.char.5_frames",
        "lasting.obj.5_frames",
    ),
    "hallucination": (
        "hallucination.chair_i",
        "hallucination.chair_s",
        "hallucination.per_story",
        "hallucination.per_100_words",
        "hallucination.unfounded",
    ),
    "language": (*(f"language.bleu_{order}" for order in (1, 2, 3, 4)), "language.rouge_l"),
}


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "evaluate",
        help="score a model's answers",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("outputs", metavar="OUTPUTS", type=Path, help="the answers")
    parser.add_argument(
        "--references", metavar="DATASET", type=Path, required=True, help="the dataset's folder or file"
    )
    parser.add_argument("--split", default="test", help="of the dataset (default: %(default)s)")
    parser.add_argument("--mode", default="strict", metavar="MODE", help="strict or legacy (default: %(default)s)")
    parser.add_argument("--no-meteor", action="store_true", help="leave METEOR out, which is slow")
    parser.add_argument("--json", action="store_true", help="everything, as one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Score and say what was found."""
    from schemas.config import nearest
    from schemas.errors import ConfigError
    from tasks.score import score_answers

    modes = ("strict", "legacy")
    if args.mode not in modes:
        raise ConfigError(f"unknown mode '{args.mode}'{nearest(args.mode, modes)}")
    scores = score_answers(args.outputs, args.references, split=args.split, mode=args.mode, meteor=not args.no_meteor)
    if args.json:
        print(json.dumps(as_json(scores), ensure_ascii=False, allow_nan=False))
    else:
        print(as_text(scores, wanted_meteor=not args.no_meteor))
    return 0


def as_json(scores: "Scores") -> dict[str, object]:
    """Everything that was measured."""
    return {
        "mode": scores.mode,
        "split": scores.split,
        "references": scores.references,
        "answers": scores.answers,
        "measures": {
            name: {"value": one.value, "low": one.low, "high": one.high} for name, one in scores.measures.items()
        },
        "meteor": scores.meteor,
    }


def as_text(scores: "Scores", *, wanted_meteor: bool) -> str:
    """A table for a person; shares as percent with their 95 % interval."""
    from tasks.evaluation.measures import COUNTS

    lines = [f"{scores.answers} answers to {scores.references} stories of '{scores.split}', {scores.mode} mode"]
    groups = SHOWN if scores.mode == "strict" else {"published table": tuple(scores.measures)}
    for title, names in groups.items():
        lines += ["", title]
        for name in names:
            one = scores.measures[name]
            scale = 1 if name in COUNTS else 100
            lines.append(f"  {name:34} {_figure(one.value, scale)}{_interval(one.low, one.high, scale)}")
    if scores.meteor is not None:
        lines.append(f"  {'METEOR':34} {100 * scores.meteor:6.1f}")
    elif wanted_meteor:
        lines.append("  METEOR                             not measured: needs Java and 'storyreasoning[evaluate]'")
    if scores.mode == "strict" and scores.measures["format.answered"].low is None:
        lines += ["", "one film: no intervals"]
    return "\n".join(lines)


def _figure(value: float | None, scale: int) -> str:
    return f"{scale * value:6.{1 if scale > 1 else 2}f}" if value is not None else "     -"


def _interval(low: float | None, high: float | None, scale: int) -> str:
    return f"   [{scale * low:5.1f}, {scale * high:5.1f}]" if low is not None and high is not None else ""
