"""The gpu and paper presets, from the configuration file to the dataset, on small networks with random weights.

The list of models names these networks as it names the real ones: by commit in the hub's cache, by digest in the folder of
weights. Everything between is what a user runs.
"""

import dataclasses
import hashlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from flows.presets import load_config
from schemas.config import BuildConfig
from schemas.errors import ConfigError, ModelError
from tasks.identity.calibration import load_calibration
from tasks.models import production, registry
from tasks.models.production import ProductionModel, find_production
from tasks.runtime.stage import RunSpec
from tests.tasks.models.production.networks import (
    listed,
    make_arcface,
    make_mask2former,
    make_open_clip,
    make_scrfd,
    make_siglip,
    make_yolo,
    pictures,
)

ROOT = Path(__file__).resolve().parents[4]
HAVE = all(
    importlib.util.find_spec(name) for name in ("torch", "ultralytics", "transformers", "open_clip", "cv2", "onnx")
)
needs_extra = pytest.mark.skipif(not HAVE, reason="the gpu extra is not installed")


@pytest.mark.parametrize("name", ["gpu", "paper"])
def test_presets_name_listed_models(name: str) -> None:
    config = load_config(name)
    roles = list(registry._roles(config))
    assert len(roles) == 4
    for model, stage, weights, options in roles:
        assert find_production(model, stage) is not None
        assert weights == ""
        assert registry.model_digest(model, stage, weights, options)
    calibration = load_calibration(config.reidentify.calibration)
    assert calibration.face_model == config.faces.embedder
    assert calibration.appearance_model == config.appearance.model


@pytest.mark.skipif(HAVE, reason="the gpu extra is installed")
@pytest.mark.parametrize("name", ["gpu", "paper"])
def test_without_the_extra_a_build_says_what_to_install(name: str) -> None:
    with pytest.raises(ConfigError, match=r"Install with: pip install 'storyreasoning\[gpu\]'") as caught:
        registry.prepare_models(load_config(name))
    assert "\n" not in str(caught.value)


def test_flows_and_stages_import_none_of_the_extra() -> None:
    modules = "torch", "torchvision", "ultralytics", "insightface", "open_clip", "transformers", "cv2", "onnx"
    code = (
        "import sys, flows.build_dataset, flows.presets, tasks.detect, tasks.faces, tasks.appearance, tasks.models.registry\n"
        f"print([name for name in {modules!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def by_commit(root: Path, model: ProductionModel) -> Path:
    """Where the hub's client keeps a model's files on this machine."""
    return root / "hub" / f"models--{model.repo.replace('/', '--')}" / "snapshots" / model.revision


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def small_models(root: Path) -> tuple[ProductionModel, ...]:
    """Small networks under the names of the large ones, put where the large ones would lie."""
    found = []
    for name, stage in (("scrfd-10g", "face_detector"), ("auraface", "face_embedder")):
        model = listed(name, stage)
        path = by_commit(root, model) / model.file
        path.parent.mkdir(parents=True, exist_ok=True)
        (make_scrfd if stage == "face_detector" else make_arcface)(path)
        found.append(dataclasses.replace(model, sha256=sha(path)))
    yolo = listed("yolo26m-seg", "detector", settings={"image_side": "160"})
    checkpoint = make_yolo(root / "yolo26m-seg.pt", "yolo26n-seg.yaml")
    kept = root / "weights" / sha(checkpoint) / yolo.file
    kept.parent.mkdir(parents=True)
    checkpoint.rename(kept)
    found.append(dataclasses.replace(yolo, sha256=sha(kept)))
    clip = listed("clip-vit-l-14", "appearance", settings={"architecture": "tiny-test", "dimension": "24"})
    weights = make_open_clip(root / "clip")
    path = by_commit(root, clip) / clip.file
    path.parent.mkdir(parents=True)
    weights.rename(path)
    found.append(dataclasses.replace(clip, sha256=sha(path)))
    paper = listed("mask2former-swin-large-coco-panoptic", "detector")
    make_mask2former(by_commit(root, paper))
    siglip = listed("siglip-so400m", "appearance", settings={"dimension": "32"})
    make_siglip(by_commit(root, siglip))
    return (*found, paper, siglip)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[ProductionModel, ...]]:
    root = tmp_path_factory.mktemp("machine")
    return root, small_models(root)


@pytest.fixture
def machine(models: tuple[Path, tuple[ProductionModel, ...]], monkeypatch: pytest.MonkeyPatch) -> Path:
    root, small = models
    monkeypatch.setenv("STORYREASONING_WEIGHTS", str(root / "weights"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(root / "hub"))
    monkeypatch.setattr(production, "_listed", lambda: small)
    registry._resident.cache_clear()
    return root


@pytest.fixture
def film(tmp_path: Path) -> Path:
    folder = tmp_path / "frames"
    folder.mkdir()
    for k, picture in enumerate(pictures(6, ((144, 256),))):
        Image.fromarray(picture).save(folder / f"film_scene_1_{k}.png")
    return folder


def config_of(preset: str, **sections: dict[str, Any]) -> BuildConfig:
    """A preset for random networks: on the CPU, with scores that such networks reach."""
    base = load_config(preset).model_dump()
    own = {
        "detect": {"person_score": 0.05, "object_score": 0.05, "device": "cpu"},
        "faces": {"score": 0.5, "min_side": 8, "device": "cpu"},
    }
    base["sequence"] = {**base["sequence"], "require_person": False}
    base["appearance"] |= {"device": "cpu"}
    for section, values in own.items():
        base[section] |= values
    for section, values in sections.items():
        base[section] |= values
    return BuildConfig.model_validate(base)


@needs_extra
@pytest.mark.parametrize("preset", ["gpu", "paper"])
def test_a_preset_builds(preset: str, machine: Path, film: Path, tmp_path: Path) -> None:
    from flows.build_dataset import build_dataset
    from tasks.models.rle import decode_mask

    workspace = tmp_path / "workspace"
    config = config_of(preset)
    summary = build_dataset.fn(str(film), str(workspace), config, "plain", preset)
    latest = json.loads((workspace / "latest.json").read_text())
    assert summary.stories == 1
    run = RunSpec(str(workspace), str(film), config)
    (shard,) = latest["shards"]
    detected = list(run.store.read("detect", shard["shard"], shard["keys"]["detect"]))
    found = [d for row in detected for d in row["detections"]]
    assert found
    assert all(d["mask"] for d in found)
    for one in found:
        inside = decode_mask(one["mask"], 144, 256)
        rows, columns = np.nonzero(inside)
        assert len(rows)
        assert columns.min() >= one["x1"] - 1
        assert columns.max() < one["x2"] + 1
    stuff = {d["origin"] for d in found}
    assert stuff <= {"detector", "stuff"}
    if preset == "paper":
        assert "stuff" in stuff
        identities = list(run.store.read("reidentify", shard["shard"], shard["keys"]["reidentify"]))
        assert any(entity["kind"] == "bg" for row in identities for entity in row["entities"])
    looks = list(run.store.read("appearance", shard["shard"], shard["keys"]["appearance"]))
    assert {len(c["embedding"]) for row in looks for c in row["crops"]} == {4 * (24 if preset == "gpu" else 32)}
    assert any(tag["label"].startswith("time of day: ") for row in looks for tag in row["tags"])
    manifest = run.store.find("detect", shard["shard"], shard["keys"]["detect"])
    assert manifest is not None
    model = find_production(config.detect.model, "detector")
    assert model is not None
    assert manifest.models == {config.detect.model: model.sha256 or model.revision}
    again = build_dataset.fn(str(film), str(workspace), config, "plain", preset)
    assert again.stories == 1
    assert json.loads((workspace / "latest.json").read_text())["shards"] == latest["shards"]


@needs_extra
def test_weights_that_were_changed_end_a_build_before_any_work(
    machine: Path, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.build_dataset import build_dataset

    changed = tuple(
        dataclasses.replace(model, sha256="0" * 64) if model.name == "auraface" else model
        for model in production._listed()
    )
    monkeypatch.setattr(production, "_listed", lambda: changed)
    workspace = tmp_path / "workspace"
    with pytest.raises(ModelError, match=r"glintr100.onnx is not the pinned one: expected sha256 0000"):
        build_dataset.fn(str(film), str(workspace), config_of("gpu"), "plain", "gpu")
    made = {path.relative_to(workspace / "shards").parts[0] for path in (workspace / "shards").rglob("*.parquet")}
    assert made <= {"plan"}, "it is planned, to know whether models are needed at all; nothing is worked on"


@needs_extra
@pytest.mark.parametrize("family", ["ultralytics", "mask2former"])
def test_a_detector_that_knows_no_people_ends_a_build_before_any_work(
    family: str, machine: Path, film: Path, tmp_path: Path
) -> None:
    from flows.build_dataset import build_dataset

    if family == "ultralytics":
        weights = make_yolo(tmp_path / "nobody.pt", names=[f"thing {k}" for k in range(80)])
        own = {"model": "yolo26m-seg", "weights": str(weights), "weights_sha256": sha(weights), "masks": False}
    else:
        weights = make_mask2former(tmp_path / "nobody")
        changed = (weights / "config.json").read_text().replace('"person"', '"puppet"')
        (weights / "config.json").write_text(changed)
        own = {"model": "mask2former-swin-large-coco-panoptic", "weights": str(weights)}
    workspace = tmp_path / "workspace"
    with pytest.raises(ConfigError, match=r"has no (class|thing) 'person', which stories need"):
        build_dataset.fn(str(film), str(workspace), config_of("gpu", detect=own), "plain", "gpu")
    made = {path.relative_to(workspace / "shards").parts[0] for path in (workspace / "shards").rglob("*.parquet")}
    assert made <= {"plan"}


@needs_extra
def test_absent_weights_offline_end_a_build_before_any_work(
    machine: Path, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.build_dataset import build_dataset

    monkeypatch.setenv("STORYREASONING_WEIGHTS", str(tmp_path / "elsewhere"))
    with pytest.raises(
        ModelError, match=r"weights of model yolo26m-seg are not on this machine .*HF_HUB_OFFLINE is set"
    ):
        build_dataset.fn(str(film), str(tmp_path / "workspace"), config_of("gpu"), "plain", "gpu")


@needs_extra
def test_one_adapter_a_process_for_the_same_settings(machine: Path) -> None:
    config = config_of("gpu")
    options = registry.detector_options(config.detect)
    first = registry.create_detector(config.detect.model, options=options)
    assert registry.create_detector(config.detect.model, options=options) is first
    other = dataclasses.replace(options, batch=1)
    assert registry.create_detector(config.detect.model, options=other) is not first
