"""SFace (128-d face embeddings) with its normalisations folded away and its weights in int8.

The published network is a MobileNet of 27 convolutions, each followed by batch normalisation and PReLU, then batch
normalisation, one linear layer over the 7x7 map, and batch normalisation again.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from onnx_graph import Array, GraphBuilder, Storage, fold_batch_norm

DIMENSION = 128


class _Published:
    """The nodes of the published file, by the tensor they make."""

    def __init__(self, path: Path) -> None:
        graph = onnx.load(str(path)).graph
        self.nodes = list(graph.node)
        self._tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}

    def tensor(self, name: str) -> Array:
        return self._tensors[name].astype(np.float32)

    def norm(self, node: onnx.NodeProto) -> tuple[Array, Array]:
        """Batch normalisation as factor and summand."""
        gamma, beta, mean, variance = (self.tensor(name) for name in node.input[1:5])
        epsilon = next(attribute.f for attribute in node.attribute if attribute.name == "epsilon")
        factor = gamma / np.sqrt(variance + epsilon)
        return factor, beta - mean * factor


def build(path: Path, storage: Storage = "byte") -> onnx.ModelProto:
    """The network: ``face`` (n, 3, 112, 112), RGB, (value - 127.5) / 128; output ``embedding`` (n, 128), not normalised.

    Raises:
        ValueError: the file has a node that the known file does not.
    """
    published = _Published(path)
    graph = GraphBuilder("sface", storage)
    x = "face"
    conv: onnx.NodeProto | None = None
    linear: tuple[Array, Array] | None = None
    before: tuple[Array, Array] | None = None
    for node in published.nodes:
        match node.op_type:
            case "Sub" | "Mul" | "Dropout" | "Flatten":
                pass  # the input's (value - 127.5) / 128 is left to the caller; the others change no value
            case "Conv":
                conv = node
            case "BatchNormalization" if conv is not None:
                weight = published.tensor(conv.input[1])
                parts = [published.tensor(name) for name in node.input[1:5]]
                epsilon = next(attribute.f for attribute in node.attribute if attribute.name == "epsilon")
                folded, bias = fold_batch_norm(weight, *parts, epsilon)
                attributes = {attribute.name: list(attribute.ints) for attribute in conv.attribute if attribute.ints}
                group = weight.shape[0] if weight.shape[1] == 1 else 1
                top, left, bottom, right = attributes["pads"]
                x = graph.conv(
                    x, folded, bias, stride=attributes["strides"][0], pads=(top, left, bottom, right), group=group
                )
                conv = None
            case "PRelu":
                x = graph.prelu(x, published.tensor(node.input[1]).reshape(-1))
            case "BatchNormalization" if linear is None:
                before = published.norm(node)
            case "Gemm":
                linear = (published.tensor(node.input[1]), published.tensor(node.input[2]))
            case "BatchNormalization" if linear is not None and before is not None:
                x = graph.linear(graph.flatten(x), *_fold_linear(*linear, before, published.norm(node)))
            case _:
                raise ValueError(f"operator {node.op_type} is not known in this model")
    return graph.model(
        "face",
        ["n", 3, 112, 112],
        [(x, "embedding", ["n", DIMENSION])],
        "SFace, 128-d (opencv/opencv_zoo, Apache-2.0), normalisations folded and weights in int8",
    )


def _fold_linear(
    weight: Array, bias: Array, before: tuple[Array, Array], after: tuple[Array, Array]
) -> tuple[Array, Array]:
    """Weight ``(out, channels * positions)`` and bias with a normalisation of the channels before and of the outputs after."""
    channels = len(before[0])
    maps = weight.reshape(len(weight), channels, -1)
    shifted = bias + np.einsum("ocp,c->o", maps, before[1])
    scaled = (maps * before[0][None, :, None]).reshape(weight.shape)
    return (scaled * after[0][:, None]).astype(np.float32), (shifted * after[0] + after[1]).astype(np.float32)
