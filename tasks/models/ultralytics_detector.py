"""YOLO and RT-DETR through ultralytics (Jocher et al., 2023; Zhao et al., "RT-DETR", 2024). The library is AGPL-3.0.

Images of one size go into one call, so that each is padded as it would be alone and its result does not depend on what
else is in the batch.
"""

import contextlib
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from schemas.errors import ConfigError, ModelError
from schemas.geometry import Box
from tasks.models.device import EXTRA, BatchLimit, Device, choose_device
from tasks.models.hub import fetch
from tasks.models.options import Options
from tasks.models.production import ProductionModel, pin
from tasks.models.protocols import Image, RawDetection
from tasks.models.rle import encode_region

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

    def _predict(self, images: Sequence[Image]) -> list[list[RawDetection]]:
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
        flipped = [np.ascontiguousarray(image[..., ::-1]) for image in images]  # the library takes BGR
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
        masks = None
        if self._options.masks and result.masks is not None:
            masks = result.masks.data.bool().cpu().numpy()
        found = []
        for k, (x1, y1, x2, y2, score, label) in enumerate(values):
            box = Box(float(x1), float(y1), float(x2), float(y2)).clamp(width, height)
            mask = None if masks is None else _encode_inside(masks[k], box)
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


def _encode_inside(mask: Any, box: Box) -> bytes:
    """The code of what a mask covers within its box."""
    height, width = mask.shape
    x1, y1, x2, y2 = box.rounded(width, height)
    return encode_region(mask[y1:y2, x1:x2], x1, y1, height, width)


def import_ultralytics(name: str) -> Any:
    """The ultralytics module, told to fetch and install nothing.

    Raises:
        ConfigError: it is not installed.
    """
    for switch, value in (("YOLO_OFFLINE", "true"), ("YOLO_AUTOINSTALL", "false")):
        os.environ.setdefault(switch, value)
    try:
        import ultralytics
    except ImportError as error:
        raise ConfigError(f"model {name} needs ultralytics. Install with: {EXTRA}") from error
    return ultralytics


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
    except ModelError:
        raise
    except Exception as error:  # pickle, zip, torch and each runtime have their own ways to say it
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise ModelError(f"model file {path} of {name} cannot be read: {reason}") from error


def _open_export(path: Path, device: Device) -> tuple[Any, dict[int, str], str, int]:
    """An exported network (.onnx, .engine): what it is stands in the metadata that the export wrote."""
    import torch
    from ultralytics import RTDETR, YOLO
    from ultralytics.nn.autobackend import AutoBackend

    backend = AutoBackend(str(path), device=torch.device(device.name), fp16=device.half, verbose=False)
    task, fixed = str(backend.task), not getattr(backend, "dynamic", False)
    if fixed and int(backend.batch) != 1:
        raise ModelError(
            f"model file {path} was exported for exactly {backend.batch} images: export it with dynamic=True or batch=1"
        )
    transformer = "rtdetr" in str(backend.metadata.get("description", "")).lower().replace("-", "")
    network = (RTDETR if transformer else YOLO)(str(path), task=task)
    return network, dict(backend.names), task, 1 if fixed else 0
