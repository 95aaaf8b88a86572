"""Masks as run-length codes, in the compressed form of COCO (Lin et al., 2014; ``rleToString`` of its ``maskApi.c``).

A mask is read column by column; runs of 0 and 1 alternate, beginning with 0. Each length, from the fourth on less the
one two before it, is written in groups of five bits, lowest first, as characters from ``0`` on, with a sixth bit for
"more follows". The size of the mask is not part of the code: it is the size of its frame.
"""

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Places = NDArray[np.int64]

_BITS = 5
_SIGN = 1 << (_BITS - 1)
_MORE = 1 << _BITS
_FIRST = 48  # the character "0"
_GROUPS = 7  # 35 bits: more than any length needs


def encode_mask(mask: Mask) -> bytes:
    """The code of ``mask`` (height, width)."""
    return encode_region(mask, 0, 0, *mask.shape)


def encode_region(region: Mask, left: int, top: int, height: int, width: int) -> bytes:
    """The code of a mask of ``height`` x ``width`` that is 0 but for ``region`` (h, w) at column ``left``, row ``top``.

    Only the region is looked at: the time goes with its area, not with the frame's.

    Raises:
        ValueError: the region reaches beyond the mask.
    """
    rows, columns = region.shape
    if left < 0 or top < 0 or left + columns > width or top + rows > height:
        raise ValueError(f"a region of {columns}x{rows} at {left},{top} does not lie in {width}x{height}")
    padded = np.zeros((columns, rows + 2), np.int8)
    padded[:, 1:-1] = region.T
    # Where a column changes; sorted by column, then row, starts and ends alternate.
    column, row = np.nonzero(np.diff(padded, axis=1))
    return encode_runs(column[::2] + left, row[::2] + top, row[1::2] + top, height, width)


def encode_runs(columns: Places, starts: Places, ends: Places, height: int, width: int) -> bytes:
    """The code of a mask of ``height`` x ``width`` from its vertical runs, by column, then row.

    Run ``k`` covers rows ``starts[k]`` to ``ends[k] - 1`` of column ``columns[k]``; runs of a column do not touch.
    """
    places = np.stack([columns * height + starts, columns * height + ends], axis=1).ravel()
    if len(places) > 2:  # a run that goes on into the next column is one run
        joined = places[1:-1:2] == places[2::2]
        keep = np.ones(len(places), bool)
        keep[1:-1:2] = ~joined
        keep[2::2] = ~joined
        places = places[keep]
    return _write(np.diff(places, prepend=0, append=height * width))


def _write(lengths: NDArray[np.int64]) -> bytes:
    values = lengths.astype(np.int64)
    if len(values) > 1 and values[-1] == 0:
        values = values[:-1]  # a mask that ends with 1 has no last run of 0
    values[3:] -= values[1:-2].copy()
    groups = np.zeros((len(values), _GROUPS), np.uint8)
    used = np.zeros((len(values), _GROUPS), bool)
    open_ = np.ones(len(values), bool)
    for place in range(_GROUPS):
        low = values & (_MORE - 1)
        values = values >> _BITS
        more = np.where(low & _SIGN, values != -1, values != 0)
        groups[:, place] = low + np.where(more, _MORE, 0) + _FIRST
        used[:, place] = open_
        open_ = open_ & more
        if not open_.any():
            break
    return groups[used].tobytes()


def read_lengths(code: bytes) -> NDArray[np.int64]:
    """The lengths of the runs in a code, beginning with 0.

    Raises:
        ValueError: it is not such a code.
    """
    groups = np.frombuffer(code, np.uint8).astype(np.int64) - _FIRST
    if not len(groups) or (groups < 0).any() or (groups >= 2 * _MORE).any() or groups[-1] & _MORE:
        raise ValueError("not a run-length code")
    last = np.flatnonzero((groups & _MORE) == 0)
    first = np.concatenate([[0], last[:-1] + 1])
    value_of = np.repeat(np.arange(len(last)), last - first + 1)
    shift = _BITS * (np.arange(len(groups)) - first[value_of])
    values = np.zeros(len(last), np.int64)
    np.add.at(values, value_of, (groups & (_MORE - 1)) << shift)
    negative = (groups[last] & _SIGN) != 0
    values[negative] -= np.int64(1) << (shift[last][negative] + _BITS)
    # From the fourth on a value is the difference to the one two before: a running sum over every second one.
    for start in (1, 2):
        values[start::2] = np.cumsum(values[start::2])
    return values


def decode_mask(code: bytes, height: int, width: int) -> Mask:
    """The mask of a code, shape ``(height, width)``.

    Raises:
        ValueError: it is no code of a mask of that size.
    """
    lengths = read_lengths(code)
    if (lengths < 0).any() or lengths.sum() != height * width:
        raise ValueError(f"the run-length code is not of a mask of {width}x{height}")
    ones = np.arange(len(lengths)) % 2 == 1
    return np.repeat(ones, lengths).reshape(width, height).T


def mask_at(code: bytes, columns: Places, rows: Places, height: int, width: int) -> Mask:
    """Whether single pixels of a mask are 1, without decoding it; the result has the shape of ``columns`` and ``rows``.

    Raises:
        ValueError: it is no code of a mask of that size.
    """
    lengths = read_lengths(code)
    if (lengths < 0).any() or lengths.sum() != height * width:
        raise ValueError(f"the run-length code is not of a mask of {width}x{height}")
    inside: Mask = np.searchsorted(np.cumsum(lengths), columns * height + rows, side="right") % 2 == 1
    return inside


def mask_area(code: bytes) -> int:
    """Number of pixels that are 1.

    Raises:
        ValueError: it is not a run-length code.
    """
    return int(read_lengths(code)[1::2].sum())
