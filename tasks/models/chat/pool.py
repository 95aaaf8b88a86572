"""The chat model behind several endpoints: answers from the ledger, or asks until there is an answer or no use in asking."""

import asyncio
import contextlib
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from schemas.chat import ChatReply, ChatRequest
from schemas.chat_call import Call, CallLedger, request_key
from schemas.chat_config import ChatConfig
from schemas.errors import ConfigError, SampleError, ShardError, StoryReasoningError
from tasks.models.chat.balance import Balancer, Seat
from tasks.models.chat.budget import Budget
from tasks.models.chat.capability import CapabilityStore
from tasks.models.chat.concurrency import AdaptiveLimit, Signal
from tasks.models.chat.endpoint import Endpoint
from tasks.models.chat.exchange import Exchange, reply_from, unanswered
from tasks.models.chat.failures import Failure, Unsupported
from tasks.models.chat.interpreter import Interpreter
from tasks.models.chat.prices import FREE, Price, find_price
from tasks.models.chat.wire import Dialect

BACKOFF_S, LONGEST_BACKOFF_S = 0.5, 20.0
RATE_LIMIT_PATIENCE = 10
"""Times more often that a request is sent again after a 429 than after a failure: being told to wait is no sign of an end."""

CLOSING_S = 5.0
_JITTER = random.SystemRandom()


@dataclass(slots=True)
class _Errand:
    """A request that is being answered, for one or several who asked the same; ``sent`` while it is over the wire."""

    task: "asyncio.Task[ChatReply]"
    waiting: int = 0
    sent: bool = False

    def on_wire(self, sent: bool) -> None:
        self.sent = sent


class ChatPool:
    """A :class:`schemas.chat.ChatModel`. Belongs to one event loop; to be closed."""

    def __init__(
        self, config: ChatConfig, ledger: CallLedger, capabilities: CapabilityStore, prices: Mapping[str, Price]
    ) -> None:
        """Nothing is sent before the first request.

        Raises:
            ConfigError: there is no endpoint, or money is limited and the model's price is not known.
        """
        if not config.endpoints:
            raise ConfigError("no chat model is set up: name endpoints and model in [chat] of the configuration")
        price = find_price(prices, config.model)
        budget = Budget(config.max_usd, config.max_tokens, price, ledger.spent, config.model)
        seats = [Seat(Endpoint(url, config), AdaptiveLimit(config.max_concurrency)) for url in config.endpoints]
        self._config = config
        self._ledger = ledger
        self._balancer = Balancer(seats, max(1, config.request_retries), config.rest_s)
        self._exchange = Exchange(config.model, config.stream, price or FREE, budget, ledger)
        self._interpreter = Interpreter(config, capabilities, self._exchange)
        self._errands: dict[str, _Errand] = {}
        self._looked = False

    @property
    def name(self) -> str:
        """The model's name as it is asked for."""
        return self._config.model

    @property
    def look_ahead(self) -> int:
        """How many stories to have under way so that no endpoint runs dry."""
        return 4 * self._config.max_concurrency * len(self._config.endpoints)

    @property
    def seats(self) -> tuple[Seat, ...]:
        """The endpoints with what has been learnt of them."""
        return tuple(self._balancer.seats)

    async def ask(self, request: ChatRequest) -> ChatReply:
        """One answer, from the ledger where it holds it; the same request asked twice at once is sent once.

        A request that is over the wire is paid for: whoever stops waiting for it does not stop it, and its answer is recorded.

        Raises:
            RequestRefused, ContextOverflow, SampleError: this request will not be answered.
            ConfigError, ShardError, BudgetExceeded, WorkspaceError: none will.
        """
        key = request_key(self.name, request)
        errand = self._errands.get(key)
        if errand is None:
            errand = self._errands[key] = _Errand(asyncio.create_task(self._answer(key, request)))
            errand.task.add_done_callback(partial(self._forget, key))
        errand.waiting += 1
        try:
            return await asyncio.shield(errand.task)
        except asyncio.CancelledError:
            if errand.waiting == 1 and not errand.sent:
                errand.task.cancel()
            raise
        finally:
            errand.waiting -= 1

    def _forget(self, key: str, task: "asyncio.Task[ChatReply]") -> None:
        self._errands.pop(key, None)
        if not task.cancelled():
            task.exception()  # whoever asked has seen it, or has gone

    async def close(self, wait_s: float = CLOSING_S) -> None:
        """Give requests over the wire a moment to come in, drop the others, and give back the connections."""
        errands = list(self._errands.values())
        for errand in errands:
            if not errand.sent:
                errand.task.cancel()
        tasks: list[asyncio.Task[Any]] = [errand.task for errand in errands]
        tasks += [seat.probing for seat in self.seats if seat.probing is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=wait_s)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for seat in self.seats:
            with contextlib.suppress(OSError, RuntimeError):
                await seat.endpoint.close()

    async def _answer(self, key: str, request: ChatRequest) -> ChatReply:
        found = await self._find(key)
        if found is not None:
            return reply_from(found, request, cached=True)
        failed = limited = attempt = 0
        reprobed = False
        while True:
            attempt += 1
            seat = await self._balancer.take()
            try:
                return await self._attempt(key, request, seat, attempt)
            except Unsupported as complaint:
                used = seat.dialect or Dialect("none")
                if not await self._interpreter.relearn(seat, used, complaint, reprobed):
                    raise SampleError(f"{seat.endpoint.place} does not take the request: {complaint.told}") from None
                reprobed = reprobed or complaint.structured
            except Failure as failure:
                limited += failure.kind == "rate_limited"
                failed += failure.kind != "rate_limited"
                retries = self._config.request_retries
                if failed > retries or limited > max(1, retries) * RATE_LIMIT_PATIENCE:
                    raise self._exhausted(failure, request, attempt) from None
                await asyncio.sleep(self._pause_s(failure, failed + limited))

    async def _find(self, key: str) -> Call | None:
        """The recorded answer. The first look reads all that is recorded; later ones what has come since, mostly nothing."""
        if self._looked:
            return self._ledger.find(key)
        found = await asyncio.to_thread(self._ledger.find, key)
        self._looked = True
        return found

    async def _attempt(self, key: str, request: ChatRequest, seat: Seat, attempt: int) -> ChatReply:
        """One attempt on a seat that was taken; it is given back whatever comes, and before an answer is recorded."""
        ticket = seat.limit.ticket
        taken = True

        def give_back(signal: Signal, seconds: float = 0.0) -> None:
            nonlocal taken
            if taken:
                taken = False
                self._balancer.give_back(seat, ticket, signal, seconds)

        errand = self._errands.get(key)
        try:
            dialect = await self._interpreter.dialect(seat)
            call = await self._exchange.once(
                seat.endpoint,
                request,
                dialect,
                key,
                attempt,
                on_wire=errand.on_wire if errand else lambda _: None,
                on_answer=partial(give_back, "answered"),
            )
            return reply_from(call, request, cached=False)
        except Failure as failure:
            self._balancer.blame(seat, failure, self._config.retry_after_cap_s)
            give_back(failure.kind if failure.kind in ("rate_limited", "timed_out") else "other")
            raise
        finally:
            give_back("other")

    def _exhausted(self, failure: Failure, request: ChatRequest, attempts: int) -> StoryReasoningError:
        told = unanswered(request, attempts, failure.told)
        lost = failure.kind == "unavailable" and not failure.alive and all(seat.ailing for seat in self.seats)
        return ShardError(f"{told}; what was answered is kept") if lost else SampleError(told)

    def _pause_s(self, failure: Failure, count: int) -> float:
        """Exponential backoff, spread so that those who failed together do not come back together."""
        if failure.kind == "garbled":
            return 0.0  # that the server is well is known
        if failure.retry_after is not None:
            return min(self._config.retry_after_cap_s, failure.retry_after) + _JITTER.uniform(0.0, 0.1)
        return min(LONGEST_BACKOFF_S, BACKOFF_S * math.exp2(min(count - 1, 16))) * _JITTER.uniform(0.5, 1.0)
