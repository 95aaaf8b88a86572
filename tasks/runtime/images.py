"""Decoding ahead of the models, on threads: the decoders of Pillow and OpenCV let the interpreter go while they work.

JPEG at 1080p costs a core 4 to 7 ms. A model on the CPU needs the cores itself, so one thread keeps the next frames ready; for
a model on a GPU all cores but one decode. Pillow holds the interpreter for more than one of these milliseconds to hand the
pixels over, which no number of threads can share: OpenCV, which the ``gpu`` extra brings, does not. Both decode to the same
pixels.
"""

import io
import os
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tasks.runtime.stage import Row
from tasks.runtime.store import ShardReader

T = TypeVar("T")
R = TypeVar("R")

Pixels = NDArray[np.uint8]

DECODED_BYTES = 256_000_000
"""Bytes of pixels that wait decoded, at most: 41 frames of 1080p. One frame that is larger by itself goes alone."""

WINDOW = 16
"""Frames under way for one thread; for more threads four for each."""

MOST_WORKERS = 16
"""Threads that decode, at most: more than that outrun any detector."""


def decode_rgb(content: bytes) -> Pixels:
    """Pixels of a stored frame as RGB, shape ``(height, width, 3)``; stored frames were decoded once and are sound."""
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def decode_with(cv2: Any, content: bytes) -> Pixels:
    """The same pixels through OpenCV where the frame is a JPEG; stored frames stand upright, whatever a tag may say."""
    if content[:3] != b"\xff\xd8\xff":
        return decode_rgb(content)
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    pixels: Pixels | None = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    return decode_rgb(content) if pixels is None else pixels


def choose_decoder(*, on_gpu: bool) -> tuple[Callable[[bytes], Pixels], int]:
    """What decodes frames for a model on a GPU or on the CPU, and on how many threads."""
    if not on_gpu:
        return decode_rgb, 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = min(MOST_WORKERS, max(1, cores - 1))
    try:
        import cv2
    except ImportError:
        return decode_rgb, workers

    def decode(content: bytes) -> Pixels:
        return decode_with(cv2, content)

    return decode, workers


def ahead(
    function: Callable[[T], R],
    items: Iterable[T],
    workers: int = 1,
    window: int = WINDOW,
    weigh: Callable[[T], int] | None = None,
    budget: int = DECODED_BYTES,
) -> Iterator[R]:
    """``map(function, items)`` in order, with up to ``window`` results under way on ``workers`` threads.

    Where ``weigh`` tells what the result of an item will take, no more are under way than make up ``budget``, or one.
    """
    pending: deque[tuple[int, Future[R]]] = deque()
    weight = 0
    with ThreadPoolExecutor(workers, thread_name_prefix="ahead") as pool:
        try:
            for item in items:
                more = weigh(item) if weigh else 0
                while pending and (len(pending) >= window or weight + more > budget):
                    less, future = pending.popleft()
                    weight -= less
                    yield future.result()
                pending.append((more, pool.submit(function, item)))
                weight += more
            while pending:
                yield pending.popleft()[1].result()
        finally:
            for _, future in pending:
                future.cancel()


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of ``size`` items, the last one shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def frame_images(
    frames: ShardReader,
    wanted: Collection[str],
    *,
    on_gpu: bool = False,
    decode_batch: Callable[[Sequence[bytes]], Sequence[Pixels | None]] | None = None,
) -> Iterator[tuple[str, Pixels]]:
    """Id and pixels of the wanted frames of a ``FRAMES`` shard, in its order, decoded ahead of a model on a GPU or the CPU.

    Where ``decode_batch`` is given it decodes, some frames at a time; what it does not know (None) is decoded as ever.
    """
    decode, workers = choose_decoder(on_gpu=on_gpu)

    def decode_row(row: Row) -> tuple[str, Pixels]:
        return row["frame_id"], decode(row["image"])

    def weigh(row: Row) -> int:
        return 3 * int(row["width"]) * int(row["height"])

    columns = ["frame_id", "width", "height", "image"]
    rows = (row for row in frames.select(columns) if row["frame_id"] in wanted)
    if decode_batch is None:
        return ahead(decode_row, rows, workers, max(WINDOW, 4 * workers), weigh)
    decode_many = decode_batch

    def decode_group(group: list[Row]) -> list[tuple[str, Pixels]]:
        found = decode_many([row["image"] for row in group])
        return [
            decode_row(row) if pixels is None else (row["frame_id"], pixels)
            for row, pixels in zip(group, found, strict=True)
        ]

    groups = ahead(decode_group, batched(rows, WINDOW), weigh=lambda group: sum(map(weigh, group)))
    return (frame for group in groups for frame in group)
