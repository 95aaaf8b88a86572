"""A chat model that says again what is on record, and asks nobody: for looking at a shard once more at no cost."""

import asyncio
from collections.abc import Callable, Mapping
from functools import cached_property

from schemas.chat import ChatReply, ChatRequest, ContextOverflow, RequestRefused
from schemas.chat_call import Call, CallLedger, request_key
from schemas.errors import SampleError, ShardError
from tasks.models.chat.exchange import reply_from, unanswered


class RecordedChat:
    """A :class:`schemas.chat.ChatModel` over a ledger. What failed for good when it was asked fails again in the same words."""

    look_ahead = 4

    def __init__(self, model: str, ledger: CallLedger, failures: Callable[[], Mapping[str, Call]]) -> None:
        """Answer as ``model``; ``failures`` gives the last call of each request, and is called at most once."""
        self.name = model
        self._ledger = ledger
        self._read_failures = failures

    @cached_property
    def _failures(self) -> Mapping[str, Call]:
        return self._read_failures()

    async def ask(self, request: ChatRequest) -> ChatReply:
        """The answer on record.

        Raises:
            RequestRefused, ContextOverflow, SampleError: there was none, for the reason on record.
            ShardError: this was never asked.
            WorkspaceError: the ledger cannot be read.
        """
        key = request_key(self.name, request)
        found = await asyncio.to_thread(self._ledger.find, key)
        if found is not None:
            return reply_from(found, request, cached=True)
        failed = self._failures.get(key)
        if failed is None:
            raise ShardError(
                f"the ledger holds no {request.purpose} of {request.item} by {self.name or 'a model'}: the prompt, settings or "
                "input are not those of the build, and nobody is asked here; 'storyreasoning build' asks"
            )
        if failed.outcome == "overflow":
            raise ContextOverflow(failed.text)
        if failed.outcome == "refused":
            raise RequestRefused(failed.text)
        raise SampleError(unanswered(request, failed.attempt, failed.text))

    async def close(self) -> None:
        """Nothing is open."""
