"""The commands around a model on the command line: one line of error, exit code 2, nothing written."""

from pathlib import Path

import pytest

from cli.main import main
from tests.tiny_stories import write_stories


def told(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The error of a wrong call."""
    assert main(list(words)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    return captured.err


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--lora-rank", "0"], "--lora-rank: Input should be greater than or equal to 1"),
        (["--full-finetune", "--lora-rank", "8"], "lora_rank and lora_alpha are of no use to the method full"),
        (["--level", "lax"], "--level: Input should be 'compatible' or 'strict'"),
    ],
)
def test_settings_of_finetune(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, options: list[str], reason: str
) -> None:
    out = tmp_path / "out"
    assert reason in told(capsys, "finetune", "data", "--model", "m", "--out", str(out), *options)
    assert not out.exists()


def test_finetune_without_the_extra_or_without_a_model(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    error = told(capsys, "finetune", str(tmp_path), "--model", str(tmp_path / "none"), "--out", str(tmp_path / "out"))
    assert "there is no model at" in error or "pip install 'storyreasoning[train]'" in error or "do not fit" in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--max-new-tokens", "0"], "--max-new-tokens must be at least 1"),
        (["--top-p", "2"], "--top-p must be above 0 and at most 1"),
        (["--server", "nonsense"], "an endpoint must begin with http"),
    ],
)
def test_options_of_generate(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, options: list[str], reason: str
) -> None:
    data = write_stories(tmp_path / "data", range(1), "test")
    out = tmp_path / "answers.jsonl"
    assert reason in told(capsys, "generate", "m", str(data), "--out", str(out), *options)
    assert not out.exists()


def test_merge_and_push_model(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    assert "unknown dtype 'bf16'" in told(capsys, "merge", "m", "--out", str(tmp_path / "x"), "--dtype", "bf16")
    assert "exists: name a new folder" in told(capsys, "merge", "m", "--out", str(tmp_path))
    assert "holds no .safetensors" in told(capsys, "push-model", str(tmp_path), "ann/x")
    (tmp_path / "model.safetensors").write_bytes(b"")
    assert "HF_TOKEN is not set" in told(capsys, "push-model", str(tmp_path), "ann/x")
    assert main(["push-model", str(tmp_path), "ann/x", "--dry-run"]) == 0
    assert "Not measured." in capsys.readouterr().out
