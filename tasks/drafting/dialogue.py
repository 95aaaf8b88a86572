"""Asking a model until its answer holds: what is wrong is fed back, what was cut off is continued or asked for with more room.

Pictures are dropped by a stated rule when a request is longer than the model takes, and a refusal ends the matter at once.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from schemas.chat import ChatModel, ChatReply, ChatRequest, ContextOverflow, RequestRefused, Turn
from schemas.errors import SampleError
from tasks.drafting.picture import fewer_frames

T = TypeVar("T")

Opening = Callable[[tuple[int, ...]], ChatRequest]
"""The first request when these frames are shown."""

MOST_FAULTS_SHOWN = 30
MOST_CONTINUATIONS = 3
NO_ANSWER = "(no answer)"
CUT_OFF = "the answer was cut off before its end: tell it in fewer words"


@dataclass(frozen=True, slots=True)
class Judgement(Generic[T]):
    """What an answer came to: a value, or what is wrong with it."""

    value: T | None = None
    faults: tuple[str, ...] = ()


@dataclass(slots=True)
class Spent:
    """What the answers so far have cost; ``models`` are the names under which they came."""

    attempts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    models: list[str] = field(default_factory=list)

    def add(self, reply: ChatReply) -> None:
        """Count an answer in."""
        self.attempts += 1
        self.input_tokens += reply.input_tokens
        self.output_tokens += reply.output_tokens
        self.cost_usd += reply.cost_usd
        if reply.model not in self.models:
            self.models.append(reply.model)


class DraftFailed(SampleError):
    """A story could not be drafted: a short ``reason`` that is counted, the faults of the last answer, and its text."""

    def __init__(self, reason: str, detail: str, faults: Sequence[str] = (), text: str = "") -> None:
        """Say what became of it."""
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.faults = tuple(faults)
        self.text = text


@dataclass(frozen=True, slots=True)
class Dialogue(Generic[T]):
    """How one thing is asked for.

    Attributes:
        open: the first request when these frames are shown.
        judge: what an answer's text and value come to.
        complain: the words with which faults are fed back.
        go_on: the words with which an answer in plain text that was cut off is continued.
        frames: how many there are to show from.
        tries: answers that are asked for at most; continuations of one answer count once.
        most_tokens: room that an answer which was cut off may be given.
        fallback: the first request in another form, for when no answer could be read at all.
    """

    open: Opening
    judge: Callable[[str, Any], Judgement[T]]
    complain: Callable[[Sequence[str]], str]
    go_on: str
    frames: int
    tries: int
    most_tokens: int
    fallback: Opening | None = None


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """A value that holds, the frames that were shown for it, and what it has cost."""

    value: T
    shown: tuple[int, ...]
    spent: Spent


async def converse(model: ChatModel, dialogue: Dialogue[T], shown: tuple[int, ...], round_: int = 0) -> Answer[T]:
    """Ask until an answer holds.

    Args:
        model: whom to ask.
        dialogue: what for.
        shown: frames that are shown at first.
        round_: how often the whole was tried before; moves the seed, so that the same model answers anew.

    Raises:
        DraftFailed: refused, too long even with the fewest frames, or still faulty after the last try.
        SampleError, ShardError, BudgetExceeded, ConfigError: as the model raises them.
    """
    asking = _Asking(model, dialogue, shown, round_, await asyncio.to_thread(_open, dialogue.open, shown, round_))
    faults: tuple[str, ...] = ()
    text = ""
    for _ in range(dialogue.tries):
        text, value, cut = await asking.ask()
        if cut and not asking.grow():
            faults = (CUT_OFF,)
        elif cut:
            faults = (CUT_OFF,)
            continue
        else:
            judgement = dialogue.judge(text, value)
            if judgement.value is not None:
                return Answer(judgement.value, asking.shown, asking.spent)
            faults = judgement.faults
        await asking.object_to(text, faults, unreadable=not cut and value is None)
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    told = f"{count} after {dialogue.tries} tries: {'; '.join(faults[:3])}"
    raise DraftFailed("truncated" if faults == (CUT_OFF,) else "invalid", told, faults, text)


def _open(opening: Opening, shown: tuple[int, ...], round_: int) -> ChatRequest:
    """The first request of a round. Pictures are drawn here: to be called on a thread, not on the event loop."""
    request = opening(shown)
    return replace(request, seed=None if request.seed is None else request.seed + round_)


class _Asking(Generic[T]):
    """The request as it stands between two tries."""

    def __init__(
        self, model: ChatModel, dialogue: Dialogue[T], shown: tuple[int, ...], round_: int, first: ChatRequest
    ) -> None:
        self.model = model
        self.dialogue = dialogue
        self.shown = shown
        self.round = round_
        self.spent = Spent()
        self.open = dialogue.open
        self.first = first
        self.room = self.first.max_tokens
        self.after: tuple[Turn, ...] = ()

    async def _open(self) -> ChatRequest:
        return await asyncio.to_thread(_open, self.open, self.shown, self.round)

    async def ask(self) -> tuple[str, Any, bool]:
        """Text and value of an answer, and whether it was cut off; plain text that was is continued first."""
        reply = await self._send(self.after)
        text = reply.text
        continued = 0
        while reply.finish == "length" and self.first.schema is None and continued < MOST_CONTINUATIONS:
            continued += 1
            more = (Turn("assistant", (text,)), Turn("user", (self.dialogue.go_on,)))
            reply = await self._send((*self.after, *more))
            text += reply.text
        return text, reply.value, reply.finish == "length"

    async def _send(self, after: tuple[Turn, ...]) -> ChatReply:
        while True:
            request = replace(self.first, turns=(*self.first.turns, *after), max_tokens=self.room)
            try:
                reply = await self.model.ask(request)
            except ContextOverflow as error:
                await self._shorten(error)
                continue
            except RequestRefused as error:
                raise DraftFailed("refused", str(error)) from error
            self.spent.add(reply)
            if reply.finish in ("refusal", "filter"):
                who = "the model declined" if reply.finish == "refusal" else "the provider's filter stopped the answer"
                raise DraftFailed("refused", who, (), reply.text)
            return reply

    async def _shorten(self, error: ContextOverflow) -> None:
        """Make a request fit: first the room for the answer, then the frames shown."""
        fewer = fewer_frames(self.dialogue.frames, self.shown)
        if self.room > self.first.max_tokens:
            self.room = self.first.max_tokens
        elif fewer is not None:
            self.shown = fewer
            self.first = await self._open()
        else:
            told = f"too long even with {len(self.shown)} of {self.dialogue.frames} frames shown"
            raise DraftFailed("context overflow", f"{told}: {error}") from error

    def grow(self) -> bool:
        """Give the next answer twice the room, as far as that goes; False when it went so far already."""
        if self.room >= self.dialogue.most_tokens:
            return False
        self.room = min(2 * self.room, self.dialogue.most_tokens)
        return True

    async def object_to(self, text: str, faults: Sequence[str], unreadable: bool) -> None:
        """Feed back what is wrong with an answer; one that cannot be read is asked for in another form where there is one."""
        if unreadable and self.first.schema is not None and self.dialogue.fallback is not None:
            self.open = self.dialogue.fallback
            self.first = await self._open()
            self.after = ()
            return
        told = self.dialogue.complain(faults[:MOST_FAULTS_SHOWN])
        # Roles must alternate, and some servers refuse an empty message.
        self.after = (Turn("assistant", (text if text.strip() else NO_ANSWER,)), Turn("user", (told,)))
