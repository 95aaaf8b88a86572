"""Requests shared among endpoints: by least load, first come first served; an endpoint that fails is rested and tried again."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from schemas.errors import ConfigError, ShardError, StoryReasoningError
from tasks.models.chat.concurrency import AdaptiveLimit, Signal
from tasks.models.chat.endpoint import Endpoint
from tasks.models.chat.failures import Failure
from tasks.models.chat.wire import Dialect

FAILURES_TO_REST = 3
"""Failures in a row after which an endpoint is left alone for a while; one refused connection is enough."""

LONGEST_REST_S = 60.0
FIRST_CONTACT_RESTS = 2
FIRST_CONTACT_REST_S = 0.5


@dataclass(slots=True)
class Seat:
    """An endpoint with what has been learnt of it.

    Attributes:
        failures: in a row.
        rests: in a row.
        reached: whether it ever answered.
        until: when its rest ends, by the clock.
        told: its last failure.
    """

    endpoint: Endpoint
    limit: AdaptiveLimit
    dialect: Dialect | None = None
    probing: "asyncio.Task[Dialect] | None" = None
    failures: int = 0
    rests: int = 0
    reached: bool = False
    until: float = 0.0
    told: str = ""

    @property
    def ailing(self) -> bool:
        """Whether it failed so often that one request at a time is enough to find out how it is."""
        return self.failures >= FAILURES_TO_REST

    def revive(self) -> None:
        """Take in a sign of life, which ends a rest too."""
        self.reached, self.failures, self.until = True, 0, 0.0


@dataclass(slots=True)
class Balancer:
    """Gives seats to waiting requests. Belongs to one event loop.

    Attributes:
        rests_allowed: rests in a row, of every endpoint, after which waiting is given up.
        rest_s: the first rest; each further one is twice as long, up to a minute.
    """

    seats: Sequence[Seat]
    rests_allowed: int
    rest_s: float
    clock: Callable[[], float] = time.monotonic
    _waiting: deque["asyncio.Future[Seat]"] = field(default_factory=deque)
    _alarm: asyncio.TimerHandle | None = None

    async def take(self) -> Seat:
        """The least loaded seat, once one is free; :meth:`give_back` must follow.

        Raises:
            ConfigError: no endpoint was ever reached.
            ShardError: none has answered for long.
        """
        hopeless = self._hopeless()
        if hopeless is not None and all(self.clock() < seat.until for seat in self.seats):
            raise hopeless
        place: asyncio.Future[Seat] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        self._dispatch()
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:
                place.result().limit.active -= 1
                self._dispatch()
            raise

    def give_back(self, seat: Seat, ticket: int, signal: Signal, seconds: float = 0.0) -> None:
        """The request is over; ``answered`` clears the seat's record."""
        seat.limit.leave(ticket, signal, seconds)
        if signal == "answered":
            seat.revive()
            seat.rests = 0
        self._dispatch()

    def blame(self, seat: Seat, failure: Failure, cap_s: float) -> None:
        """Remember a failure against the seat: hold it back as it asks, or rest it when it fails again and again."""
        seat.told = failure.told
        if failure.kind in ("rate_limited", "garbled"):  # signs of life
            seat.revive()
        if failure.kind == "rate_limited":
            seat.limit.hold(min(cap_s, failure.retry_after or 0.0))
        elif failure.kind != "garbled":
            seat.failures = max(seat.failures + 1, FAILURES_TO_REST if failure.refused else 0)
            if seat.ailing and self.clock() >= seat.until:
                first = self.rest_s if seat.reached else min(self.rest_s, FIRST_CONTACT_REST_S)
                rest = min(LONGEST_REST_S, max(first * 2**seat.rests, min(cap_s, failure.retry_after or 0.0)))
                seat.rests += 1
                seat.until = self.clock() + rest
        hopeless = self._hopeless()
        if hopeless is not None:
            while self._waiting:
                place = self._waiting.popleft()
                if not place.done():
                    place.set_exception(hopeless)
        self._dispatch()

    def _hopeless(self) -> StoryReasoningError | None:
        def given_up(seat: Seat) -> bool:
            return seat.rests >= (self.rests_allowed if seat.reached else min(self.rests_allowed, FIRST_CONTACT_RESTS))

        if not all(map(given_up, self.seats)):
            return None
        told = "; ".join(seat.told for seat in self.seats)
        if not any(seat.reached for seat in self.seats):
            return ConfigError(f"no chat model answers: {told}: start the server, or correct endpoints in [chat]")
        return ShardError(f"no endpoint answers any more: {told}; what was answered is kept")

    def _free(self, seat: Seat) -> bool:
        if self.clock() < seat.until or not seat.limit.free:
            return False
        return not seat.ailing or seat.limit.active == 0

    def _dispatch(self) -> None:
        while self._waiting:
            free = [seat for seat in self.seats if self._free(seat)]
            if not free:
                break
            place = self._waiting.popleft()
            if place.done():
                continue
            seat = min(free, key=lambda seat: (seat.ailing, seat.limit.load, seat.limit.active))
            seat.limit.active += 1
            place.set_result(seat)
        self._set_alarm()

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        now = self.clock()
        waits = [max(seat.until - now, seat.limit.waits_s) for seat in self.seats]
        waits = [wait for wait in waits if wait > 0]
        if self._waiting and waits:
            self._alarm = asyncio.get_running_loop().call_later(min(waits) + 0.001, self._dispatch)
