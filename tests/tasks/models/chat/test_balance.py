"""Who gets which seat, and when an endpoint is rested, tried and given up; by a clock that the test sets."""

import asyncio
from typing import Any

import pytest

from schemas.errors import ConfigError, ShardError
from tasks.models.chat.balance import Balancer, Seat
from tasks.models.chat.concurrency import AdaptiveLimit
from tasks.models.chat.endpoint import Endpoint
from tasks.models.chat.failures import Failure
from tests.chat_requests import config, run

DOWN = Failure("unavailable", "host fails")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def seats(clock: Clock, *limits: int) -> list[Seat]:
    urls = [f"http://host{n}/v1" for n in range(len(limits))]
    return [
        Seat(Endpoint(url, config(url)), AdaptiveLimit(most, clock=clock))
        for url, most in zip(urls, limits, strict=True)
    ]


def balancer(clock: Clock, *limits: int, rests: int = 3) -> Balancer:
    return Balancer(seats(clock, *limits), rests, 1.0, clock)


def test_the_least_loaded_seat_is_given() -> None:
    async def through() -> list[str]:
        balance = balancer(Clock(), 4, 2)
        return [(await balance.take()).endpoint.place for _ in range(6)]

    assert sorted(run(through())) == ["host0/v1"] * 4 + ["host1/v1"] * 2


def test_who_came_first_goes_first() -> None:
    async def through() -> list[int]:
        balance = balancer(Clock(), 1)
        seat = await balance.take()
        served: list[int] = []

        async def wait(number: int) -> None:
            taken = await balance.take()
            served.append(number)
            balance.give_back(taken, taken.limit.ticket, "answered", 0.1)

        waiting = [asyncio.create_task(wait(number)) for number in range(5)]
        await asyncio.sleep(0)
        balance.give_back(seat, seat.limit.ticket, "answered", 0.1)
        await asyncio.gather(*waiting)
        return served

    assert run(through()) == [0, 1, 2, 3, 4]


def test_a_seat_that_was_given_to_one_who_left_is_free_again() -> None:
    async def through() -> int:
        balance = balancer(Clock(), 1)
        seat = await balance.take()
        leaver = asyncio.create_task(balance.take())
        await asyncio.sleep(0)
        balance.give_back(seat, seat.limit.ticket, "answered", 0.1)  # given to the leaver, who has not woken up yet
        leaver.cancel()
        await asyncio.gather(leaver, return_exceptions=True)
        return (await asyncio.wait_for(balance.take(), 1)).limit.active

    assert run(through()) == 1


def fail(balance: Balancer, seat: Seat, failure: Failure = DOWN) -> None:
    seat.limit.active += 1
    balance.blame(seat, failure, 60.0)
    balance.give_back(seat, seat.limit.ticket, "other")


def test_three_failures_in_a_row_are_a_rest_which_doubles() -> None:
    async def through() -> list[float]:
        clock = Clock()
        balance = balancer(clock, 8, rests=9)
        (seat,) = balance.seats
        seat.reached = True
        rests = []
        for count in range(5):
            fail(balance, seat)
            rests.append(seat.until - clock.now if seat.until > clock.now else 0.0)
            if rests[-1]:
                clock.now = seat.until
                assert seat.ailing, count
        return rests

    assert run(through()) == [0.0, 0.0, 1.0, 2.0, 4.0]


@pytest.mark.parametrize("kind", ["rate_limited", "garbled"])
def test_signs_of_life_end_a_rest(kind: Any) -> None:
    async def through() -> tuple[int, float]:
        balance = balancer(Clock(), 8)
        (seat,) = balance.seats
        for _ in range(3):
            fail(balance, seat)
        assert seat.until > 100
        fail(balance, seat, Failure(kind, "well"))
        return seat.failures, seat.until

    assert run(through()) == (0, 0.0)


def test_an_ailing_endpoint_is_tried_by_one_request_at_a_time() -> None:
    async def through() -> bool:
        clock = Clock()
        balance = balancer(clock, 8)
        (seat,) = balance.seats
        seat.reached = True
        for _ in range(3):
            fail(balance, seat)
        clock.now = seat.until
        await balance.take()
        second = asyncio.create_task(balance.take())
        await asyncio.sleep(0.01)
        waits = not second.done()
        balance.give_back(seat, seat.limit.ticket, "answered", 0.1)
        await asyncio.wait_for(second, 1)
        return waits

    assert run(through())


@pytest.mark.parametrize(("reached", "kind", "rests"), [(True, ShardError, 3), (False, ConfigError, 2)])
def test_when_all_were_rested_often_enough_everyone_is_told(reached: bool, kind: type[Exception], rests: int) -> None:
    async def through() -> tuple[list[Any], int]:
        clock = Clock()
        balance = balancer(clock, 1, rests=3)
        (seat,) = balance.seats
        seat.reached = reached
        await balance.take()
        waiting = asyncio.gather(*(balance.take() for _ in range(5)), return_exceptions=True)
        await asyncio.sleep(0)
        count = 0
        while seat.rests < rests:
            balance.blame(seat, DOWN, 60.0)
            clock.now = max(clock.now, seat.until - 0.5 if seat.rests == rests else seat.until)
            count += 1
        told = list(await asyncio.wait_for(waiting, 1))
        with pytest.raises(kind):  # and whoever comes while it rests
            await balance.take()
        return told, count

    told, _ = run(through())
    assert {type(one) for one in told} == {kind}
