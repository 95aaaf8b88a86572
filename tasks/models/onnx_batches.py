"""ONNX networks that were exported for one image, run on batches.

InsightFace exports its detectors with a batch size of 1 in the declared input, though the network itself computes any
number of images. The declaration is lifted, and at loading two images together are held against each alone: a network
that does not pass this is run image by image.

A GPU is given a batch whole. On a CPU a batch is computed in pieces, as many at once as there are cores, each on one
thread: that leaves no core waiting for another at the end of every layer, and what a piece needs stays in the cache.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from schemas.errors import ConfigError, ModelError
from tasks.models.device import EXTRA, Device, available_cores
from tasks.models.onnx_graph import first_line, free_batch, split_slopes, take_pixels
from tasks.models.onnx_stem import Sight, Stem, find_cut
from tasks.models.protocols import Bare

if TYPE_CHECKING:
    import onnxruntime
    from onnx import ModelProto

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]
Layout = Literal["single", "rows", "images", "cells"]
"""How the images of a batch lie in an output ``(…, values)``: not at all; image after image, one row or one block of rows
each; or image after image within every cell of the feature map."""

TOLERANCE = 1e-3
"""Most by which a value may differ between an image alone and in a batch."""

PIECE = 1 << 16
"""Pixels of a piece of a batch on a CPU, at least one image: more at once was no faster, and takes more memory."""


class BatchedOnnx:
    """A session of one input and some outputs that takes batches of ``uint8`` images ``(n, height, width, 3)``."""

    def __init__(
        self,
        path: Path,
        network: "ModelProto",
        device: Device,
        side: int,
        scaling: tuple[float, float],
        batch: int,
        strides: Sequence[int] = (),
    ) -> None:
        """Make it ready.

        Args:
            path: the file that ``network`` was read from.
            network: the network; it is changed.
            device: where it runs.
            side: side in pixels of the images with which it is tried.
            scaling: what is taken from each value of a pixel, and what the rest is divided by.
            batch: most images that will be given at once.
            strides: for each output, the pixels of a cell of its feature map; empty for one row an image.

        Raises:
            ConfigError: a library is missing, or ONNX Runtime cannot use the GPU that was asked for.
            ModelError: the file is no such network.
        """
        self._strides = tuple(strides)
        self._device = device
        # More images than cores leave each one thread; a single image gets all of them.
        self._lanes = 1 if device.on_gpu else min(available_cores(), max(1, batch))
        take_pixels(network, *scaling)
        if not device.on_gpu:
            split_slopes(network)
        threads = max(1, available_cores() // self._lanes)
        self._session, free = _open(path, network, device, threads)
        self._input = self._session.get_inputs()[0].name
        self._stem: Stem | None = None
        try:
            self.layout = self._try_batches(side) if free else "single"
            if self._strides and self.layout != "single" and not device.on_gpu:
                self._stem = self._try_stem(network, device, threads, 2 * side)
        except Exception as error:  # the runtime has a type of its own for every kind of fault
            raise ModelError(f"model file {path} cannot be run on images of {side}: {first_line(error)}") from error

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return len(self._session.get_outputs())

    def run(self, images: Pixels, filled: Sequence[tuple[int, int]] = ()) -> list[Floats]:
        """Every output with the images first: ``(n, rows, values)``, or ``(n, values)`` for a network without strides.

        ``filled`` is for each image the height and width beyond which it is 0, where that is known.
        """
        pieces = self._divide(images)
        fills = _fills(pieces, filled)
        if len(pieces) == 1:
            return self._compute(pieces[0], fills[0])
        with ThreadPoolExecutor(min(self._lanes, len(pieces))) as pool:
            found = list(pool.map(self._compute, pieces, fills))
        return [np.concatenate(parts) for parts in zip(*found, strict=True)]

    def _divide(self, images: Pixels) -> list[Pixels]:
        """Pieces of about equal size, a whole number for each lane where there are images enough."""
        if self._device.on_gpu:
            return [images]
        most = max(1, PIECE // (images.shape[1] * images.shape[2]))
        count = self._lanes * ceil(len(images) / (self._lanes * most))
        return np.array_split(images, min(count, len(images)))

    def _compute(self, images: Pixels, filled: Sequence[tuple[int, int]]) -> list[Floats]:
        if self.layout == "single":
            parts = [self._ask(images[k : k + 1]) for k in range(len(images))]
            whole = [np.stack([_flat(part[j]) for part in parts]) for j in range(len(parts[0]))]
        else:
            answer = self._ask(images, filled)
            whole = [self._unfold(values, images, j, self.layout) for j, values in enumerate(answer)]
        return whole if self._strides else [values.reshape(len(images), -1) for values in whole]

    def bare(self, count: int, side: int, filled: Sequence[tuple[int, int]] = ()) -> Bare:
        """The session alone on ``count`` images of ``side``, which lie ready on the device, cut as :meth:`run` cuts them."""
        images = np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)
        pieces = np.array_split(images, count) if self.layout == "single" else self._divide(images)
        fills = _fills(pieces, filled)
        if self._device.on_gpu:
            works = [self._bound(piece) for piece in pieces]
        else:
            works = [partial(self._ask, piece, fill) for piece, fill in zip(pieces, fills, strict=True)]

        def work() -> None:
            with ThreadPoolExecutor(min(self._lanes, len(works))) as pool:
                for future in [pool.submit(each) for each in works]:
                    future.result()

        return work

    def _bound(self, images: Pixels) -> Callable[[], object]:
        """A call of the session with input and outputs on the GPU."""
        import onnxruntime

        place = ("cuda", self._device.index)
        binding = self._session.io_binding()
        binding.bind_ortvalue_input(self._input, onnxruntime.OrtValue.ortvalue_from_numpy(images, *place))
        for output in self._session.get_outputs():
            binding.bind_output(output.name, *place)

        def work() -> None:
            self._session.run_with_iobinding(binding)
            binding.synchronize_outputs()

        return work

    def _ask(self, images: Pixels, filled: Sequence[tuple[int, int]] = ()) -> list[Floats]:
        if filled and self._stem:
            most = max(height for height, _ in filled), max(width for _, width in filled)
            if self._stem.saves(images.shape[1], most):
                return self._stem.run(images, most)
        answer: list[Floats] = self._session.run(None, {self._input: np.ascontiguousarray(images)})
        return answer

    def _unfold(self, values: Floats, images: Pixels, output: int, layout: Layout) -> Floats:
        count = len(images)
        if layout in ("rows", "images"):
            return values.reshape(count, -1, values.shape[-1])
        stride = self._strides[output]
        cells = (images.shape[1] // stride) * (images.shape[2] // stride)
        return values.reshape(cells, count, -1, values.shape[-1]).swapaxes(0, 1).reshape(count, -1, values.shape[-1])

    def _try_batches(self, side: int) -> Layout:
        images = np.random.default_rng(0).integers(0, 256, (2, side, side, 3), dtype=np.uint8)
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

    def _try_stem(self, network: "ModelProto", device: Device, threads: int, side: int) -> Stem | None:
        """The network in two parts, where that gives the same for an image that leaves a part of its square blank."""
        found = find_cut(network)
        if found is None:
            return None
        try:
            return self._make_stem(network, found, device, threads, side)
        except Exception:  # a network of one size only, or one that does not run in parts, runs whole
            return None

    def _make_stem(
        self, network: "ModelProto", found: tuple[int, str, Sight], device: Device, threads: int, side: int
    ) -> Stem | None:
        stem = Stem(network, found, lambda part: _session(part, device, threads))
        for filled in ((side // 3, side), (side, side // 3)):
            image = np.zeros((1, side, side, 3), np.uint8)
            shape = (*filled, 3)
            image[0, : filled[0], : filled[1]] = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
            pairs = zip(stem.run(image, filled), self._ask(image), strict=True)
            if not all(np.allclose(one, other, rtol=TOLERANCE, atol=TOLERANCE) for one, other in pairs):
                return None
        return stem

    def _agrees(self, values: Floats, images: Pixels, output: int, layout: Layout, wanted: Floats) -> bool:
        if values.size != wanted.size:
            return False
        return bool(np.allclose(self._unfold(values, images, output, layout), wanted, rtol=TOLERANCE, atol=TOLERANCE))


def _fills(pieces: Sequence[Pixels], filled: Sequence[tuple[int, int]]) -> list[Sequence[tuple[int, int]]]:
    return [filled[begin:end] for begin, end in pairwise(np.cumsum([0, *map(len, pieces)]))]


def _flat(values: Floats) -> Floats:
    return values.reshape(-1, values.shape[-1])


def _open(
    path: Path, network: "ModelProto", device: Device, threads: int
) -> tuple["onnxruntime.InferenceSession", bool]:
    """The session, and whether its batch size is free."""
    declared = network.SerializeToString()
    free_batch(network)
    try:
        return _session(network, device, threads), True
    except ConfigError:
        raise
    except Exception:  # shapes that the file states inside cannot be lifted: take it as it is
        try:
            network.ParseFromString(declared)
            return _session(network, device, threads), False
        except Exception as error:
            raise ModelError(f"model file {path} is not a network that can be run: {first_line(error)}") from error


def _session(network: "ModelProto", device: Device, threads: int) -> "onnxruntime.InferenceSession":
    try:
        import onnxruntime
    except ImportError as error:
        raise ConfigError(f"faces need onnx and onnxruntime. Install with: {EXTRA}") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    providers = choose_providers(onnxruntime.get_available_providers(), device)
    return onnxruntime.InferenceSession(network.SerializeToString(), options, providers=providers)


def choose_providers(available: Sequence[str], device: Device) -> list[Any]:
    """ONNX Runtime's providers for a device.

    Raises:
        ConfigError: a GPU was asked for and this ONNX Runtime has no CUDA.
    """
    if not device.on_gpu:
        return ["CPUExecutionProvider"]
    if "CUDAExecutionProvider" not in available:
        raise ConfigError(
            f"faces cannot be searched on {device.name}: this onnxruntime is a build without CUDA. "
            "Install with: pip install onnxruntime-gpu (in place of onnxruntime), or set [faces] device to cpu"
        )
    # The number of faces differs from batch to batch: trying every algorithm for each, as it does unless told, takes long.
    settings = {"device_id": device.index, "cudnn_conv_algo_search": "HEURISTIC"}
    return [("CUDAExecutionProvider", settings), "CPUExecutionProvider"]
