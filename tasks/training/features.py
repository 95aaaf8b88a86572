"""What a frozen vision tower says of each picture, kept, so that later epochs need not ask it again.

Each picture goes through the tower alone: its features then depend on nothing but its pixels, and a kept one is bit for bit what
would be worked out again. In a batch the tower's result differs from that by rounding only: it attends within one picture.
"""

import hashlib
from pathlib import Path
from typing import Any

from tasks.runtime.atomic import atomic_path

_KEY = "features"


def remember_features(visual: Any, folder: Path) -> None:
    """Make a vision tower whose weights do not change answer from files where it can, and keep in files what it works out.

    Args:
        visual: the tower of a Qwen2.5-VL, frozen; it is changed in place, and no gradient goes through it.
        folder: where the files go, one a picture; for one model only. At 7B they take 7 kB a token.
    """
    import torch
    from transformers.modeling_outputs import BaseModelOutputWithPooling

    look = visual.forward

    def remembered(hidden_states: Any, grid_thw: Any, **kwargs: Any) -> Any:
        features = []
        with torch.no_grad():
            pieces = torch.split(hidden_states, grid_thw.prod(-1).tolist())
            for pixels, grid in zip(pieces, grid_thw, strict=True):
                path = folder / f"{_digest(pixels, grid)}.safetensors"
                kept = _load(path)
                if kept is None:
                    kept = look(pixels, grid_thw=grid[None], **kwargs).pooler_output
                    _keep(path, kept)
                features.append(kept.to(pixels.device))
        return BaseModelOutputWithPooling(pooler_output=torch.cat(features))

    visual.forward = remembered


def _digest(pixels: Any, grid: Any) -> str:
    import torch

    content = pixels.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes()
    return hashlib.sha256(f"{grid.tolist()} {pixels.dtype}".encode() + content).hexdigest()


def _load(path: Path) -> Any:
    """What was kept; None where nothing was, or it is not whole."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)[_KEY]
    except (OSError, SafetensorError, KeyError):
        return None


def _keep(path: Path, features: Any) -> None:
    from safetensors.torch import save_file

    with atomic_path(path) as temporary:
        save_file({_KEY: features.detach().cpu().contiguous()}, temporary)
