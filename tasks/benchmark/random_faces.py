"""SCRFD and ArcFace networks with random weights, in the layers and the layout of InsightFace's exports.

SCRFD-10GF with landmarks (Guo et al., 2022; ``scrfd_10g_bnkps.py`` of InsightFace) and IResNet (Deng et al., 2019).
"""

from pathlib import Path

import numpy as np

from tasks.benchmark.onnx_builder import OnnxGraph
from tasks.models.face_alignment import SIZE
from tasks.models.insightface_faces import ANCHORS, STRIDES

STAGES = ((3, 56), (4, 88), (2, 88), (3, 224))
NECK, HEAD, HEAD_LAYERS = 56, 80, 3
OUTPUTS = (("score", 1, 4.0, -6.5), ("bbox", 4, 1.0, 1.5), ("kps", 10, 1.0, 0.0))
"""What is told of each anchor: how many values, how much the picture has to do with them, and where they lie without it.
Scores (before the logistic function) are such that one anchor in twenty reaches 0.01."""

DEPTHS = {"auraface": (3, 13, 30, 3), "buffalo_l": (3, 4, 14, 3)}
"""Blocks of each stage: IResNet-100 and IResNet-50."""


def make_scrfd(path: Path) -> Path:
    """SCRFD-10GF: 4.2 million weights, 10 GFLOP for 640 x 480, nine outputs."""
    graph = OnnxGraph(seed=21)
    levels = _pyramid(graph, _backbone(graph))
    names: dict[str, list[str]] = {kind: [] for kind, *_ in OUTPUTS}
    for stride, value in zip(STRIDES, levels, strict=True):
        width = NECK
        for _ in range(HEAD_LAYERS):
            value, width = graph.node("Relu", graph.conv(value, width, HEAD, 3)), HEAD
        for kind, values, gain, bias in OUTPUTS:
            found = graph.conv(value, width, ANCHORS * values, 3, gain=gain, bias=bias)
            if kind == "score":
                found = graph.node("Sigmoid", found)
            # As exported: what an image says lies together within each cell.
            found = graph.node("Transpose", found, perm=[2, 3, 0, 1])
            shape = graph.constant(np.array([-1, values], np.int64))
            names[kind].append(graph.node("Reshape", found, shape, name=f"{kind}_{stride}"))
    ordered = [name for kind, *_ in OUTPUTS for name in names[kind]]
    return graph.save(path, [1, 3, "?", "?"], {name: [None, None] for name in ordered})


def _backbone(graph: OnnxGraph) -> list[tuple[str, int]]:
    """ResNet-V1e of basic blocks: the stages of stride 8, 16 and 32 with their widths."""
    value = "input.1"
    for before, after, stride in ((3, 28, 2), (28, 28, 1), (28, 56, 1)):
        value = graph.node("Relu", graph.conv(value, before, after, 3, stride))
    value = graph.node("MaxPool", value, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    before, found = 56, []
    for number, (depth, width) in enumerate(STAGES):
        for block in range(depth):
            stride = 2 if number and not block else 1
            body = graph.node("Relu", graph.conv(value, before, width, 3, stride))
            body = graph.conv(body, width, width, 3, gain=0.3)
            if stride > 1:  # the variant "e" shrinks by a mean before a convolution of 1 x 1
                value = graph.node("AveragePool", value, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
            if stride > 1 or before != width:
                value = graph.conv(value, before, width, 1, gain=1.0)
            value, before = graph.node("Relu", graph.node("Add", body, value)), width
        found.append((value, width))
    return found[1:]


def _pyramid(graph: OnnxGraph, stages: list[tuple[str, int]]) -> list[str]:
    """PAFPN: sideways, then from coarse to fine, then from fine to coarse."""
    levels = [graph.conv(value, width, NECK, 1, gain=1.0) for value, width in stages]
    scales = graph.constant(np.array([1, 1, 2, 2], np.float32))
    for k in (1, 0):
        larger = graph.node("Resize", levels[k + 1], "", scales, mode="nearest")
        levels[k] = graph.node("Add", levels[k], larger)
    levels = [graph.conv(value, NECK, NECK, 3, gain=1.0) for value in levels]
    for k in (1, 2):
        levels[k] = graph.node("Add", levels[k], graph.conv(levels[k - 1], NECK, NECK, 3, 2, gain=1.0))
    return [levels[0], *(graph.conv(value, NECK, NECK, 3, gain=1.0) for value in levels[1:])]


def make_iresnet(path: Path, depths: tuple[int, ...]) -> Path:
    """An IResNet of so many blocks a stage: 43.6 million weights for 50 layers, 65.2 for 100."""
    graph = OnnxGraph(seed=22)
    value, before = _prelu(graph, graph.conv("input.1", 3, 64, 3), 64), 64
    for width, depth in zip((64, 128, 256, 512), depths, strict=True):
        for block in range(depth):
            stride = 1 if block else 2
            body = graph.normalise(value, before)
            body = _prelu(graph, graph.conv(body, before, width, 3), width)
            body = graph.conv(body, width, width, 3, stride, gain=0.3)
            if stride > 1:
                value = graph.conv(value, before, width, 1, stride, gain=1.0)
            value, before = graph.node("Add", body, value), width
    flat = graph.node("Flatten", graph.normalise(value, before))
    embedding = graph.dense(flat, before * (SIZE // 16) ** 2, 512)
    graph.node("Identity", embedding, name="embedding")
    return graph.save(path, ["None", 3, SIZE, SIZE], {"embedding": ["None", 512]})


def _prelu(graph: OnnxGraph, value: str, width: int) -> str:
    return graph.node("PRelu", value, graph.constant(np.full((width, 1, 1), 0.25, np.float32)))
