"""How many requests an endpoint is sent at once: as many as make it faster, found while it works.

Additive increase, multiplicative decrease (Chiu and Jain 1989), with the slow start and the one decrease a round trip of TCP
(RFC 5681), and a look at throughput, because a server that queues says nothing when it is full:

- while the limit is reached, each answer adds 1 to it until something goes against it, then 1 in a round of answers;
- a 429 takes 30 % off, a time-out half; failures of requests that were under way at a decrease count for that decrease;
- a limit that has grown by a quarter since throughput last rose, at twice the best latency, goes back to where it rose.
"""

import time
from collections.abc import Callable
from statistics import median
from typing import Literal

START = 32
"""Requests at once to begin with."""

Signal = Literal["answered", "rate_limited", "timed_out", "other"]
"""What became of a request, as far as it tells something about how many more the endpoint can take."""

_DECREASE = {"rate_limited": 0.7, "timed_out": 0.5}
_SLOWER, _FASTER, _GROWN = 2.0, 1.05, 1.25
_WORTH = 0.25
"""What more requests at once must bring: a quarter of their share in throughput."""

_FORGET = 1.002
"""By how much the best latency is forgotten a round, so that what was once quick is not held against it for ever."""


class AdaptiveLimit:
    """The limit of one endpoint. Belongs to one event loop.

    Attributes:
        limit: requests allowed at once, as a fraction while it grows.
        active: requests under way.
    """

    def __init__(self, most: int, start: int = START, clock: Callable[[], float] = time.monotonic) -> None:
        """``most`` bounds the limit from above; from below it is 1."""
        self._most = most
        self._clock = clock
        self.limit = float(min(start, most))
        self.active = 0
        self._slow_start = True
        self._generation = 0
        self._until = 0.0
        self._latencies: list[float] = []
        self._round_begun = clock()
        self._round = int(self.limit)
        self._best = 0.0
        self._anchor = (0.0, 0.0)  # the limit at which throughput last rose, and that throughput

    @property
    def free(self) -> bool:
        """Whether one more may go now."""
        return self.active < int(self.limit) and self._clock() >= self._until

    @property
    def load(self) -> float:
        """Share of the limit that is in use."""
        return self.active / max(1, int(self.limit))

    @property
    def waits_s(self) -> float:
        """Seconds until the endpoint may be asked again, where it said to wait."""
        return max(0.0, self._until - self._clock())

    @property
    def ticket(self) -> int:
        """What :meth:`leave` wants of a request that is sent now: after how many decreases that was."""
        return self._generation

    def leave(self, ticket: int, signal: Signal, seconds: float = 0.0) -> None:
        """Give the place back and learn from what became of the request."""
        full = self.active >= int(self.limit)
        self.active -= 1  # whoever gave the place has counted it
        if signal in _DECREASE:
            if ticket == self._generation:
                self._decrease(_DECREASE[signal])
        elif signal == "answered":
            if full:
                self.limit = min(self._most, self.limit + (1.0 if self._slow_start else 1.0 / self.limit))
            self._latencies.append(seconds)
            if len(self._latencies) >= self._round:
                self._end_round(full)

    def hold(self, seconds: float) -> None:
        """Send nothing for so long."""
        self._until = max(self._until, self._clock() + seconds)

    def _decrease(self, factor: float) -> None:
        self._fall_to(self.limit * factor)
        self._anchor = (0.0, 0.0)

    def _fall_to(self, limit: float) -> None:
        self.limit = max(1.0, limit)
        self._generation += 1
        self._slow_start = False
        self._begin_round(self._clock())

    def _begin_round(self, now: float) -> None:
        self._latencies.clear()
        self._round_begun = now
        self._round = int(self.limit)  # fixed, or a growing limit would never come to the end of one

    def _end_round(self, full: bool) -> None:
        now = self._clock()
        latency = median(self._latencies)
        throughput = len(self._latencies) / max(1e-6, now - self._round_begun)
        self._best = min(latency, self._best * _FORGET) if self._best else latency
        self._begin_round(now)
        if not full:
            return
        limit, rose = self._anchor
        worth = 1 + _WORTH * (self.limit / limit - 1) if limit else 0.0
        if throughput > max(_FASTER, worth) * rose:
            self._anchor = (self.limit, throughput)
        elif self.limit >= _GROWN * limit and latency > _SLOWER * self._best:
            self._fall_to(limit)
