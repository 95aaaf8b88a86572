"""Batches on their way to a GPU: the same embeddings, prepared while the card is busy, in memory that is used again.

There is no card here: the processor plays it, under a name that the adapter takes for one.
"""

import threading
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tasks.models import encoder
from tasks.models.device import Device
from tasks.models.encoder import TorchEncoder
from tasks.models.options import Options
from tasks.models.protocols import Image
from tasks.models.staging import Staging
from tasks.models.transformers_encoder import create_dinov2
from tests.tasks.models.production.networks import listed, make_dinov2, pictures

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

CARD = Device("cpu:0", False)


class Memory:
    """Notes what is asked of torch, and gives ordinary memory for pinned."""

    uint8 = torch.uint8

    def __init__(self) -> None:
        self.asked: list[tuple[tuple[int, ...], bool]] = []

    def empty(self, shape: tuple[int, ...], dtype: Any, pin_memory: bool) -> Any:
        """As torch's."""
        self.asked.append((shape, pin_memory))
        return torch.empty(shape, dtype=dtype)


@pytest.mark.parametrize(("device", "pinned"), [(Device("cpu", False), False), (Device("cuda:1", True), True)])
def test_two_buffers_in_turn_pinned_for_a_gpu(device: Device, pinned: bool) -> None:
    memory = Memory()
    staging = Staging(memory, device)
    first, second, third, fourth = (staging.take(count, 8) for count in (4, 4, 3, 4))
    assert [t.shape for t in (first, second, third)] == [(4, 8, 8, 3), (4, 8, 8, 3), (3, 8, 8, 3)]
    assert memory.asked == [((4, 8, 8, 3), pinned)] * 2, "allocated once each"
    assert first.data_ptr() == third.data_ptr()
    assert second.data_ptr() == fourth.data_ptr()
    assert first.data_ptr() != second.data_ptr()
    assert staging.take(9, 8).shape == (9, 8, 8, 3), "a larger batch gets a larger buffer"
    assert staging.take(2, 16).shape == (2, 16, 16, 3)


def on_card(adapter: TorchEncoder, monkeypatch: pytest.MonkeyPatch) -> TorchEncoder:
    """The adapter as it is where a GPU was found."""
    monkeypatch.setattr(encoder, "choose_device", lambda *_: CARD)
    monkeypatch.setattr(encoder, "Staging", lambda _, device: Staging(Memory(), device))
    adapter.load()
    return adapter


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_dinov2(tmp_path / "dinov2")


def make(folder: Path, batch: int) -> TorchEncoder:
    model = listed("dinov2-base", "appearance", settings={"dimension": "24"})
    return create_dinov2(model, Options(weights=str(folder), batch=batch, device="cpu"))


@pytest.mark.parametrize("count", [1, 4, 5, 13])
def test_the_same_embeddings(count: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crops = pictures(count)
    expected = make(folder, 4).embed(crops)
    adapter = on_card(make(folder, 4), monkeypatch)
    np.testing.assert_array_equal(adapter.embed(crops), expected)
    np.testing.assert_array_equal(adapter.embed(crops), expected)


def test_the_next_batch_is_prepared_while_the_card_works(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = on_card(make(folder, 4), monkeypatch)
    real_fill, real_embed = encoder.fill_squares, adapter._embed_squares
    prepared = [threading.Event() for _ in range(3)]
    waited: list[bool] = []

    def fill(squares: Any, crops: Sequence[Image], *, bilinear: bool) -> None:
        real_fill(squares, crops, bilinear=bilinear)
        next(event for event in prepared if not event.is_set()).set()

    def embed(squares: Any) -> Any:
        before = squares.clone()
        if len(waited) < 2:
            waited.append(prepared[len(waited) + 1].wait(10))
        assert torch.equal(before, squares), "what the card works on is left alone"
        return real_embed(squares)

    monkeypatch.setattr(encoder, "fill_squares", fill)
    monkeypatch.setattr(adapter, "_embed_squares", embed)
    assert adapter.embed(pictures(12)).shape == (12, 24)
    assert waited == [True, True]


def test_a_card_that_runs_out_of_memory_does_the_same_rows_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crops = pictures(21)
    expected = make(folder, 8).embed(crops)
    adapter = on_card(make(folder, 8), monkeypatch)
    real, sizes = adapter._embed_squares, []

    def scarce(squares: Any) -> Any:
        sizes.append(len(squares))
        if len(squares) > 3:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return real(squares)

    monkeypatch.setattr(adapter, "_embed_squares", scarce)
    np.testing.assert_allclose(adapter.embed(crops), expected, atol=1e-3)
    assert adapter._limit.most == 2
    sizes.clear()
    np.testing.assert_allclose(adapter.embed(crops), expected, atol=1e-3)
    assert max(sizes) == 2, "what fits is remembered, for what is prepared as well"


def test_a_crop_that_cannot_be_prepared_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = on_card(make(folder, 2), monkeypatch)
    broken: Any = SimpleNamespace()
    with pytest.raises((TypeError, ValueError)):
        adapter.embed([*pictures(4), broken])
    assert adapter.embed(pictures(2)).shape == (2, 24)
