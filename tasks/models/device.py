"""Where a torch model runs, in which precision, and how many items fit into one call of it."""

import gc
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeVar

from schemas.errors import ConfigError, ModelError

Item = TypeVar("Item")
Result = TypeVar("Result")

EXTRA = "pip install 'storyreasoning[gpu]'"

_OUT_OF_MEMORY = (
    "out of memory",
    "cublas_status_alloc_failed",
    "failed to allocate memory",
    "cudnn_status_alloc_failed",
)


@dataclass(frozen=True, slots=True)
class Device:
    """``name`` as torch writes it (``cpu``, ``cuda:0``); ``half`` for 16-bit floats instead of 32."""

    name: str
    half: bool

    @property
    def on_gpu(self) -> bool:
        """Whether it is a GPU."""
        return self.name != "cpu"

    @property
    def index(self) -> int:
        """Number of the GPU."""
        return int(self.name.partition(":")[2] or 0)


def choose_device(device: str = "auto", precision: str = "auto") -> Device:
    """The device of a configuration.

    Args:
        device: ``auto`` takes the first GPU that can be used, else the CPU; ``cpu``, ``cuda`` or ``cuda:1`` ask for one.
        precision: ``auto`` is 16 bits on a GPU and 32 on the CPU; ``float16`` or ``float32`` ask for one.

    Raises:
        ConfigError: torch is not installed, the GPU that was asked for is absent or cannot run this torch, or 16 bits were
            asked for on the CPU.
    """
    torch = import_torch()
    if device == "auto":
        name = "cuda:0" if torch.cuda.is_available() and not _too_old(torch, 0) else "cpu"
    elif device == "cpu":
        name = "cpu"
    else:
        name = _wanted_gpu(torch, device)
    if precision == "float16" and name == "cpu":
        raise ConfigError("precision float16 needs a GPU: set precision to auto or float32, or device to cuda")
    return Device(name, name != "cpu" and precision != "float32")


def _wanted_gpu(torch: Any, device: str) -> str:
    kind, _, number = device.partition(":")
    if kind != "cuda" or (number and not number.isdecimal()) or device.endswith(":"):
        raise ConfigError(f"unknown device '{device}': auto, cpu, cuda, or cuda with a number such as cuda:1")
    if not torch.cuda.is_available():
        built = "this torch is a build without CUDA" if torch.version.cuda is None else "CUDA finds no GPU or no driver"
        raise ConfigError(f"device {device} cannot be used: {built}; see nvidia-smi, or set device to cpu")
    index, count = int(number or 0), int(torch.cuda.device_count())
    if index >= count:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        only = f" (CUDA_VISIBLE_DEVICES={visible}; leave device at auto)" if visible is not None else ""
        raise ConfigError(f"device {device} cannot be used: there are {count} GPUs, numbered from 0{only}")
    if reason := _too_old(torch, index):
        raise ConfigError(f"device {device} cannot be used: {reason}; install a torch that still supports it")
    return f"cuda:{index}"


def _too_old(torch: Any, index: int) -> str:
    """Why the GPU cannot run the kernels of this torch; empty when it can."""
    major, minor = torch.cuda.get_device_capability(index)
    known = [name for name in torch.cuda.get_arch_list() if name.startswith("sm_")]
    # sm_90 runs on 9.0 and later 9.x; sm_90a only on 9.0: letters are left off, the first two parts decide.
    levels = [int("".join(ch for ch in name[3:] if ch.isdecimal())) for name in known]
    if not levels or major * 10 + minor >= min(levels):
        return ""
    return f"its compute capability {major}.{minor} is below {min(levels) // 10}.{min(levels) % 10} of this torch"


def import_library(module: str, what: str) -> Any:
    """A library of the extra, for what needs it.

    Raises:
        ConfigError: it is not installed; or it is, and cannot be imported, as with a torchvision of another torch.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise ConfigError(f"{what} needs {module}. Install with: {EXTRA}") from error
    except (RuntimeError, OSError, AttributeError) as error:
        told = " ".join(str(error).split())[:160]
        raise ConfigError(
            f"{what} needs {module}, which is installed but cannot be imported ({told}): "
            "install torch and torchvision of one release"
        ) from error


def import_torch() -> Any:
    """The torch module.

    Raises:
        ConfigError: it is not installed; the message names the extra.
    """
    try:
        import torch
    except ImportError as error:
        raise ConfigError(f"this model needs the gpu extra. Install with: {EXTRA}") from error
    return torch


def finish(torch: Any, device: Device) -> None:
    """Wait until the device has done what it was given."""
    if device.on_gpu:
        torch.cuda.synchronize(device.index)


def batch_sizes(count: int, most: int) -> list[int]:
    """How many items each call takes of ``count`` of them, at most ``most`` a call, as :meth:`BatchLimit.run` cuts them."""
    return [min(most, count - begun) for begun in range(0, count, most)]


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch, CUDA or ONNX Runtime says that memory ran out."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, Exception) and any(words in str(error).lower() for words in _OUT_OF_MEMORY)


class BatchLimit:
    """How many items one call of a model takes: halved when memory runs out, and remembered.

    A call that ran out of memory is repeated with the same items in halves, so no item is lost or done twice.
    """

    def __init__(self, name: str, most: int) -> None:
        """``name`` is the model's, for the message; ``most`` the number of items to begin with, at least 1."""
        self._name = name
        self._most = max(1, most)

    @property
    def most(self) -> int:
        """Items in one call from now on."""
        return self._most

    def run(self, items: Sequence[Item], call: Callable[[Sequence[Item]], Iterable[Result]]) -> list[Result]:
        """Results of ``call`` for all items, in order, at most :attr:`most` of them in one call.

        Raises:
            ModelError: memory does not suffice for one item.
        """
        results: list[Result] = []
        while len(results) < len(items):
            part = items[len(results) : len(results) + self._most]
            found = self._attempt(part, call)
            if found is None:
                self._shrink(len(part))
            else:
                results += found
        return results

    def _attempt(self, part: Sequence[Item], call: Callable[[Sequence[Item]], Iterable[Result]]) -> list[Result] | None:
        try:
            return list(call(part))
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        # Outside of the handler: its traceback would keep the tensors of the failed call alive.
        return None

    def _shrink(self, size: int) -> None:
        if size <= 1:
            raise ModelError(
                f"not enough memory for a single image of {self._name}: take a smaller model or input size, "
                "free the GPU, or set device to cpu"
            )
        self._most = size // 2
        gc.collect()
        release_cache()


def release_cache() -> None:
    """Give the GPU memory that torch holds in reserve back; nothing where torch was never imported."""
    import sys

    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


def available_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
