"""Rates of pieces of work that take turns, so that a machine that slows down slows all of them."""

import statistics
import time
from collections.abc import Callable, Sequence

Work = Callable[[], object]


def take_turns(
    works: Sequence[Work], rounds: int, least_s: float, clock: Callable[[], float] = time.perf_counter
) -> list[list[float]]:
    """Seconds that one call of each work takes, in each round.

    Every work is called once to warm up and once more to see how long it takes. In a round each is called in turn, as often
    as fills ``least_s`` seconds; every second round goes backwards, so that none always comes after the same one.

    Args:
        works: what is measured.
        rounds: how many rounds, at least 1.
        least_s: least seconds of a work in a round.
        clock: tells seconds.
    """
    calls = [_calls_in(work, least_s, clock) for work in works]
    seconds: list[list[float]] = [[] for _ in works]
    for number in range(rounds):
        order = range(len(works)) if number % 2 == 0 else reversed(range(len(works)))
        for k in order:
            begun = clock()
            for _ in range(calls[k]):
                works[k]()
            seconds[k].append((clock() - begun) / calls[k])
    return seconds


def _calls_in(work: Work, least_s: float, clock: Callable[[], float]) -> int:
    begun = clock()
    work()
    first = clock() - begun
    if first >= 4 * least_s:  # even warm it fills a round
        return 1
    begun = clock()
    work()
    return max(1, round(least_s / max(clock() - begun, 1e-9)))


def share_reached(seconds: Sequence[float], bare_seconds: Sequence[float]) -> float:
    """The rate of a work as a share of the bare one's: the median over rounds of the ratio within a round."""
    return statistics.median(bare / own for own, bare in zip(seconds, bare_seconds, strict=True))
