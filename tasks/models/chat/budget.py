"""Limits on money and tokens, kept before they are passed: what a request may cost at worst is set aside before it is sent.

What counts is all that the ledger holds, so that a run that is taken up again has no second allowance. Where a request does not
fit while others are under way, it waits for these, as most cost less than their worst; where nothing is under way, it is over.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from schemas.chat import ChatRequest
from schemas.chat_call import Spent
from schemas.errors import BudgetExceeded, ConfigError
from tasks.models.chat.prices import Price
from tasks.models.chat.tokens import estimate_tokens


class Budget:
    """Belongs to one event loop; other processes are seen through the ledger only, their requests under way are not."""

    def __init__(
        self,
        max_usd: float | None,
        max_tokens: int | None,
        price: Price | None,
        spent: Callable[[], Spent],
        model: str,
        batch: bool = False,
    ) -> None:
        """``spent`` gives what all calls of the workspace came to.

        Raises:
            ConfigError: money is limited and the model's price is not known.
        """
        if max_usd is not None and price is None:
            raise ConfigError(
                f"max_usd is set and no price of '{model}' is known: add it to a file of prices and name that in [chat] "
                "prices (0 for a model of your own), or limit max_tokens"
            )
        self._max_usd = math.inf if max_usd is None else max_usd
        self._max_tokens = math.inf if max_tokens is None else max_tokens
        self._limited = max_usd is not None or max_tokens is not None
        self._price = price or Price(0.0, 0.0)
        self._batch = batch
        self._spent = spent
        self._set_aside: list[tuple[int, float]] = []
        self._freed = asyncio.Condition()

    @asynccontextmanager
    async def reserved(self, request: ChatRequest) -> AsyncIterator[None]:
        """Set aside what the request may cost at worst, while the block sends and records it.

        Raises:
            BudgetExceeded: it might pass a limit.
        """
        if not self._limited:
            yield
            return
        given = estimate_tokens(request, worst=True)
        worst = (given + request.max_tokens, self._price.cost(given, request.max_tokens, self._batch))
        async with self._freed:
            while not await self._fits(worst):
                if not self._set_aside:
                    raise BudgetExceeded(await self._told(worst))
                await self._freed.wait()
            self._set_aside.append(worst)
        try:
            yield
        finally:
            async with self._freed:
                self._set_aside.remove(worst)
                self._freed.notify_all()

    async def _fits(self, worst: tuple[int, float]) -> bool:
        spent = await asyncio.to_thread(self._spent)
        tokens = spent.tokens + worst[0] + sum(held[0] for held in self._set_aside)
        usd = spent.usd + worst[1] + sum(held[1] for held in self._set_aside)
        return tokens <= self._max_tokens and usd <= self._max_usd

    async def _told(self, worst: tuple[int, float]) -> str:
        spent = await asyncio.to_thread(self._spent)
        used, limits, takes = [], [], []
        if self._max_usd < math.inf:
            used.append(f"${spent.usd:.4f} of ${self._max_usd:g}")
            limits.append("--max-usd")
            takes.append(f"${worst[1]:.4f}")
        if self._max_tokens < math.inf:
            used.append(f"{spent.tokens:,} of {int(self._max_tokens):,} tokens")
            limits.append("--max-tokens")
            takes.append(f"{worst[0]:,} tokens")
        return (
            f"the limit is reached: {' and '.join(used)} are used and the next request may take {' and '.join(takes)}; "
            f"everything finished is kept, run again with a higher {' or '.join(limits)} to go on"
        )
