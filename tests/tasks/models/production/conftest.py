"""These tests need the gpu extra. Where it is installed over a torch without torchvision's compiled operators (a CPU build
of torch beside a torchvision for CUDA), the two operators that are missed at import are defined here, in torch."""

import importlib.util
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

_KEPT: list[Any] = []  # a library of operators lives as long as its object

# Read when ultralytics is imported, which fixtures of a whole file do before those of a test.
if importlib.util.find_spec("ultralytics") is not None:
    os.environ.setdefault("YOLO_CONFIG_DIR", tempfile.mkdtemp(prefix="storyreasoning-ultralytics-"))
    os.environ.setdefault("YOLO_OFFLINE", "true")


def _nms(boxes: Any, scores: Any, iou: float) -> Any:
    """Greedy non-maximum suppression, best first."""
    import torch

    order = scores.argsort(descending=True, stable=True)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        low = torch.maximum(boxes[best, :2], boxes[order, :2])
        high = torch.minimum(boxes[best, 2:], boxes[order, 2:])
        shared = (high - low).clamp(min=0).prod(dim=1)
        order = order[shared / (area[best] + area[order] - shared) <= iou]
    return torch.stack(kept) if kept else torch.zeros(0, dtype=torch.long)


def _mend_torchvision() -> None:
    if importlib.util.find_spec("torch") is None or importlib.util.find_spec("torchvision") is None:
        return
    import torch

    try:
        import torchvision
    except RuntimeError:
        import sys

        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.impl("nms", _nms, "CPU")
        _KEPT.append(library)
        import torchvision

        torchvision.extension._has_ops = lambda: True


_mend_torchvision()


@pytest.fixture(autouse=True)
def _quiet_libraries(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No connections, no settings files in the user's home, nothing from the user's own caches."""
    base = Path(tmp_path_factory.getbasetemp())
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "YOLO_OFFLINE"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("YOLO_CONFIG_DIR", str(base))
    monkeypatch.setenv("STORYREASONING_WEIGHTS", str(base / "weights"))
