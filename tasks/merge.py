"""``merge``: an adapter and its base made one model, which everything that serves Qwen2.5-VL can load.

In: an adapter with the model that it was trained on. Out: a folder with the whole model as safetensors, its processor, and the
run that it comes from. The folder appears whole or not at all.
"""

import hashlib
from pathlib import Path
from typing import Any

from schemas.config import nearest
from schemas.errors import ConfigError
from tasks.runtime.atomic import atomic_directory, write_json
from tasks.training.adapter import PROVENANCE, load_trained, locate_trained, read_provenance
from tasks.training.network import load_processor, require_training

DTYPES = ("bfloat16", "float16", "float32")


def merge(model: str, out: Path, *, base: str = "", dtype: str = "bfloat16") -> Path:
    """Write the merged model to ``out``, and give its folder.

    A whole model is written anew in ``dtype``.

    Args:
        model: an adapter, the folder of a run, or a whole model.
        out: a folder that does not exist yet.
        base: where the base is, if not where it was in training.
        dtype: of the weights that are written. Merging is done in float32.

    Raises:
        ConfigError: ``out`` exists, ``dtype`` is unknown, or the base is another.
        ModelError: weights cannot be loaded.
    """
    if dtype not in DTYPES:
        raise ConfigError(f"unknown dtype '{dtype}'{nearest(dtype, DTYPES)}")
    if out.exists():
        raise ConfigError(f"{out} exists: name a new folder")
    require_training()
    import torch

    trained = locate_trained(model, base)
    source = trained.adapter or trained.base
    provenance = _tell(source, dtype)
    network = load_trained(trained, torch.float32)
    if trained.adapter is not None:
        network = network.merge_and_unload(safe_merge=True)
    network = network.to(getattr(torch, dtype))
    with atomic_directory(out) as temporary:
        network.save_pretrained(str(temporary), max_shard_size="4GB")
        load_processor(source).save_pretrained(str(temporary))
        if provenance:
            write_json(temporary / PROVENANCE, provenance)
    return out


def is_merged(model: str, out: Path, dtype: str) -> bool:
    """Whether ``out`` is what merging the run in the folder ``model`` gives."""
    told = _tell(Path(model) / "model", dtype)
    return bool(told) and out.is_dir() and read_provenance(out) == told


def _tell(source: Path, dtype: str) -> dict[str, Any]:
    """The run that weights come from, their dtype, and the digest of what was trained."""
    provenance = read_provenance(source)
    if not provenance:
        return {}
    digest = hashlib.sha256()
    for path in sorted(source.glob("*.safetensors")):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return provenance | {"merged_from": digest.hexdigest(), "dtype": dtype}
