"""The flow as a whole, without Prefect's server: taught, merged, asked; and again, when nothing is left to do."""

import json
from pathlib import Path

import pytest

from flows import finetune as flow
from schemas.training_config import TrainingSettings
from tests.tasks.conftest import Tiny, tiny

__all__ = ["tiny"]

pytestmark = pytest.mark.slow


def test_taught_merged_and_asked(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("run_training", "run_merge", "run_generation"):
        monkeypatch.setattr(flow, name, getattr(flow, name).fn)
    settings = TrainingSettings(lora_rank=2, batch_size=1, epochs=2)
    given = (str(tiny.one), str(tiny.base), str(tmp_path / "run"), settings, "train", "test", "float32", 8)
    first = flow.finetune.fn(*given)
    assert (first.steps, first.model) == (2, str(tmp_path / "run" / "merged"))
    (line,) = Path(first.answers).read_text().splitlines()
    assert json.loads(line)["story_id"] == "0"
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*.safetensors")}
    assert flow.finetune.fn(*given) == first
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert len(Path(first.answers).read_text().splitlines()) == 1
