"""Crops on white: what the appearance stage gives a model where a mask is known."""

import numpy as np

from schemas.geometry import Box
from tasks.appearance import crop, masked_crop
from tasks.models.rle import encode_mask
from tasks.rows import Detection, detection_row, read_detection


def test_pixels_outside_the_mask_are_white() -> None:
    image = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
    mask = np.zeros((6, 8), bool)
    mask[2:4, 3:5] = True
    mask[0, 0] = True  # outside the box: of no matter
    found = masked_crop(image, Detection("d0", "person", 0.9, "detector", Box(2, 1, 6, 5), encode_mask(mask)))
    assert found.shape == (4, 4, 3)
    assert found.dtype == np.uint8
    assert (found[1:3, 1:3] == image[2:4, 3:5]).all()
    outside = np.ones((4, 4), bool)
    outside[1:3, 1:3] = False
    assert (found[outside] == 255).all()


def test_without_a_mask_the_crop_is_plain() -> None:
    image = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
    detection = Detection("d0", "person", 0.9, "face", Box(2, 1, 6, 5))
    assert (masked_crop(image, detection) == crop(image, detection.box)).all()


def test_masks_survive_their_row() -> None:
    for mask in (None, b"231"):
        detection = Detection("d0", "wall", 0.5, "stuff", Box(0, 0, 2, 3), mask)
        row = detection_row("d0", "wall", 0.5, "stuff", Box(0, 0, 2, 3), mask)
        assert read_detection(row) == detection
