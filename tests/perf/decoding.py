"""How fast frames are decoded ahead of a model: 1080p JPEG through Pillow and OpenCV, on one thread and on more.

``python -m tests.perf.decoding`` prints, for each decoder, processor milliseconds a frame and of these the ones in which the
interpreter is held (with Pillow the pixels are handed over by it; with OpenCV it is not), frames a second on one thread and on
as many as there are cores, and from the processor time the cores that 800 frames a second would take.
"""

import argparse
import io
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from tasks.runtime.images import Pixels, ahead, decode_rgb, decode_with
from tests.perf.frames import SAMPLE_FILM

WANTED = 800
WIDTH, HEIGHT = 1920, 1080


def make_frames(count: int) -> list[bytes]:
    """Frames of the sample film enlarged, with the grain of a camera, as JPEG of quality 90."""
    paths = sorted(SAMPLE_FILM.rglob("*.jpg"))
    rng = np.random.default_rng(0)
    found = []
    for k in range(count):
        picture = (
            Image.open(paths[k * len(paths) // count]).convert("RGB").resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
        )
        grain = rng.normal(0, 4, (HEIGHT, WIDTH, 1))
        buffer = io.BytesIO()
        Image.fromarray(np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=90)
        found.append(buffer.getvalue())
    return found


def processor_ms(decode: Callable[[bytes], object], frames: Sequence[bytes]) -> float:
    """Processor time a frame of this thread."""
    begun = time.thread_time()
    for frame in frames:
        decode(frame)
    return 1000 * (time.thread_time() - begun) / len(frames)


def handed_over_ms(frames: Sequence[bytes]) -> float:
    """Of it, what Pillow needs to hand over pixels that are decoded."""
    spent = 0.0
    for frame in frames:
        with Image.open(io.BytesIO(frame)) as image:
            image.load()
            begun = time.thread_time()
            np.asarray(image)
            spent += time.thread_time() - begun
    return 1000 * spent / len(frames)


def rate(decode: Callable[[bytes], Pixels], frames: Sequence[bytes], workers: int) -> float:
    """Frames a second, decoded ahead."""
    begun = time.perf_counter()
    for _ in ahead(decode, frames, workers, 4 * workers):
        pass
    return len(frames) / (time.perf_counter() - begun)


def main() -> int:
    """Measure, the decoders in turn in every round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    frames = make_frames(args.frames)
    cores = len(os.sched_getaffinity(0))
    decoders: dict[str, Callable[[bytes], Pixels]] = {"Pillow": decode_rgb}
    try:
        import cv2

        decoders["OpenCV"] = lambda content: decode_with(cv2, content)
    except ImportError:
        print("OpenCV is not installed: Pillow alone")
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in decoders}
    for _ in range(args.rounds):
        for name, decode in decoders.items():
            held = handed_over_ms(frames) if name == "Pillow" else 0.0
            found[name].append(
                (processor_ms(decode, frames), held, rate(decode, frames, 1), rate(decode, frames, cores))
            )
    size = statistics.mean(map(len, frames)) / 1000
    print(
        f"{len(frames)} frames of {WIDTH} x {HEIGHT}, {size:.0f} kB each; median of {args.rounds} rounds; {cores} cores"
    )
    for name, rounds in found.items():
        spent, held, alone, together = (statistics.median(values) for values in zip(*rounds, strict=True))
        print(
            f"{name}: {spent:.1f} ms of processor a frame, {held:.1f} of them with the interpreter; {alone:.0f}/s on one "
            f"thread, {together:.0f}/s on {cores}; {WANTED}/s take {WANTED * spent / 1000:.1f} cores"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
