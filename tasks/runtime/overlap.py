"""Working on the next item while the last result is used: rows of a batch are written while a model is busy with the next."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def overlapped(items: Iterable[T], call: Callable[[T], R]) -> Generator[tuple[T, R], None, None]:
    """Every item with ``call(item)``, in order; one call at a time, on one thread of its own.

    Items are drawn by whoever asks for results. At most two are under way besides the one that was handed out: one in its
    call, one waiting for it. An error of a call comes out in the place of its result, one of ``items`` as soon as it is met;
    after either nothing more is called. Whoever stops early should close this iterator: it then waits for the call that is
    running, so that nothing works on behind.
    """
    pending: deque[tuple[T, Future[R]]] = deque()
    with ThreadPoolExecutor(1, thread_name_prefix="overlapped") as pool:
        try:
            for item in items:
                pending.append((item, pool.submit(call, item)))
                del item  # what was handed out is not kept alive from here
                if len(pending) == 2:
                    yield _first(pending)
            while pending:
                yield _first(pending)
        finally:
            for _, future in pending:
                future.cancel()


def _first(pending: "deque[tuple[T, Future[R]]]") -> tuple[T, R]:
    item, future = pending.popleft()
    return item, future.result()
