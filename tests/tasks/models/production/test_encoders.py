"""CLIP, SigLIP and DINOv2 through the adapters against their libraries' own preprocessing, one crop at a time."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")

from schemas.errors import ModelError
from tasks.models.encoder import TorchEncoder
from tasks.models.open_clip_model import create_open_clip
from tasks.models.options import Options
from tasks.models.transformers_encoder import create_dinov2, create_siglip
from tasks.models.zero_shot import shipped_questions
from tests.tasks.models.production.networks import (
    listed,
    make_dinov2,
    make_mobile_clip,
    make_open_clip,
    make_open_clip_siglip,
    make_siglip,
    own_weights,
    pictures,
)

TINY = {"architecture": "tiny-test", "tag": "", "dimension": "24"}


def unit(vector: Any) -> np.ndarray:
    values = np.asarray(vector, np.float64).ravel()
    return values / np.linalg.norm(values)


def against(adapter: TorchEncoder, alone: TorchEncoder, own: Any, dimension: int) -> None:
    """32 crops together, each alone, and each by the library itself: the same to 1e-3."""
    crops = pictures(32, ((40, 90), (70, 20), (33, 33), (5, 3)))
    together = adapter.embed(crops)
    assert (adapter._limit.most, alone._limit.most) == (32, 1), "one call, and one for each"
    assert together.shape == (32, dimension)
    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert np.abs(together - together[0]).max() > 1e-2, "crops differ"
    for crop, vector in zip(crops, together, strict=True):
        np.testing.assert_allclose(alone.embed([crop])[0], vector, atol=1e-3)
        np.testing.assert_allclose(unit(own(Image.fromarray(crop))), vector, atol=1e-3)
    assert adapter.embed([]).shape == (0, dimension)


def test_open_clip(tmp_path: Path) -> None:
    open_clip = pytest.importorskip("open_clip")
    import torch
    from open_clip.transform import PreprocessCfg, image_transform_v2

    path = make_open_clip(tmp_path)
    model = listed("clip-vit-b-32", "appearance", settings=TINY)
    network = open_clip.create_model("tiny-test", pretrained=str(path)).eval()
    transform = image_transform_v2(PreprocessCfg(size=32, resize_mode="squash"), is_train=False)

    def own(crop: Image.Image) -> np.ndarray:
        with torch.inference_mode():
            return np.asarray(network.encode_image(transform(crop)[None]).numpy())

    adapter = create_open_clip(model, own_weights(path, batch=32))
    against(adapter, create_open_clip(model, own_weights(path, batch=1)), own, 24)
    _check_tags(adapter, open_clip.get_tokenizer("tiny-test"), network)


def test_mobile_clip(tmp_path: Path) -> None:
    """MobileCLIP is fed without means and shrunk by the bilinear filter: both stand in the library's list."""
    open_clip = pytest.importorskip("open_clip")
    import torch
    from open_clip.transform import PreprocessCfg, image_transform_v2

    path = make_mobile_clip(tmp_path)
    model = listed("mobileclip-s1", "appearance")
    recipe = open_clip.get_pretrained_cfg("MobileCLIP-S1", model.settings["tag"])
    assert recipe["interpolation"] == "bilinear"
    # The small network goes by a name of its own, for which the library lists nothing: lend it the recipe of the real one.
    open_clip.pretrained._PRETRAINED["tiny-mobile"] = {"datacompdr": recipe}
    try:
        model = listed("mobileclip-s1", "appearance", settings={"architecture": "tiny-mobile", "dimension": "32"})
        network = open_clip.create_model("tiny-mobile", pretrained=str(path)).eval()
        transform = image_transform_v2(
            PreprocessCfg(
                size=64, mean=recipe["mean"], std=recipe["std"], interpolation="bilinear", resize_mode="squash"
            ),
            is_train=False,
        )

        def own(crop: Image.Image) -> np.ndarray:
            with torch.inference_mode():
                return np.asarray(network.encode_image(transform(crop)[None]).numpy())

        adapter = create_open_clip(model, own_weights(path, batch=32))
        against(adapter, create_open_clip(model, own_weights(path, batch=1)), own, 32)
        assert adapter._ready().bilinear
        assert (adapter._ready().mean, adapter._ready().deviation) == ((0, 0, 0), (1, 1, 1))
        _check_tags(adapter, open_clip.get_tokenizer("tiny-mobile"), network)
    finally:
        del open_clip.pretrained._PRETRAINED["tiny-mobile"]


def test_siglip_through_open_clip(tmp_path: Path) -> None:
    open_clip = pytest.importorskip("open_clip")
    pytest.importorskip("transformers")
    import torch

    folder = make_open_clip_siglip(tmp_path / "siglip")
    model = listed("siglip-so400m-open-clip", "appearance", settings={"dimension": "64"})
    network, _, transform = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    network.eval()

    def own(crop: Image.Image) -> np.ndarray:
        with torch.inference_mode():
            return np.asarray(network.encode_image(transform(crop)[None]).numpy())

    adapter = create_open_clip(model, folder_options(folder, 32))
    against(adapter, create_open_clip(model, folder_options(folder, 1)), own, 64)
    assert not adapter._ready().bilinear
    _check_tags(adapter, open_clip.get_tokenizer(f"local-dir:{folder}"), network)


def test_a_folder_that_lacks_a_part(tmp_path: Path) -> None:
    """Never random weights or another tokenizer in place of what is missing."""
    pytest.importorskip("open_clip")
    pytest.importorskip("transformers")
    model = listed("siglip-so400m-open-clip", "appearance", settings={"dimension": "64"})
    for name in ("open_clip_model.safetensors", "open_clip_config.json", "tokenizer.json"):
        folder = make_open_clip_siglip(tmp_path / name)
        (folder / name).unlink()
        with pytest.raises(ModelError, match="does not hold weights of ViT-SO400M-14-SigLIP-384") as caught:
            create_open_clip(model, folder_options(folder, 1)).load()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["clip-vit-l-14", "clip-vit-b-32", "mobileclip-s1", "mobileclip-s2", "mobileclip-b", "siglip-so400m-open-clip"],
)
def test_listed_architectures_are_known_and_give_what_is_listed(name: str) -> None:
    """Without memory for their weights: on torch's meta device only shapes are computed."""
    open_clip = pytest.importorskip("open_clip")
    import torch

    settings = listed(name, "appearance").settings
    with torch.device("meta"), torch.inference_mode():
        network = open_clip.create_model(settings["architecture"], pretrained=None, device="meta")
        found = network.encode_image(torch.zeros(2, 3, *np.broadcast_to(network.visual.image_size, 2)))
    assert found.shape == (2, int(settings["dimension"]))


def _check_tags(adapter: TorchEncoder, tokenizer: Any, network: Any) -> None:
    """The tags of a group are the softmax of the library's own logits over the mean of the group's prompts."""
    import torch

    images = pictures(3)
    found = adapter.tag(images)
    for question in shipped_questions():
        vectors = []
        for texts in question.texts:
            with torch.inference_mode():
                each = network.encode_text(tokenizer(list(texts)), normalize=True).numpy()
            vectors.append(unit(each.mean(axis=0)))
        logits = adapter.embed(images) @ np.array(vectors).T * float(network.logit_scale.exp().detach())
        scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        for tags, row in zip(found, scores, strict=True):
            told = dict(tags)
            for label, score in zip(question.labels, row, strict=True):
                if score > 0.051:
                    assert told[label] == pytest.approx(score, abs=1e-3)
                elif score < 0.049:
                    assert label not in told
    for tags in found:
        assert [score for _, score in tags] == sorted((score for _, score in tags), reverse=True)
        assert any(label.startswith("time of day: ") for label, _ in tags)


def test_weights_of_another_architecture(tmp_path: Path) -> None:
    pytest.importorskip("open_clip")
    path = make_open_clip(tmp_path)
    with pytest.raises(ModelError, match="does not hold weights of ViT-B-32"):
        create_open_clip(listed("clip-vit-b-32", "appearance"), own_weights(path)).load()
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(ModelError, match="does not hold weights of tiny-test") as caught:
        create_open_clip(listed("clip-vit-b-32", "appearance", settings=TINY), own_weights(damaged)).load()
    assert "\n" not in str(caught.value)


def test_listed_means_of_clip_are_the_librarys() -> None:
    """ViT-L-14 of LAION was trained with other means than ViT-B-32: both come from the library's list, not from a default."""
    open_clip = pytest.importorskip("open_clip")
    for name in ("clip-vit-l-14", "clip-vit-b-32", "mobileclip-s1", "mobileclip-s2", "mobileclip-b"):
        settings = listed(name, "appearance").settings
        listed_config = open_clip.get_pretrained_cfg(settings["architecture"], settings["tag"])
        assert listed_config["hf_hub"].rstrip("/") == listed(name, "appearance").repo


def folder_options(folder: Path, batch: int) -> Options:
    return Options(weights=str(folder), device="cpu", batch=batch)


def test_siglip(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    pytest.importorskip("sentencepiece")
    import torch
    from transformers import SiglipModel
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    folder = make_siglip(tmp_path / "siglip")
    model = listed("siglip-so400m", "appearance", settings={"dimension": "32"})
    processor, network = SiglipImageProcessorPil.from_pretrained(folder), SiglipModel.from_pretrained(folder).eval()

    def own(crop: Image.Image) -> np.ndarray:
        with torch.inference_mode():
            pixels = processor(images=crop, return_tensors="pt")["pixel_values"]
            return np.asarray(network.get_image_features(pixel_values=pixels).pooler_output.numpy())

    adapter = create_siglip(model, folder_options(folder, 32))
    against(adapter, create_siglip(model, folder_options(folder, 1)), own, 32)
    tags = adapter.tag(pictures(2))
    assert all(0.05 <= score <= 1 for one in tags for _, score in one)
    assert {label.partition(":")[0] for label, _ in tags[0]} >= {"setting", "time of day"}


def test_dinov2(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    import torch
    from transformers import Dinov2Model
    from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil

    folder = make_dinov2(tmp_path / "dinov2")
    model = listed("dinov2-base", "appearance", settings={"dimension": "24"})
    processor = BitImageProcessorPil.from_pretrained(folder, size={"height": 28, "width": 28}, do_center_crop=False)
    network = Dinov2Model.from_pretrained(folder).eval()

    def own(crop: Image.Image) -> np.ndarray:
        with torch.inference_mode():
            pixels = processor(images=crop, return_tensors="pt")["pixel_values"]
            return np.asarray(network(pixel_values=pixels).pooler_output.numpy())

    adapter = create_dinov2(model, folder_options(folder, 32))
    against(adapter, create_dinov2(model, folder_options(folder, 1)), own, 24)
    assert adapter.tag(pictures(2)) == [[], []]


def test_an_older_repository_without_safetensors(tmp_path: Path) -> None:
    """Tensors only are read of its pickle; one that would run code is refused."""
    pytest.importorskip("transformers")
    import torch
    from safetensors.torch import load_file

    folder = make_dinov2(tmp_path / "dinov2")
    model = listed("dinov2-base", "appearance", settings={"dimension": "24"})
    crops = pictures(2)
    expected = create_dinov2(model, folder_options(folder, 2)).embed(crops)
    safe, pickled = folder / "model.safetensors", folder / "pytorch_model.bin"
    torch.save(load_file(safe), pickled)
    safe.unlink()
    np.testing.assert_allclose(create_dinov2(model, folder_options(folder, 2)).embed(crops), expected, atol=1e-6)

    marker = tmp_path / "ran"

    class Payload:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (marker,)

    torch.save({"layernorm.weight": Payload()}, pickled)
    with pytest.raises(ModelError, match="cannot be read"):
        create_dinov2(model, folder_options(folder, 2)).load()
    assert not marker.exists()


def test_weights_that_lack_a_part(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    from safetensors.torch import load_file, save_file

    folder = make_dinov2(tmp_path / "dinov2")
    values = load_file(folder / "model.safetensors")
    values.pop("layernorm.weight")
    save_file(values, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"are not its own: 1 missing, such as layernorm\.weight"):
        create_dinov2(listed("dinov2-base", "appearance"), folder_options(folder, 1)).load()


def test_a_snapshot_without_means(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    folder = make_dinov2(tmp_path / "dinov2")
    (folder / "preprocessor_config.json").write_text('{"image_mean": [0.5]}')
    with pytest.raises(ModelError, match=r"preprocessor_config.json is missing or damaged"):
        create_dinov2(listed("dinov2-base", "appearance"), folder_options(folder, 1)).load()
