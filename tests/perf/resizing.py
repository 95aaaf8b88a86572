"""How long it takes to bring an image to the planes of floats that a network takes.

``python -m tests.perf.resizing`` prints milliseconds on one thread, medians, each after a network has run, as in use, when
neither image nor memory is near the core, and from the cache; ours beside Pillow's bilinear filter with the change of layout.
"""

import statistics
import time
from collections.abc import Callable
from itertools import cycle

import numpy as np
import PIL.Image

from tasks.models.protocols import Image
from tasks.models.registry import create_face_detector
from tasks.models.resampling import Planes, resample
from tasks.models.sessions import OnnxAdapter

SIZES = [
    ((360, 640), (360, 640)), ((360, 640), (224, 224)), ((720, 1280), (360, 640)), ((1080, 1920), (360, 640)),
    ((100, 100), (144, 144)), ((133, 133), (144, 144)), ((200, 200), (144, 144)), ((400, 400), (144, 144)),
]  # fmt: skip
ROUNDS = 40


def with_pillow(image: Image, out: Planes) -> None:
    """The same by Pillow, which rounds to bytes."""
    picture = PIL.Image.fromarray(np.ascontiguousarray(image))
    out[:] = np.asarray(picture.resize(out.shape[:0:-1], PIL.Image.Resampling.BILINEAR)).transpose(2, 0, 1)


def main() -> None:
    """Measure and print."""
    rng = np.random.default_rng(0)
    network = create_face_detector("yunet-2023mar")
    assert isinstance(network, OnnxAdapter)
    busy = rng.random((1, 3, 384, 640), np.float32)
    ways: list[Callable[[Image, Planes], None]] = [resample, with_pillow]
    print(f"{'from':>10}{'to':>10}{'ours':>8}{'cached':>8}{'Pillow':>8}{'cached':>8}")
    for (rows, columns), (height, width) in SIZES:
        images = cycle([rng.integers(0, 256, (rows, columns, 3), dtype=np.uint8) for _ in range(12)])
        out = np.empty((3, height, width), np.float32)
        cold: list[list[float]] = [[], []]
        hot: list[list[float]] = [[], []]
        for _ in range(ROUNDS):
            for way, first, again in zip(ways, cold, hot, strict=True):
                image = next(images)
                network._run(busy)
                for kept in (first, again):
                    begun = time.perf_counter()
                    way(image, out)
                    kept.append(1000 * (time.perf_counter() - begun))
        figures = "".join(f"{statistics.median(v):8.2f}" for pair in zip(cold, hot, strict=True) for v in pair)
        print(f"{f'{columns}x{rows}':>10}{f'{width}x{height}':>10}{figures}")


if __name__ == "__main__":
    main()
