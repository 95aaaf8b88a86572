"""``storyreasoning push-model``."""

import argparse
import json
from pathlib import Path

DESCRIPTION = """\
Put a model or an adapter on the Hugging Face Hub, in one commit, with a card: what it is, how it was trained, how to use it, and
the results that 'storyreasoning evaluate --json' measured (as model-index, too). Results that were not measured are not told.

The token is read from HF_TOKEN. The same files again make no new commit."""

EPILOG = """\
examples:
  storyreasoning evaluate answers.jsonl --references films/dataset --json > scores.json
  HF_TOKEN=... storyreasoning push-model runs/merged me/storyteller --scores scores.json --dataset me/stories
  storyreasoning push-model runs/lora me/storyteller-lora --dry-run"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "push-model",
        help="put a model on the Hub",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL", type=Path, help="folder of a run, an adapter or a model")
    parser.add_argument("repo_id", metavar="REPO_ID", help="owner/name on the Hub")
    parser.add_argument("--scores", type=Path, metavar="FILE", help="what 'evaluate --json' printed")
    parser.add_argument(
        "--dataset", default="", metavar="NAME", help="owner/name of the dataset on the Hub, for the card"
    )
    parser.add_argument("--licence", default="apache-2.0", metavar="ID", help="of the model (default: %(default)s)")
    parser.add_argument("--private", action="store_true", help="make a new repository private")
    parser.add_argument("--dry-run", action="store_true", help="print the card, and send nothing")
    parser.add_argument("--json", action="store_true", help="as one JSON line")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Push, and say where it is."""
    import os

    from tasks.push_model import make_card, push_model, read_scores, weights_folder

    scores = read_scores(args.scores) if args.scores else None
    if args.dry_run:
        print(make_card(weights_folder(args.model), args.repo_id, scores, args.dataset, args.licence), end="")
        return 0
    token = os.environ.get("HF_TOKEN", "").strip()
    done = push_model(
        args.model,
        args.repo_id,
        token,
        scores=scores,
        dataset=args.dataset,
        licence=args.licence,
        private=args.private,
    )
    if args.json:
        told = {"event": "pushed", "repo_id": done.repo_id, "commit": done.commit, "files": done.files}
        print(json.dumps({**told, "unchanged": done.unchanged}))
    elif done.unchanged:
        print(f"unchanged: {done.repo_id}, commit {done.commit[:8]}")
    else:
        print(f"pushed {done.repo_id}, commit {done.commit[:8]}: {done.files} files")
    return 0
