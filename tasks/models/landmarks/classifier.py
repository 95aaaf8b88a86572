"""Landmarks by an image classifier, which names the whole image: the box is the frame.

Any image-classification checkpoint in the Hub's layout will do, such as a Swin Transformer fine-tuned on Google Landmarks.
"""

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from schemas.errors import ConfigError, ModelError
from schemas.geometry import Box
from schemas.landmarks_config import LandmarksConfig
from tasks.models.device import BatchLimit, batch_sizes, choose_device, finish, import_torch
from tasks.models.landmarks.landmark import RawLandmark
from tasks.models.protocols import Bare, Image
from tasks.models.transformers_encoder import import_transformers, load_pretrained
from tasks.models.weights import file_digest

WEIGHTS = ("model.safetensors", "pytorch_model.bin")
RGB = 3


class LandmarkClassifier:
    """A classifier from a folder; its weights are loaded on first use."""

    def __init__(self, config: LandmarksConfig) -> None:
        """Nothing is read yet."""
        self._config = config
        self._folder = Path(config.weights)
        self._limit = BatchLimit(self.name, config.batch)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self._folder.name or "classifier"

    @cached_property
    def digest(self) -> str:
        """sha256 of the weight file.

        Raises:
            ModelError: there is none, or it is not the pinned one.
        """
        path = next((self._folder / file for file in WEIGHTS if (self._folder / file).is_file()), None)
        if path is None:
            raise ModelError(f"landmarks: {self._folder} holds no weights ({' or '.join(WEIGHTS)})")
        if path.suffix == ".bin" and not self._config.weights_sha256:
            raise ConfigError(f"landmarks: {path} is a pickle: pin it with weights_sha256, or use model.safetensors")
        digest = file_digest(path)
        if self._config.weights_sha256 and digest != self._config.weights_sha256:
            raise ModelError(f"landmarks: {path} is not the pinned file: its sha256 is {digest}")
        return digest

    def recognise(self, images: Sequence[Image]) -> list[list[RawLandmark]]:
        """The best names of each image, best first, each over the whole image.

        Raises:
            ConfigError: torch or transformers is not installed.
            ModelError: the folder does not hold a classifier, or memory does not suffice.
        """
        return self._limit.run(images, self._classify)

    def bare(self, images: Sequence[Image]) -> Bare:
        """The network alone, as :meth:`recognise` runs it on these images."""
        torch = import_torch()
        network, prepare, device, _ = self._network
        sizes = batch_sizes(len(images), self._limit.most)
        kind, shape = torch.float16 if device.half else torch.float32, prepare(images[0]).shape
        ready = {size: torch.rand(size, *shape, device=device.name, dtype=kind) for size in set(sizes)}

        def work() -> None:
            with torch.inference_mode():
                for size in sizes:
                    network(pixel_values=ready[size])
            finish(torch, device)

        return work

    def _classify(self, images: Sequence[Image]) -> list[list[RawLandmark]]:
        torch = import_torch()
        network, prepare, device, names = self._network
        pixels = torch.from_numpy(np.stack([prepare(image) for image in images])).to(device.name)
        with torch.inference_mode():
            logits = network(pixel_values=pixels.half() if device.half else pixels).logits.float()
        shares = torch.softmax(logits, dim=-1).cpu().numpy()
        found = []
        for image, share in zip(images, shares, strict=True):
            best = np.lexsort((np.arange(len(share)), -share))[: self._config.max_per_frame]
            height, width = image.shape[:2]
            box = Box(0.0, 0.0, float(width), float(height))
            found.append([RawLandmark(names[int(i)], float(share[i]), box) for i in best])
        return found

    @cached_property
    def _network(self) -> tuple[Any, Any, Any, dict[int, str]]:
        """The network, what turns an image into its input, where it runs, and the names of its classes."""
        _ = self.digest  # pinned before anything is read
        transformers = import_transformers(self.name)
        device = choose_device(self._config.device)
        network = load_pretrained(self._folder, self.name, transformers.AutoModelForImageClassification, device)
        names = {int(number): " ".join(str(name).split()) for number, name in network.config.id2label.items()}
        return network, _preparation(self._folder, self.name, network.config), device, names


def _preparation(folder: Path, name: str, config: Any) -> Any:
    path = folder / "preprocessor_config.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        mean = np.asarray(values["image_mean"], dtype=np.float32)
        deviation = np.asarray(values["image_std"], dtype=np.float32)
        size = values.get("size") or config.image_size
        side = int(size.get("height") or size["shortest_edge"]) if isinstance(size, dict) else int(size)
        if mean.shape != (RGB,) or deviation.shape != (RGB,) or side < 1:
            raise ValueError("mean and deviation of three channels and a positive size are needed")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"landmarks: {path} of {name} is missing or damaged ({error!r})") from error

    def prepare(image: Image) -> Any:
        from PIL import Image as Pictures

        resized = Pictures.fromarray(image).resize((side, side), Pictures.Resampling.BICUBIC)
        scaled = np.asarray(resized, dtype=np.float32) / 255.0
        return ((scaled - mean) / deviation).transpose(2, 0, 1)

    return prepare
