"""SigLIP and DINOv2 through transformers (Zhai et al., 2023; Oquab et al., 2023)."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from schemas.errors import ModelError
from tasks.models.device import Device, import_library
from tasks.models.encoder import Network, TorchEncoder
from tasks.models.options import Options
from tasks.models.production import ProductionModel


def create_siglip(model: ProductionModel, options: Options) -> TorchEncoder:
    """SigLIP: an :class:`~tasks.models.protocols.AppearanceModel` with tags; nothing is loaded yet."""
    return TorchEncoder(model, options, load_siglip)


def create_dinov2(model: ProductionModel, options: Options) -> TorchEncoder:
    """DINOv2: an :class:`~tasks.models.protocols.AppearanceModel` without tags; nothing is loaded yet."""
    return TorchEncoder(model, options, load_dinov2)


def import_transformers(name: str) -> Any:
    """The transformers module, which then reaches for no hub of its own accord.

    Raises:
        ConfigError: it is not installed.
    """
    transformers = import_library("transformers", f"model {name}")
    transformers.utils.logging.disable_progress_bar()
    return transformers


def load_pretrained(folder: Path, name: str, kind: Any, device: Device) -> Any:
    """A network of class ``kind`` from a folder: safetensors where there are any, else tensors only, no other pickle.

    Raises:
        ModelError: the folder does not hold all weights of such a network.
    """
    import torch

    try:
        network, report = kind.from_pretrained(
            folder,
            local_files_only=True,
            dtype=torch.float16 if device.half else torch.float32,
            output_loading_info=True,
        )
    except Exception as error:  # safetensors, torch and transformers each have their own ways to say it
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise ModelError(f"weights of model {name} in {folder} cannot be read: {reason}") from error
    missing = sorted(report.get("missing_keys", ()))
    if missing:
        raise ModelError(
            f"weights of model {name} in {folder} are not its own: {len(missing)} missing, such as {missing[0]}"
        )
    return network.eval().to(device.name)


def _preprocessing(folder: Path, name: str) -> dict[str, Any]:
    path = folder / "preprocessor_config.json"
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if len(values["image_mean"]) != 3 or len(values["image_std"]) != 3:
            raise ValueError("image_mean and image_std have three values")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"weights of model {name}: {path} is missing or damaged ({error!r})") from error
    return values


def load_siglip(folder: Path, model: ProductionModel, device: Device) -> Network:
    """SigLIP from a folder in the hub's layout.

    Raises:
        ConfigError: transformers is not installed.
        ModelError: the folder does not hold such a model.
    """
    transformers = import_transformers(model.name)
    values = _preprocessing(folder, model.name)
    network = load_pretrained(folder, model.name, transformers.SiglipModel, device)
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # as above
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise ModelError(f"weights of model {model.name} in {folder} have no readable tokenizer: {reason}") from error
    length = int(network.config.text_config.max_position_embeddings)

    def encode_images(pixels: Any) -> Any:
        return network.get_image_features(pixel_values=pixels).pooler_output

    def encode_texts(texts: Sequence[str]) -> Any:
        # SigLIP was trained on texts padded to full length, in small letters (model card).
        words = tokenizer([t.lower() for t in texts], padding="max_length", max_length=length, truncation=True)
        tokens = words.convert_to_tensors("pt") if hasattr(words, "convert_to_tensors") else words
        return network.get_text_features(input_ids=tokens["input_ids"].to(device.name)).pooler_output

    return Network(
        dimension=int(network.config.vision_config.hidden_size),
        side=int(network.config.vision_config.image_size),
        mean=tuple(values["image_mean"]),
        deviation=tuple(values["image_std"]),
        images=encode_images,
        texts=encode_texts,
        temperature=float(network.logit_scale.detach().exp()),
    )


def load_dinov2(folder: Path, model: ProductionModel, device: Device) -> Network:
    """DINOv2 from a folder in the hub's layout; an embedding is the class token after the last normalisation.

    Raises:
        ConfigError: transformers is not installed.
        ModelError: the folder does not hold such a model.
    """
    transformers = import_transformers(model.name)
    values = _preprocessing(folder, model.name)
    network = load_pretrained(folder, model.name, transformers.Dinov2Model, device)
    crop = values.get("crop_size") or {}
    patch = int(network.config.patch_size)
    side = int(crop.get("height", network.config.image_size)) // patch * patch

    def encode_images(pixels: Any) -> Any:
        return network(pixel_values=pixels).pooler_output

    return Network(
        dimension=int(network.config.hidden_size),
        side=side,
        mean=tuple(values["image_mean"]),
        deviation=tuple(values["image_std"]),
        images=encode_images,
        texts=None,
        temperature=1.0,
    )
