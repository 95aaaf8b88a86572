"""What a piece of work costs: wall and processor time, peak memory, bytes read, seconds on a GPU.

Processor time and memory are those of the process: stages that run in it at once (engine ``threads``, drafting with a model) each
carry the whole.
Bytes read are those of the calling thread, through ``read``; memory maps are not seen. Where the system does not tell (no
``/proc``), memory and bytes are 0.
"""

import os
import sys
import threading
import time
from pathlib import Path
from typing import Self

_SAMPLE_S = 0.05
_PROC = Path("/proc")


def resident_bytes() -> int:
    """Memory of this process that lies in RAM now; 0 where the system does not say."""
    try:
        return int((_PROC / "self" / "statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def thread_read_bytes() -> int:
    """Bytes that the calling thread has read so far, from files and caches alike; 0 where the system does not say."""
    try:
        lines = (_PROC / "thread-self" / "io").read_text(encoding="ascii").splitlines()
        return next(int(line.partition(":")[2]) for line in lines if line.startswith("rchar:"))
    except (OSError, ValueError, StopIteration):
        return 0


def gpu_in_use() -> bool:
    """Whether this process has opened a GPU through torch, which is never imported to find out."""
    torch = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    return bool(cuda is not None and cuda.is_initialized())


class Meter:
    """Measures what happens inside its block, on the thread that enters it.

    Attributes:
        seconds: wall time, without what :meth:`waited` was told of.
        cpu_s: processor time of the process.
        gpu_s: wall time in which the work held a GPU; see :meth:`held_models`.
        peak_bytes: most resident memory of the process, sampled every 50 ms.
        read_bytes: read by this thread.
    """

    def __init__(self) -> None:
        """Nothing is measured yet."""
        self.seconds = self.cpu_s = self.gpu_s = 0.0
        self.peak_bytes = self.read_bytes = 0
        self._waited_s = 0.0
        self._stop = threading.Event()
        self._sampler = threading.Thread(target=self._sample, name="memory-sampler", daemon=True)

    def __enter__(self) -> Self:
        """Start every clock."""
        self._read_before = thread_read_bytes()
        self.peak_bytes = resident_bytes()
        self._cpu_before = time.process_time()
        self._before = time.monotonic()
        self._sampler.start()
        return self

    def waited(self, seconds: float) -> None:
        """Leave out time in which the work only stood in a queue."""
        self._waited_s += seconds

    def held_models(self, seconds: float) -> None:
        """Note for how long the work held the machine's models; on a GPU these are its GPU seconds."""
        if gpu_in_use():
            self.gpu_s += seconds

    def __exit__(self, *_: object) -> None:
        """Stop every clock."""
        self.seconds = time.monotonic() - self._before - self._waited_s
        self.cpu_s = time.process_time() - self._cpu_before
        self._stop.set()
        self._sampler.join()
        self.peak_bytes = max(self.peak_bytes, resident_bytes())
        self.read_bytes = max(0, thread_read_bytes() - self._read_before)

    def _sample(self) -> None:
        while not self._stop.wait(_SAMPLE_S):
            self.peak_bytes = max(self.peak_bytes, resident_bytes())
