"""``storyreasoning bench vision``."""

import importlib.util
import json
from pathlib import Path

import pytest

from cli.bench import read_size
from tasks.models import compiled
from tests.cli.conftest import Run

QUICK = ("--rounds", 1, "--seconds", 0.001, "--size", "128x96", "--batch", 1, "--frames", 1)
TORCH = importlib.util.find_spec("torch") is not None


def test_a_table_and_a_file(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    done = run("bench", "vision", *QUICK, "--json", path)
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[-1] == f"written to {path}"
    header = next(k for k, line in enumerate(lines) if line.startswith("stage "))
    assert [line.split()[0] for line in lines[header + 1 : -1]] == [
        "detect", "detect", "faces", "faces", "appearance", "appearance", "chain",
    ]  # fmt: skip
    value = json.loads(path.read_text())
    assert (value["version"], value["preset"], value["frame"]["width"]) == (1, "embedded", 128)
    assert [row["model"] for row in value["rows"]][:3] == ["nanodet-g-416", "nanodet-g-416", "yunet-2023mar"]
    assert all(row["rate"] > 0 for row in value["rows"])
    assert list(tmp_path.iterdir()) == [path]


def test_it_says_when_images_are_resized_without_compiled_code(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "images      resized by Pillow"
    assert (said in run("bench", "vision", *QUICK, "--stages", "faces").out) == (compiled.pixels is None)
    monkeypatch.setattr(compiled, "pixels", None)
    assert said in run("bench", "vision", *QUICK, "--stages", "faces").out


def test_some_stages_of_an_own_configuration(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text('[faces]\nembedder = "mobilefacenet"\n')
    done = run("bench", "vision", *QUICK, "--config", path, "--stages", "faces")
    assert done.code == 0
    assert "mobilefacenet" in done.out
    assert "nanodet" not in done.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--preset", "gup"), "unknown preset 'gup'; did you mean 'gpu'"),
        (("--stages", "detcet"), "unknown stage 'detcet'; did you mean 'detect'"),
        (("--stages", "landmarks"), "there is nothing to measure: [landmarks] names no model"),
        (("--rounds", "0"), "rounds must be 1 to 1000, not 0"),
        (("--rounds", "-3"), "rounds must be 1 to 1000, not -3"),
        (("--seconds", "nan"), "seconds must be 0.001 to 600, not nan"),
        (("--frames", "0"), "--frames must be at least 1, not 0"),
        (("--batch", "0"), "--batch must be at least 1, not 0"),
        (("--detections", "0"), "detections must be 1 to 100, not 0"),
        (("--size", "12"), "--size must be width x height in pixels, such as 1920x1080, not '12'"),
        (("--size", "8x8"), "frames must be 32 to 8192 pixels wide and high, not 8x8"),
        (("--size", "99999x640"), "not 99999x640"),
        (("--device", "cuda"), "model nanodet-g-416 runs on the CPU"),
        (("--device", "tpu"), "device"),
        (("--json", "/nowhere/at/all.json"), "must be a file in a folder that can be written to"),
        (("--config", "/nowhere/own.toml"), "cannot read the configuration"),
    ],
)
def test_wrong_use(run: Run, words: tuple[str, ...], told: str) -> None:
    done = run("bench", "vision", *words)
    assert told in done.error
    assert done.code == 2
    assert done.out == "", "nothing was begun"


def test_what_is_measured_must_be_named(run: Run) -> None:
    assert "required: WHAT" in run("bench").error
    assert run("bench", "audio").code == 2


@pytest.mark.skipif(TORCH, reason="the gpu extra is installed")
@pytest.mark.parametrize("preset", ["gpu", "paper"])
def test_without_the_extra(run: Run, preset: str) -> None:
    for words in ((), ("--random-weights",)):
        done = run("bench", "vision", "--preset", preset, *words)
        assert "Install with: pip install 'storyreasoning[gpu]'" in done.error
        assert done.code == 2


def test_a_result_that_cannot_be_written_leaves_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "bench.json"
    monkeypatch.setattr("pathlib.Path.replace", full)
    done = run("bench", "vision", *QUICK, "--stages", "faces", "--json", path)
    assert "no space left while writing bench.json" in done.error
    assert list(tmp_path.iterdir()) == []


def test_sizes() -> None:
    assert read_size("1920x1080") == (1920, 1080)
