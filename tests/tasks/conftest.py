"""A tiny Qwen2.5-VL and stories for it, made once for all tests that train or load it."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tiny_stories import tell, write_stories
from tests.tiny_vlm import write_tiny_vlm
from tests.torchvision_operators import mend_torchvision


@dataclass(frozen=True)
class Tiny:
    """A model without training, a dataset of four stories, and one of a single story in both splits."""

    base: Path
    stories: Path
    one: Path


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Skipped where the extra ``train`` is not installed."""
    missing = [
        name for name in ("torch", "torchvision", "transformers", "trl", "peft") if not importlib.util.find_spec(name)
    ]
    if missing:
        pytest.skip(f"needs the extra train: {', '.join(missing)}")
    mend_torchvision()
    import torch

    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("tiny")
    write_stories(root / "one", range(1))
    write_stories(root / "one", range(1), "test")
    write_stories(root / "stories", range(4))
    base = write_tiny_vlm(root / "base", ["\n".join(tell(seed)) for seed in range(6)])
    return Tiny(base, root / "stories", root / "one")
