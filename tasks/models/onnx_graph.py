"""What is changed in an ONNX network when it is loaded: it takes pixels, any number of images, and runs well on a CPU.

None of it changes what the network computes beyond the rounding of 32-bit floats.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from schemas.errors import ConfigError, ModelError
from tasks.models.device import EXTRA

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, ValueInfoProto

_BROADCASTS = 7  # the operator set from which arithmetic on arrays of two shapes needs no attribute
_WEIGHTS_ALONE = 4  # the version of the format from which weights need not be inputs too


def read_network(path: Path) -> "ModelProto":
    """The network of a file, which must have one input of four dimensions.

    Raises:
        ConfigError: onnx is not installed.
        ModelError: the file is no such network.
    """
    try:
        import onnx
    except ImportError as error:
        raise ConfigError(f"{path.name} needs onnx and onnxruntime. Install with: {EXTRA}") from error
    try:
        network = onnx.load(str(path))
        if len(_image_input(network.graph).type.tensor_type.shape.dim) != 4:
            raise ValueError("one input of four dimensions is expected")
    except Exception as error:  # protobuf and onnx have their own ways to say it
        raise ModelError(f"model file {path} is not a network that can be run: {first_line(error)}") from error
    return network


def first_line(error: BaseException) -> str:
    """What an error of a library says, in one line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]


def _image_input(graph: "GraphProto") -> "ValueInfoProto":
    weights = {w.name for w in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    if len(inputs) != 1:
        raise ValueError("one input of four dimensions is expected")
    return inputs[0]


def first_nodes(network: "ModelProto", count: int = 8) -> tuple[str, ...]:
    """Names of the first nodes."""
    return tuple(node.name for node in network.graph.node[:count])


def free_batch(network: "ModelProto") -> None:
    """Lift the declaration of how many images the network takes."""
    graph = network.graph
    _image_input(graph).type.tensor_type.shape.dim[0].dim_param = "batch"
    for value in (*graph.output, *graph.value_info):
        value.type.tensor_type.ClearField("shape")  # what was inferred for one image holds no longer


def take_pixels(network: "ModelProto", mean: float, deviation: float) -> None:
    """Make ``uint8`` images ``(n, height, width, 3)`` the input: less ``mean``, over ``deviation``, channels first.

    A GPU is sent a quarter of the bytes, and no float copy of a batch is made outside.
    """
    from onnx import TensorProto, helper, numpy_helper

    graph = network.graph
    old = _image_input(graph)
    count, _, height, width = (d.dim_param or d.dim_value or None for d in old.type.tensor_type.shape.dim)
    pixels = helper.make_tensor_value_info("pixels_", TensorProto.UINT8, [count, height, width, 3])
    graph.initializer.extend(
        numpy_helper.from_array(np.float32(value), name)
        for name, value in (("pixels_mean_", mean), ("pixels_factor_", 1 / deviation))
    )
    nodes = [
        helper.make_node("Cast", ["pixels_"], ["pixels_float_"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["pixels_float_"], ["pixels_first_"], perm=[0, 3, 1, 2]),
        helper.make_node("Sub", ["pixels_first_", "pixels_mean_"], ["pixels_centred_"]),
        helper.make_node("Mul", ["pixels_centred_", "pixels_factor_"], [old.name]),
        *graph.node,
    ]
    del graph.node[:], graph.input[:]
    graph.node.extend(nodes)
    # Old exports list the weights among the inputs too, which forbids folding anything into them.
    graph.input.append(pixels)
    network.ir_version = max(network.ir_version, _WEIGHTS_ALONE)


def split_slopes(network: "ModelProto") -> int:
    """Write each PReLU as ``a x + (1 - a) relu(x)``; returns how many.

    ONNX Runtime computes PReLU on a CPU one value at a time, and takes the image out of the blocked layout of its convolutions
    for it: a tenth of the time of an IResNet-50 on smooth pictures, a fifth on noise, where the signs of neighbours differ.
    What stands in its place stays in that layout and is vectorised.
    """
    from onnx import helper, numpy_helper

    graph = network.graph
    if any(o.domain in ("", "ai.onnx") and o.version < _BROADCASTS for o in network.opset_import):
        return 0
    weights = {w.name: w for w in graph.initializer}
    for node in graph.node:  # exporters share equal weights through nodes that do nothing
        if node.op_type == "Identity" and node.input[0] in weights:
            weights[node.output[0]] = weights[node.input[0]]
    nodes = []
    replaced = 0
    for node in graph.node:
        if node.op_type != "PRelu" or node.input[1] not in weights:
            nodes.append(node)
            continue
        replaced += 1
        values, result = node.input[0], node.output[0]
        slope = numpy_helper.to_array(weights[node.input[1]])
        below, above = (f"{result}_{part}_" for part in ("below", "above"))
        graph.initializer.append(numpy_helper.from_array(slope, f"{below}by"))
        graph.initializer.append(numpy_helper.from_array((1 - slope).astype(slope.dtype), f"{above}by"))
        nodes += [
            helper.make_node("Mul", [values, f"{below}by"], [below]),
            helper.make_node("Relu", [values], [f"{above}only"]),
            helper.make_node("Mul", [f"{above}only", f"{above}by"], [above]),
            helper.make_node("Add", [above, below], [result]),
        ]
    del graph.node[:]
    graph.node.extend(nodes)
    return replaced
