"""Rates in turns, on a clock that only the works move."""

import pytest

from tasks.benchmark.rates import share_reached, take_turns


class Clock:
    """Seconds, and who worked when."""

    def __init__(self) -> None:
        self.now = 0.0
        self.order: list[str] = []

    def __call__(self) -> float:
        return self.now

    def work(self, name: str, seconds: float) -> object:
        self.order.append(name)
        self.now += seconds * self.slowness
        return None

    slowness = 1.0


def test_each_fills_its_share_of_a_round_and_order_changes() -> None:
    clock = Clock()
    seconds = take_turns([lambda: clock.work("a", 1.0), lambda: clock.work("b", 2.0)], 3, 4.0, clock)
    assert seconds == [[1.0] * 3, [2.0] * 3]
    forth, back = ["a"] * 4 + ["b"] * 2, ["b"] * 2 + ["a"] * 4
    assert clock.order == ["a", "a", "b", "b", *forth, *back, *forth]


def test_what_takes_long_is_not_called_more_than_needed() -> None:
    clock = Clock()
    take_turns([lambda: clock.work("slow", 10.0)], 2, 1.0, clock)
    assert len(clock.order) == 1 + 2


def test_a_machine_that_slows_down_does_not_change_the_share() -> None:
    """Rounds at a half, a tenth and full speed: the adapter takes 5 where the bare network takes 4 in each."""
    clock = Clock()

    def adapter() -> None:
        clock.work("adapter", 5.0)

    def bare() -> None:
        clock.work("bare", 4.0)
        if clock.order.count("bare") > 1:
            clock.slowness = 10.0

    seconds = take_turns([adapter, bare], 4, 1.0, clock)
    assert len(set(seconds[0])) > 1
    assert share_reached([5.0, 10.0, 50.0], [4.0, 8.0, 40.0]) == pytest.approx(0.8)


def test_one_bad_round_does_not_count() -> None:
    assert share_reached([5.0, 500.0, 5.0], [4.0, 4.0, 4.0]) == pytest.approx(0.8)
