"""Any image classifier of the Hub's layout, here tiny ones made on the spot; skipped where there is no torch."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from schemas.config import BuildConfig
from schemas.errors import ConfigError, ModelError
from schemas.geometry import Box
from schemas.landmarks_config import LandmarksConfig
from tasks.bench_vision import VisionPlan, bench_vision
from tasks.models.landmarks.classifier import LandmarkClassifier

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
try:
    transformers.SwinForImageClassification  # noqa: B018 - imported on the first look
except (ImportError, RuntimeError):
    pytest.skip("the torchvision that is installed does not fit this torch", allow_module_level=True)

NAMES = {0: "Eiffel Tower", 1: "Big  Ben", 2: "Colosseum"}


def configuration(kind: str) -> Any:
    """A network of a few thousand weights."""
    labels = {"id2label": NAMES, "label2id": {name: number for number, name in NAMES.items()}}
    if kind == "swin":
        return transformers.SwinConfig(
            image_size=32, patch_size=4, embed_dim=8, depths=[1, 1], num_heads=[1, 2], window_size=4, **labels
        )
    return transformers.ViTConfig(
        image_size=32,
        patch_size=8,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        **labels,
    )


@pytest.fixture(params=["swin", "vit"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    torch.manual_seed(3)
    network = transformers.AutoModelForImageClassification.from_config(configuration(request.param))
    place = tmp_path / "landmarks-tiny"
    network.save_pretrained(place)
    values = {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.4], "size": {"height": 32, "width": 32}}
    (place / "preprocessor_config.json").write_text(json.dumps(values))
    return place


def images() -> list[Any]:
    draw = np.random.default_rng(5)
    return [draw.integers(0, 256, size, dtype=np.uint8) for size in ((90, 160, 3), (32, 32, 3), (40, 70, 3))]


def model(folder: Path, **changes: Any) -> LandmarkClassifier:
    return LandmarkClassifier(LandmarksConfig(model="classifier", weights=str(folder), device="cpu", **changes))


def test_names_and_scores_are_those_of_the_network(folder: Path) -> None:
    found = model(folder, score=0).recognise(images())
    network = transformers.AutoModelForImageClassification.from_pretrained(folder).eval()
    from PIL import Image

    for image, landmarks in zip(images(), found, strict=True):
        pixels = np.asarray(Image.fromarray(image).resize((32, 32), Image.Resampling.BICUBIC), dtype=np.float64) / 255
        pixels = (pixels - [0.5, 0.4, 0.3]) / [0.2, 0.3, 0.4]
        with torch.inference_mode():
            logits = network(pixel_values=torch.tensor(pixels.transpose(2, 0, 1)[None], dtype=torch.float32)).logits[0]
        shares = torch.exp(logits) / torch.exp(logits).sum()
        expected = sorted(((float(share), " ".join(NAMES[i].split())) for i, share in enumerate(shares)), reverse=True)
        assert [one.name for one in landmarks] == [name for _, name in expected]
        assert [one.score for one in landmarks] == pytest.approx([share for share, _ in expected], abs=1e-4)
        assert {one.box for one in landmarks} == {Box(0, 0, image.shape[1], image.shape[0])}


def test_the_batch_does_not_matter(folder: Path) -> None:
    whole = model(folder, batch=3).recognise(images())
    apart = model(folder, batch=1).recognise(images())
    for one, other in zip(whole, apart, strict=True):
        assert [a.name for a in one] == [b.name for b in other]
        assert [a.score for a in one] == pytest.approx([b.score for b in other], abs=1e-4)


def test_only_the_pinned_weights_are_read(folder: Path) -> None:
    digest = model(folder).digest
    assert model(folder, weights_sha256=digest).recognise(images()[:1])
    with pytest.raises(ModelError, match="is not the pinned file"):
        model(folder, weights_sha256="0" * 64).recognise(images()[:1])


def test_a_pickle_is_not_read_unpinned(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ConfigError, match="is a pickle: pin it"):
        model(folder).recognise(images()[:1])


@pytest.mark.parametrize("file", ["model.safetensors", "preprocessor_config.json"])
def test_a_folder_that_lacks_something_is_said(folder: Path, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(ModelError):
        model(folder).recognise(images()[:1])


def test_the_bare_network_runs_as_often_on_the_same_shapes(folder: Path) -> None:
    classifier = model(folder, batch=2)
    bare = classifier.bare(images())
    seen: list[tuple[int, ...]] = []
    network = classifier._network[0]
    network.register_forward_pre_hook(lambda _, __, named: seen.append(named["pixel_values"].shape), with_kwargs=True)
    classifier.recognise(images())
    wanted = list(seen)
    assert [shape[0] for shape in wanted] == [2, 1]
    seen.clear()
    bare()
    assert seen == wanted


def test_it_is_measured(folder: Path) -> None:
    landmarks = LandmarksConfig(model="classifier", weights=str(folder), device="cpu", batch=2)
    plan = VisionPlan(stages=("landmarks",), rounds=1, seconds=0.001, size=(64, 48))
    (row,) = bench_vision(BuildConfig(landmarks=landmarks), plan).rows
    assert (row.stage, row.model, row.unit) == ("landmarks", "landmarks-tiny", "frame")
    assert row.share
