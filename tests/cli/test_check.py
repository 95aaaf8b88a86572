"""``storyreasoning check``: what it prints and how it exits."""

import argparse
import json
from pathlib import Path

import pytest

from cli.check import add_parser
from schemas.errors import ConfigError
from tests.schemas.documented_rules import make_pair, read_blocks
from tests.tasks.test_check import OUTSIDE, UNCLOSED, write_dataset

PAIR = make_pair(read_blocks())


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    args = parser.parse_args(["check", *arguments])
    return int(args.run(args))


@pytest.fixture
def dataset(tmp_path: Path) -> str:
    return str(write_dataset(tmp_path / "train.parquet", [PAIR.story, UNCLOSED, OUTSIDE]))


def test_sound_dataset_is_left_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(write_dataset(tmp_path / "train.parquet", [PAIR.story]))) == 0
    assert capsys.readouterr().out == "1 stories checked at level strict: 0 faults in 0 of them\n"


def test_report(dataset: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(dataset) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "3 stories checked at level strict: 2 faults in 2 of them"
    assert "        1  text-outside      All text stands inside blocks." in lines
    assert "  train.parquet, story 1: 1 faults" in lines
    assert '    story:2:1 tag-unclosed: "<gdo char1>" is never closed' in lines


def test_level_decides_what_counts(dataset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(dataset, "--level", "compatible") == 1
    assert run(str(write_dataset(tmp_path / "b.parquet", [OUTSIDE])), "--level", "compatible") == 0
    assert "text-outside" not in capsys.readouterr().out
    with pytest.raises(ConfigError, match="did you mean 'strict'"):
        run(dataset, "--level", "stricd")


def test_json_lines(dataset: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(dataset, "--json") == 1
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["event"] for event in events] == ["story", "story", "summary"]
    assert events[0]["story"] == "1"
    (fault,) = events[0]["faults"]
    assert (fault["code"], fault["level"], fault["part"], fault["line"]) == ("tag-unclosed", "compatible", "story", 2)
    assert UNCLOSED[fault["start"] : fault["end"]] == "<gdo char1>"
    assert events[2]["rules"] == {"text-outside": 1, "tag-unclosed": 1}
    assert (events[2]["stories"], events[2]["faulty"]) == (3, 2)


def test_repaired_copy(dataset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "copy.parquet"
    assert run(dataset, "--fix", str(copy)) == 1
    assert f"mended 1 faults, 1 are left; the copy:\n  {copy}" in capsys.readouterr().out
    assert run(str(copy), "--level", "compatible") == 0
