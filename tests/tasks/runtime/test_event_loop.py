"""Coroutines from plain functions: order, look-ahead, errors, threads, interruption."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from tasks.runtime.event_loop import ordered_map, run_coroutine, shared_loop


def test_results_come_in_the_order_of_the_items() -> None:
    async def work(number: int) -> int:
        await asyncio.sleep(0.02 if number % 2 == 0 else 0)
        return number * number

    assert list(ordered_map(range(40), work, 8)) == [n * n for n in range(40)]


def test_no_more_is_taken_than_looked_ahead() -> None:
    taken, begun, peak = 0, 0, 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(100):
            taken += 1
            yield number

    async def work(number: int) -> int:
        nonlocal begun, peak
        begun += 1
        peak = max(peak, begun)
        await asyncio.sleep(0.001)
        begun -= 1
        return number

    for done, _ in enumerate(ordered_map(items(), work, 5)):
        assert taken - done <= 5
    assert peak <= 5


def test_an_error_comes_in_its_turn_and_ends_what_follows() -> None:
    ended: list[int] = []

    async def work(number: int) -> int:
        if number == 3:
            raise ValueError("three")
        try:
            await asyncio.sleep(0 if number < 3 else 30)
        except asyncio.CancelledError:
            ended.append(number)
            raise
        return number

    results = ordered_map(range(10), work, 6)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)
    run_coroutine(asyncio.sleep(0.05))
    assert 4 in ended


def test_caught_errors_are_results() -> None:
    async def work(number: int) -> int:
        if number % 2:
            raise KeyError(number)
        return number

    found = list(ordered_map(range(5), work, 2, (KeyError,)))
    assert [n if isinstance(n, int) else "error" for n in found] == [0, "error", 2, "error", 4]


def test_threads_share_one_loop() -> None:
    loops = set()

    async def work(number: int) -> int:
        loops.add(id(asyncio.get_running_loop()))
        await asyncio.sleep(0.05)
        return number

    results: dict[int, list[int]] = {}

    def drain(start: int) -> None:
        results[start] = list(ordered_map(range(start, start + 10), work, 10))

    threads = [threading.Thread(target=drain, args=(start,)) for start in (0, 100, 200)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - begun < 1.0, "30 waits of 50 ms at once"
    assert results == {start: list(range(start, start + 10)) for start in (0, 100, 200)}
    assert loops == {id(shared_loop())}


def test_closing_the_iterator_ends_the_work() -> None:
    ended = threading.Event()

    async def work(number: int) -> int:
        try:
            await asyncio.sleep(30 if number else 0)
        finally:
            if number:
                ended.set()
        return number

    results = ordered_map(range(5), work, 3)
    assert next(results) == 0
    results.close()  # type: ignore[attr-defined]
    assert ended.wait(5)


def test_a_failing_source_of_items_is_told() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    async def work(number: int) -> int:
        return number

    with pytest.raises(OSError, match="gone"):
        list(ordered_map(items(), work, 4))
