"""CLIP and its kin through open_clip (Radford et al., 2021; Ilharco et al., "OpenCLIP", 2021)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from schemas.errors import ModelError
from tasks.models.device import Device, import_library, import_torch
from tasks.models.encoder import Network, TorchEncoder
from tasks.models.options import Options
from tasks.models.production import ProductionModel


def create_open_clip(model: ProductionModel, options: Options) -> TorchEncoder:
    """An :class:`~tasks.models.protocols.AppearanceModel` with tags; nothing is loaded yet."""
    return TorchEncoder(model, options, load_open_clip)


def load_open_clip(path: Path, model: ProductionModel, device: Device) -> Network:
    """The network of the listed architecture with the weights of a file; or what a folder in the hub's layout describes.

    A folder brings its own tokenizer, which SigLIP needs: that of CLIP and MobileCLIP comes with open_clip.

    Raises:
        ConfigError: open_clip is not installed.
        ModelError: the file or folder does not hold such weights.
    """
    torch, open_clip = import_torch(), import_library("open_clip", f"model {model.name}")
    architecture = model.settings["architecture"]
    folder = path.is_dir()
    name = f"local-dir:{path}" if folder else architecture
    try:
        network: Any = open_clip.create_model(
            name,
            pretrained=None if folder else str(path),
            precision="fp16" if device.half else "fp32",
            device=device.name,
            weights_only=True,
            require_pretrained=True,
        ).eval()
        tokenizer: Any = open_clip.get_tokenizer(name)
    except Exception as error:  # safetensors, torch, transformers and open_clip each have their own ways to say it
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise ModelError(f"model file {path} does not hold weights of {architecture}: {reason}") from error
    # Weights of one architecture were trained with different means: the library's list of them says with which.
    listed: dict[str, Any] = open_clip.get_pretrained_cfg(architecture, model.settings.get("tag", "")) or {}
    preprocessing: Any = network.visual.preprocess_cfg
    side = network.visual.image_size
    scale = float(network.logit_scale.detach().exp())

    def encode_texts(texts: Sequence[str]) -> Any:
        return network.encode_text(tokenizer(list(texts)).to(device.name))

    probe = torch.zeros(1, 3, *_pair(side), device=device.name, dtype=torch.float16 if device.half else torch.float32)
    with torch.inference_mode():
        dimension = int(network.encode_image(probe).shape[1])
    return Network(
        dimension=dimension,
        side=_pair(side)[0],
        mean=tuple(listed.get("mean") or preprocessing["mean"]),
        deviation=tuple(listed.get("std") or preprocessing["std"]),
        images=network.encode_image,
        texts=encode_texts,
        temperature=scale,
        bilinear=(listed.get("interpolation") or preprocessing.get("interpolation")) == "bilinear",
    )


def _pair(side: int | tuple[int, int]) -> tuple[int, int]:
    return (side, side) if isinstance(side, int) else (side[0], side[1])
