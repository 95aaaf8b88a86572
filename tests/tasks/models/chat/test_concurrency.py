"""The adaptive limit, by a clock that the test sets."""

from collections.abc import Callable

import pytest

from tasks.models.chat.concurrency import AdaptiveLimit, Signal


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def round_trip(limit: AdaptiveLimit, clock: Clock, seconds: float, signal: Signal = "answered") -> int:
    """Fill the limit, wait, and have every request end; gives how many there were."""
    count = 0
    tickets = []
    while limit.free:
        tickets.append(limit.ticket)
        limit.active += 1
        count += 1
    clock.now += seconds
    for ticket in tickets:
        limit.leave(ticket, signal, seconds)
    return count


def served(slots: int, latency: float) -> Callable[[int], float]:
    """Seconds that a server takes for a round of so many requests: the last waits for those before it."""
    return lambda count: latency * -(-count // slots)


def test_it_doubles_until_something_goes_against_it(clock: Clock) -> None:
    limit = AdaptiveLimit(100, start=4, clock=clock)
    # Within a round the limit grows with each answer that comes while it is reached: the first of each round.
    before = limit.limit
    round_trip(limit, clock, 0.2)
    assert before < limit.limit <= 100
    for _ in range(400):
        limit.active = int(limit.limit)
        clock.now += 0.001
        limit.leave(limit.ticket, "answered", 0.2)
    assert limit.limit == 100


def test_a_rate_limit_takes_a_third_off_once_a_round(clock: Clock) -> None:
    limit = AdaptiveLimit(100, start=50, clock=clock)
    tickets = [limit.ticket for _ in range(20)]
    limit.active = 20
    for ticket in tickets:
        limit.leave(ticket, "rate_limited")
    assert limit.limit == 35.0
    limit.active = 1
    limit.leave(limit.ticket, "timed_out")
    assert limit.limit == 17.5


def test_growth_is_slow_after_a_decrease(clock: Clock) -> None:
    limit = AdaptiveLimit(100, start=10, clock=clock)
    limit.active = 1
    limit.leave(limit.ticket, "rate_limited")
    for _ in range(7):
        limit.active = int(limit.limit)
        limit.leave(limit.ticket, "answered", 0.1)
    assert 7.9 < limit.limit < 8.1


def test_it_never_falls_below_one_nor_rises_above_the_most(clock: Clock) -> None:
    limit = AdaptiveLimit(8, start=16, clock=clock)
    assert limit.limit == 8
    for _ in range(50):
        limit.active = 1
        limit.leave(limit.ticket, "timed_out")
    assert limit.limit == 1.0
    assert limit.free


def test_a_server_that_only_queues_is_not_sent_ever_more(clock: Clock) -> None:
    limit = AdaptiveLimit(1000, start=16, clock=clock)
    seconds = served(slots=32, latency=0.2)
    peak = 0.0
    for _ in range(4000):
        limit.active = int(limit.limit)
        waited = seconds(limit.active)
        clock.now += waited / limit.active
        limit.leave(limit.ticket, "answered", waited)
        peak = max(peak, limit.limit)
    assert 32 <= limit.limit <= 160, "full, and far from the 1000 that it may send"
    assert peak < 200


def test_other_failures_say_nothing(clock: Clock) -> None:
    limit = AdaptiveLimit(100, start=10, clock=clock)
    limit.active = 10
    limit.leave(limit.ticket, "other")
    assert (limit.limit, limit.active) == (10.0, 9)


def test_holding(clock: Clock) -> None:
    limit = AdaptiveLimit(10, clock=clock)
    limit.hold(3)
    assert not limit.free
    assert limit.waits_s == 3
    clock.now = 3.0
    assert limit.free
