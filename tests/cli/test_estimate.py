"""``storyreasoning estimate``."""

import json
from pathlib import Path

from tests.cli.conftest import Run


def test_a_workspace(run: Run, workspace: Path) -> None:
    done = run("estimate", str(workspace), "--model", "gpt-4o-mini")
    assert done.code == 0
    assert "(sequenced), drafted by gpt-4o-mini:" in done.out
    assert "by formula" in done.out


def test_json(run: Run, workspace: Path) -> None:
    done = run("estimate", str(workspace), "--model", "mine", "--json")
    value = json.loads(done.out)
    assert value["usd"] is None
    assert value["requests"] >= 2 * value["stories"] > 0


def test_nothing_there(run: Run, tmp_path: Path) -> None:
    done = run("estimate", str(tmp_path / "none"))
    assert done.code == 2
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
