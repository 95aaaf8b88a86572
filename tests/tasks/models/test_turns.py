"""Turns: how many threads prepare at once, and that nothing waits for ever."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks.models import turns
from tasks.models.sessions import OnnxAdapter
from tasks.models.turns import Turn
from tests.tasks.models.test_sessions import shipped


class Counted:
    """How many are inside at once, at most."""

    def __init__(self) -> None:
        self.inside = self.most = 0
        self._lock = threading.Lock()

    def stay(self, seconds: float = 0.005) -> None:
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        time.sleep(seconds)
        with self._lock:
            self.inside -= 1


@pytest.fixture(params=[2, 4])
def cores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(turns, "available_cores", lambda: request.param)
    turns._turns.cache_clear()
    yield request.param
    turns._turns.cache_clear()


def test_half_as_many_prepare_as_there_are_cores_and_all_run(cores: int) -> None:
    preparing, running, turn = Counted(), Counted(), Turn()

    def work(_: int) -> None:
        with turn:
            preparing.stay()
            with turn.given_up():
                running.stay(0.02)
            preparing.stay()

    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(work, range(6 * cores)))
    assert preparing.most == cores // 2
    assert running.most > cores // 2


def test_without_a_turn_there_is_none_to_give_up(cores: int) -> None:
    turn = Turn()
    for _ in range(cores):
        with turn.given_up():
            pass
    counted = Counted()

    def work(_: int) -> None:
        with turn:
            counted.stay()

    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(work, range(3 * cores)))
    assert counted.most == cores // 2


def test_an_error_gives_the_turn_back(cores: int) -> None:
    turn = Turn()

    def fail(_: int) -> None:
        with turn, turn.given_up():
            raise ValueError("no")

    for _ in range(cores + 1):
        with pytest.raises(ValueError, match="no"):
            fail(0)
    with turn:
        pass


def test_work_that_hands_work_out_does_not_wait_for_itself(cores: int) -> None:
    outer = OnnxAdapter("x", shipped(), threads=cores)
    inner = OnnxAdapter("x", shipped(), threads=cores + 1)  # other threads than those of `outer`, which are all at work
    sums: list[int] = []

    def work() -> None:
        sums.extend(outer._map(lambda k: sum(inner._map(lambda j: k * j, list(range(cores + 2)))), list(range(4))))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(20)
    assert sums == [k * sum(range(cores + 2)) for k in range(4)]
