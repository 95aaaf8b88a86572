"""The command ``storyreasoning``. Commands are imported when they run, so that ``--help`` is quick."""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from schemas.errors import StoryReasoningError

COMMANDS = ("build", "inspect", "check", "reid", "publish", "doctor")

DESCRIPTION = """\
From movie frames to a grounded story dataset.

  storyreasoning build                        the sample film, into ./storyreasoning-workspace
  storyreasoning build FRAMES --workspace W   your frames: a folder of images, or a folder of such folders, one a film
  storyreasoning inspect W                    what is in a workspace or dataset
  storyreasoning check W/dataset              whether every tag, id and box of a dataset holds
  storyreasoning reid evaluate W              how far the identities of a workspace can be trusted
  storyreasoning publish W OWNER/NAME         the dataset of a workspace, on the Hub
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
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    for name in COMMANDS:
        import_module(f"cli.{name}").add_parser(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 failed work, 2 wrong use, 130 interrupted."""
    args = make_parser().parse_args(arguments)
    try:
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
