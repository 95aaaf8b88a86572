"""Working on the next while the last is used: the same as a plain loop in all but time, and nothing left at work."""

import gc
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.runtime.overlap import overlapped


def threads() -> list[str]:
    """Names of the threads that work ahead."""
    return [t.name for t in threading.enumerate() if t.name.startswith("overlapped")]


@given(st.lists(st.integers(), max_size=20))
def test_every_item_with_its_result_in_order(items: list[int]) -> None:
    assert list(overlapped(items, lambda n: n * n)) == [(n, n * n) for n in items]
    assert threads() == []


@given(st.integers(0, 8), st.integers(0, 8))
def test_an_error_of_a_call_stands_in_the_place_of_its_result(count: int, bad: int) -> None:
    called: list[int] = []
    seen: list[int] = []

    def call(n: int) -> int:
        called.append(n)
        if n == bad:
            raise ZeroDivisionError
        return n

    def consume() -> None:
        for n, _ in overlapped(range(count), call):
            seen.append(n)

    if bad < count:
        with pytest.raises(ZeroDivisionError):
            consume()
    else:
        consume()
    assert seen == list(range(min(bad, count)))
    assert called[: len(seen)] == seen
    assert len(called) <= len(seen) + 2
    assert threads() == []


def test_the_next_call_runs_while_a_result_is_used() -> None:
    started = {n: threading.Event() for n in range(3)}

    def call(n: int) -> int:
        started[n].set()
        return n

    for n, _ in overlapped(range(3), call):
        if n < 2:
            assert started[n + 1].wait(10), "the call after the one that was handed out is under way"


def test_one_call_at_a_time_on_one_thread() -> None:
    running = 0
    most = 0
    names = set()

    def call(n: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        names.add(threading.current_thread().name)
        time.sleep(0.002)
        running -= 1
        return n

    assert len(list(overlapped(range(10), call))) == 10
    assert most == 1
    assert len(names) == 1
    assert threading.current_thread().name not in names


def test_items_are_drawn_by_who_asks_and_no_more_than_two_ahead() -> None:
    drawn = 0
    drawers = set()

    def draw() -> Iterator[int]:
        nonlocal drawn
        for n in range(20):
            drawn += 1
            drawers.add(threading.current_thread())
            yield n

    for taken, (n, _) in enumerate(overlapped(draw(), lambda n: n), 1):
        assert n == taken - 1
        assert drawn <= taken + 1
    assert drawers == {threading.current_thread()}


def test_who_stops_early_waits_for_the_call_under_way_and_for_no_other() -> None:
    begun = threading.Event()
    ended: list[int] = []

    def call(n: int) -> int:
        if n:
            begun.set()
            time.sleep(0.1)
        ended.append(n)
        return n

    with closing(overlapped(range(5), call)) as results:
        next(results)
        assert begun.wait(10)
    assert ended == [0, 1], "the second was running; the third was never begun"
    assert threads() == []


def test_an_error_of_the_items_ends_it() -> None:
    called: list[int] = []

    def draw() -> Iterator[int]:
        yield 0
        yield 1
        raise ZeroDivisionError

    results = overlapped(draw(), called.append)
    assert next(results)[0] == 0
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert threads() == []
    count = len(called)
    time.sleep(0.02)
    assert len(called) == count, "nothing is called any more"


def test_what_was_handed_out_is_not_kept() -> None:
    """A batch of frames is hundreds of megabytes: it goes when its user is done with it."""

    class Batch:
        pass

    batches = (Batch() for _ in range(4))
    results = overlapped(batches, lambda _: None)
    batch, _ = next(results)
    gone = weakref.ref(batch)
    del batch
    next(results)
    gc.collect()
    assert gone() is None
    list(results)
