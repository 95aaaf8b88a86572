"""YOLO and RT-DETR through ultralytics (Jocher et al., 2023; Zhao et al., "RT-DETR", 2024). The library is AGPL-3.0.

Images of one size go into one call, so that each is padded as it would be alone and its result does not depend on what
else is in the batch.
"""

import contextlib
import logging
import os
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from schemas.errors import ConfigError, ModelError
from schemas.geometry import Box
from tasks.models.device import BatchLimit, Device, batch_sizes, choose_device, finish, import_library, import_torch
from tasks.models.hub import fetch
from tasks.models.options import Options
from tasks.models.production import ProductionModel, pin
from tasks.models.protocols import Bare, Image, RawDetection
from tasks.models.prototype_masks import encode_masks

PERSON = "person"
_LIMIT = 300  # most detections of an image


class UltralyticsDetector:
    """A :class:`~tasks.models.protocols.Detector`."""

    def __init__(self, model: ProductionModel, options: Options) -> None:
        """Prepare, without importing or loading anything.

        Raises:
            ConfigError: masks are wanted of a model that is known to give none.
        """
        if options.masks and not model.gives_masks and not options.weights:
            raise ConfigError(
                f"model {model.name} gives no masks: take one whose name ends in -seg, or set masks to false"
            )
        self._model = model
        self._options = options
        self._pin = pin(model, options)
        self._network: Any = None
        self._device = Device("cpu", False)
        self._names: dict[int, str] = {}
        self._segments = False
        self._limit = BatchLimit(model.name, options.batch)

    @property
    def name(self) -> str:
        """Name of the model."""
        return self._model.name

    @property
    def digest(self) -> str:
        """sha256 of the weights."""
        return self._pin

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes of the checkpoint."""
        self._ready()
        return tuple(self._names[k] for k in sorted(self._names))

    def load(self) -> None:
        """Load the weights now.

        Raises:
            ConfigError: a library or the device is missing, or the checkpoint has no class ``person``.
            ModelError: the weights are missing, not the pinned ones, or cannot be read.
        """
        self._ready()

    def _ready(self) -> Any:
        if self._network is None:
            self._device = choose_device(self._options.device, self._options.precision)
            path = fetch(self._model, self._options)
            import_ultralytics(self.name)
            network, names, task, most = _open(path, self.name, self._device, listed=not self._options.weights)
            if task not in ("detect", "segment"):
                raise ModelError(f"model file {path} is for the task {task}, not for detection or segmentation")
            if PERSON not in names.values():
                raise ConfigError(
                    f"model {self.name} has no class '{PERSON}', which stories need: its {len(names)} classes begin with "
                    + ", ".join(str(names[k]) for k in sorted(names)[:3])
                )
            if self._options.masks and task != "segment":
                raise ConfigError(f"weights {path.name} give no masks: take a -seg model, or set masks to false")
            self._names = {int(k): str(v) for k, v in names.items()}
            self._segments = task == "segment"
            if most:
                self._limit = BatchLimit(self.name, min(most, self._options.batch))
            self._network = network
        return self._network

    def detect(self, images: Sequence[Image]) -> list[list[RawDetection]]:
        """Detections of each image, best score first."""
        self._ready()
        found: list[list[RawDetection]] = [[] for _ in images]
        shapes: dict[tuple[int, ...], list[int]] = {}
        for index, image in enumerate(images):
            shapes.setdefault(image.shape, []).append(index)
        for members in shapes.values():
            results = self._limit.run([images[k] for k in members], self._predict)
            for index, result in zip(members, results, strict=True):
                found[index] = result
        return found

    def bare(self, images: Sequence[Image]) -> Bare:
        """The network alone, as :meth:`detect` runs it on these images."""
        torch = import_torch()
        shapes: dict[tuple[int, ...], int] = {}
        for image in images:
            shapes[image.shape] = shapes.get(image.shape, 0) + 1
        ready = []
        for (height, width, channels), count in shapes.items():
            blank = np.zeros((height, width, channels), np.uint8)
            self.detect([blank])
            shown = self._network.predictor.preprocess([blank])  # as large as the library makes it
            ready += [torch.rand_like(shown.expand(n, *shown.shape[1:])) for n in batch_sizes(count, self._limit.most)]
        network = self._network.predictor.model

        def work() -> None:
            with torch.inference_mode():
                for batch in ready:
                    network(batch)
            finish(torch, self._device)

        return work

    def _predict(self, images: Sequence[Image]) -> list[list[RawDetection]]:
        import cv2

        options: dict[str, Any] = {
            "conf": self._options.score,
            "iou": self._options.nms_iou,
            "imgsz": self._options.image_side or int(self._model.settings.get("image_side", "640")),
            "device": self._device.name,
            "quantize": 16 if self._device.half else None,
            "max_det": _LIMIT,
            "retina_masks": True,
            "verbose": False,
            "save": False,
        }
        if self._segments:
            options["predictor"] = _masks_in_boxes()
        # The library takes BGR; to turn a frame of 1080p takes numpy 5 ms and OpenCV, which the library brings, a thirtieth.
        flipped = [cv2.cvtColor(image, cv2.COLOR_RGB2BGR) for image in images]
        with _watch_suppression() as overrun:
            results = [self._read(result) for result in self._network.predict(flipped, **options)]
        if not overrun.seen:
            return results
        if len(images) == 1:
            raise ModelError(
                f"model {self.name} found so much in a frame that its suppression ran out of time: raise the scores in [detect]"
            )
        return [self._predict([image])[0] for image in images]

    def _read(self, result: Any) -> list[RawDetection]:
        height, width = (int(v) for v in result.orig_shape)
        values = result.boxes.data.float().cpu().numpy()
        masks = result.codes if self._options.masks else [None] * len(values)
        found = []
        for (x1, y1, x2, y2, score, label), mask in zip(values, masks, strict=True):
            box = Box(float(x1), float(y1), float(x2), float(y2)).clamp(width, height)
            found.append(RawDetection(self._names[int(label)], float(score), box, mask))
        return sorted(found, key=lambda one: (-one.score, one.label, one.box))


class _Overrun(logging.Handler):
    """Notices the library's warning that it gave up on the rest of a batch, for which it then gives nothing."""

    seen = False

    def emit(self, record: logging.LogRecord) -> None:
        """Look at one line."""
        self.seen = self.seen or "NMS time limit" in record.getMessage()


@contextlib.contextmanager
def _watch_suppression() -> Iterator[_Overrun]:
    from ultralytics.utils import LOGGER

    watcher = _Overrun()
    LOGGER.addHandler(watcher)
    try:
        yield watcher
    finally:
        LOGGER.removeHandler(watcher)


@cache
def _masks_in_boxes() -> Any:
    """The library's predictor for segmentation with masks made within their boxes: its results have ``codes`` of them."""
    from ultralytics.engine.results import Results
    from ultralytics.models.yolo.segment import SegmentationPredictor
    from ultralytics.utils import ops

    class Predictor(SegmentationPredictor):  # type: ignore[misc, unused-ignore] # untyped where it is not installed
        def construct_result(self, pred: Any, img: Any, orig_img: Any, img_path: str, proto: Any) -> Any:
            boxes = ops.scale_boxes(img.shape[2:], pred[:, :4], orig_img.shape)
            pred[:, :4] = boxes
            codes = encode_masks(proto, pred[:, 6:], boxes.tolist(), orig_img.shape[:2])
            # As the library does, what has no pixel is left out.
            kept = [k for k, code in enumerate(codes) if code]
            result = Results(orig_img, path=img_path, names=self.model.names, boxes=pred[kept, :6])
            result.codes = [codes[k] for k in kept]
            return result

    return Predictor


def import_ultralytics(name: str) -> Any:
    """The ultralytics module, told to fetch and install nothing.

    Raises:
        ConfigError: it is not installed, or cannot be imported.
    """
    for switch, value in (("YOLO_OFFLINE", "true"), ("YOLO_AUTOINSTALL", "false")):
        os.environ.setdefault(switch, value)
    return import_library("ultralytics", f"model {name}")


def _open(path: Path, name: str, device: Device, *, listed: bool) -> tuple[Any, dict[int, str], str, int]:
    """The network, its classes, its task, and the most images it takes in one call (0 for any number).

    A checkpoint is a pickle. One that is not ``listed`` is read only where it holds tensors and the library's own classes.
    """
    from ultralytics import YOLO
    from ultralytics.nn.tasks import torch_safe_load

    try:
        if path.suffix == ".pt":
            if not listed:
                torch_safe_load(str(path), safe_only=True)
            network = YOLO(str(path))  # becomes an RT-DETR by itself where the file holds one
            return network, dict(network.names), str(network.task), 0
        return _open_export(path, device)
    except (ConfigError, ModelError):
        raise
    except Exception as error:  # pickle, zip, torch and each runtime have their own ways to say it
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise ModelError(f"model file {path} of {name} cannot be read: {reason}") from error


def _open_export(path: Path, device: Device) -> tuple[Any, dict[int, str], str, int]:
    """An exported network (.onnx, .engine): what it is stands in the metadata that the export wrote."""
    import torch
    from ultralytics import RTDETR, YOLO
    from ultralytics.nn.autobackend import AutoBackend

    if path.suffix == ".engine":
        _require_tensorrt(path, device)
    backend = AutoBackend(str(path), device=torch.device(device.name), fp16=device.half, verbose=False)
    task, fixed = str(backend.task), not getattr(backend, "dynamic", False)
    if fixed and int(backend.batch) != 1:
        raise ModelError(
            f"model file {path} was exported for exactly {backend.batch} images: export it with dynamic=True or batch=1"
        )
    written = backend.metadata.get("head") or backend.metadata.get("description", "")
    transformer = "rtdetr" in str(written).lower().replace("-", "")
    network = RTDETR(str(path)) if transformer else YOLO(str(path), task=task)
    return network, dict(backend.names), task, 1 if fixed else 0


def _require_tensorrt(path: Path, device: Device) -> None:
    """Refuse an engine that cannot run here, which the library would only say by a failed installation or a CUDA error."""
    from importlib.util import find_spec

    if find_spec("tensorrt") is None:
        raise ConfigError(
            f"model file {path} needs tensorrt. Install with: pip install tensorrt (the version that made the engine)"
        )
    if not device.on_gpu:
        raise ConfigError(f"model file {path} was compiled for a GPU and none is used: set device to cuda")
