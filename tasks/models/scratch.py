"""Memory that a thread writes its next input into.

An input of a network takes megabytes. Asked for anew each time, the system hands it out page by page, which takes longer
than to compute what is written there: 0.5 ms a megabyte where pages are dear, ten times the arithmetic.
"""

import math
import threading

import numpy as np
from numpy.typing import NDArray


class Scratch(threading.local):
    """Arrays of 32-bit floats by name, of each thread its own, as large as the largest that was asked for."""

    def __init__(self) -> None:
        self._held: dict[str, NDArray[np.float32]] = {}

    def take(self, name: str, *shape: int) -> NDArray[np.float32]:
        """An array with anything in it, valid until this thread takes ``name`` again."""
        size = math.prod(shape)
        held = self._held.get(name)
        if held is None or held.size < size:
            held = self._held[name] = np.empty(size, np.float32)
        return held[:size].reshape(shape)
