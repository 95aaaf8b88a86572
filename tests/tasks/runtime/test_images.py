"""Decoding ahead: order, bounds, errors, and threads that end."""

import io
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tasks.runtime.images import ahead, batched, decode_rgb


def threads() -> list[str]:
    """Names of the threads that decode ahead."""
    return [t.name for t in threading.enumerate() if t.name.startswith("ahead")]


@given(st.lists(st.integers(), max_size=60), st.integers(1, 3), st.integers(1, 20))
def test_ahead_is_map_in_order(items: list[int], workers: int, window: int) -> None:
    assert list(ahead(lambda n: n * n, items, workers, window)) == [n * n for n in items]
    assert threads() == []


def test_ahead_keeps_order_when_the_first_is_slowest() -> None:
    def work(n: int) -> int:
        time.sleep(0.02 if n == 0 else 0)
        return n

    assert list(ahead(work, range(8), workers=4)) == list(range(8))


def test_ahead_draws_no_more_than_its_window() -> None:
    drawn = 0

    def draw() -> Iterator[int]:
        nonlocal drawn
        for n in range(100):
            drawn += 1
            yield n

    results = ahead(lambda n: n, draw(), window=4)
    for taken in range(1, 20):
        next(results)
        assert drawn <= taken + 4
    results.close()  # type: ignore[attr-defined]


def test_ahead_passes_an_error_on_in_its_place_and_ends_its_threads() -> None:
    def work(n: int) -> int:
        if n == 3:
            raise ZeroDivisionError
        return n

    results = ahead(work, range(10))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert threads() == []


def test_ahead_ends_its_threads_when_nobody_asks_for_more() -> None:
    results = ahead(lambda n: n, range(1000), workers=2)
    next(results)
    assert threads()
    results.close()  # type: ignore[attr-defined]
    assert threads() == []


def test_ahead_of_a_failing_source() -> None:
    def draw() -> Iterator[int]:
        yield 1
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(ahead(lambda n: n, draw()))
    assert threads() == []


@given(st.lists(st.integers(), max_size=40), st.integers(1, 10))
def test_batches_are_full_but_for_the_last(items: list[int], size: int) -> None:
    batches = list(batched(items, size))
    assert [n for batch in batches for n in batch] == items
    assert all(len(batch) == size for batch in batches[:-1])
    assert all(0 < len(batch) <= size for batch in batches)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_decoded_pixels_are_rgb(mode: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (7, 11) if mode == "L" else (7, 11, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    decoded = decode_rgb(buffer.getvalue())
    assert decoded.shape == (7, 11, 3)
    assert decoded.dtype == np.uint8
    expected = pixels if mode == "RGB" else np.repeat(pixels[:, :, None], 3, axis=2)
    assert np.array_equal(decoded, expected)
