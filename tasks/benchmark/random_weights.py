"""Random weights for the models of a configuration: what they cost is measured where their own cannot be had."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from schemas.errors import ConfigError
from tasks.benchmark.frames import make_frames
from tasks.benchmark.random_faces import DEPTHS, make_iresnet, make_scrfd
from tasks.benchmark.random_vision import make_dinov2, make_mask2former, make_open_clip, make_siglip, make_yolo
from tasks.models.options import Options
from tasks.models.production import ProductionModel, known_digest, require_installed
from tasks.models.weights import read_labels
from tasks.runtime.images import decode_rgb

SWIN_LARGE: Mapping[str, Any] = {
    "image_size": 384, "embed_dim": 192, "depths": [2, 2, 18, 2], "num_heads": [6, 12, 24, 48], "window_size": 12,
}  # fmt: skip
SO400M: Mapping[str, Any] = {
    "hidden_size": 1152,
    "intermediate_size": 4304,
    "num_hidden_layers": 27,
    "num_attention_heads": 16,
}
SO400M_VISION = {**SO400M, "image_size": 384, "patch_size": 14}
SO400M_TEXT = {**SO400M, "vocab_size": 32000, "max_position_embeddings": 64, "projection_size": 1152}
DINOV2_BASE = {"image_size": 518, "patch_size": 14}
REGIONS = 53
"""Classes of COCO panoptic that are no things."""


def give_random_weights(model: ProductionModel, options: Options, folder: Path) -> Options:
    """``options`` with weights of the model's architecture that are made in ``folder``, unless they name weights already.

    Raises:
        ConfigError: a library of the model is not installed, or nobody knows its architecture here.
    """
    if options.weights:
        return options
    require_installed(model)
    path = folder / f"{model.name}{_ENDINGS.get(model.family, '')}"
    _make(model, path)
    return replace(options, weights=str(path), sha256=known_digest(path) if path.is_file() else "", revision="")


_ENDINGS = {"ultralytics": ".pt", "scrfd": ".onnx", "arcface": ".onnx", "open_clip": ".safetensors"}


def _make(model: ProductionModel, path: Path) -> None:
    if model.family == "ultralytics" and model.url:
        from tasks.models.ultralytics_detector import import_ultralytics

        import_ultralytics(model.name)
        shown = [decode_rgb(content) for content in make_frames(4, 320, 320)]
        make_yolo(path, f"{Path(model.file).stem}.yaml", read_labels("coco80"), shown, spread=0.03)
    elif model.family == "mask2former":
        labels = [*read_labels("coco80"), *(f"region-{k}" for k in range(REGIONS))]
        make_mask2former(path, labels, SWIN_LARGE["image_size"], SWIN_LARGE, {"num_queries": 200}, doubt=16.0)
    elif model.family == "scrfd":
        make_scrfd(path)
    elif model.family == "arcface":
        make_iresnet(path, DEPTHS[model.name])
    elif model.name == "siglip-so400m":
        make_siglip(path, SO400M_VISION, SO400M_TEXT)
    elif model.name == "dinov2-base":
        make_dinov2(path, 224, DINOV2_BASE)
    elif model.family == "open_clip" and not model.snapshot:
        make_open_clip(path, model.settings["architecture"])
    else:
        raise ConfigError(f"no random weights can be made for model {model.name}: name weights of its own")
