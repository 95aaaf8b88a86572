"""ONNX networks that were exported for one image, run on batches.

InsightFace exports its detectors with a batch size of 1 in the declared input, though the network itself computes any
number of images. The declaration is lifted, and at loading two images together are held against each alone: a network
that does not pass this is run image by image.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from schemas.errors import ConfigError, ModelError
from tasks.models.device import EXTRA, Device
from tasks.models.sessions import available_cores

if TYPE_CHECKING:
    import onnxruntime

Floats = NDArray[np.float32]
Layout = Literal["single", "rows", "images", "cells"]
"""How the images of a batch lie in an output ``(…, values)``: not at all; image after image, one row or one block of rows
each; or image after image within every cell of the feature map."""

TOLERANCE = 1e-3
"""Most by which a value may differ between an image alone and in a batch."""


class BatchedOnnx:
    """A session of one input and some outputs that takes batches of images ``(n, 3, height, width)``."""

    def __init__(self, path: Path, device: Device, probe_side: int, strides: Sequence[int] = ()) -> None:
        """Load the network.

        Args:
            path: the ONNX file.
            device: where it runs.
            probe_side: side in pixels of the images with which it is tried.
            strides: for each output, the pixels of a cell of its feature map; empty for one row an image.

        Raises:
            ConfigError: a library is missing, or ONNX Runtime cannot use the GPU that was asked for.
            ModelError: the file is no such network.
        """
        self._strides = tuple(strides)
        self._session, self.first_nodes, free = _open(path, device)
        self._input = self._session.get_inputs()[0].name
        try:
            self.layout = self._try_batches(probe_side) if free else "single"
        except Exception as error:  # the runtime has a type of its own for every kind of fault
            raise ModelError(f"model file {path} cannot be run on images of {probe_side}: {_told(error)}") from error

    @property
    def declared_shape(self) -> list[Any]:
        """Shape of the input as the file declares it."""
        shape: list[Any] = self._session.get_inputs()[0].shape
        return shape

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return len(self._session.get_outputs())

    def run(self, images: Floats) -> list[Floats]:
        """Every output with the images first: ``(n, rows, values)``, or ``(n, values)`` for a network without strides."""
        if self.layout == "single":
            parts = [self._ask(images[k : k + 1]) for k in range(len(images))]
            whole = [np.stack([_flat(part[j]) for part in parts]) for j in range(len(parts[0]))]
        else:
            answer = self._ask(images)
            whole = [self._unfold(values, images, j, self.layout) for j, values in enumerate(answer)]
        return whole if self._strides else [values.reshape(len(images), -1) for values in whole]

    def _ask(self, images: Floats) -> list[Floats]:
        answer: list[Floats] = self._session.run(None, {self._input: np.ascontiguousarray(images)})
        return answer

    def _unfold(self, values: Floats, images: Floats, output: int, layout: Layout) -> Floats:
        count = len(images)
        if layout in ("rows", "images"):
            return values.reshape(count, -1, values.shape[-1])
        stride = self._strides[output]
        cells = (images.shape[2] // stride) * (images.shape[3] // stride)
        return values.reshape(cells, count, -1, values.shape[-1]).swapaxes(0, 1).reshape(count, -1, values.shape[-1])

    def _try_batches(self, side: int) -> Layout:
        images = np.random.default_rng(0).uniform(-1, 1, (2, 3, side, side)).astype(np.float32)
        alone = [[_flat(values) for values in self._ask(images[k : k + 1])] for k in range(2)]
        wanted = [np.stack(pair) for pair in zip(*alone, strict=True)]
        try:
            together = self._ask(images)
        except Exception:  # a network that computes one image only fails in its own way on two
            return "single"
        layouts: tuple[Layout, ...] = ("images", "cells") if self._strides else ("rows",)
        for layout in layouts:
            pairs = zip(together, wanted, strict=True)
            if all(self._agrees(values, images, j, layout, want) for j, (values, want) in enumerate(pairs)):
                return layout
        return "single"

    def _agrees(self, values: Floats, images: Floats, output: int, layout: Layout, wanted: Floats) -> bool:
        if values.size != wanted.size:
            return False
        return bool(np.allclose(self._unfold(values, images, output, layout), wanted, rtol=TOLERANCE, atol=TOLERANCE))


def _flat(values: Floats) -> Floats:
    return values.reshape(-1, values.shape[-1])


def _told(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]


def _open(path: Path, device: Device) -> tuple["onnxruntime.InferenceSession", tuple[str, ...], bool]:
    """The session, the names of the first nodes, and whether its batch size is free."""
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise ConfigError(f"{path.name} needs onnx and onnxruntime. Install with: {EXTRA}") from error
    try:
        network = onnx.load(str(path))
        inputs = [
            value for value in network.graph.input if value.name not in {w.name for w in network.graph.initializer}
        ]
        shape = inputs[0].type.tensor_type.shape.dim
        if len(inputs) != 1 or len(shape) != 4:
            raise ValueError("one input of four dimensions is expected")
        shape[0].dim_param = "batch"
        for value in (*network.graph.output, *network.graph.value_info):
            value.type.tensor_type.ClearField("shape")  # what was inferred for one image holds no longer
        names = tuple(node.name for node in network.graph.node[:8])
        content = network.SerializeToString()
    except Exception as error:  # protobuf and onnx have their own ways to say it
        raise ModelError(f"model file {path} is not a network that can be run: {_told(error)}") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = available_cores()
    options.log_severity_level = 3
    providers = choose_providers(onnxruntime.get_available_providers(), device, path.name)
    try:
        return onnxruntime.InferenceSession(content, options, providers=providers), names, True
    except Exception:  # shapes that the file states inside cannot be lifted: take it as it is
        try:
            return onnxruntime.InferenceSession(str(path), options, providers=providers), names, False
        except Exception as error:
            raise ModelError(f"model file {path} is not a network that can be run: {_told(error)}") from error


def choose_providers(available: Sequence[str], device: Device, name: str) -> list[Any]:
    """ONNX Runtime's providers for a device.

    Raises:
        ConfigError: a GPU was asked for and this ONNX Runtime has no CUDA.
    """
    if not device.on_gpu:
        return ["CPUExecutionProvider"]
    if "CUDAExecutionProvider" not in available:
        raise ConfigError(
            f"{name} cannot run on {device.name}: this onnxruntime is a build without CUDA. "
            "Install with: pip install onnxruntime-gpu (in place of onnxruntime), or set [faces] device to cpu"
        )
    return [("CUDAExecutionProvider", {"device_id": device.index}), "CPUExecutionProvider"]
