"""The command line as a whole: help, exit codes, one-line errors."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.main import COMMANDS, make_parser
from schemas.errors import BudgetExceeded, ConfigError, ShardError, StoryReasoningError
from tests.cli.conftest import Run

ROOT = Path(__file__).parents[2]


def test_help_teaches(run: Run) -> None:
    told = run("--help")
    assert told.code == 0
    for command in COMMANDS:
        assert command in told.out
    assert "storyreasoning build FRAMES --workspace W" in told.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(run: Run, command: str) -> None:
    told = run(command, "--help")
    assert told.code == 0
    assert told.out.startswith(f"usage: storyreasoning {command}")
    assert len(told.out.splitlines()) > 8


def test_only_what_help_names_is_there(run: Run) -> None:
    import re

    named = set(re.findall(r"^  storyreasoning ([\w-]+)", run("--help").out, re.MULTILINE))
    assert named <= set(COMMANDS)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "the following arguments are required: COMMAND (see 'storyreasoning --help')"),
        (["biuld"], "invalid choice: 'biuld'"),
        (["build", "--workpsace", "w"], "unrecognized arguments: --workpsace"),
        (
            ["build", "--workers", "two"],
            "argument --workers: invalid int value: 'two' (see 'storyreasoning build --help')",
        ),
        (["build", "--limit-stories"], "argument --limit-stories: expected one argument"),
        (["inspect"], "the following arguments are required: WORKSPACE|DATASET"),
        (["build", "a", "b"], "unrecognized arguments: b"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(run: Run, words: list[str], told: str) -> None:
    done = run(*words)
    assert told in done.error
    assert done.code == 2
    assert done.out == ""


class Stub:
    """A command that fails in a given way."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def add_parser(self, commands: object) -> None:
        """Takes the place of ``doctor``."""
        parser = commands.add_parser("doctor")  # type: ignore[attr-defined]
        parser.set_defaults(run=self.run)

    def run(self, args: object) -> int:
        """Fails."""
        raise self.error


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (ConfigError("no such preset"), 2, "error: no such preset\n"),
        (ShardError("stage failed"), 1, "error: stage failed\n"),
        (BudgetExceeded("10 USD spent"), 1, "error: 10 USD spent\n"),
        (StoryReasoningError("two\nlines: \n of it"), 1, "error: two lines: of it\n"),
        (OSError(36, "File name too long", "xxx"), 1, "error: xxx: File name too long\n"),
        (PermissionError(13, "Permission denied", "/etc/shadow"), 1, "error: /etc/shadow: Permission denied\n"),
        (OSError(5, "Input/output error"), 1, "error: Input/output error\n"),
    ],
)
def test_errors_are_one_line(run: Run, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int, told: str) -> None:
    monkeypatch.setitem(sys.modules, "cli.doctor", Stub(error))
    done = run("doctor")
    assert (done.code, done.err) == (code, told)


def test_an_interrupt_says_that_nothing_is_lost(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cli.doctor", Stub(KeyboardInterrupt()))
    done = run("doctor")
    assert done.code == 130
    assert done.err == "interrupted: what is finished is kept; run the same command to go on\n"


def test_a_fault_of_the_program_is_not_hidden(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cli.doctor", Stub(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        run("doctor")


def test_a_reader_that_goes_away_is_no_traceback(finished: tuple[Path, Path]) -> None:
    command = f"{sys.executable} -m cli.main inspect {finished[1]} 1 | head -c 10"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.startswith("story ")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_the_command_runs_as_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "build", "--engine", "thread"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "COLUMNS": "80"},
    )
    assert done.returncode == 2
    assert done.stderr == "error: unknown engine 'thread'; did you mean 'threads'? known: dask, plain, threads\n"
    assert done.stdout == ""


def test_the_parser_can_be_made_twice() -> None:
    assert make_parser().parse_args(["doctor"]).json is make_parser().parse_args(["doctor"]).json is False
