"""Memory that a thread writes its next input into.

An input of a network takes megabytes. Asked for anew each time, the system hands it out page by page, which takes longer
than to compute what is written there: 0.5 ms a megabyte where pages are dear, ten times the arithmetic.
"""

import math
import threading
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


class Scratch(threading.local):
    """Arrays by name, of each thread its own, as large as the largest that was asked for."""

    def __init__(self) -> None:
        self._held: dict[str, NDArray[np.uint8]] = {}

    def take(self, name: str, *shape: int, kind: DTypeLike = np.float32) -> NDArray[Any]:
        """An array with anything in it, valid until this thread takes ``name`` again."""
        size = math.prod(shape) * np.dtype(kind).itemsize
        held = self._held.get(name)
        if held is None or held.size < size:
            held = self._held[name] = np.empty(size, np.uint8)
        return held[:size].view(kind).reshape(shape)
