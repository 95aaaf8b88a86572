"""What the torch image encoders share: crops into squares on threads, one transfer a batch, embeddings and tags."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from schemas.errors import ModelError
from tasks.models.device import BatchLimit, Device, available_cores, batch_sizes, choose_device, finish, import_torch
from tasks.models.embeddings import normalise
from tasks.models.hub import fetch
from tasks.models.options import Options
from tasks.models.production import ProductionModel, pin
from tasks.models.protocols import Bare, Embeddings, Image
from tasks.models.staging import Staging
from tasks.models.zero_shot import Answers, embed_questions, shipped_questions, tag_images


@dataclass(frozen=True, slots=True)
class Network:
    """A loaded encoder.

    ``images`` takes a float tensor ``(n, 3, side, side)``, normalised, and gives ``(n, dimension)``; ``texts`` takes words
    and gives the same, None without a text side; ``temperature`` is the factor on cosines that goes with it. ``mean`` and
    ``deviation`` are of RGB from 0 to 1; ``bilinear`` says that it was trained on images shrunk by Pillow's bilinear
    filter, where most take the bicubic one.
    """

    dimension: int
    side: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    images: Callable[[Any], Any]
    texts: Callable[[Sequence[str]], Any] | None
    temperature: float
    bilinear: bool = False


Loader = Callable[[Path, ProductionModel, Device], Network]


class TorchEncoder:
    """An :class:`~tasks.models.protocols.AppearanceModel` around a network that a loader builds.

    Crops are stretched to the network's square with Pillow's antialiased filter, as the libraries do when told to squash:
    a tall crop of a person keeps its head and feet, which cutting out the middle would lose.
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
        self._staging: Staging | None = None

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
        rows = [row for squares in self._prepared(crops) for row in self._limit.run(squares, self._embed_squares)]
        return normalise(np.array(rows, np.float32))

    def tag(self, images: Sequence[Image]) -> list[list[tuple[str, float]]]:
        """Place, setting, light, time of day and scale of whole frames, best first; empty without a text side."""
        network = self._ready()
        if network.texts is None or not len(images):
            return [[] for _ in images]
        if self._answers is None:
            self._answers = embed_questions(shipped_questions(), self._embed_texts)
        return tag_images(self.embed(images), self._answers, network.temperature)

    def bare(self, count: int) -> Bare:
        """The network alone, as :meth:`embed` and :meth:`tag` run it on so many crops or frames."""
        torch = import_torch()
        network = self._ready()
        sizes = batch_sizes(count, self._limit.most)
        kind = torch.float16 if self._device.half else torch.float32
        shape = (3, network.side, network.side)
        ready = {size: torch.rand(size, *shape, device=self._device.name, dtype=kind) for size in set(sizes)}

        def work() -> None:
            with torch.inference_mode():
                for size in sizes:
                    network.images(ready[size])
            finish(torch, self._device)

        return work

    def _prepared(self, crops: Sequence[Image]) -> Iterator[Any]:
        """Crops as bytes ``(n, side, side, 3)``, a batch at a time; for a GPU, the next while it works on the last."""
        network, most = self._ready(), self._limit.most
        batches = [crops[first : first + most] for first in range(0, len(crops), most)]
        if self._staging is None:
            self._staging = Staging(import_torch(), self._device)

        def prepare(batch: Sequence[Image], squares: Any) -> Any:
            fill_squares(squares.numpy(), batch, bilinear=network.bilinear)
            return squares

        if not self._device.on_gpu:
            for batch in batches:
                yield prepare(batch, self._staging.take(len(batch), network.side))
            return
        with ThreadPoolExecutor(1) as pool:
            ready: Future[Any] | None = None
            for batch in batches:
                following = pool.submit(prepare, batch, self._staging.take(len(batch), network.side))
                if ready is not None:
                    yield ready.result()
                ready = following
            if ready is not None:
                yield ready.result()

    def _embed_squares(self, squares: Any) -> Embeddings:
        torch = import_torch()
        network = self._ready()
        with torch.inference_mode():
            values = squares.to(self._device.name, non_blocking=True)
            pixels = normalised(torch, values, network, self._device.half)
            # Waits until the card is done, and so with what it was given: the memory may be written to again.
            found: Embeddings = network.images(pixels).float().cpu().numpy()
        return found

    def _embed_texts(self, texts: Sequence[str]) -> Embeddings:
        torch = import_torch()
        encode = self._ready().texts
        assert encode is not None  # noqa: S101 - tag() asks for it first
        with torch.inference_mode():
            vectors: Embeddings = encode(texts).float().cpu().numpy()
        return normalise(vectors)


def fill_squares(squares: NDArray[np.uint8], crops: Sequence[Image], *, bilinear: bool = False) -> None:
    """Stretch crops into squares ``(n, side, side, 3)``, on threads, since Pillow lets the interpreter go."""
    side = squares.shape[1]
    resampling = PillowImage.Resampling.BILINEAR if bilinear else PillowImage.Resampling.BICUBIC

    def place(index: int) -> None:
        picture = PillowImage.fromarray(np.ascontiguousarray(crops[index]))
        squares[index] = np.asarray(picture.resize((side, side), resampling))

    workers = min(available_cores(), len(crops))
    if workers <= 1:
        for index in range(len(crops)):
            place(index)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(place, range(len(crops))))


def normalised(torch: Any, squares: Any, network: Network, half: bool) -> Any:
    """Bytes ``(n, side, side, 3)`` as ``(n, 3, side, side)``, from 0 to 1, less the mean, by the deviation."""
    mean = torch.tensor(network.mean, device=squares.device).view(1, 3, 1, 1)
    deviation = torch.tensor(network.deviation, device=squares.device).view(1, 3, 1, 1)
    values = squares.permute(0, 3, 1, 2).float().div_(255).sub_(mean).div_(deviation)
    return values.half() if half else values.contiguous()
