"""The command ``storyreasoning``. Commands are imported when they run, so that ``--help`` is quick."""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from cli.places import bring_here
from schemas.errors import StoryReasoningError

COMMANDS = (
    "build", "retry", "draft", "inspect", "view", "check", "reid", "publish",
    "explain", "trace", "replay", "gc", "deploy", "finetune", "merge", "push-model", "generate", "evaluate", "rate",
    "estimate", "bench", "doctor",
)  # fmt: skip

DESCRIPTION = """\
From movie frames to a grounded story dataset.

  storyreasoning build                        the sample film, into ./storyreasoning-workspace
  storyreasoning build FRAMES --workspace W   your frames: a folder of images, or a folder of such folders, one a film
  storyreasoning build FRAMES --drafter llm --endpoint URL --model NAME      drafted by a chat model
  storyreasoning retry W --model OTHER        draft again what a model had to give up
  storyreasoning draft W --story ID --show    what a model was asked for a story, and what it said
  storyreasoning inspect W                    what is in a workspace or dataset
  storyreasoning view W                       its stories in the browser; a story made live by a model
  storyreasoning check W/dataset              whether every tag, id and box of a dataset holds
  storyreasoning reid evaluate W              how far the identities of a workspace can be trusted
  storyreasoning publish W OWNER/NAME         the dataset of a workspace, on the Hub
  storyreasoning explain W                    why shards were made again, or would be
  storyreasoning trace STORY_ID W             from a story back to frames, models and requests
  storyreasoning replay STAGE SHARD W         make one shard of one stage again, and compare
  storyreasoning gc W                         drop what no run needs any more
  storyreasoning deploy                       schedules and pools on a Prefect server, from prefect.yaml
  storyreasoning finetune DATASET --model MODEL          Qwen2.5-VL taught the stories of a dataset; --dpo: to prefer them
  storyreasoning merge RUN --out FOLDER                  an adapter and its base as one model
  storyreasoning push-model FOLDER OWNER/NAME            a model on the Hub, with a card of measured results
  storyreasoning generate MODEL DATASET --out ANSWERS    a model's answers to a split
  storyreasoning evaluate ANSWERS --references W/dataset   a model's answers, scored
  storyreasoning rate ANSWERS --references W/dataset --out RATINGS.parquet   by people, in the browser
  storyreasoning estimate W --model NAME      what drafting with a chat model will take
  storyreasoning bench vision                 how fast the models of a preset are on this machine
  storyreasoning doctor                       what this machine has and what is missing

Every command explains itself: storyreasoning COMMAND --help"""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line that says where help is."""

    def error(self, message: str) -> NoReturn:
        """Print one line and exit with 2."""
        self.exit(2, f"error: {message} (see '{self.prog} --help')\n")


def one_line(message: str) -> str:
    """A message without line breaks and control characters, which file names and the errors of libraries may bring in."""
    return re.sub(r"\s*[\x00-\x1f\x7f]\s*", " ", message).strip()


def make_parser() -> Parser:
    """The whole command line."""
    parser = Parser(
        prog="storyreasoning", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", dest="command", required=True, parser_class=Parser
    )
    for name in COMMANDS:
        import_module(f"cli.{name.replace('-', '_')}").add_parser(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 failed work, 2 wrong use, 130 interrupted."""
    args = make_parser().parse_args(arguments)
    try:
        bring_here(args, args.command)
        return int(args.run(args))
    except StoryReasoningError as error:
        print(f"error: {one_line(str(error))}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted: what is finished is kept; run the same command to go on", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader went away (as in `| head`): nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(f"error: {one_line(f'{place}{error.strerror or error}')}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
