"""Events reach every listener, in order, as long as it listens."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks.runtime.progress import Event, emit, listening


def test_listeners_hear_what_happens_inside_the_block() -> None:
    outer: list[Event] = []
    inner: list[Event] = []
    emit(Event("message", text="before"))
    with listening(outer.append):
        emit(Event("message", text="1"))
        with listening(inner.append):
            emit(Event("message", text="2"))
        emit(Event("message", text="3"))
    emit(Event("message", text="after"))
    assert [e.text for e in outer] == ["1", "2", "3"]
    assert [e.text for e in inner] == ["2"]


def test_a_listener_goes_when_the_block_fails() -> None:
    told: list[Event] = []
    with pytest.raises(ZeroDivisionError), listening(told.append):
        raise ZeroDivisionError
    emit(Event("message"))
    assert told == []


def test_the_same_listener_twice_leaves_once_at_a_time() -> None:
    told: list[Event] = []
    with listening(told.append):
        with listening(told.append):
            emit(Event("message", text="twice"))
        emit(Event("message", text="once"))
    assert [e.text for e in told] == ["twice", "twice", "once"]


def test_events_of_many_threads_come_one_at_a_time() -> None:
    inside = threading.Semaphore(1)
    told: list[int] = []

    def listen(event: Event) -> None:
        assert inside.acquire(blocking=False), "two events at once"
        told.append(event.items)
        inside.release()

    with listening(listen), ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: emit(Event("items", items=n)), range(500)))
    assert sorted(told) == list(range(500))
