"""Adapters and the models that they were trained on."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.errors import ConfigError, ModelError
from tasks.training.network import ADAPTER_CONFIG, digest_model, load_network, locate_model

PROVENANCE = "storyreasoning.json"
"""Beside weights: the run that they come from."""

WEIGHTS = "adapter_model.safetensors"


@dataclass(frozen=True, slots=True)
class Trained:
    """A model that can answer: the folder of whole weights, and that of an adapter where there is one."""

    base: Path
    adapter: Path | None


def locate_trained(name: str, base: str = "") -> Trained:
    """A model or an adapter with its base; the base is known again by its digest.

    Args:
        name: a folder (of a run, too: then its ``model/``), or ``owner/name`` on the Hub.
        base: where the base is, if not where it was in training.

    Raises:
        ConfigError: there is no such model, or the base is another than the adapter was trained on.
    """
    folder = Path(name)
    if (folder / "model").is_dir() and not (folder / "config.json").exists():
        folder = folder / "model"
    if not (folder / ADAPTER_CONFIG).exists():
        if base:
            raise ConfigError(f"{name} is no adapter: --base is of no use")
        return Trained(locate_model(str(folder) if folder.is_dir() else name), None)
    if not (folder / WEIGHTS).exists():
        raise ConfigError(f"{name} has no {WEIGHTS}: other weights can hold code and are not loaded")
    provenance = read_provenance(folder)
    try:
        told = json.loads((folder / ADAPTER_CONFIG).read_text(encoding="utf-8"))["base_model_name_or_path"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{folder}/{ADAPTER_CONFIG} cannot be read: train again, or fetch it again") from error
    whole = locate_model(base or str(told))
    if provenance and provenance.get("base") != digest_model(whole):
        raise ConfigError(
            f"{name} was trained on another base than {base or told}: give the model {provenance.get('model')} as --base"
        )
    return Trained(whole, folder)


def read_provenance(folder: Path) -> dict[str, Any]:
    """The run that weights come from; empty where it is not told.

    Raises:
        ModelError: it cannot be read.
    """
    try:
        value = json.loads((folder / PROVENANCE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder}/{PROVENANCE} cannot be read: remove it, or train again") from error
    return value if isinstance(value, dict) else {}


def load_trained(trained: Trained, dtype: Any) -> Any:
    """The model, its adapter on it.

    Raises:
        ModelError: weights are damaged, or an adapter does not fit its base.
    """
    network = load_network(trained.base, dtype)
    if trained.adapter is None:
        return network
    from peft import PeftModel
    from safetensors import SafetensorError

    try:
        return PeftModel.from_pretrained(network, str(trained.adapter), local_files_only=True)
    except (RuntimeError, ValueError, OSError, SafetensorError) as error:
        told = " ".join(str(error).split())[:200]
        raise ModelError(f"the adapter {trained.adapter} does not fit {trained.base}: {told}") from error
