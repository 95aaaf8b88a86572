"""The GPUs of this machine, by the names that CUDA takes: which a process may use, and which worker gets which."""

import os
import shutil
import subprocess
from collections.abc import Sequence

VISIBLE = "CUDA_VISIBLE_DEVICES"
"""The variable by which torch, ONNX Runtime, TensorRT and FAISS alike are told what they may use."""

_TIMEOUT_S = 10.0


def visible_cards() -> tuple[str, ...]:
    """The GPUs that processes started from here could use; none where there is no driver.

    What ``CUDA_VISIBLE_DEVICES`` names, as CUDA reads it (up to the first entry that is empty or negative); without it all,
    by their identifiers, since NVIDIA's tool numbers them in another order than CUDA.
    """
    chosen = os.environ.get(VISIBLE)
    if chosen is not None:
        names = [name.strip() for name in chosen.split(",")]
        end = next((k for k, name in enumerate(names) if not name or name.startswith("-")), len(names))
        return tuple(names[:end])
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ()
    query = [tool, "--query-gpu=uuid", "--format=csv,noheader"]
    try:
        listed = subprocess.run(query, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True).stdout  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(line.strip() for line in listed.splitlines() if line.startswith("GPU-"))


def card_of(worker: int, cards: Sequence[str]) -> str:
    """The one GPU of a worker: the workers take them in turn."""
    return cards[worker % len(cards)]


def describe_cards(workers: int, cards: Sequence[str]) -> str:
    """What a user should know of so many workers on these GPUs; empty where each has one and none is left over."""
    count = len(cards)
    if not count or workers == count:
        return ""
    if workers > count:
        shared = "one GPU" if count == 1 else f"{count} GPUs"
        return (
            f"{workers} workers share {shared}: what runs there is loaded once by each (--workers {count} for one each)"
        )
    return f"{workers} of {count} GPUs are given to workers: --workers {count} takes all"
