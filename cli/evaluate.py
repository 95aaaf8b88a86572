"""``storyreasoning evaluate``."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from schemas.judge_config import JudgeConfig
    from tasks.evaluation.measures import Difference
    from tasks.evaluation.scores import Scores

DESCRIPTION = """\
Score a model's answers against the stories of a dataset.

OUTPUTS is a folder of <story_id>.txt, a .jsonl of {"story_id": ..., "output": ...}, or a .parquet with these two columns; an
output is a whole answer: <think>, the tables, </think>, the story.

strict (default) matches boxes within their frame and kind, optimally; an answer that is missing or cannot be read counts 0.
legacy gives the numbers of the code that was published with the dataset, its faults included, to stand beside its table.

--compare takes other answers to the same stories, or the stories.parquet of an earlier --report, and says how far OUTPUTS are
above them, drawn by the same films. --report DIR writes scores.json, stories.parquet and report.html.

A judge is a chat model that reads the stories beside the images and rates them by a fixed rubric; what it was asked once is
answered from DIR/ledger. docs/evaluation.md defines every measure and the rubric."""

EPILOG = """\
examples:
  storyreasoning evaluate answers/ --references films/dataset
  storyreasoning evaluate answers.jsonl --references StoryReasoning/ --mode legacy
  storyreasoning evaluate answers/ --references films/dataset --json > scores.json
  storyreasoning evaluate new/ --references films/dataset --compare old/ --report scores
  storyreasoning evaluate new/ --references films/dataset --report scores --judge gpt-5 --endpoint https://api.openai.com/v1"""

METEOR = ("language.meteor", "language.gmeteor")

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
    "language": (*(f"language.bleu_{order}" for order in (1, 2, 3, 4)), "language.rouge_l", *METEOR),
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
    parser.add_argument("--compare", metavar="OTHER", type=Path, help="other answers, or their stories.parquet")
    parser.add_argument("--report", metavar="DIR", type=Path, help="write scores.json, stories.parquet and report.html")
    parser.add_argument("--json", action="store_true", help="everything, as one JSON object")
    judge = parser.add_argument_group("judge")
    judge.add_argument(
        "--judge", metavar="MODEL", help="chat model that rates the stories; needs --endpoint and --report"
    )
    judge.add_argument("--endpoint", metavar="URL", action="append", default=[], help="where the judge is served")
    judge.add_argument("--api-key-env", metavar="NAME", default="", help="environment variable with its key")
    judge.add_argument("--judge-stories", metavar="N", type=int, default=0, help="stories to judge (default: all)")
    judge.add_argument("--judge-repeats", metavar="N", type=int, default=3, help="times each (default: %(default)s)")
    judge.add_argument("--max-usd", metavar="USD", type=float, help="stop before the judge costs more")
    judge.add_argument("--ratings", metavar="FILE", type=Path, help="people's ratings, from 'storyreasoning rate'")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Score and say what was found."""
    from schemas.config import nearest
    from schemas.errors import ConfigError
    from tasks.runtime.progress import listening
    from tasks.score import compare_scores, score_answers

    modes = ("strict", "legacy")
    if args.mode not in modes:
        raise ConfigError(f"unknown mode '{args.mode}'{nearest(args.mode, modes)}")
    judge = read_judge(args)
    if args.ratings is not None and judge is None:
        raise ConfigError("--ratings are held against a judge: name one with --judge")
    with listening(lambda event: print(event.text, file=sys.stderr) if event.kind == "message" else None):
        # The judge first: what it said is in its ledger, whatever goes wrong after it.
        judged = ask_judge(args, judge) if judge is not None else None
        scores = score_answers(
            args.outputs, args.references, split=args.split, mode=args.mode, meteor=not args.no_meteor
        )
        differences = compare_scores(scores, args.compare, args.references) if args.compare else None
    if args.report is not None:
        from tasks.evaluation.judged_facts import judge_facts
        from tasks.write_scores import write_evaluation

        write_evaluation(
            args.report,
            scores,
            args.outputs,
            args.references,
            differences=differences,
            judged=judged,
            facts=judge_facts(judged) if judged is not None else None,
        )
    if args.json:
        from tasks.evaluation.scores import scores_value

        value = {**scores_value(scores, differences), "judge": judged}
        print(json.dumps(value, ensure_ascii=False, allow_nan=False))
        return 0
    print(as_text(scores, wanted_meteor=not args.no_meteor))
    if differences is not None:
        print(as_differences(differences))
    if judged is not None:
        print(as_judged(judged))
    if args.report is not None:
        print(f"\nreport: {args.report / 'report.html'}")
    return 0


def read_judge(args: argparse.Namespace) -> "JudgeConfig | None":
    """The judge that the options name, None for none.

    Raises:
        ConfigError: they do not fit together.
    """
    from pydantic import ValidationError

    from schemas.errors import ConfigError

    if args.judge is None:
        if args.endpoint:
            raise ConfigError("--endpoint is where a judge is served: name it with --judge")
        return None
    if not args.endpoint or args.report is None:
        raise ConfigError("--judge needs --endpoint, where the model is served, and --report, where its ledger is kept")
    if args.mode != "strict":
        raise ConfigError("--judge belongs to strict scores: leave --mode legacy out")
    from schemas.chat_config import ChatConfig
    from schemas.judge_config import JudgeConfig

    try:
        chat = ChatConfig(
            endpoints=tuple(args.endpoint), model=args.judge, api_key_env=args.api_key_env, max_usd=args.max_usd
        )
        return JudgeConfig(chat=chat, stories=args.judge_stories, repeats=args.judge_repeats)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, fault["loc"]))
        raise ConfigError(f"the judge cannot be set up: {where}: {fault['msg']}") from error


def ask_judge(args: argparse.Namespace, config: "JudgeConfig") -> dict[str, Any]:
    """What the judge says, as JSON; its ratings are left in the folder of the report."""
    from tasks.evaluation.judged import read_ratings, summarise, write_ratings
    from tasks.evaluation.scores import holds_stories
    from tasks.judge import judge_answers

    people = read_ratings(args.ratings) if args.ratings is not None else []
    # Scores of others can be compared with, but hold no stories that could be read.
    other = args.compare if args.compare is not None and not holds_stories(args.compare) else None
    judged = judge_answers(args.report, config, args.outputs, args.references, args.split, other)
    write_ratings(judged, args.report / "judge.parquet")
    return summarise(judged, people)


def as_text(scores: "Scores", *, wanted_meteor: bool) -> str:
    """A table for a person; shares as percent with their 95 % interval."""
    from tasks.evaluation.measures import COUNTS

    lines = [f"{scores.answers} answers to {scores.references} stories of '{scores.split}', {scores.mode} mode"]
    groups = SHOWN if scores.mode == "strict" else {"published table": tuple(scores.measures)}
    for title, names in groups.items():
        lines += ["", title]
        for name in (name for name in names if name in scores.measures):
            one = scores.measures[name]
            scale = 1 if name in COUNTS else 100
            lines.append(f"  {name:34} {_figure(one.value, scale)}{_interval(one.low, one.high, scale)}")
    if scores.meteor is not None:
        lines.append(f"  {'METEOR of all stories together':34} {100 * scores.meteor:6.1f}")
    elif wanted_meteor:
        lines.append("  METEOR                             not measured: needs Java and 'storyreasoning[evaluate]'")
    if scores.mode == "strict" and scores.measures["format.answered"].low is None:
        lines += ["", "one film: no intervals"]
    return "\n".join(lines)


def _figure(value: float | None, scale: int) -> str:
    return f"{scale * value:6.{1 if scale > 1 else 2}f}" if value is not None else "     -"


def _interval(low: float | None, high: float | None, scale: int) -> str:
    return f"   [{scale * low:5.1f}, {scale * high:5.1f}]" if low is not None and high is not None else ""


def as_differences(differences: "Mapping[str, Difference]") -> str:
    """A table of the measures that differ most surely."""
    from tasks.evaluation.measures import COUNTS

    shown = [name for names in SHOWN.values() for name in names if name in differences]
    lines = ["", "against the other answers: they, these, difference [95 % interval] p"]
    for name in shown:
        one = differences[name]
        if one.difference is None:
            continue
        scale = 1 if name in COUNTS else 100
        sure = f"{_interval(one.low, one.high, scale)}  p {one.p:.3f}" if one.p is not None else ""
        row = (
            f"  {name:34} {_figure(one.first, scale)} {_figure(one.second, scale)} {scale * one.difference:+7.1f}{sure}"
        )
        lines.append(row)
    return "\n".join(lines)


def as_judged(judged: Mapping[str, Any]) -> str:
    """What a judge said, for a person."""
    from tasks.evaluation.judged_facts import judge_facts

    lines = []
    for title, rows in judge_facts(judged).items():
        lines += ["", title, *(f"  {name:50} {value}" for name, value in rows)]
    return "\n".join(lines)
