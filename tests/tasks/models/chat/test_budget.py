"""Limits on money and tokens, with requests at once."""

import asyncio

import pytest

from schemas.chat_call import Spent
from schemas.errors import BudgetExceeded, ConfigError
from tasks.models.chat.budget import Budget
from tasks.models.chat.prices import Price
from tasks.models.chat.tokens import estimate_tokens
from tests.chat_requests import request, run

WORST = estimate_tokens(request(), worst=True) + 100


@pytest.mark.parametrize("fitting", [0, 1, 5])
def test_as_many_as_fit_at_their_worst_are_let_in(fitting: int) -> None:
    spent = Spent()

    async def through() -> list[str]:
        budget = Budget(None, fitting * WORST + WORST - 1, None, lambda: spent, "m")

        async def one() -> str:
            nonlocal spent
            try:
                async with budget.reserved(request()):
                    await asyncio.sleep(0.01)
                    spent = Spent(spent.calls + 1, spent.tokens + WORST)
                    return "sent"
            except BudgetExceeded as error:
                return str(error)

        return list(await asyncio.gather(*(one() for _ in range(8))))

    found = run(through())
    assert found.count("sent") == fitting
    assert all("--max-tokens" in told for told in found if told != "sent")


def test_requests_that_cost_less_than_their_worst_make_room() -> None:
    """Ten requests of a tenth of their worst fit into room for two at their worst."""
    spent = Spent()
    most = 0

    async def through() -> None:
        nonlocal spent, most
        budget = Budget(None, 2 * WORST, None, lambda: spent, "m")
        active = 0

        async def one() -> None:
            nonlocal spent, active, most
            async with budget.reserved(request()):
                active += 1
                most = max(most, active)
                await asyncio.sleep(0.005)
                spent = Spent(spent.calls + 1, spent.tokens + WORST // 10)
                active -= 1

        await asyncio.gather(*(one() for _ in range(10)))

    run(through())
    assert spent.calls == 10
    assert most == 2


def test_a_request_that_fails_gives_back_what_was_set_aside() -> None:
    async def through() -> None:
        budget = Budget(None, WORST, None, Spent, "m")
        for _ in range(3):
            with pytest.raises(ValueError, match="failed"):
                async with budget.reserved(request()):
                    raise ValueError("failed")

    run(through())


def test_money_is_counted_at_the_price_of_batches_where_they_are_used() -> None:
    price = Price(1.0, 1.0, batch_factor=0.5)

    async def fits(usd: float, batch: bool) -> bool:
        budget = Budget(usd, None, price, Spent, "m", batch)
        try:
            async with budget.reserved(request()):
                return True
        except BudgetExceeded:
            return False

    cost = WORST / 1e6
    assert run(fits(cost * 1.01, False))
    assert not run(fits(cost * 0.6, False))
    assert run(fits(cost * 0.6, True))


def test_what_was_spent_before_counts() -> None:
    async def through() -> None:
        budget = Budget(1.0, None, Price(1, 1), lambda: Spent(3, 500, 1.0), "m")
        with pytest.raises(BudgetExceeded, match=r"\$1.0000 of \$1 are used"):
            async with budget.reserved(request()):
                pass

    run(through())


def test_money_needs_a_price() -> None:
    with pytest.raises(ConfigError, match="limit max_tokens"):
        Budget(1.0, None, None, Spent, "m")
