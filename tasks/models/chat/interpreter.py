"""How the server behind a seat is spoken to: as configured, as remembered, or as found out, once for all who wait."""

import asyncio
from dataclasses import dataclass

from schemas.chat import ChatRequest
from schemas.chat_call import request_key
from schemas.chat_config import ChatConfig
from tasks.models.chat.balance import Seat
from tasks.models.chat.capability import CapabilityStore, dialect_from_json, dialect_to_json, probe
from tasks.models.chat.exchange import Exchange
from tasks.models.chat.failures import Unsupported
from tasks.models.chat.wire import Dialect


@dataclass(frozen=True, slots=True)
class Interpreter:
    """Finds and remembers dialects."""

    config: ChatConfig
    store: CapabilityStore
    exchange: Exchange

    async def dialect(self, seat: Seat) -> Dialect:
        """The seat's dialect.

        Raises:
            Failure, StoryReasoningError: the server does not answer.
        """
        if seat.dialect is not None:
            return seat.dialect
        if seat.probing is None:
            seat.probing = asyncio.create_task(self._find(seat))
        probing = seat.probing
        try:
            seat.dialect = await asyncio.shield(probing)
        finally:
            if probing.done() and seat.probing is probing:
                seat.probing = None
        return seat.dialect

    async def _find(self, seat: Seat) -> Dialect:
        if self.config.structured != "auto":
            return Dialect(self.config.structured)
        place, model = seat.endpoint.place, self.config.model
        known = dialect_from_json(await asyncio.to_thread(self.store.load, place, model))
        if known is not None:
            return known

        async def send(request: ChatRequest, dialect: Dialect) -> str:
            key = request_key(self.config.model, request)
            return (await self.exchange.once(seat.endpoint, request, dialect, key)).text

        found = await probe(send)
        await self._remember(seat, found)
        return found

    async def relearn(self, seat: Seat, used: Dialect, complaint: Unsupported, again: bool) -> bool:
        """Take in that the server does not understand something; whether another try makes sense.

        Args:
            seat: whose server it is.
            used: the dialect that it complained about.
            complaint: what it said.
            again: whether it was asked anew for this request what it can do.
        """
        adapted = used.adapted(complaint.told, complaint.param)
        if adapted is not None:
            seat.dialect = adapted
            await self._remember(seat, adapted)
            return True
        if not complaint.structured or again or self.config.structured != "auto":
            return False
        if seat.dialect == used:  # the server has changed since it was asked; forget it once
            seat.dialect = None
            await self._remember(seat, None)
        return True

    async def _remember(self, seat: Seat, dialect: Dialect | None) -> None:
        if self.config.structured == "auto":
            value = dialect_to_json(dialect) if dialect else {}
            await asyncio.to_thread(self.store.save, seat.endpoint.place, self.config.model, value)
