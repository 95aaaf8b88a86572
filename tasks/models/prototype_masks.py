"""Masks from prototypes (Bolya et al., "YOLACT", 2019), made within their boxes and nowhere else.

A mask is a weighted sum of small prototype images, enlarged to the frame, where it is positive, within its box. ultralytics
enlarges each to the whole frame and then cuts its box out. Enlarging is linear in rows and in columns, so the pixels of a box
alone come from two small matrix products, with the same weights: the time goes with the boxes, not with the frame.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from schemas.geometry import Box
from tasks.models.rle import Places, encode_runs

CELL = 4
"""Pixels of the network's input along a side of a prototype's cell."""


@dataclass(frozen=True, slots=True)
class Enlargement:
    """How one side of a prototype becomes one side of the frame.

    ``weights`` is a tensor ``(pixels of the frame, cells)``; pixel ``k`` depends on the cells from ``first[k]`` to
    ``last[k] - 1``.
    """

    weights: Any
    first: Places
    last: Places

    def cut(self, begin: int, end: int) -> tuple[Any, slice]:
        """The weights of the pixels from ``begin`` to ``end - 1``, and the cells they stand for."""
        cells = slice(int(self.first[begin]), int(self.last[end - 1]))
        return self.weights[begin:end, cells], cells


def enlarge_sides(cells: tuple[int, int], frame: tuple[int, int], device: str) -> tuple[Enlargement, Enlargement]:
    """Rows and columns of prototypes of ``cells`` (height, width) as those of a ``frame``, without the input's padding.

    The same steps as ``ops.process_mask_native`` of ultralytics: enlarged 1, 2 or 4 times, so that the padding ends between
    cells; without the padding; enlarged to the frame, all bilinear.
    """
    inner = [max(round(side * _gain(cells, frame, CELL)), 1) for side in frame]
    padding = (CELL * cells[0] - inner[0]) | (CELL * cells[1] - inner[1])
    factor = CELL // math.gcd(CELL, padding | padding // 2)
    gain = _gain(cells, frame, factor)
    rows, columns = (
        _enlarge_side(count, side, factor, max(round(side * gain), 1), device)
        for count, side in zip(cells, frame, strict=True)
    )
    return rows, columns


def _gain(cells: tuple[int, int], frame: tuple[int, int], factor: int) -> float:
    return min(factor * cells[0] / frame[0], factor * cells[1] / frame[1])


@lru_cache(maxsize=32)
def _enlarge_side(cells: int, side: int, factor: int, inner: int, device: str) -> Enlargement:
    import torch

    with torch.inference_mode():
        values = torch.eye(cells)[None]
        if factor > 1:
            values = torch.nn.functional.interpolate(values, scale_factor=factor, mode="linear")
        begin = round((factor * cells - inner) / 2 - 0.1)
        values = values[..., begin : begin + inner]
        weights = torch.nn.functional.interpolate(values, side, mode="linear")[0].T.contiguous()
        used = weights.numpy() != 0
    first = used.argmax(axis=1)
    last = cells - used[:, ::-1].argmax(axis=1)
    return Enlargement(weights.to(device), first, last)


def encode_masks(
    prototypes: Any, coefficients: Any, boxes: Sequence[Sequence[float]], frame: tuple[int, int]
) -> list[bytes]:
    """The run-length code of each mask (:mod:`tasks.models.rle`); empty where no pixel of the box belongs to it.

    Args:
        prototypes: tensor ``(n, height, width)`` of an image.
        coefficients: tensor ``(masks, n)``.
        boxes: ``x1, y1, x2, y2`` of each mask in pixels of the frame. A code has nothing outside of the box in whole pixels.
        frame: height and width.
    """
    import torch

    height, width = frame
    small = (coefficients.float() @ prototypes.float().flatten(1)).view(-1, *prototypes.shape[1:])
    rows, columns = enlarge_sides((int(small.shape[1]), int(small.shape[2])), frame, str(small.device))
    changes, areas = [], []
    for mask, (x1, y1, x2, y2) in zip(small, boxes, strict=True):
        left, top = max(0, math.ceil(x1)), max(0, math.ceil(y1))
        right, bottom = min(width, math.ceil(x2)), min(height, math.ceil(y2))
        areas.append((left, top, right, bottom))
        if right <= left or bottom <= top:
            changes.append(torch.zeros(0, dtype=torch.bool, device=small.device))
            continue
        across, spanned = columns.cut(left, right)
        down, stacked = rows.cut(top, bottom)
        # Column by column, as codes are written, with a row of nothing above and below, so that each run begins and ends.
        inside = torch.zeros(right - left, bottom - top + 2, dtype=torch.bool, device=small.device)
        inside[:, 1:-1] = (across @ mask[stacked, spanned].T @ down.T) > 0
        changes.append((inside[:, 1:] != inside[:, :-1]).flatten())
    if not changes:
        return []
    found = torch.cat(changes).nonzero().flatten().cpu().numpy()  # one transfer an image
    ends = np.cumsum([len(part) for part in changes])
    parts = np.split(found, np.searchsorted(found, ends[:-1]))
    starts = ends - [len(part) for part in changes]
    return [
        _encode(part - start, area, Box(*box).clamp(width, height), frame)
        for part, start, area, box in zip(parts, starts, areas, boxes, strict=True)
    ]


def _encode(places: Places, area: tuple[int, int, int, int], box: Box, frame: tuple[int, int]) -> bytes:
    """The code from the places where columns of an area change, less what lies outside of the box in whole pixels."""
    if not len(places):
        return b""
    left, top, _, bottom = area
    columns, begins = np.divmod(places[::2], bottom - top + 1)
    ends = places[1::2] % (bottom - top + 1)
    x1, y1, x2, y2 = box.rounded(frame[1], frame[0])
    columns, begins, ends = columns + left, np.maximum(begins + top, y1), np.minimum(ends + top, y2)
    kept = (columns >= x1) & (columns < x2) & (begins < ends)
    return encode_runs(columns[kept], begins[kept], ends[kept], *frame)
