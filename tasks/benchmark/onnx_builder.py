"""ONNX networks built node by node, with random weights. Normalisation after a convolution is part of it, as in exports."""

from pathlib import Path
from typing import Any

import numpy as np

from schemas.errors import ConfigError
from tasks.models.device import EXTRA


class OnnxGraph:
    """A network under construction; values are known by name, weights come from one seed."""

    def __init__(self, seed: int) -> None:
        """Begin.

        Raises:
            ConfigError: onnx is not installed.
        """
        try:
            from onnx import helper, numpy_helper
        except ImportError as error:
            raise ConfigError(f"random weights of face models need onnx. Install with: {EXTRA}") from error
        self._helper, self._as_tensor = helper, numpy_helper.from_array
        self._rng = np.random.default_rng(seed)
        self._nodes: list[Any] = []
        self._weights: list[Any] = []

    def constant(self, value: Any) -> str:
        """A stored value."""
        name = f"w{len(self._weights)}"
        self._weights.append(self._as_tensor(np.asarray(value), name))
        return name

    def node(self, operator: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """One node of one output, which is called ``name`` if it is an output of the network."""
        output = name or f"v{len(self._nodes)}"
        self._nodes.append(self._helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def conv(
        self,
        value: str,
        before: int,
        after: int,
        kernel: int,
        stride: int = 1,
        *,
        gain: float = 2**0.5,
        bias: float = 0.0,
    ) -> str:
        """A convolution that keeps sizes but for its stride; ``gain`` times what would keep the deviation of values."""
        deviation = gain / (before * kernel * kernel) ** 0.5
        weights = self._rng.normal(0, deviation, (after, before, kernel, kernel)).astype(np.float32)
        stored = self.constant(weights), self.constant(np.full(after, bias, np.float32))
        sides, begin = [kernel, kernel], (kernel - 1) // 2
        pads = [begin, begin, begin, begin]
        return self.node("Conv", value, *stored, kernel_shape=sides, strides=[stride, stride], pads=pads)

    def dense(self, value: str, before: int, after: int) -> str:
        """A fully connected layer."""
        weights = self._rng.normal(0, before**-0.5, (after, before)).astype(np.float32)
        return self.node("Gemm", value, self.constant(weights), transB=1)

    def normalise(self, value: str, width: int) -> str:
        """A batch normalisation that is not after a convolution, and so stays a node of its own."""
        ones, zeros = np.ones(width, np.float32), np.zeros(width, np.float32)
        return self.node("BatchNormalization", value, *(self.constant(v) for v in (ones, zeros, zeros, ones)))

    def save(self, path: Path, shape: list[Any], outputs: dict[str, list[Any]]) -> Path:
        """Write the network with its input, called ``input.1``, and its outputs, by name and shape."""
        import onnx

        floats = onnx.TensorProto.FLOAT
        declare = self._helper.make_tensor_value_info
        graph = self._helper.make_graph(
            self._nodes, "network", [declare("input.1", floats, shape)],
            [declare(name, floats, sizes) for name, sizes in outputs.items()], self._weights,
        )  # fmt: skip
        operators = [self._helper.make_opsetid("", 13)]
        onnx.save(self._helper.make_model(graph, opset_imports=operators, ir_version=8), str(path))
        return path
