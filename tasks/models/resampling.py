"""Images at another size, as the planes of 32-bit floats that a network takes.

Bilinear with antialiasing, as Pillow's: a triangle as wide as two pixels of the wanted size, or of the image where it is
enlarged. Along an axis that is a matrix with a few values a row, made once for each pair of lengths. Down, it is multiplied
as a sparse matrix; across, where that would need the image turned, in blocks of columns, of which each needs a few
neighbours only. The planes come out as the network takes them, neither rounded between the passes nor laid out anew.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

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
def _stacked(length: int, extent: float, wanted: int) -> "sparse.csr_array":
    """:func:`_weights` for three planes, one above the other."""
    from scipy import sparse

    return sparse.csr_array(sparse.block_diag([_weights(length, extent, wanted)] * 3, format="csr"))


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


def _down(planes: Planes, extent: float, out: Planes) -> None:
    """Change the number of rows."""
    from scipy.sparse._sparsetools import csr_matvecs  # what `@` calls, which cannot write into memory that is there

    weights = _stacked(planes.shape[1], extent, out.shape[1])
    made = out if out.flags.c_contiguous else _scratch.take("made", *out.shape)
    made.fill(0)
    csr_matvecs(
        *weights.shape, planes.shape[2],
        weights.indptr, weights.indices, weights.data, planes.reshape(-1), made.reshape(-1),
    )  # fmt: skip
    if made is not out:
        out[:] = made


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
    image, extent_y, extent_x = _averaged(image, height, width)
    rows, columns = image.shape[:2]
    pixels = (image[..., ::-1] if bgr else image).transpose(2, 0, 1)
    same_rows, same_columns = (rows, extent_y) == (height, height), (columns, extent_x) == (width, width)
    if same_rows and same_columns:
        out[:] = pixels
        return
    planes = _scratch.take("planes", 3, rows, columns)
    planes[:] = pixels
    if same_rows:
        _across(planes, extent_x, out)
    elif same_columns:
        _down(planes, extent_y, out)
    elif height < rows:  # fewer rows first: less is left for the other pass
        half = _scratch.take("half", 3, height, columns)
        _down(planes, extent_y, half)
        _across(half, extent_x, out)
    else:
        half = _scratch.take("half", 3, rows, width)
        _across(planes, extent_x, half)
        _down(half, extent_y, out)


def _averaged(image: Image, height: int, width: int) -> tuple[Image, float, float]:
    """The image, or the means of its blocks, and how many rows and columns of it are the image: the last may be a part."""
    rows, columns = image.shape[:2]
    down, across = max(1, rows // height), max(1, columns // width)
    if across * down < _WORTH_AVERAGING:
        return image, rows, columns
    blocks = PillowImage.fromarray(np.ascontiguousarray(image)).reduce((across, down))
    return np.asarray(blocks), rows / down, columns / across
