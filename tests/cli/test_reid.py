"""``storyreasoning reid``: scores of a workspace, and wrong use."""

import json
from pathlib import Path

import pytest

from cli.main import main
from schemas.config import BuildConfig, SelectConfig

OFFICE = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "office_film"


def test_no_workspace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reid", "evaluate", str(tmp_path / "none")]) == 1
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.skipif(not OFFICE.is_dir(), reason="the labelled office film is not beside the project")
def test_scores_of_labelled_frames(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from cli.build import build

    config = BuildConfig(select=SelectConfig(duplicate_bits=-1))
    build(str(OFFICE / "frames"), str(tmp_path / "w"), config, "plain", "embedded", None, 1)
    capsys.readouterr()
    assert main(["reid", "evaluate", "--labels", str(OFFICE / "labels.json"), str(tmp_path / "w"), "--json"]) == 0
    told = json.dumps(json.loads(capsys.readouterr().out))
    assert '"f1": 1.0' in told
    assert main(["reid", "evaluate", "--labels", str(tmp_path / "none.json"), str(tmp_path / "w")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
