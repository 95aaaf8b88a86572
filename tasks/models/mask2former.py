"""Mask2Former: things and regions of a whole frame through transformers (Cheng et al., 2022), trained on COCO panoptic.

Of its 133 classes the first 80 are things, one detection each; the others are regions (sky, wall), of which every connected
part is a detection with ``stuff`` set.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from schemas.errors import ConfigError, ModelError
from schemas.geometry import Box
from tasks.models.device import BatchLimit, Device, batch_sizes, choose_device, finish, import_torch
from tasks.models.hub import fetch
from tasks.models.options import Options
from tasks.models.production import ProductionModel, pin
from tasks.models.protocols import Bare, Image, RawDetection
from tasks.models.rle import encode_region
from tasks.models.stuff_boxes import stuff_components
from tasks.models.transformers_encoder import import_transformers, load_pretrained

PERSON = "person"
_SPELT = {"playingfield": "playing field", "floor-wood": "wooden floor", "water-other": "water"}


def plain_label(label: str) -> str:
    """A class of COCO panoptic as a person would say it: ``wall-brick`` is ``brick wall``, ``sky-other-merged`` is ``sky``."""
    if label in _SPELT:
        return _SPELT[label]
    parts = [part for part in label.split("-") if part not in ("merged", "other", "stuff")]
    if parts and parts[0] == "wall":
        parts.reverse()
    return " ".join(parts) or label


class Mask2Former:
    """A :class:`~tasks.models.protocols.Detector`."""

    def __init__(self, model: ProductionModel, options: Options) -> None:
        """Prepare, without importing or loading anything."""
        self._model = model
        self._options = options
        self._pin = pin(model, options)
        self._network: Any = None
        self._processor: Any = None
        self._device = Device("cpu", False)
        self._side = (384, 384)
        self._classes: tuple[str, ...] = ()
        self._things = int(model.settings["things"])
        self._limit = BatchLimit(model.name, options.batch)

    @property
    def name(self) -> str:
        """Name of the model."""
        return self._model.name

    @property
    def digest(self) -> str:
        """The commit the weights are pinned to, or the digest of a local folder."""
        return self._pin

    @property
    def labels(self) -> tuple[str, ...]:
        """Things, then regions, in plain words."""
        self.load()
        return tuple(plain_label(label) for label in self._classes)

    def load(self) -> None:
        """Load the weights now.

        Raises:
            ConfigError: a library or the device is missing, or the classes have no ``person``.
            ModelError: the weights are missing, not the pinned ones, or not of such a network.
        """
        if self._network is not None:
            return
        self._device = choose_device(self._options.device, self._options.precision)
        transformers = import_transformers(self.name)
        folder = fetch(self._model, self._options)
        self._processor, self._side = _load_processor(transformers, folder, self.name)
        network = load_pretrained(folder, self.name, transformers.Mask2FormerForUniversalSegmentation, self._device)
        classes = tuple(str(network.config.id2label[k]) for k in range(len(network.config.id2label)))
        if PERSON not in classes[: self._things]:
            raise ConfigError(
                f"model {self.name} has no thing '{PERSON}', which stories need: its {len(classes)} classes begin with "
                + ", ".join(classes[:3])
            )
        if len(classes) <= self._things:
            raise ModelError(f"model {self.name} has {len(classes)} classes; things and regions part at {self._things}")
        self._classes, self._network = classes, network

    def detect(self, images: Sequence[Image]) -> list[list[RawDetection]]:
        """Things and parts of regions of each image, best score first."""
        self.load()
        return self._limit.run(images, self._predict)

    def bare(self, images: Sequence[Image]) -> Bare:
        """The network alone, as :meth:`detect` runs it on these images."""
        torch = import_torch()
        self.load()
        sizes = batch_sizes(len(images), self._limit.most)
        kind = torch.float16 if self._device.half else torch.float32
        ready = {size: torch.rand(size, 3, *self._side, device=self._device.name, dtype=kind) for size in set(sizes)}

        def work() -> None:
            with torch.inference_mode():
                for size in sizes:
                    self._network(pixel_values=ready[size])
            finish(torch, self._device)

        return work

    def _predict(self, images: Sequence[Image]) -> list[list[RawDetection]]:
        torch = import_torch()
        pixels = torch.from_numpy(self._prepare(images)).to(self._device.name)
        with torch.inference_mode():
            outputs = self._network(pixel_values=pixels.half() if self._device.half else pixels)
            outputs.class_queries_logits = outputs.class_queries_logits.float()
            outputs.masks_queries_logits = outputs.masks_queries_logits.float()
            segmented = self._processor.post_process_panoptic_segmentation(
                outputs,
                threshold=self._options.score,
                label_ids_to_fuse=set(range(self._things, len(self._classes))),
                target_sizes=[image.shape[:2] for image in images],
            )
        return [self._read(one["segmentation"].cpu().numpy(), one["segments_info"]) for one in segmented]

    def _prepare(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Images stretched to the size of training, normalised, ``(n, 3, height, width)``."""
        mean = np.array(self._processor.image_mean, np.float32) * 255
        deviation = np.array(self._processor.image_std, np.float32) * 255
        values = np.empty((len(images), 3, *self._side), np.float32)
        for index, image in enumerate(images):
            picture = PillowImage.fromarray(np.ascontiguousarray(image))
            small = picture.resize((self._side[1], self._side[0]), PillowImage.Resampling.BILINEAR)
            values[index] = ((np.asarray(small, np.float32) - mean) / deviation).transpose(2, 0, 1)
        return values

    def _read(self, segments: NDArray[np.int32], facts: Sequence[dict[str, Any]]) -> list[RawDetection]:
        """Detections from a map of segment numbers ``(height, width)``; a fused region stands in ``facts`` several times."""
        from scipy.ndimage import find_objects

        height, width = segments.shape
        best: dict[int, tuple[float, int]] = {}
        for fact in facts:
            best[fact["id"]] = max(best.get(fact["id"], (0.0, 0)), (float(fact["score"]), int(fact["label_id"])))
        spans = find_objects(np.maximum(segments, 0).astype(np.int32))
        found = []
        for number, (score, label) in best.items():
            rows, columns = spans[number - 1]  # every segment that is told of has pixels
            region = segments[rows, columns] == number
            if label < self._things:
                parts = [(region, columns.start, rows.start)]
            else:
                whole = np.zeros((height, width), bool)
                whole[rows, columns] = region
                parts = [(part.pixels, int(part.box.x1), int(part.box.y1)) for part in stuff_components(whole)]
            for pixels, left, top in parts:
                box = Box(float(left), float(top), float(left + pixels.shape[1]), float(top + pixels.shape[0]))
                mask = encode_region(pixels, left, top, height, width) if self._options.masks else None
                name = plain_label(self._classes[label])
                found.append(RawDetection(name, min(1.0, score), box, mask, stuff=label >= self._things))
        return sorted(found, key=lambda one: (-one.score, one.label, one.box))


def _load_processor(transformers: Any, folder: Path, name: str) -> tuple[Any, tuple[int, int]]:
    """The library's processor, used after the network, and the height and width to which images are stretched."""
    try:
        processor = transformers.Mask2FormerImageProcessor.from_pretrained(folder, local_files_only=True)
        size = processor.size
        return processor, (int(size["height"]), int(size["width"]))
    except Exception as error:  # a missing file, damaged JSON and a size of another kind alike
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise ModelError(
            f"weights of model {name}: preprocessor_config.json in {folder} cannot be used: {reason}"
        ) from error
