"""YuNet (faces with five landmarks) with free batch, height and width, and one head a stride; the weights are untouched.

The published file is fixed to one image of 640x640 pixels. At each stride its class, objectness, box and landmarks come from
the same features through two convolutions each, of 1, 1, 4 and 10 channels. Put side by side these are two of 16, the width
that the runtime computes with anyway: an input of 288 pixels takes a seventh less time, and gives the same numbers.

A second network is for faces that are enlarged: it takes its input at half the size. Enlarging twofold by bilinear
interpolation and the first convolution, which takes every second pixel, are both linear; together they are one convolution
of three by three small pixels. It gives what the other gives for the enlarged image, but for the outermost pixels.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

STRIDES = (8, 16, 32)
HEADS = ("cls", "obj", "bbox", "kps")  # 1, 1, 4 and 10 channels


def build(path: Path) -> onnx.ModelProto:
    """The network: ``input`` (n, 3, h, w), BGR, 0 to 255, h and w multiples of 32.

    Output: ``faces`` (n, 16, anchors), the anchors of strides 8, 16 and 32 row by row; the channels are the class and the
    objectness before their sigmoids, four of the box and ten of the landmarks.
    """
    model = onnx.load(str(path))
    graph = model.graph
    maker = {name: node for node in graph.node for name in node.output}
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    added: list[onnx.NodeProto] = []
    for stride in STRIDES:
        ends = [_convolutions(maker, f"{head}_{stride}") for head in HEADS]
        features = {first.input[0] for first, _ in ends}
        if len(features) != 1:
            raise ValueError(f"the heads of stride {stride} do not share their features")
        values = features.pop()
        for parts, name in zip(zip(*ends, strict=True), (f"points_{stride}", f"heads_{stride}"), strict=True):
            stacked = [np.concatenate([weights[part.input[k]] for part in parts]) for k in (1, 2)]
            graph.initializer.extend(
                numpy_helper.from_array(array, f"{name}_{kind}")
                for array, kind in zip(stacked, ("weight", "bias"), strict=True)
            )
            kernel = stacked[0].shape[2]
            added.append(
                helper.make_node(
                    "Conv",
                    [values, f"{name}_weight", f"{name}_bias"],
                    [name],
                    kernel_shape=[kernel, kernel],
                    pads=[kernel // 2] * 4,
                    group=1 if kernel == 1 else len(stacked[0]),
                )
            )
            values = name
        added.append(helper.make_node("Reshape", [values, "anchors"], [f"flat_{stride}"]))
    graph.initializer.append(numpy_helper.from_array(np.array([0, 0, -1], np.int64), "anchors"))
    added.append(helper.make_node("Concat", [f"flat_{stride}" for stride in STRIDES], ["faces"], axis=2))
    graph.node.extend(added)
    del graph.output[:], graph.value_info[:]  # the stored inner shapes belong to the fixed size
    graph.output.append(helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["n", 16, "anchors"]))
    for axis, name in zip((0, 2, 3), ("n", "h", "w"), strict=True):
        graph.input[0].type.tensor_type.shape.dim[axis].dim_param = name
    _drop_unused(graph)
    onnx.checker.check_model(model, full_check=True)
    return model


def build_closeup(path: Path) -> onnx.ModelProto:
    """The network for enlarged faces: ``input`` (n, 3, h, w) at half the size, multiples of 16; output as of :func:`build`.

    With weights ``w`` of the large pixels ``2o - 1``, ``2o`` and ``2o + 1``, of which each is three quarters of the small
    pixel that it lies in and a quarter of the next, those of the small pixels ``o - 1``, ``o`` and ``o + 1`` are
    ``3/4 w0 + 1/4 w1``, ``1/4 w0 + 3/4 w1 + 3/4 w2`` and ``1/4 w2``.
    """
    model = build(path)
    first = model.graph.node[0]
    settings = {attribute.name: helper.get_attribute_value(attribute) for attribute in first.attribute}
    if first.op_type != "Conv" or settings["strides"] != [2, 2] or settings["pads"] != [1, 1, 1, 1]:
        raise ValueError("the first node is not the convolution over every second pixel")
    weight = next(tensor for tensor in model.graph.initializer if tensor.name == first.input[1])
    spread = np.array([[3, 1, 0], [1, 3, 3], [0, 0, 1]]) / 4
    small = np.einsum("ai,bj,ocij->ocab", spread, spread, numpy_helper.to_array(weight))
    weight.CopyFrom(numpy_helper.from_array(small.astype(np.float32), weight.name))
    next(attribute for attribute in first.attribute if attribute.name == "strides").ints[:] = [1, 1]
    onnx.checker.check_model(model, full_check=True)
    return model


def _convolutions(maker: dict[str, onnx.NodeProto], output: str) -> tuple[onnx.NodeProto, onnx.NodeProto]:
    """The two convolutions of a head: over channels, then over each channel's neighbours."""
    found: list[onnx.NodeProto] = []
    node = maker[output]
    while len(found) < 2:
        if node.op_type == "Conv":
            found.append(node)
        node = maker[node.input[0]]
    return found[1], found[0]


def _drop_unused(graph: onnx.GraphProto) -> None:
    """Leave the nodes and weights on which an output depends."""
    needed = {value.name for value in graph.output}
    kept = []
    for node in reversed(graph.node):
        if needed & set(node.output):
            needed |= set(node.input)
            kept.append(node)
    kept = kept[::-1]
    weights = [tensor for tensor in graph.initializer if tensor.name in needed]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(kept)
    graph.initializer.extend(weights)
