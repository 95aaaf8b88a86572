"""Decoding ahead of the models: PIL releases the interpreter while it decodes, so one thread keeps the next frames ready."""

import io
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tasks.runtime.stage import Row
from tasks.runtime.store import ShardReader

T = TypeVar("T")
R = TypeVar("R")


def decode_rgb(content: bytes) -> NDArray[np.uint8]:
    """Pixels of a stored frame as RGB, shape ``(height, width, 3)``; stored frames were decoded once and are sound."""
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image.convert("RGB"))


def ahead(function: Callable[[T], R], items: Iterable[T], workers: int = 1, window: int = 16) -> Iterator[R]:
    """``map(function, items)`` in order, with up to ``window`` results under way on ``workers`` threads."""
    pending: deque[Future[R]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="ahead") as pool:
        try:
            for item in items:
                pending.append(pool.submit(function, item))
                if len(pending) >= window:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of ``size`` items, the last one shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def frame_images(frames: ShardReader, wanted: Collection[str]) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Id and pixels of the wanted frames of a ``FRAMES`` shard, in its order, decoded ahead."""

    def decode(row: Row) -> tuple[str, NDArray[np.uint8]]:
        return row["frame_id"], decode_rgb(row["image"])

    rows = (row for row in frames.select(["frame_id", "image"]) if row["frame_id"] in wanted)
    return ahead(decode, rows)
