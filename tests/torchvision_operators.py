"""A torchvision for CUDA beside a CPU build of torch: the two operators that are missed at import are defined here, in torch."""

import importlib.util
import sys
from typing import Any

_KEPT: list[Any] = []  # a library of operators lives as long as its object


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


def mend_torchvision() -> None:
    """Make ``import torchvision`` work where only its compiled operators are missing; elsewhere do nothing."""
    if importlib.util.find_spec("torch") is None or importlib.util.find_spec("torchvision") is None:
        return
    import torch

    try:
        import torchvision
    except RuntimeError:
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.impl("nms", _nms, "CPU")
        _KEPT.append(library)
        import torchvision

        torchvision.extension._has_ops = lambda: True
