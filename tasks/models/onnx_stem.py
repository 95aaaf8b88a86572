"""The first layers of a detector, computed only where a frame fills its square.

A frame of 16:9 fills 56 % of a square, and the rest is blank. What a layer gives there does not depend on the frame, as far
from its edge as the layer sees: it is computed once from a blank square, and for a frame only the rows or columns above it.
The first layers have the most cells and see the least far (31 pixels in SCRFD, after half of its work), so they are cut off
from the others, which are computed in full. The values are those of the whole network, to rounding.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnxruntime
    from onnx import ModelProto, NodeProto

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]

_DEEPEST = 4  # pixels of a cell up to which layers belong to the stem
_ONE_TO_ONE = frozenset({"Relu", "LeakyRelu", "PRelu", "Add", "Sub", "Mul", "BatchNormalization", "Cast", "Identity"})
_ENDS = frozenset({"Relu", "Add", "MaxPool"})
_WINDOWS = frozenset({"Conv", "MaxPool", "AveragePool"})


@dataclass(frozen=True, slots=True)
class Sight:
    """Which pixels a cell depends on: along both axes cell ``i`` on those from ``i cell - before`` to ``i cell + after``."""

    cell: int = 1
    before: int = 0
    after: int = 0

    def through(self, kernel: int, stride: int, padding: int) -> "Sight":
        """What a cell depends on behind a window that slides over this."""
        return Sight(
            self.cell * stride, self.before + self.cell * padding, self.after + self.cell * (kernel - 1 - padding)
        )

    def with_other(self, other: "Sight") -> "Sight":
        """What the sum of two depends on."""
        return Sight(self.cell, max(self.before, other.before), max(self.after, other.after))

    def blank_from(self, filled: int) -> int:
        """The first cell that sees nothing of the first ``filled`` pixels."""
        return ceil((filled + self.before) / self.cell)

    def needed(self, cells: int) -> int:
        """Pixels, a whole number of cells, from which the first ``cells`` cells are computed as they are from all."""
        return self.cell * ceil(((cells - 1) * self.cell + self.after + 1) / self.cell)


def find_cut(network: "ModelProto") -> tuple[int, str, Sight] | None:
    """The last node and value through which everything passes while cells are small, and what it sees; None without one."""
    nodes = network.graph.node
    fixed = _fixed_values(network)
    last_use = {name: k for k, node in enumerate(nodes) for name in node.input}
    given = {value.name for value in network.graph.output}
    last_use |= dict.fromkeys(given, len(nodes))
    sights = {value.name: Sight() for value in network.graph.input if value.name not in fixed}
    found = None
    for index, node in enumerate(nodes):
        if all(name in fixed for name in node.input):
            continue
        sight = _see(node, [sights[name] for name in node.input if name not in fixed and name in sights])
        if sight is None or sight.cell > _DEEPEST:
            break
        sights[node.output[0]] = sight
        live = [name for name in sights if last_use.get(name, -1) > index]
        if live == [node.output[0]] and node.op_type in _ENDS and node.output[0] not in given:
            found = index, node.output[0], sight
    return found


def _fixed_values(network: "ModelProto") -> set[str]:
    """Names of values that do not depend on the images."""
    fixed = {weight.name for weight in network.graph.initializer} | {""}
    for node in network.graph.node:
        if all(name in fixed for name in node.input):
            fixed |= set(node.output)
    return fixed


def _see(node: "NodeProto", inputs: Sequence[Sight]) -> Sight | None:
    """What a node's output sees, None where that is not known."""
    from onnx import helper

    settings: dict[str, Any] = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    if not inputs or len(node.output) != 1 or len({sight.cell for sight in inputs}) != 1:
        return None
    sight = inputs[0]
    for other in inputs[1:]:
        sight = sight.with_other(other)
    if node.op_type in _ONE_TO_ONE or (node.op_type == "Transpose" and settings.get("perm") == [0, 3, 1, 2]):
        return sight
    if node.op_type not in _WINDOWS or settings.get("auto_pad", b"NOTSET") != b"NOTSET":
        return None
    kernel, strides = settings["kernel_shape"], settings.get("strides", [1, 1])
    pads = settings.get("pads", [0, 0, 0, 0])
    plain = set(settings.get("dilations", [1])) == {1} and not settings.get("ceil_mode", 0)
    if not plain or any(len(set(values)) != 1 for values in (kernel, strides, pads)):
        return None
    return sight.through(kernel[0], strides[0], pads[0])


def cut(network: "ModelProto", index: int, value: str) -> tuple["ModelProto", "ModelProto"]:
    """The network up to node ``index``, which gives ``value``, and the rest, which takes it."""
    from onnx import TensorProto, helper

    graph = network.graph
    fixed = _fixed_values(network)
    constant = [node for node in graph.node if all(name in fixed for name in node.input)]
    between = [helper.make_tensor_value_info(value, TensorProto.FLOAT, [None] * 4)]

    def part(nodes: Sequence["NodeProto"], inputs: Sequence[Any], outputs: Sequence[Any]) -> "ModelProto":
        nodes = [*constant, *(node for node in nodes if node not in constant)]
        used = {name for node in nodes for name in node.input}
        weights = [weight for weight in graph.initializer if weight.name in used]
        made = helper.make_graph(nodes, graph.name, inputs, outputs, weights)
        return helper.make_model(made, opset_imports=network.opset_import, ir_version=network.ir_version)

    weights = {weight.name for weight in graph.initializer}
    inputs = [each for each in graph.input if each.name not in weights]
    return part(graph.node[: index + 1], inputs, between), part(graph.node[index + 1 :], between, graph.output)


class Stem:
    """Two sessions in place of one, for images that leave a part of their square blank."""

    def __init__(
        self,
        network: "ModelProto",
        found: tuple[int, str, Sight],
        open_session: Callable[["ModelProto"], "onnxruntime.InferenceSession"],
    ) -> None:
        """Cut ``network`` where :func:`find_cut` found it."""
        index, self._value, self._sight = found
        first, rest = cut(network, index, self._value)
        self._first, self._rest = open_session(first), open_session(rest)
        self._input = self._first.get_inputs()[0].name
        self._blank = lru_cache(maxsize=4)(self._compute_blank)

    def saves(self, side: int, filled: tuple[int, int]) -> bool:
        """Whether images of which at most ``filled`` (height, width) is not blank need a tenth less of the square."""
        cells = [self._sight.blank_from(length) for length in filled]
        return min(self._sight.needed(count) for count in cells) <= 0.9 * side

    def run(self, images: Pixels, filled: tuple[int, int]) -> list[Floats]:
        """The outputs for square images ``(n, side, side, 3)`` that are 0 beyond ``filled`` (height, width)."""
        side = images.shape[1]
        rows, columns = (min(self._sight.blank_from(length), side // self._sight.cell) for length in filled)
        height, width = (min(self._sight.needed(count), side) for count in (rows, columns))
        values = np.repeat(self._blank(side), len(images), axis=0)
        part = np.ascontiguousarray(images[:, :height, :width])
        values[:, :, :rows, :columns] = self._first.run(None, {self._input: part})[0][:, :, :rows, :columns]
        answer: list[Floats] = self._rest.run(None, {self._value: values})
        return answer

    def _compute_blank(self, side: int) -> Floats:
        values: Floats = self._first.run(None, {self._input: np.zeros((1, side, side, 3), np.uint8)})[0]
        return values
