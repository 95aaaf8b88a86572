"""Images at another size, as the planes of 32-bit floats that a network takes.

Bilinear with antialiasing, as Pillow's: a triangle as wide as two pixels of the wanted size, or of the image where it is
enlarged. Along an axis that is a matrix with a few values a row, made once for each pair of lengths. Down, it is multiplied
as a sparse matrix, by rows in which the three planes lie side by side; across, where that would need the image turned, in
blocks of columns, of which each needs a few neighbours only. The planes come out as the network takes them, neither rounded
between the passes nor laid out anew.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.models.protocols import Image
from tasks.models.scratch import Scratch

if TYPE_CHECKING:
    from scipy import sparse

Planes = NDArray[np.float32]
"""Pixels ``(3, height, width)`` from 0 to 255."""

_WORTH_AVERAGING = 4
"""Pixels of a block from which whole blocks are averaged first: an image twice too large both ways, or four times one way."""

_BLOCK = 16  # columns made by one product: more would multiply more zeros, fewer make more calls
_ONE_THREAD = 2**18  # multiplications from which OpenBLAS starts threads, beside those that images are spread over
_AXES = 512  # pairs of lengths kept; each takes 30 to 80 kB

_scratch = Scratch()


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """``made`` columns are the ``taken`` ones times ``matrix``, for at most ``rows`` at once."""

    taken: slice
    made: slice
    matrix: NDArray[np.float32]
    rows: int


@lru_cache(maxsize=_AXES)
def _weights(length: int, extent: float, wanted: int) -> "sparse.csr_array":
    """The matrix ``(wanted, length)`` that spreads the first ``extent`` of ``length`` pixels over ``wanted``.

    For each pixel its triangle, made to sum to 1.
    """
    from scipy import sparse

    scale = extent / wanted
    reach = max(scale, 1.0)
    centres = (np.arange(wanted) + 0.5) * scale
    first = np.maximum(np.floor(centres - reach + 0.5).astype(np.intp), 0)
    places = first[:, None] + np.arange(int(np.ceil(2 * reach)) + 1)
    shares = np.maximum(0.0, 1 - np.abs(places + 0.5 - centres[:, None]) / reach) * (places < length)
    shares /= shares.sum(axis=1, keepdims=True)
    rows, taps = np.nonzero(shares)
    entries: Any = shares[rows, taps].astype(np.float32), (rows.astype(np.int32), places[rows, taps].astype(np.int32))
    return sparse.csr_array(sparse.coo_array(entries, shape=(wanted, length)))


@lru_cache(maxsize=_AXES)
def _blocks(length: int, extent: float, wanted: int) -> tuple[_Block, ...]:
    """:func:`_weights` in blocks, turned."""
    whole = _weights(length, extent, wanted)
    step = 2 * _BLOCK if wanted > 1.5 * extent else _BLOCK
    blocks = []
    for start in range(0, wanted, step):
        made = slice(start, min(start + step, wanted))
        part = whole[made]
        taken = slice(int(part.indices.min()), int(part.indices.max()) + 1)
        matrix = np.ascontiguousarray(part.toarray()[:, taken].T)
        blocks.append(_Block(taken, made, matrix, max(1, _ONE_THREAD // matrix.size)))
    return tuple(blocks)


def _down(rows: Planes, extent: float, out: Planes) -> None:
    """Change the number of rows, of which each has its three planes side by side: ``(rows, 3, columns)``."""
    from scipy.sparse._sparsetools import csr_matvecs  # what `@` calls, which cannot write into memory that is there

    weights = _weights(len(rows), extent, len(out))
    out.fill(0)
    csr_matvecs(
        *weights.shape, out[0].size, weights.indptr, weights.indices, weights.data, rows.reshape(-1), out.reshape(-1)
    )


def _across(planes: Planes, extent: float, out: Planes) -> None:
    """Change the number of columns."""
    for block in _blocks(planes.shape[2], extent, out.shape[2]):
        for first in range(0, planes.shape[1], block.rows):
            some = slice(first, first + block.rows)
            np.matmul(planes[:, some, block.taken], block.matrix, out=out[:, some, block.made])


def resample(image: Image, out: Planes, *, bgr: bool = False) -> None:
    """Write ``image`` ``(rows, columns, 3)`` into ``out``, at its size; red first, or blue first where asked.

    An image that is many times too large is first reduced by averaging whole blocks, to no less than the wanted size.
    """
    _, height, width = out.shape
    rows, columns = image.shape[:2]
    step = -1 if bgr else 1
    if (rows, columns) == (height, width):
        out[::step] = image.transpose(2, 0, 1)
        return
    down, across = max(1, rows // height), max(1, columns // width)
    if down * across < _WORTH_AVERAGING:
        down = across = 1
    made = _scratch.take("rows", -(-rows // down), 3, -(-columns // across))
    if down == across == 1:
        made[:, ::step] = image.transpose(0, 2, 1)
    else:
        _average(image, down, across, made[:, ::step])
    # How much of it is the image: its last row and column may be parts.
    extent_y, extent_x = rows / down, columns / across
    if (len(made), extent_y) != (height, height):
        half = _scratch.take("half", height, *made.shape[1:])
        _down(made, extent_y, half)
        made = half
    if (made.shape[2], extent_x) != (width, width):
        _across(made.transpose(1, 0, 2), extent_x, out)
    else:
        out[:] = made.transpose(1, 0, 2)


def _average(image: Image, down: int, across: int, out: Planes) -> None:
    """Write the means of blocks of ``down`` x ``across`` pixels into ``out`` ``(rows, 3, columns)``; the last may be parts.

    Rows are added whole, as they lie: of an image three times too large, that leaves a third to be picked apart.
    """
    rows, columns = image.shape[:2]
    kind = np.uint16 if 255 * down * across < 2**16 else np.uint32
    sums = _scratch.take("sums", len(out), columns, 3, kind=kind)
    _add_every(image, down, sums)
    for plane in range(3):
        wide = _scratch.take("wide", len(out), out.shape[2], kind=kind)
        _add_every(sums[:, :, plane].T, across, wide.T)
        out[:, plane] = wide
    widths = np.full(out.shape[2], across)
    widths[-1] = columns - across * (len(widths) - 1)
    out *= (1 / (down * widths)).astype(np.float32)
    out[-1] *= down / (rows - down * (len(out) - 1))


def _add_every(values: NDArray[Any], step: int, out: NDArray[Any]) -> None:
    """Write the sums of each ``step`` values along the first axis into ``out``, the last of what is left."""
    whole = len(values) // step
    first = values[: whole * step]
    out[:whole] = first[::step]
    for k in range(1, step):
        np.add(out[:whole], first[k::step], out=out[:whole])
    if whole < len(out):
        out[whole] = values[whole * step :].sum(axis=0)
