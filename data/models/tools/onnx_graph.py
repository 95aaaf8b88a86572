"""A small builder of ONNX convolutional networks whose weights take half or a quarter of the room.

Layout is NCHW throughout; batch and, where the caller says so, height and width are free. Weights are written as float16
followed by a ``Cast``, or as int8 with a float16 scale for every 32 of them (the scheme known as Q8_0): the runtime folds
this arithmetic while loading, so that inference runs in float32 and takes as long as ever.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Array = NDArray[np.float32]
OPSET = 17
IR_VERSION = 8  # the oldest that goes with the opset: readable by older runtimes
HALF_LIMIT = 65504.0  # largest finite float16
BYTE_LIMIT = 127
BLOCK = 32  # values that share a scale
SMALL = 2048  # tensors with fewer values stay float16
Storage = Literal["single", "half", "byte"]


class GraphBuilder:
    """Collects nodes and weights; each method appends one operation and returns the name of its result."""

    def __init__(self, name: str, storage: Storage = "half") -> None:
        """Start an empty graph called ``name`` whose weights are stored as float32, float16 or int8."""
        self._name = name
        self._storage = storage
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []
        self._count = 0

    def _fresh(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}_{self._count}"

    def _append(self, op: str, inputs: Sequence[str], **attributes: object) -> str:
        result = self._fresh(op.lower())
        self._nodes.append(helper.make_node(op, list(inputs), [result], **attributes))
        return result

    def weight(self, values: Array) -> str:
        """A float32 tensor; large ones in the storage of the graph, small ones in no less than float16.

        Raises:
            ValueError: a value does not fit into float16.
        """
        if self._storage == "single":
            return self._store(values, "single")
        if self._storage == "byte" and values.size >= SMALL and values.size % BLOCK == 0:
            return self._blocks(values)
        if not np.all(np.abs(values) <= HALF_LIMIT):
            raise ValueError(f"a weight of {self._name} does not fit into float16")
        return self._append("Cast", [self._store(values.astype(np.float16), "half")], to=TensorProto.FLOAT)

    def _blocks(self, values: Array) -> str:
        """Runs of 32 values as int8 with one float16 scale each, at which the largest of them is 127 or almost."""
        blocks = values.reshape(-1, BLOCK)
        scale = (np.abs(blocks).max(axis=1, keepdims=True) / BYTE_LIMIT).astype(np.float16)
        divisor = np.where(scale > 0, scale, 1).astype(np.float32)
        bytes_ = np.clip(np.rint(blocks / divisor), -BYTE_LIMIT, BYTE_LIMIT).astype(np.int8)
        whole, factor = (
            self._append("Cast", [self._store(part, prefix)], to=TensorProto.FLOAT)
            for part, prefix in ((bytes_, "byte"), (scale, "scale"))
        )
        shape = self.constant(np.array(values.shape, np.int64))
        return self._append("Reshape", [self._append("Mul", [whole, factor]), shape])

    def constant(self, values: NDArray[np.int64] | Array) -> str:
        """A tensor stored as it is (shapes, scales)."""
        return self._store(values, "constant")

    def _store(self, values: NDArray[Any], prefix: str) -> str:
        stored = self._fresh(prefix)
        self._weights.append(numpy_helper.from_array(np.ascontiguousarray(values), stored))
        return stored

    def conv(
        self,
        x: str,
        weight: Array,
        bias: Array,
        *,
        stride: int = 1,
        pads: tuple[int, int, int, int] = (0, 0, 0, 0),
        group: int = 1,
    ) -> str:
        """2-d convolution; ``weight`` is ``(out, in / group, height, width)``, ``pads`` top, left, bottom, right."""
        return self._append(
            "Conv",
            [x, self.weight(weight), self.weight(bias)],
            kernel_shape=list(weight.shape[2:]),
            strides=[stride, stride],
            pads=list(pads),
            group=group,
        )

    def leaky_relu(self, x: str, alpha: float) -> str:
        """``max(x, alpha x)``."""
        return self._append("LeakyRelu", [x], alpha=alpha)

    def prelu(self, x: str, slope: Array) -> str:
        """``x`` where positive, else ``slope`` (one a channel) times ``x``.

        Written as ``x + (1 - slope) relu(-x)`` with two convolutions of one weight a channel: the runtime fuses them with
        the rectifier and the sum, which made MobileFaceNet three times faster than with the operator ``PRelu``.
        """
        weight_shape = (len(slope), 1, 1, 1)
        negative = self._per_channel(x, np.full(weight_shape, -1, np.float32))
        rectified = self._append("Relu", [negative])
        return self.add(x, self._per_channel(rectified, (1 - slope).reshape(weight_shape).astype(np.float32)))

    def _per_channel(self, x: str, weight: Array) -> str:
        # few values, so they stay float32: rounding 1 - slope would move small slopes
        return self._append("Conv", [x, self._store(weight, "slope")], kernel_shape=[1, 1], group=len(weight))

    def relu6(self, x: str) -> str:
        """``min(max(x, 0), 6)``."""
        bounds = [self.constant(np.array(bound, np.float32)) for bound in (0.0, 6.0)]
        return self._append("Clip", [x, *bounds])

    def sigmoid(self, x: str) -> str:
        """Logistic function."""
        return self._append("Sigmoid", [x])

    def add(self, x: str, y: str) -> str:
        """Sum of two tensors of one shape."""
        return self._append("Add", [x, y])

    def concat(self, parts: Sequence[str], axis: int) -> str:
        """Tensors put one after the other along ``axis``."""
        return self._append("Concat", parts, axis=axis)

    def max_pool(self, x: str, size: int, stride: int, pad: int) -> str:
        """Largest value of each ``size`` x ``size`` window; the border counts as minus infinity."""
        return self._append("MaxPool", [x], kernel_shape=[size, size], strides=[stride, stride], pads=[pad] * 4)

    def scale(self, x: str, factor: float) -> str:
        """Bilinear resize of height and width by ``factor`` with half-pixel centres."""
        scales = self.constant(np.array([1, 1, factor, factor], np.float32))
        return self._append("Resize", [x, "", scales], mode="linear", coordinate_transformation_mode="half_pixel")

    def split(self, x: str, sizes: Sequence[int], axis: int) -> list[str]:
        """``x`` cut into parts of ``sizes`` along ``axis``."""
        results = [self._fresh("split") for _ in sizes]
        lengths = self.constant(np.array(sizes, np.int64))
        self._nodes.append(helper.make_node("Split", [x, lengths], results, axis=axis))
        return results

    def points(self, x: str, channels: int) -> str:
        """A map ``(n, channels, height, width)`` as a list of points ``(n, height * width, channels)``, row by row."""
        flat = self._append("Reshape", [x, self.constant(np.array([0, channels, -1], np.int64))])
        return self._append("Transpose", [flat], perm=[0, 2, 1])

    def mean_map(self, x: str) -> str:
        """Mean over height and width: ``(n, channels)``."""
        return self._append("ReduceMean", [x], axes=[2, 3], keepdims=0)

    def flatten(self, x: str) -> str:
        """``(n, everything else)``."""
        return self._append("Flatten", [x], axis=1)

    def linear(self, x: str, weight: Array, bias: Array) -> str:
        """``x weight^T + bias`` with ``weight`` of shape ``(out, in)``."""
        return self._append("Gemm", [x, self.weight(weight), self.weight(bias)], transB=1)

    def model(
        self,
        input_name: str,
        input_shape: Sequence[int | str],
        outputs: Sequence[tuple[str, str, Sequence[int | str]]],
        doc: str,
    ) -> onnx.ModelProto:
        """The finished, checked model; ``outputs`` are ``(tensor, public name, shape)``, strings being free sizes."""
        for tensor, public, _ in outputs:
            self._nodes.append(helper.make_node("Identity", [tensor], [public]))
        graph = helper.make_graph(
            self._nodes,
            self._name,
            [helper.make_tensor_value_info(input_name, TensorProto.FLOAT, list(input_shape))],
            [helper.make_tensor_value_info(public, TensorProto.FLOAT, list(shape)) for _, public, shape in outputs],
            self._weights,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="storyreasoning")
        model.ir_version = IR_VERSION
        model.doc_string = doc
        onnx.checker.check_model(model, full_check=True)
        return model


def fold_batch_norm(
    weight: Array, gamma: Array, beta: Array, mean: Array, variance: Array, epsilon: float
) -> tuple[Array, Array]:
    """Weight and bias of the convolution that equals a bias-free convolution followed by batch normalisation."""
    factor = gamma / np.sqrt(variance + epsilon)
    return (weight * factor[:, None, None, None]).astype(np.float32), (beta - mean * factor).astype(np.float32)
