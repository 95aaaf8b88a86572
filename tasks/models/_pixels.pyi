"""The compiled part of :mod:`tasks.models.resampling`, from ``pixels.c``.

A part of an image is ``(top, left, height, width)`` and may reach beyond it. An axis is ``first`` ``(made,)`` of 32-bit integers
and weights of 32-bit floats: down ``(made, taps)``, across ``(made, 8 pairs)``. ``resample`` raises ``TypeError`` or
``ValueError`` for what does not fit together.
"""

import numpy as np
from numpy.typing import NDArray

VERSION: int

_Part = tuple[int, int, int, int]
_Axis = tuple[NDArray[np.int32], NDArray[np.float32]]
_Channels = tuple[float, float, float]

def resample(
    image: NDArray[np.uint8],
    part: _Part,
    down: _Axis,
    across: _Axis,
    out: NDArray[np.float32],
    scale: _Channels,
    shift: _Channels,
    /,
) -> None: ...
