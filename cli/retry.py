"""``storyreasoning retry``."""

import argparse
import json
from pathlib import Path

DESCRIPTION = """\
Draft again the stories of a workspace that a model had to give up, and no others: its dead letters. Everything kept stays as it
is, at no cost. With --model another model tries; without, the same one is asked anew."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    from cli.draft_options import add_model_options

    parser = commands.add_parser("retry", help="draft again what a model gave up", description=DESCRIPTION)
    parser.add_argument("workspace", metavar="WORKSPACE", help="the workspace of a finished build: a folder or a URL")
    add_model_options(parser)
    parser.add_argument("--json", action="store_true", help="events and the summary as JSON lines on stdout")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Try again, and say what came of it."""
    from cli.build import describe, quiet_prefect
    from cli.progress import make_display

    quiet_prefect()
    from flows.retry_dataset import retry_dataset
    from tasks.runtime.mirror import local_copy
    from tasks.runtime.places import is_url
    from tasks.runtime.workspace import open_workspace

    # A build would begin a workspace where there is none.
    if is_url(args.workspace):
        local_copy(args.workspace)
    else:
        open_workspace(Path(args.workspace))
    with make_display(args.json):
        summary = retry_dataset.fn(
            args.workspace, args.model or "", tuple(args.endpoint or ()), args.api_key_env or "", args.fallback or ""
        )
    if summary is None:
        print(
            json.dumps({"event": "summary", "given_up": 0})
            if args.json
            else "nothing was given up: nothing to try again"
        )
    elif args.json:
        print(json.dumps({"event": "summary", **summary.as_json()}), flush=True)
    else:
        print(describe(summary))
    return 0
