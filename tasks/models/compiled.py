"""What of the project is compiled, where it was: ``pixels.c``, which resizes images.

Installing compiles it where there is a C compiler. Without one everything works and gives the same to rounding, through
Pillow, but takes longer; ``storyreasoning doctor`` says which it is.
"""

from typing import Any

VERSION = 1
"""Of ``pixels.c``: what was compiled from another one is not used."""

pixels: Any
"""The module :mod:`tasks.models._pixels`, None where it cannot be used."""

try:
    from tasks.models import _pixels as _found
except ImportError:
    pixels, STATE = None, "images are resized by Pillow, which takes longer: nothing was compiled"
else:
    if _found.VERSION == VERSION:
        pixels, STATE = _found, "images are resized by compiled code"
    else:
        pixels, STATE = (
            None,
            "images are resized by Pillow, which takes longer: what was compiled is of an older source",
        )
