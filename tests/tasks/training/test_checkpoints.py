"""Which checkpoint counts, and whose folder it is."""

from pathlib import Path

import pytest

from schemas.errors import ConfigError
from tasks.training.checkpoints import MARKER, claim, is_whole, mark_whole, newest_whole


def make_checkpoint(folder: Path, step: int, *, marked: bool = True) -> Path:
    place = folder / f"checkpoint-{step}"
    (place / "global").mkdir(parents=True)
    (place / "model.safetensors").write_bytes(b"weights" * 100)
    (place / "global" / "optimizer.pt").write_bytes(b"moments" * 100)
    if marked:
        mark_whole(place)
    return place


def test_the_newest_whole_one_counts(tmp_path: Path) -> None:
    assert newest_whole(tmp_path) is None
    for step in (9, 100, 20):
        make_checkpoint(tmp_path, step)
    make_checkpoint(tmp_path, 200, marked=False)
    (tmp_path / "checkpoint-best").mkdir()
    assert newest_whole(tmp_path) == tmp_path / "checkpoint-100"


@pytest.mark.parametrize("name", ["model.safetensors", "global/optimizer.pt", MARKER])
@pytest.mark.parametrize("kept", [None, 0, 50])
def test_one_that_was_truncated_does_not_count(tmp_path: Path, name: str, kept: int | None) -> None:
    older, newer = make_checkpoint(tmp_path, 1), make_checkpoint(tmp_path, 2)
    path = newer / name
    if kept is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:kept])
    assert not is_whole(newer)
    assert newest_whole(tmp_path) == older


def test_a_folder_is_of_one_run(tmp_path: Path) -> None:
    run = {"model": "m", "base": "1", "lora_rank": 8, "epochs": 4.0}
    claim(tmp_path, run)
    claim(tmp_path, dict(run))
    with pytest.raises(ConfigError, match=r"another base model \(m\)"):
        claim(tmp_path, run | {"base": "2", "model": "n"})
    with pytest.raises(ConfigError, match="differs in epochs, lora_rank"):
        claim(tmp_path, run | {"lora_rank": 9, "epochs": 3.0})
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(ConfigError, match=r"run.json cannot be read"):
        claim(tmp_path, run)


def test_checkpoints_of_nobody_are_not_taken_over(tmp_path: Path) -> None:
    make_checkpoint(tmp_path / "checkpoints", 1)
    with pytest.raises(ConfigError, match="checkpoints of an unknown run"):
        claim(tmp_path, {"base": "1"})
