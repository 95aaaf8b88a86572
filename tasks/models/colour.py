"""Light of a frame and plain names of the colours in a crop, by arithmetic on pixels."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from schemas.evidence import Light
from schemas.geometry import Box
from tasks.models.protocols import Image

Floats = NDArray[np.float64]

PALETTE: tuple[tuple[str, tuple[int, int, int]], ...] = (
    ("black", (18, 18, 18)),
    ("dark grey", (70, 70, 70)),
    ("grey", (130, 130, 130)),
    ("light grey", (190, 190, 190)),
    ("white", (243, 243, 243)),
    ("red", (200, 35, 35)),
    ("dark red", (105, 22, 28)),
    ("dark red", (130, 10, 15)),
    ("pink", (235, 150, 175)),
    ("pink", (225, 60, 130)),
    ("orange", (232, 125, 40)),
    ("yellow", (235, 205, 60)),
    ("yellow", (240, 225, 150)),
    ("beige", (212, 190, 155)),
    ("light brown", (165, 120, 80)),
    ("brown", (105, 68, 42)),
    ("brown", (150, 80, 38)),
    ("dark brown", (56, 38, 27)),
    ("olive", (110, 110, 55)),
    ("light green", (150, 205, 135)),
    ("light green", (125, 205, 60)),
    ("green", (55, 140, 65)),
    ("dark green", (25, 65, 38)),
    ("turquoise", (45, 160, 165)),
    ("turquoise", (95, 215, 210)),
    ("light blue", (155, 195, 230)),
    ("blue", (45, 95, 190)),
    ("blue", (25, 40, 220)),
    ("dark blue", (26, 34, 82)),
    ("dark blue", (15, 15, 120)),
    ("purple", (115, 60, 150)),
    # Cloth in an ordinary room is duller than its name: a second colour for the names that this matters to.
    ("black", (38, 38, 40)),
    ("red", (170, 65, 60)),
    ("dark red", (95, 45, 45)),
    ("brown", (120, 90, 70)),
    ("green", (95, 130, 95)),
    ("dark green", (48, 64, 50)),
    ("blue", (80, 105, 160)),
    ("dark blue", (45, 52, 84)),
    ("dark blue", (36, 40, 68)),
    ("purple", (100, 75, 125)),
)
"""Names and the sRGB colours each stands for: the words a person would use for clothes and things."""

MERGE_DISTANCE = 20.0
"""Mean colours closer than this in CIELAB (CIE76) are one colour in two lights, such as black cloth and its folds."""

MAX_SAMPLES_SIDE = 24
"""Longer side in pixels to which a crop is reduced before its pixels are counted."""

# sRGB (IEC 61966-2-1) to CIE XYZ, scaled by the D65 white point, so that white is (1, 1, 1)
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_TO_XYZ /= _TO_XYZ.sum(axis=1, keepdims=True)
_LEVELS = np.arange(256) / 255
_LINEAR = np.where(_LEVELS <= 0.04045, _LEVELS / 12.92, ((_LEVELS + 0.055) / 1.055) ** 2.4)


def measure_light(image: Image) -> Light:
    """Light and colour of a whole frame; every value is defined in :class:`~schemas.evidence.Light`."""
    pixels = image.reshape(-1, 3).astype(np.float32) / 255
    luma = pixels @ np.array([0.299, 0.587, 0.114], np.float32)
    high, low = pixels.max(axis=1), pixels.min(axis=1)
    saturation = np.divide(high - low, high, out=np.zeros_like(high), where=high > 0)
    red, _, blue = pixels.mean(axis=0, dtype=np.float64)
    return Light(
        luma=float(luma.mean(dtype=np.float64)),
        contrast=float(luma.std(dtype=np.float64)),
        saturation=float(saturation.mean(dtype=np.float64)),
        warmth=float(red - blue),
    )


def to_lab(pixels: NDArray[np.uint8]) -> Floats:
    """CIELAB (D65) of sRGB ``pixels`` (n, 3): lightness 0 to 100, green to red, blue to yellow."""
    relative = _LINEAR[pixels] @ _TO_XYZ.T
    root = np.where(relative > (6 / 29) ** 3, np.cbrt(relative), relative / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = root.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


@cache
def _palette_lab() -> Floats:
    return to_lab(np.array([colour for _, colour in PALETTE], np.uint8))


def _nearest(lab: Floats) -> NDArray[np.intp]:
    """Index in the palette of the colour nearest to each of ``lab`` (n, 3), Euclidean distance in CIELAB."""
    palette = _palette_lab()
    distance = (lab[:, 0, None] - palette[:, 0]) ** 2
    for axis in (1, 2):  # a plane for each: a sum over an axis of three takes numpy several times as long
        distance += (lab[:, axis, None] - palette[:, axis]) ** 2
    nearest: NDArray[np.intp] = distance.argmin(axis=1)
    return nearest


def colour_name(red: int, green: int, blue: int) -> str:
    """The plain name of one sRGB colour."""
    return PALETTE[int(_nearest(to_lab(np.array([[red, green, blue]], np.uint8)))[0])][0]


def dominant_colours(crop: Image, k: int) -> tuple[tuple[str, float], ...]:
    """The ``k`` most frequent colours of a crop with the share of its pixels, largest first.

    Every pixel counts for the palette colour nearest to it in CIELAB. Then, smallest first, a colour whose mean lies
    within :data:`MERGE_DISTANCE` of a larger one's joins it, and each is named by the mean of its pixels: shades of one
    cloth become one colour, black and white stripes stay two.
    """
    lab = to_lab(_sample(crop))
    nearest = _nearest(lab)
    counts = np.bincount(nearest, minlength=len(PALETTE)).astype(float)
    sums = np.stack([np.bincount(nearest, lab[:, axis], len(PALETTE)) for axis in range(3)], axis=1)
    for small in np.lexsort((np.arange(len(PALETTE)), counts)):
        if counts[small] == 0:
            continue
        larger = [i for i in np.flatnonzero(counts) if (counts[i], -i) > (counts[small], -small)]
        if not larger:
            continue
        gaps = np.linalg.norm(sums[larger] / counts[larger, None] - sums[small] / counts[small], axis=1)
        if gaps.min() < MERGE_DISTANCE:
            target = larger[int(gaps.argmin())]
            counts[target] += counts[small]
            sums[target] += sums[small]
            counts[small] = 0
    found = np.flatnonzero(counts)
    shares: dict[str, float] = {}
    for index, named in zip(found, _nearest(sums[found] / counts[found, None]), strict=True):
        name = PALETTE[int(named)][0]
        shares[name] = shares.get(name, 0.0) + float(counts[index] / len(lab))
    return tuple(sorted(shares.items(), key=lambda item: (-item[1], item[0]))[:k])


def _sample(crop: Image) -> NDArray[np.uint8]:
    height, width = crop.shape[:2]
    factor = -(-max(width, height) // MAX_SAMPLES_SIDE)
    if factor > 1:
        crop = np.asarray(PillowImage.fromarray(np.ascontiguousarray(crop)).reduce(factor))
    return crop.reshape(-1, 3)


def clothing_region(box: Box, face: Box | None) -> Box:
    """The part of a person's box that most likely shows the clothes of the upper body; never empty where ``box`` is not.

    Below a known face: from half its height under the chin, two faces down, a little under two faces wide, in the middle
    between the face and the box, since who leans or runs has the body behind the face. Without a face, or where nothing of
    the box is left there: the middle half across and, of a figure assumed to stand, 22 % to 50 % down.
    """
    if face is not None:
        middle = (face.centre[0] + box.centre[0]) / 2
        top = face.y2 + face.height / 2
        chest = Box(middle - 0.9 * face.width, top, middle + 0.9 * face.width, top + 2 * face.height)
        inside = Box(max(chest.x1, box.x1), max(chest.y1, box.y1), min(chest.x2, box.x2), min(chest.y2, box.y2))
        if inside.width >= face.width / 2 and inside.height >= face.height / 4:
            return inside
    return Box(
        box.x1 + 0.25 * box.width, box.y1 + 0.22 * box.height, box.x1 + 0.75 * box.width, box.y1 + 0.50 * box.height
    )
