"""Qwen2.5-VL from a folder or the Hub: safetensors only, no code from elsewhere, and known again by its digest."""

import hashlib
import json
from pathlib import Path
from typing import Any

from schemas.errors import ConfigError, ModelError

ARCHITECTURES = ("qwen2_5_vl",)
ADAPTER_CONFIG = "adapter_config.json"
_FILES = ("*.safetensors", "*.json", "*.jinja", "*.txt")


def require_training() -> None:
    """See that the extra is there.

    Raises:
        ConfigError: it is not, or not whole.
    """
    try:
        import accelerate
        import peft
        import torchvision
        import transformers
        import trl
    except ImportError as error:
        raise ConfigError(f"fine-tuning needs the extra ({error}): pip install 'storyreasoning[train]'") from error
    except RuntimeError as error:
        # torchvision's compiled operators belong to one build of torch.
        raise ConfigError(
            f"torch and torchvision do not fit each other ({error}): install both from one index"
        ) from error
    del accelerate, peft, torchvision, transformers, trl


def locate_model(name: str) -> Path:
    """The folder of a model: itself, or a copy of what the Hub has under ``owner/name``.

    Raises:
        ConfigError: there is no such model, or it is of another architecture.
        ModelError: it cannot be fetched, or is not whole.
    """
    folder = Path(name)
    if not folder.is_dir():
        folder = _fetch(name)
    if (folder / ADAPTER_CONFIG).exists() and not (folder / "config.json").exists():
        raise ConfigError(f"{name} is an adapter: make it whole with 'storyreasoning merge' first")
    try:
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    except OSError as error:
        raise ConfigError(f"{name} holds no model: there is no config.json in it") from error
    except (ValueError, AttributeError) as error:
        raise ModelError(f"{name}/config.json cannot be read: fetch the model again") from error
    if kind not in ARCHITECTURES:
        raise ConfigError(
            f"{name} is of the architecture {kind}: only Qwen2.5-VL ({', '.join(ARCHITECTURES)}) is taught"
        )
    if not list(folder.glob("*.safetensors")):
        raise ConfigError(f"{name} has no .safetensors: other weights can hold code and are not loaded")
    return folder


def _fetch(name: str) -> Path:
    if name.count("/") != 1 or name.startswith((".", "/")):
        raise ConfigError(f"there is no model at {name}: give a folder, or owner/name on the Hub")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=list(_FILES)))
    except RepositoryNotFoundError as error:
        raise ConfigError(f"there is no model {name}, neither here nor on the Hub") from error
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        told = " ".join(str(error).split())[:200]
        raise ModelError(f"{name} could not be fetched ({told}): try again, or give a folder that holds it") from error


def digest_model(folder: Path) -> str:
    """A sha256 over a model's configuration and weights, whatever its folder is called."""
    digest = hashlib.sha256()
    for path in [folder / "config.json", *sorted(folder.glob("*.safetensors"))]:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def load_processor(folder: Path, max_pixels: int | None = None) -> Any:
    """Tokeniser and image processor of a model.

    Raises:
        ModelError: they are not whole.
    """
    from transformers import AutoProcessor

    try:
        processor = AutoProcessor.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError, ImportError) as error:
        raise ModelError(f"{folder} has no whole processor: {' '.join(str(error).split())[:200]}") from error
    if max_pixels is not None:
        smallest = min(processor.image_processor.size["shortest_edge"], max_pixels)
        processor.image_processor.size = {"shortest_edge": smallest, "longest_edge": max_pixels}
    return processor


def load_network(folder: Path, dtype: Any) -> Any:
    """The model on the CPU, ``dtype`` a torch dtype.

    Raises:
        ModelError: its weights are damaged or not those of its configuration.
    """
    from safetensors import SafetensorError
    from transformers import AutoModelForImageTextToText

    try:
        network, told = AutoModelForImageTextToText.from_pretrained(
            str(folder),
            dtype=dtype,
            attn_implementation="sdpa",
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise ModelError(f"{folder} cannot be loaded: {' '.join(str(error).split())[:200]}") from error
    if told["missing_keys"]:
        raise ModelError(f"{folder} lacks {len(told['missing_keys'])} of the model's weights: fetch it again")
    return network
