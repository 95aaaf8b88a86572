"""The chat model through a provider's Batch API: requests gather, go together, and their answers come within a day.

To whoever asks it is a chat model that is slow. A batch goes when it is full, or when no request has joined it for a while: then
everyone who could ask waits for an answer. Answers go into the ledger as they are fetched; a process that starts anew finds the
batches under way, and waits for them in place of paying again.
"""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from schemas.chat import ChatReply, ChatRequest
from schemas.chat_call import Call, CallLedger, request_key
from schemas.chat_config import ChatConfig
from schemas.errors import ConfigError, SampleError, ShardError
from tasks.models.chat.balance import Seat
from tasks.models.chat.batch_answers import judge_line
from tasks.models.chat.batch_files import LINES, Errand, Gathering, Note, NoteFolder
from tasks.models.chat.batch_wire import BatchWire, read_lines
from tasks.models.chat.budget import Budget
from tasks.models.chat.capability import CapabilityStore
from tasks.models.chat.concurrency import AdaptiveLimit
from tasks.models.chat.endpoint import Endpoint
from tasks.models.chat.exchange import Exchange, reply_from
from tasks.models.chat.failures import Failure, Unsupported
from tasks.models.chat.interpreter import Interpreter
from tasks.models.chat.prices import FREE, Price, find_price
from tasks.models.chat.tokens import estimate_tokens
from tasks.models.chat.wire import make_body

_OVER = ("completed", "expired", "cancelled", "failed")


class BatchChat:
    """A :class:`schemas.chat.ChatModel`. Belongs to one event loop and is alone in its folder; to be closed."""

    def __init__(
        self,
        config: ChatConfig,
        ledger: CallLedger,
        capabilities: CapabilityStore,
        prices: Mapping[str, Price],
        folder: Path,
    ) -> None:
        """Nothing is sent before the first request.

        Raises:
            ConfigError: there is not exactly one endpoint, or money is limited and the model's price is not known.
        """
        if len(config.endpoints) != 1:
            raise ConfigError(f"--batch-api needs one endpoint in [chat], and there are {len(config.endpoints)}")
        price = find_price(prices, config.model)
        self._config = config
        self._ledger = ledger
        self._price = price or FREE
        self._budget = Budget(config.max_usd, config.max_tokens, price, ledger.spent, config.model, batch=True)
        self._seat = Seat(Endpoint(config.endpoints[0], config), AdaptiveLimit(1))
        at_once = Exchange(config.model, config.stream, self._price, self._budget, ledger)
        self._interpreter = Interpreter(config, capabilities, at_once)
        self._notes = NoteFolder(folder)
        self._wire = BatchWire(self._seat.endpoint, config.request_retries)
        self._gathering: Gathering | None = None
        self._joined = 0.0
        self._expected: dict[str, asyncio.Future[Exception | None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._resumed: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """The model's name as it is asked for."""
        return self._config.model

    @property
    def look_ahead(self) -> int:
        """How many stories to have under way: as many as a batch holds."""
        return self._config.batch_requests

    async def ask(self, request: ChatRequest) -> ChatReply:
        """One answer, from the ledger where it holds it, else from a batch.

        Raises:
            RequestRefused, ContextOverflow, SampleError: this request will not be answered.
            ConfigError, ShardError, BudgetExceeded, WorkspaceError: none will.
        """
        if self._resumed is None:
            self._resumed = asyncio.create_task(self._resume())
        await asyncio.shield(self._resumed)
        key = request_key(self.name, request)
        reprobed = False
        for _ in range(self._config.request_retries + 1):
            found = await asyncio.to_thread(self._ledger.find, key)
            if found is not None:
                return reply_from(found, request, cached=True)
            outcome = await self._through_batch(key, request)
            if outcome is None:
                call = await asyncio.to_thread(self._ledger.find, key)
                if call is not None:
                    return reply_from(call, request, cached=False)
            elif isinstance(outcome, Unsupported):
                used = await self._interpreter.dialect(self._seat)
                if not await self._interpreter.relearn(self._seat, used, outcome, reprobed):
                    raise SampleError(f"{self._seat.endpoint.place} does not take the request: {outcome.told}")
                reprobed = True
            elif not isinstance(outcome, Failure):
                raise outcome
        raise SampleError(f"{request.purpose} of {request.item}: no whole answer in any batch")

    async def _through_batch(self, key: str, request: ChatRequest) -> Exception | None:
        """Wait for the batch that holds the request, after joining one where none does; gives what stood in the way."""
        expected = self._expected.get(key)
        if expected is None:
            dialect = await self._interpreter.dialect(self._seat)
            async with self._budget.reserved(request):
                expected = self._expected.get(key)
                if expected is None:
                    expected = self._expected[key] = asyncio.get_running_loop().create_future()
                    held = dialect.way if request.schema is not None else ""
                    errand = Errand(request.purpose, request.item, request.prompt, held, estimate_tokens(request))
                    await self._join(key, errand, make_body(request, self.name, dialect, stream=False))
                return await asyncio.shield(expected)
        return await asyncio.shield(expected)

    async def _join(self, key: str, errand: Errand, body: Mapping[str, Any]) -> None:
        if self._gathering is None:
            name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
            self._gathering = Gathering(name, self._notes.path(name, LINES))
            self._start(self._linger(self._gathering))
        self._gathering.add(key, errand, body)
        self._joined = time.monotonic()
        if (
            len(self._gathering.errands) >= self._config.batch_requests
            or self._gathering.size >= self._config.batch_bytes
        ):
            self._go(self._gathering)

    async def _linger(self, gathering: Gathering) -> None:
        while self._gathering is gathering:
            left = self._joined + self._config.batch_linger_s - time.monotonic()
            if left <= 0:
                self._go(gathering)
            else:
                await asyncio.sleep(left)

    def _go(self, gathering: Gathering) -> None:
        self._gathering = None
        gathering.close()
        self._start(self._submit(gathering))

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _submit(self, gathering: Gathering) -> None:
        note = Note(gathering.name, self._seat.endpoint.place, self.name, time.time(), gathering.errands)
        try:
            await asyncio.to_thread(self._notes.save, note)
            try:
                batch = await self._wire.submit(gathering.path, note.name)
            except ShardError:
                # Whether it was created before the connection broke is not known; ask.
                batch = await self._wire.find(note.name)
                if not batch:
                    self._notes.drop(note.name)
                    raise
            except ConfigError:
                self._notes.drop(note.name)
                raise
            note = note.handed_in(batch)
            await asyncio.to_thread(self._notes.save, note)
            gathering.path.unlink(missing_ok=True)
            await self._await_batch(note)
        except Exception as error:
            self._resolve(note.errands, error)

    async def _resume(self) -> None:
        """Take up the batches that another process handed in."""
        for note in await asyncio.to_thread(self._notes.load):
            if (note.place, note.model) != (self._seat.endpoint.place, self.name):
                continue  # of another set-up, which may come back
            found = note if note.batch else note.handed_in(await self._wire.find(note.name))
            if not found.batch:
                self._notes.drop(note.name)
                continue
            await asyncio.to_thread(self._notes.save, found)
            for key in found.errands:
                self._expected[key] = asyncio.get_running_loop().create_future()
            self._start(self._watch(found))

    async def _watch(self, note: Note) -> None:
        try:
            await self._await_batch(note)
        except Exception as error:
            self._resolve(note.errands, error)

    async def _await_batch(self, note: Note) -> None:
        while True:
            batch = await self._wire.look(note.batch)
            if batch.status in _OVER:
                break
            await asyncio.sleep(self._config.batch_poll_s)
        if batch.status == "failed" and not batch.output_file_id:
            faults = [fault.message or fault.code for fault in (batch.errors.data if batch.errors else None) or ()]
            self._notes.drop(note.name)
            raise ShardError(f"batch {note.batch} was refused: {'; '.join(map(str, faults[:3])) or 'no reason given'}")
        waiting = dict(note.errands)
        for file, suffix in ((batch.output_file_id, ".answers"), (batch.error_file_id, ".errors")):
            if not file:
                continue
            path = self._notes.path(note.name, suffix)
            await self._wire.fetch(file, path)
            for line in read_lines(path):
                errand = waiting.pop(line["custom_id"], None)
                if errand is not None:
                    await self._take(note, line["custom_id"], errand, line)
        lost = Failure("unavailable", f"batch {note.batch} is {batch.status} without an answer to this", alive=True)
        self._resolve(waiting, lost)
        self._notes.drop(note.name)

    async def _take(self, note: Note, key: str, errand: Errand, line: Mapping[str, Any]) -> None:
        judged = judge_line(line, self._seat.endpoint, errand)
        call = Call(
            call=secrets.token_hex(8),
            time=datetime.fromtimestamp(note.submitted, UTC).isoformat(timespec="milliseconds"),
            request_key=key,
            purpose=errand.purpose,
            item=errand.item,
            prompt=errand.prompt,
            model=note.model,
            endpoint=note.place,
            attempt=1,
            way=errand.way,
            outcome=judged.outcome,
            finish=judged.finish,
            input_tokens=judged.input_tokens,
            output_tokens=judged.output_tokens,
            seconds=round(max(0.0, time.time() - note.submitted), 1),
            cost_usd=self._price.cost(judged.input_tokens, judged.output_tokens, batch=True),
            text=judged.text,
        )
        # A process that died while it fetched this batch may have recorded the answer already.
        if judged.outcome != "answered" or await asyncio.to_thread(self._ledger.find, key) is None:
            await asyncio.to_thread(self._ledger.record, call)
        self._resolve({key: errand}, judged.error)

    def _resolve(self, errands: Mapping[str, Errand], outcome: Exception | None) -> None:
        for key in errands:
            expected = self._expected.pop(key, None)
            if expected is not None and not expected.done():
                expected.set_result(outcome)

    async def close(self) -> None:
        """Stop waiting; batches that were handed in go on at the provider, and the next process fetches them."""
        tasks = [*self._tasks, *([self._resumed] if self._resumed else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._gathering is not None:
            self._gathering.close()
            self._notes.drop(self._gathering.name)
        with contextlib.suppress(OSError, RuntimeError):
            await self._seat.endpoint.close()
