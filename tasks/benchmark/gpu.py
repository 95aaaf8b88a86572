"""How busy a GPU is, and how much of its memory is taken, as its driver says: by NVML, else by ``nvidia-smi``."""

import contextlib
import shutil
import statistics
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

SETTLE_S = 1.0
"""The driver tells of the last second at most: what it says before that is of what went before."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Per cent of the last moments in which a kernel ran, and bytes of memory that are taken, by whomever."""

    busy: float
    used_bytes: int


Read = Callable[[], Reading]


@dataclass(frozen=True, slots=True)
class Card:
    """A GPU: its name, its driver, its memory, and what reads its counters (None where nothing can)."""

    name: str
    driver: str
    memory_bytes: int
    read: Read | None


def open_card(torch: Any, index: int) -> Card:
    """The GPU that torch calls ``index``. It is found by its UUID, as torch may see the machine's GPUs in another order."""
    facts = torch.cuda.get_device_properties(index)
    uuid = f"GPU-{getattr(facts, 'uuid', '')}".replace("GPU-GPU-", "GPU-")
    driver, read = _by_library(uuid) or _by_command(uuid) or ("", None)
    return Card(str(facts.name), driver, int(facts.total_memory), read)


def _by_library(uuid: str) -> tuple[str, Read] | None:
    """Through nvidia-ml-py; None where it is not installed or cannot tell of this GPU."""
    try:
        import pynvml
    except ImportError:
        return None

    def read() -> Reading:
        busy = pynvml.nvmlDeviceGetUtilizationRates(handle).gpu
        return Reading(float(busy), int(pynvml.nvmlDeviceGetMemoryInfo(handle).used))

    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByUUID(uuid)
        read()
        return _text(pynvml.nvmlSystemGetDriverVersion()), read
    except pynvml.NVMLError:  # a part of a GPU (MIG) tells of no use
        return None


def _by_command(uuid: str) -> tuple[str, Read] | None:
    """Through the command that comes with the driver; None where it is not there or cannot tell of this GPU."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None

    def ask(fields: str) -> list[str]:
        command = [program, f"--id={uuid}", f"--query-gpu={fields}", "--format=csv,noheader,nounits"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603 - its own path
        return [field.strip() for field in done.stdout.strip().split(",")]

    def read() -> Reading:
        busy, used = ask("utilization.gpu,memory.used")
        return Reading(float(busy), int(float(used)) * 2**20)

    try:
        read()
        return ask("driver_version")[0], read
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


class Watch:
    """Reads a GPU's counters inside its block, from a thread of its own.

    Attributes:
        busy: mean per cent, without the first :data:`SETTLE_S`; None where nothing was read after it.
        peak_bytes: most memory that was taken; None where nothing was read.
    """

    def __init__(self, read: Read | None, every_s: float = 0.1, settle_s: float = SETTLE_S) -> None:
        """``read`` may be None, and then nothing is measured."""
        self.busy: float | None = None
        self.peak_bytes: int | None = None
        self._read = read
        self._every_s, self._settle_s = every_s, settle_s
        self._readings: list[tuple[float, Reading]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="gpu-watch", daemon=True)

    def __enter__(self) -> Self:
        """Start reading."""
        self._begun = time.monotonic()
        self._thread.start()
        return self

    def _sample(self) -> None:
        while self._read is not None and not self._stop.wait(self._every_s):
            with contextlib.suppress(Exception):  # one reading less; each library has its own errors
                self._readings.append((time.monotonic(), self._read()))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and work out what was seen."""
        self._stop.set()
        self._thread.join()
        settled = [reading.busy for when, reading in self._readings if when - self._begun >= self._settle_s]
        if settled:
            self.busy = statistics.fmean(settled)
        if self._readings:
            self.peak_bytes = max(reading.used_bytes for _, reading in self._readings)
