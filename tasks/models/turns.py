"""Turns at the interpreter, for threads that prepare images while the networks of others run.

Resizing and decoding are many short calls, each of which lets go of the interpreter and asks for it again. Two threads at that
hand it to and fro: a closeup that takes 0.20 ms alone takes 0.35 to 0.4. So only half as many threads prepare at once as there
are cores, and give their turn up while a network runs, which needs no interpreter.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from tasks.models.device import available_cores


@cache
def _turns(process: int) -> threading.Semaphore:  # noqa: ARG001 - who has one does not outlive a fork
    return threading.Semaphore(max(1, available_cores() // 2))


class Turn(threading.local):
    """This thread's turn, held within a ``with`` statement."""

    _held = False

    def __enter__(self) -> None:
        _turns(os.getpid()).acquire()
        self._held = True

    def __exit__(self, *_: object) -> None:
        self._held = False
        _turns(os.getpid()).release()

    @contextmanager
    def given_up(self) -> Iterator[None]:
        """Without the turn, where this thread has it: while a network runs, or others are waited for."""
        if not self._held:
            yield
            return
        self.__exit__()
        try:
            yield
        finally:
            self.__enter__()
