"""``storyreasoning bench vision`` on production models, small ones with random weights, and on the networks it makes."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("ultralytics")
pytest.importorskip("open_clip")
pytest.importorskip("transformers")
pytest.importorskip("onnx")

from schemas.errors import ConfigError, ModelError
from tasks.bench_vision import VisionPlan, bench_vision
from tasks.benchmark.random_faces import DEPTHS, make_iresnet, make_scrfd
from tasks.benchmark.random_weights import give_random_weights
from tasks.models import production
from tasks.models.insightface_faces import ArcFace, Scrfd
from tasks.models.options import Options
from tasks.models.registry import create_detector
from tests.tasks.models.production.networks import listed, own_weights, pictures
from tests.tasks.models.production.test_presets import config_of, machine, models

__all__ = ["machine", "models"]  # fixtures

SMALL = VisionPlan(rounds=1, seconds=0.001, frames=2, batch=2, device="cpu", size=(256, 144))


@pytest.mark.parametrize("preset", ["gpu", "paper"])
def test_a_preset_is_measured(preset: str, machine: Path) -> None:
    report = bench_vision(config_of(preset), SMALL)
    config = config_of(preset)
    names = [config.detect.model] * 2 + [config.faces.detector, config.faces.embedder] + [config.appearance.model] * 2
    *rows, chain = report.rows
    assert [row.model for row in rows] == names
    assert all(row.weights == "listed" and row.device == "cpu" and row.share for row in rows)
    assert chain.rate > 0


def test_weights_that_are_not_here_are_wrong_use_with_a_way_out(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORYREASONING_WEIGHTS", str(tmp_path / "elsewhere"))
    with pytest.raises(ConfigError, match=r"yolo26m-seg are not on this machine .*; or measure with --random-weights$"):
        bench_vision(config_of("gpu"), SMALL)


def test_weights_that_were_changed_are_told_of_as_such(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = tuple(
        dataclasses.replace(model, sha256="0" * 64) if model.name == "auraface" else model
        for model in production._listed()
    )
    monkeypatch.setattr(production, "_listed", lambda: changed)
    with pytest.raises(ModelError, match="is not the pinned one") as caught:
        bench_vision(config_of("gpu"), dataclasses.replace(SMALL, stages=("faces",)))
    assert not isinstance(caught.value, ConfigError)


def test_a_gpu_that_is_absent(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    for random in (False, True):
        plan = dataclasses.replace(SMALL, device="cuda", random_weights=random, stages=("detect",))
        with pytest.raises(ConfigError, match="device cuda cannot be used"):
            bench_vision(config_of("gpu"), plan)


@pytest.mark.slow
def test_random_weights_of_real_size(machine: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """YOLO26m-seg, SCRFD-10GF and IResNet-100 as they are; CLIP is the small one, since the real one takes minutes."""
    monkeypatch.setenv("STORYREASONING_WEIGHTS", str(tmp_path / "nothing here"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    plan = dataclasses.replace(SMALL, batch=4, random_weights=True, things=5)
    report = bench_vision(config_of("gpu"), plan)
    *rows, _ = report.rows
    assert {row.weights for row in rows} == {"random"}
    found = {row.what: float(row.note.split()[0]) for row in rows if row.note and row.stage == "detect"}
    assert all(abs(count - 5) <= 1 for count in found.values()), "as many as were asked for"
    assert report.head["random_weights"]
    assert list(tmp_path.iterdir()) == [], "weights go when they were used"


def sizes(path: Path) -> int:
    import onnx

    return sum(math.prod(weights.dims) for weights in onnx.load(str(path)).graph.initializer)


def test_scrfd_is_of_the_published_size_and_its_results_do_not_depend_on_the_batch(tmp_path: Path) -> None:
    """4.23 million parameters with landmarks (InsightFace's table of SCRFD models)."""
    path = make_scrfd(tmp_path / "scrfd.onnx")
    assert sizes(path) == pytest.approx(4.23e6, rel=0.005)
    adapter = Scrfd(listed("scrfd-10g", "face_detector"), own_weights(path, sides=(128,), batch=4, score=0.01))
    images = pictures(3, ((90, 160), (160, 90)))
    together = adapter.detect(images)
    assert sum(map(len, together)) > 3
    for found, image in zip(together, images, strict=True):
        (alone,) = adapter.detect([image])
        assert len(found) == len(alone)
        for one, other in zip(found, alone, strict=True):
            assert np.abs(np.subtract(dataclasses.astuple(one.box), dataclasses.astuple(other.box))).max() < 0.5


@pytest.mark.parametrize(
    ("name", "millions"), [("buffalo_l", 43.6), pytest.param("auraface", 65.2, marks=pytest.mark.slow)]
)
def test_iresnet_is_of_the_published_size(name: str, millions: float, tmp_path: Path) -> None:
    path = make_iresnet(tmp_path / "face.onnx", DEPTHS[name])
    assert sizes(path) == pytest.approx(millions * 1e6, rel=0.005)
    adapter = ArcFace(listed(name, "face_embedder"), own_weights(path, batch=2))
    adapter.load()
    assert adapter.dimension == 512


def test_own_weights_stay_and_what_nobody_knows_is_told(tmp_path: Path) -> None:
    own = Options(weights="mine.pt", sha256="0" * 64)
    assert give_random_weights(listed("yolo26m", "detector"), own, tmp_path) is own
    with pytest.raises(ConfigError, match="no random weights can be made for model ultralytics: name weights"):
        give_random_weights(listed("ultralytics", "detector"), Options(), tmp_path)


def test_a_random_yolo_is_read_as_any_checkpoint_is(tmp_path: Path) -> None:
    model = listed("yolo26m", "detector", file="yolo26n.pt")
    options = give_random_weights(model, Options(device="cpu", score=0.01, image_side=160), tmp_path)
    assert Path(options.weights).parent == tmp_path
    found = create_detector("yolo26m", options=options).detect(pictures(2))
    assert any(found)
    assert "person" in create_detector("yolo26m", options=options).labels
