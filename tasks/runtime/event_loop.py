"""Coroutines for stages, which are plain functions: one event loop in a thread of its own, shared by all threads of a process."""

import asyncio
import atexit
import os
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar, overload

T = TypeVar("T")
R = TypeVar("R")
E = TypeVar("E", bound=Exception)

_STOP_S = 5.0
_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_thread: threading.Thread | None = None


def shared_loop() -> asyncio.AbstractEventLoop:
    """The event loop of this process; it runs until the process ends."""
    global _loop, _thread
    with _lock:
        if _loop is None or _thread is None or not _thread.is_alive():
            _loop = asyncio.new_event_loop()
            _thread = threading.Thread(target=_loop.run_forever, name="event-loop", daemon=True)
            _thread.start()
        return _loop


def run_coroutine(coroutine: Coroutine[Any, Any, R]) -> R:
    """What a coroutine gives, run on the shared loop; an interruption of the waiting thread cancels it."""
    future = asyncio.run_coroutine_threadsafe(coroutine, shared_loop())
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


@overload
def ordered_map(items: Iterable[T], work: Callable[[T], Awaitable[R]], ahead: int) -> Iterator[R]: ...
@overload
def ordered_map(
    items: Iterable[T], work: Callable[[T], Awaitable[R]], ahead: int, caught: tuple[type[E], ...]
) -> Iterator[R | E]: ...
def ordered_map(
    items: Iterable[T], work: Callable[[T], Awaitable[R]], ahead: int, caught: tuple[type[Exception], ...] = ()
) -> Iterator[Any]:
    """Results of ``work`` on each item, in order, with at most ``ahead`` items taken and not yet given back.

    The items are drawn in the calling thread, the work is done on the shared loop, so that any number of calls in any threads
    share what it uses.

    Args:
        items: drawn as there is room.
        work: gives the result of one item.
        ahead: bounds what is under way and what waits for its turn together.
        caught: errors that are given in place of a result; any other is raised in the item's turn, and ends the work on all
            items after it, as does closing the iterator.
    """
    loop = shared_loop()
    window: deque[Future[Any]] = deque()

    async def one(item: T) -> R:
        return await work(item)

    try:
        for item in items:
            window.append(asyncio.run_coroutine_threadsafe(one(item), loop))
            if len(window) >= max(1, ahead):
                yield _outcome(window.popleft(), caught)
        while window:
            yield _outcome(window.popleft(), caught)
    finally:
        for future in window:
            future.cancel()


def _outcome(future: Future[Any], caught: tuple[type[Exception], ...]) -> Any:
    try:
        return future.result()
    except caught as error:
        return error
    except BaseException:
        future.cancel()
        raise


def _stop() -> None:
    """Let what was cancelled come to its end before the interpreter goes."""
    loop, thread = _loop, _thread
    if loop is None or thread is None or not thread.is_alive():
        return

    async def cancel_all() -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run_coroutine_threadsafe(cancel_all(), loop).add_done_callback(
        lambda _: loop.call_soon_threadsafe(loop.stop)
    )
    thread.join(_STOP_S)


def _forget() -> None:
    """A forked process has the loop without its thread."""
    global _lock, _loop, _thread
    _lock, _loop, _thread = threading.Lock(), None, None


atexit.register(_stop)
os.register_at_fork(after_in_child=_forget)
