"""Masks made within their boxes against those that ultralytics enlarges to the whole frame."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("ultralytics")

import torch

from schemas.geometry import Box
from tasks.models.prototype_masks import encode_masks, enlarge_sides
from tasks.models.rle import decode_mask, encode_mask

FRAMES = {
    "all of the input": (384, 640),
    "1080p": (540, 960),
    "padded by whole cells": (360, 640),
    "padded by half a cell": (356, 640),
    "padded by a quarter of a cell": (130, 240),
    "upright": (300, 170),
    "tiny": (9, 20),
    "one row": (1, 64),
}


def cells_of(height: int, width: int) -> tuple[int, int]:
    """Height and width of prototypes of a frame, at a quarter of an input of 256 whose sides are multiples of 32."""
    gain = 256 / max(height, width)
    return tuple(-(-max(round(side * gain), 1) // 32) * 8 for side in (height, width))  # type: ignore[return-value]


def smooth(rng: np.random.Generator, count: int, cells: tuple[int, int]) -> torch.Tensor:
    rough = torch.from_numpy(rng.normal(0, 1, (1, count, 4, 5)).astype(np.float32))
    return torch.nn.functional.interpolate(rough, cells, mode="bicubic")[0]


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_the_same_pixels_as_the_library(frame: tuple[int, int]) -> None:
    from ultralytics.utils import ops

    height, width = frame
    rng = np.random.default_rng(height)
    prototypes = smooth(rng, 32, cells_of(height, width))
    coefficients = torch.from_numpy(rng.normal(0, 1, (40, 32)).astype(np.float32))
    corners = np.sort(rng.uniform(0, 1, (40, 2, 2)), axis=1) * [width, height]
    corners[0] = [[0, 0], [width, height]]
    boxes = torch.from_numpy(corners.reshape(40, 4).astype(np.float32))
    theirs = ops.process_mask_native(prototypes, coefficients, boxes, frame).bool().numpy()
    codes = encode_masks(prototypes, coefficients, boxes.tolist(), frame)
    wrong = looked_at = 0
    for code, mask, row in zip(codes, theirs, boxes.tolist(), strict=True):
        assert bool(code) == bool(mask.any()), "a mask without a pixel has no code"
        if not code:
            continue
        x1, y1, x2, y2 = Box(*row).rounded(width, height)
        inside = np.zeros_like(mask)
        inside[y1:y2, x1:x2] = mask[y1:y2, x1:x2]
        ours = decode_mask(code, height, width)
        assert code == encode_mask(ours), "the code is the one of these pixels"
        wrong += (ours != inside).sum()
        looked_at += inside.size
    assert looked_at
    assert wrong <= 1e-5 * looked_at, "where a sum is all but 0 its last bit may decide"


def test_weights_of_a_pixel_add_up_to_one_and_are_few() -> None:
    rows, columns = enlarge_sides((96, 160), (1080, 1920), "cpu")
    for side in (rows, columns):
        assert torch.allclose(side.weights.sum(dim=1), torch.ones(len(side.weights)), atol=1e-6)
        assert (side.last - side.first).max() <= 2
    assert not rows.weights[:, :3].any(), "rows of the padding count nowhere"
    assert not rows.weights[:, 93:].any()


def test_by_hand() -> None:
    """Two cells side by side, 1 and -1, on a frame of 8 x 8: an input of 8 x 8, so 0 lies between columns 3 and 4."""
    prototypes = torch.tensor([[[1.0, -1.0], [1.0, -1.0]]])
    whole, right, cut = encode_masks(
        prototypes, torch.ones(3, 1), [[0, 0, 8, 8], [5, 0, 8, 8], [1.2, 2.6, 6.0, 5.4]], (8, 8)
    )
    expected = np.zeros((8, 8), bool)
    expected[:, :4] = True
    assert (decode_mask(whole, 8, 8) == expected).all()
    assert right == b""
    expected[:] = False
    expected[3:5, 2:4] = True  # columns from 1.2, rows from 2.6, and none from 5 on, to which 5.4 is rounded
    assert (decode_mask(cut, 8, 8) == expected).all()


def test_nothing_found() -> None:
    assert encode_masks(torch.ones(3, 4, 4), torch.zeros(0, 3), [], (16, 16)) == []


def test_a_box_without_a_pixel() -> None:
    assert encode_masks(torch.ones(1, 4, 4), torch.ones(2, 1), [[3.2, 3, 3.4, 9], [20, 20, 30, 30]], (16, 16)) == [
        b"",
        b"",
    ]
