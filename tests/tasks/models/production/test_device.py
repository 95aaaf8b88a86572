"""Devices, and what happens when memory runs out: with a torch that is told what it has."""

import sys
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ConfigError, ModelError
from tasks.models import device
from tasks.models.device import BatchLimit, Device, choose_device, is_out_of_memory


def torch_with(gpus: int = 0, capability: tuple[int, int] = (9, 0), built: str | None = "13.0") -> Any:
    return SimpleNamespace(
        version=SimpleNamespace(cuda=built),
        cuda=SimpleNamespace(
            is_available=lambda: gpus > 0,
            device_count=lambda: gpus,
            get_device_capability=lambda index: capability,
            get_arch_list=lambda: ["sm_75", "sm_80", "sm_90a", "compute_90"],
            empty_cache=lambda: None,
        ),
    )


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Any:
    def put(torch: Any) -> None:
        monkeypatch.setattr(device, "import_torch", lambda: torch)

    return put


@pytest.mark.parametrize(
    ("gpus", "wanted", "precision", "found"),
    [
        (0, "auto", "auto", Device("cpu", False)),
        (0, "cpu", "float32", Device("cpu", False)),
        (2, "auto", "auto", Device("cuda:0", True)),
        (2, "auto", "float32", Device("cuda:0", False)),
        (2, "cpu", "auto", Device("cpu", False)),
        (2, "cuda", "auto", Device("cuda:0", True)),
        (2, "cuda:1", "float16", Device("cuda:1", True)),
    ],
)
def test_choice(gpus: int, wanted: str, precision: str, found: Device, use: Any) -> None:
    use(torch_with(gpus))
    assert choose_device(wanted, precision) == found


@pytest.mark.parametrize(
    ("torch", "wanted", "precision", "told"),
    [
        (torch_with(0), "cuda", "auto", "CUDA finds no GPU or no driver"),
        (torch_with(0, built=None), "cuda", "auto", "this torch is a build without CUDA"),
        (torch_with(2), "cuda:2", "auto", "there are 2 GPUs, numbered from 0"),
        (torch_with(1, (7, 0)), "cuda", "auto", "compute capability 7.0 is below 7.5 of this torch"),
        (torch_with(0), "auto", "float16", "float16 needs a GPU"),
        (torch_with(1), "gpu", "auto", "unknown device 'gpu'"),
        (torch_with(1), "cuda:", "auto", "unknown device 'cuda:'"),
        (torch_with(1), "cuda:x", "auto", "unknown device 'cuda:x'"),
    ],
)
def test_what_cannot_be_used(torch: Any, wanted: str, precision: str, told: str, use: Any) -> None:
    use(torch)
    with pytest.raises(ConfigError, match=told.replace(".", r"\.")) as caught:
        choose_device(wanted, precision)
    assert "\n" not in str(caught.value)


def test_a_worker_that_sees_one_gpu_only_says_so(use: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Dask worker has one of the machine's GPUs, which is its first: ``auto`` takes it, another number is none of its own."""
    use(torch_with(1))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    assert choose_device() == Device("cuda:0", True)
    told = r"there are 1 GPUs, numbered from 0 \(CUDA_VISIBLE_DEVICES=3; leave device at auto\)$"
    with pytest.raises(ConfigError, match=told):
        choose_device("cuda:3")


def test_auto_passes_over_a_gpu_that_is_too_old(use: Any) -> None:
    use(torch_with(1, (6, 1)))
    assert choose_device() == Device("cpu", False)


def test_missing_torch_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ConfigError, match=r"pip install 'storyreasoning\[gpu\]'"):
        choose_device()


class OutOfMemoryError(RuntimeError):
    """Named as torch's."""


@pytest.mark.parametrize(
    ("error", "yes"),
    [
        (OutOfMemoryError("whatever"), True),
        (MemoryError(), True),
        (RuntimeError("CUDA out of memory. Tried to allocate"), True),
        (RuntimeError("cuBLAS error: CUBLAS_STATUS_ALLOC_FAILED when calling"), True),
        (RuntimeError("BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer"), True),
        (RuntimeError("size mismatch"), False),
        (KeyboardInterrupt("out of memory"), False),
    ],
)
def test_what_says_that_memory_ran_out(error: BaseException, yes: bool) -> None:
    assert is_out_of_memory(error) is yes


@given(st.integers(0, 40), st.integers(1, 40), st.integers(1, 40))
def test_every_item_comes_back_once_in_order_whatever_fits(count: int, most: int, fits: int) -> None:
    limit = BatchLimit("m", most)
    calls: list[list[int]] = []

    def call(part: Sequence[int]) -> list[int]:
        if len(part) > fits:
            raise OutOfMemoryError("CUDA out of memory")
        calls.append(list(part))
        return [10 * item for item in part]

    with patch("gc.collect"):  # which walks all that torch has loaded
        assert limit.run(range(count), call) == [10 * item for item in range(count)]
    assert sorted(item for part in calls for item in part) == list(range(count)), "nothing is done twice"
    failures = most - limit.most
    assert limit.most <= max(fits, most if count <= fits else fits)
    before = limit.most
    assert limit.run(range(count), call) == [10 * item for item in range(count)]
    assert limit.most == before, "what was learnt is remembered"
    assert failures >= 0


def test_halving_by_hand() -> None:
    sizes = []

    def call(part: Sequence[int]) -> Sequence[int]:
        sizes.append(len(part))
        if len(part) > 3:
            raise RuntimeError("CUDA out of memory")
        return part

    limit = BatchLimit("m", 16)
    limit.run(range(10), call)
    assert sizes == [10, 5, 2, 2, 2, 2, 2]
    sizes.clear()
    limit.run(range(5), call)
    assert sizes == [2, 2, 1]


def test_memory_for_not_even_one() -> None:
    def call(part: Sequence[int]) -> Sequence[int]:
        raise OutOfMemoryError("CUDA out of memory")

    with pytest.raises(ModelError, match="not enough memory for a single image of yolo26x") as caught:
        BatchLimit("yolo26x", 8).run(range(3), call)
    assert "\n" not in str(caught.value)


def test_other_errors_pass() -> None:
    def call(part: Sequence[int]) -> Sequence[int]:
        raise ValueError("not this")

    with pytest.raises(ValueError, match="not this"):
        BatchLimit("m", 8).run(range(3), call)


def test_results_may_be_arrays() -> None:
    import numpy as np

    found = BatchLimit("m", 2).run([[0, 1], [2, 3], [4, 5]], lambda part: np.asarray(part) * 2)
    assert np.array(found).tolist() == [[0, 2], [4, 6], [8, 10]]
