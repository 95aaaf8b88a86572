"""One exchange with an endpoint, within the budget, and its record in the ledger whatever comes of it."""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from schemas.chat import ChatReply, ChatRequest, ContextOverflow, RequestRefused
from schemas.chat_call import Call, CallLedger, Outcome
from schemas.errors import ConfigError, SampleError
from tasks.models.chat.budget import Budget
from tasks.models.chat.endpoint import Answer, Endpoint
from tasks.models.chat.extract import read_json
from tasks.models.chat.failures import Failure, Unsupported
from tasks.models.chat.prices import Price
from tasks.models.chat.wire import Dialect, make_body


@dataclass(frozen=True, slots=True)
class Exchange:
    """What every call of a model has in common; ``batch`` says that it is paid at the price of batches."""

    model: str
    stream: bool
    price: Price
    budget: Budget
    ledger: CallLedger
    batch: bool = False

    async def once(
        self,
        endpoint: Endpoint,
        request: ChatRequest,
        dialect: Dialect,
        key: str,
        attempt: int = 1,
        on_wire: Callable[[bool], None] = lambda _: None,
        on_answer: Callable[[float], None] = lambda _: None,
    ) -> Call:
        """Send once and record what comes of it; an answer is in the ledger when this returns.

        Args:
            endpoint: whom to ask.
            request: what.
            dialect: how.
            key: the request's, see :func:`schemas.chat_call.request_key`.
            attempt: how often this has been sent, with this time.
            on_wire: is told when sending begins, and when what came is recorded.
            on_answer: is told how long the answer took, before it is recorded.

        Raises:
            Failure, Unsupported, StoryReasoningError: as ``Endpoint.send``.
        """
        body = make_body(request, self.model, dialect, self.stream)
        async with self.budget.reserved(request):
            begun = time.monotonic()
            on_wire(True)
            try:
                answer = await endpoint.send(body, request)
                on_answer(answer.seconds)
                call = self.describe(key, request, endpoint.place, dialect, attempt, answer)
                await asyncio.to_thread(self.ledger.record, call)
                return call
            except (Failure, Unsupported, ContextOverflow, RequestRefused, ConfigError, SampleError) as error:
                given, came = (error.input_tokens, error.output_tokens) if isinstance(error, Failure) else (0, 0)
                nothing = Answer(str(error), "stop", given, came, time.monotonic() - begun)
                outcome = _outcome(error)
                call = self.describe(key, request, endpoint.place, dialect, attempt, nothing, outcome)
                await asyncio.to_thread(self.ledger.record, call)
                raise
            finally:
                on_wire(False)

    def describe(
        self,
        key: str,
        request: ChatRequest,
        place: str,
        dialect: Dialect,
        attempt: int,
        answer: Answer,
        outcome: Outcome = "answered",
    ) -> Call:
        """The record of a call that has just ended."""
        sent = datetime.fromtimestamp(time.time() - answer.seconds, UTC)
        return Call(
            call=secrets.token_hex(8),
            time=sent.isoformat(timespec="milliseconds"),
            request_key=key,
            purpose=request.purpose,
            item=request.item,
            prompt=request.prompt,
            model=self.model,
            endpoint=place,
            attempt=attempt,
            way=dialect.way if request.schema is not None else "",
            outcome=outcome,
            finish=answer.finish if outcome == "answered" else "",
            input_tokens=answer.input_tokens,
            output_tokens=answer.output_tokens,
            seconds=round(answer.seconds, 4),
            cost_usd=self.price.cost(answer.input_tokens, answer.output_tokens, self.batch),
            text=answer.text,
        )


def _outcome(error: Exception) -> Outcome:
    if isinstance(error, Failure):
        return error.kind
    if isinstance(error, ContextOverflow):
        return "overflow"
    return "misconfigured" if isinstance(error, ConfigError) else "refused"


def unanswered(request: ChatRequest, attempts: int, told: str) -> str:
    """What is said of a request that got no answer in so many attempts, the last of which ended as ``told``."""
    return f"{request.purpose} of {request.item}: no whole answer in {attempts} attempts: {told}"


def reply_from(call: Call, request: ChatRequest, cached: bool) -> ChatReply:
    """The reply that a recorded answer makes; one from the ledger costs nothing anew."""
    return ChatReply(
        request_key=call.request_key,
        text=call.text,
        value=read_json(call.text) if request.schema is not None else None,
        finish=call.finish or "stop",
        model=call.model,
        endpoint="" if cached else call.endpoint,
        input_tokens=call.input_tokens,
        output_tokens=call.output_tokens,
        cost_usd=call.cost_usd,
        seconds=0.0 if cached else call.seconds,
        cached=cached,
    )
