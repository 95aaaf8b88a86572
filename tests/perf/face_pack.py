"""InsightFace's pack ``buffalo_l`` with random weights: the five networks of its architectures and sizes, as ONNX files.

| file | network | input | multiply-adds | parameters |
|---|---|---|---|---|
| ``det_10g`` | SCRFD-10G with landmarks | 640 x 480 | 10.0 G | 4.2 M |
| ``w600k_r50`` | IResNet-50 | 112 x 112 | 6.3 G | 43.6 M |
| ``1k3d68`` | ResNet-50 with 3309 outputs | 192 x 192 | 3.0 G | 30.2 M (published: 34.2 M) |
| ``2d106det`` | MobileNet-0.5 with 212 outputs | 192 x 192 | 0.1 G | 0.9 M (published: 1.2 M) |
| ``genderage`` | MobileNet-0.25 with 3 outputs | 96 x 96 | 0.01 G | 0.2 M (published: 0.3 M) |

Where the published size is larger than the architecture that is named for it, the smaller one stands here, so that nothing
is held against ``FaceAnalysis`` that it does not do.
"""

from pathlib import Path
from typing import Any

import numpy as np

from tasks.benchmark.onnx_builder import OnnxGraph
from tasks.benchmark.random_faces import DEPTHS, make_iresnet, make_scrfd


def make_pack(folder: Path) -> Path:
    """Write the five networks into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    make_scrfd(folder / "det_10g.onnx")
    make_iresnet(folder / "w600k_r50.onnx", DEPTHS["buffalo_l"])
    make_resnet50(folder / "1k3d68.onnx", 3309)
    make_mobilenet(folder / "2d106det.onnx", 0.5, 192, 212)
    make_mobilenet(folder / "genderage.onnx", 0.25, 96, 3)
    return folder


def make_resnet50(path: Path, outputs: int) -> Path:
    """ResNet-50 (He et al., 2016) on 192 x 192."""
    graph = OnnxGraph(seed=23)
    value = graph.node("Relu", graph.conv("input.1", 3, 64, 7, 2))
    value = graph.node("MaxPool", value, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    before = 64
    for width, depth in ((64, 3), (128, 4), (256, 6), (512, 3)):
        for block in range(depth):
            stride = 2 if width > 64 and not block else 1
            body = graph.node("Relu", graph.conv(value, before, width, 1))
            body = graph.node("Relu", graph.conv(body, width, width, 3, stride))
            body = graph.conv(body, width, 4 * width, 1, gain=0.3)
            if not block:
                value = graph.conv(value, before, 4 * width, 1, stride, gain=1.0)
            value, before = graph.node("Relu", graph.node("Add", body, value)), 4 * width
    return _finish(graph, path, value, before, 192, outputs)


def make_mobilenet(path: Path, width: float, side: int, outputs: int) -> Path:
    """MobileNet (Howard et al., 2017) of a width."""
    graph = OnnxGraph(seed=24)
    rng = np.random.default_rng(25)
    before = int(32 * width)
    value = graph.node("Relu", graph.conv("input.1", 3, before, 3, 2))
    plan = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))
    for channels, stride in plan:
        kernel = graph.constant(rng.normal(0, 0.5, (before, 1, 3, 3)).astype(np.float32))
        settings: dict[str, Any] = {"kernel_shape": [3, 3], "strides": [stride] * 2, "pads": [1] * 4, "group": before}
        value = graph.node("Relu", graph.node("Conv", value, kernel, **settings))
        value = graph.node("Relu", graph.conv(value, before, int(channels * width), 1))
        before = int(channels * width)
    return _finish(graph, path, value, before, side, outputs)


def _finish(graph: OnnxGraph, path: Path, value: str, before: int, side: int, outputs: int) -> Path:
    found = graph.dense(graph.node("Flatten", graph.node("GlobalAveragePool", value)), before, outputs)
    graph.node("Identity", found, name="fc1")
    return graph.save(path, ["None", 3, side, side], {"fc1": ["None", outputs]})


def multiply_adds(path: Path, side: int) -> int:
    """Multiply-adds of the convolutions and linear layers of a network for one image of ``side``."""
    import onnx

    network = onnx.load(str(path))
    for dimension, length in zip(network.graph.input[0].type.tensor_type.shape.dim, (1, 3, side, side), strict=True):
        dimension.dim_value = length
    known = onnx.shape_inference.infer_shapes(network, strict_mode=True, data_prop=True).graph
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in (*known.value_info, *known.output)}
    weights = {w.name: list(w.dims) for w in known.initializer}
    total = 0
    for node in known.node:
        if node.op_type == "Conv":
            total += int(np.prod(shapes[node.output[0]]) * np.prod(weights[node.input[1]][1:]))
        elif node.op_type == "Gemm":
            total += int(np.prod(weights[node.input[1]]))
    return total
