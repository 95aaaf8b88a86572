"""What the torch image encoders share: crops into squares on threads, one transfer a batch, embeddings and tags."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from schemas.errors import ModelError
from tasks.models.device import BatchLimit, Device, choose_device, import_torch
from tasks.models.embeddings import normalise
from tasks.models.hub import fetch
from tasks.models.options import Options
from tasks.models.production import ProductionModel, pin
from tasks.models.protocols import Embeddings, Image
from tasks.models.sessions import available_cores
from tasks.models.zero_shot import Answers, embed_questions, shipped_questions, tag_images


@dataclass(frozen=True, slots=True)
class Network:
    """A loaded encoder.

    ``images`` takes a float tensor ``(n, 3, side, side)``, normalised, and gives ``(n, dimension)``; ``texts`` takes words
    and gives the same, None without a text side; ``temperature`` is the factor on cosines that goes with it. ``mean`` and
    ``deviation`` are of RGB from 0 to 1.
    """

    dimension: int
    side: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    images: Callable[[Any], Any]
    texts: Callable[[Sequence[str]], Any] | None
    temperature: float


Loader = Callable[[Path, ProductionModel, Device], Network]


class TorchEncoder:
    """An :class:`~tasks.models.protocols.AppearanceModel` around a network that a loader builds.

    Crops are stretched to the network's square with Pillow's antialiased bicubic filter, as the libraries do when told to
    squash: a tall crop of a person keeps its head and feet, which cutting out the middle would lose.
    """

    def __init__(self, model: ProductionModel, options: Options, load: Loader) -> None:
        """Prepare, without importing or loading anything; ``load`` builds the network from its weights."""
        self._model = model
        self._options = options
        self._load = load
        self._pin = pin(model, options)
        self._network: Network | None = None
        self._device = Device("cpu", False)
        self._answers: tuple[Answers, ...] | None = None
        self._limit = BatchLimit(model.name, options.batch)

    @property
    def name(self) -> str:
        """Name of the model."""
        return self._model.name

    @property
    def digest(self) -> str:
        """sha256 of the weights, or the commit they are pinned to."""
        return self._pin

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        return self._ready().dimension if self._options.weights else int(self._model.settings["dimension"])

    def load(self) -> None:
        """Load the weights now.

        Raises:
            ConfigError: a library or the device is missing.
            ModelError: the weights are missing, not the pinned ones, or not of this architecture.
        """
        self._ready()

    def _ready(self) -> Network:
        if self._network is None:
            self._device = choose_device(self._options.device, self._options.precision)
            path = fetch(self._model, self._options)
            network = self._load(path, self._model, self._device)
            expected = int(self._model.settings.get("dimension", network.dimension))
            if not self._options.weights and network.dimension != expected:
                raise ModelError(
                    f"model {self.name} gives {network.dimension} values a crop, not {expected}: wrong weights"
                )
            self._network = network
        return self._network

    def embed(self, crops: Sequence[Image]) -> Embeddings:
        """Embeddings of crops, shape ``(len(crops), dimension)``."""
        network = self._ready()
        if not len(crops):
            return np.zeros((0, network.dimension), np.float32)
        return normalise(np.array(self._limit.run(crops, self._embed_batch), np.float32))

    def tag(self, images: Sequence[Image]) -> list[list[tuple[str, float]]]:
        """Place, setting, light, time of day and scale of whole frames, best first; empty without a text side."""
        network = self._ready()
        if network.texts is None or not len(images):
            return [[] for _ in images]
        if self._answers is None:
            self._answers = embed_questions(shipped_questions(), self._embed_texts)
        return tag_images(self.embed(images), self._answers, network.temperature)

    def _embed_batch(self, crops: Sequence[Image]) -> Embeddings:
        torch = import_torch()
        network = self._ready()
        squares = torch.from_numpy(make_squares(crops, network.side))
        if self._device.on_gpu:
            squares = squares.pin_memory()
        with torch.inference_mode():
            values = squares.to(self._device.name, non_blocking=True)
            pixels = normalised(torch, values, network, self._device.half)
            found: Embeddings = network.images(pixels).float().cpu().numpy()
        return found

    def _embed_texts(self, texts: Sequence[str]) -> Embeddings:
        torch = import_torch()
        encode = self._ready().texts
        assert encode is not None  # noqa: S101 - tag() asks for it first
        with torch.inference_mode():
            vectors: Embeddings = encode(texts).float().cpu().numpy()
        return normalise(vectors)


def make_squares(crops: Sequence[Image], side: int) -> NDArray[np.uint8]:
    """Crops stretched to squares, ``(n, side, side, 3)``; resized on threads, since Pillow lets the interpreter go."""
    squares = np.empty((len(crops), side, side, 3), np.uint8)

    def place(index: int) -> None:
        picture = PillowImage.fromarray(np.ascontiguousarray(crops[index]))
        squares[index] = np.asarray(picture.resize((side, side), PillowImage.Resampling.BICUBIC))

    workers = min(available_cores(), len(crops))
    if workers <= 1:
        for index in range(len(crops)):
            place(index)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(place, range(len(crops))))
    return squares


def normalised(torch: Any, squares: Any, network: Network, half: bool) -> Any:
    """Bytes ``(n, side, side, 3)`` as ``(n, 3, side, side)``, from 0 to 1, less the mean, by the deviation."""
    mean = torch.tensor(network.mean, device=squares.device).view(1, 3, 1, 1)
    deviation = torch.tensor(network.deviation, device=squares.device).view(1, 3, 1, 1)
    values = squares.permute(0, 3, 1, 2).float().div_(255).sub_(mean).div_(deviation)
    return values.half() if half else values.contiguous()
