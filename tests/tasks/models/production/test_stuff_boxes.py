"""Connected parts of regions: by hand, and against a flood fill."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from schemas.geometry import Box
from tasks.models.stuff_boxes import MAX_SIDE, stuff_components


def test_by_hand() -> None:
    mask = np.array(
        [
            [1, 1, 0, 0, 0, 0],
            [0, 0, 1, 0, 0, 1],
            [0, 0, 0, 0, 0, 1],
            [0, 1, 0, 0, 0, 1],
        ],
        bool,
    )
    parts = stuff_components(mask, min_share=0.0, limit=9)
    assert [part.box for part in parts] == [Box(0, 0, 3, 2), Box(5, 1, 6, 4), Box(1, 3, 2, 4)]
    assert parts[0].pixels.tolist() == [[True, True, False], [False, False, True]], "corners touch: one part"
    assert [part.box for part in stuff_components(mask, min_share=2 / 24, limit=9)] == [parts[0].box, parts[1].box]
    assert [part.box for part in stuff_components(mask, min_share=0.0, limit=1)] == [parts[0].box]


def test_nothing() -> None:
    assert stuff_components(np.zeros((5, 5), bool)) == []


def flood(mask: np.ndarray) -> list[frozenset[tuple[int, int]]]:
    left = {(int(r), int(c)) for r, c in np.argwhere(mask)}
    parts = []
    while left:
        part, edge = set(), [min(left)]
        while edge:
            cell = edge.pop()
            if cell in left:
                left.remove(cell)
                part.add(cell)
                edge += [(cell[0] + dr, cell[1] + dc) for dr in (-1, 0, 1) for dc in (-1, 0, 1)]
        parts.append(frozenset(part))
    return parts


@given(st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(lambda size: arrays(bool, size)))
def test_parts_are_those_of_a_flood_fill(mask: np.ndarray) -> None:
    found = stuff_components(mask, min_share=0.0, limit=99)
    cells = [
        frozenset((int(r) + int(part.box.y1), int(c) + int(part.box.x1)) for r, c in np.argwhere(part.pixels))
        for part in found
    ]
    assert sorted(map(sorted, cells)) == sorted(map(sorted, flood(mask)))
    assert [len(part) for part in cells] == sorted((len(part) for part in cells), reverse=True)


@pytest.mark.parametrize("side", [MAX_SIDE, 2 * MAX_SIDE, 1920])
def test_large_frames_are_exact_to_a_thinned_pixel(side: int) -> None:
    mask = np.zeros((side // 2, side), bool)
    mask[37:211, 101:499] = True
    (part,) = stuff_components(mask)
    step = -(-side // MAX_SIDE)
    assert abs(np.subtract((part.box.x1, part.box.y1, part.box.x2, part.box.y2), (101, 37, 499, 211))).max() < step
    x1, y1 = int(part.box.x1), int(part.box.y1)
    assert (part.pixels == mask[y1 : int(part.box.y2), x1 : int(part.box.x2)]).all()
