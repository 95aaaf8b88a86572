"""The chat models of a workspace: one of each configuration in a process, shared by all that draft or judge in it.

A stage asks through a :class:`ChatSession`; a run stands in ``ended_chat``, which closes what was opened and leaves the ledger as
a table. Models live on the process-wide event loop.
"""

import json
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

from schemas.chat import ChatModel
from schemas.chat_call import Call
from schemas.chat_config import ChatConfig
from schemas.errors import WorkspaceError
from tasks.runtime.atomic import write_json
from tasks.runtime.event_loop import ordered_map, run_coroutine
from tasks.runtime.keys import content_key
from tasks.runtime.ledger import Ledger, read_calls
from tasks.runtime.segments import segment_files
from tasks.runtime.stage import RunSpec
from tasks.runtime.workspace import Workspace

T = TypeVar("T")
R = TypeVar("R")


class Chat(ChatModel, Protocol):
    """A chat model that can be kept busy and closed."""

    @property
    def look_ahead(self) -> int:
        """How many stories to have under way at once."""
        ...

    async def close(self) -> None:
        """Bring in what is under way, as far as it comes soon, and give back the connections."""
        ...


@dataclass(frozen=True, slots=True)
class CapabilityFiles:
    """What was found out about servers, one small file an endpoint and model."""

    folder: Path

    def load(self, place: str, model: str) -> Mapping[str, Any] | None:
        """What was saved; None where nothing was, or it cannot be read."""
        try:
            value = json.loads(self._path(place, model).read_text(encoding="utf-8"))["dialect"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return value if isinstance(value, dict) else None

    def save(self, place: str, model: str, value: Mapping[str, Any]) -> None:
        """Remember JSON-like values.

        Raises:
            WorkspaceError: the workspace cannot be written.
        """
        write_json(self._path(place, model), {"endpoint": place, "model": model, "dialect": dict(value)})

    def _path(self, place: str, model: str) -> Path:
        return self.folder / f"{content_key([place, model])}.json"


_lock = threading.Lock()
_chats: dict[tuple[Path, ChatConfig], Chat] = {}
_ledgers: dict[Path, Ledger] = {}
_broken_off: set[Path] = set()
"""Workspaces whose run was broken off: threads of it that are still at work get no model any more."""


_recorded: ContextVar[bool] = ContextVar("recorded", default=False)


@contextmanager
def answered_from_ledger() -> Iterator[None]:
    """Let the models that are asked for inside the block answer from the ledger alone: nobody is asked, nothing is written."""
    token = _recorded.set(True)
    try:
        yield
    finally:
        _recorded.reset(token)


def _open_recorded(root: Path, config: ChatConfig) -> Chat:
    from tasks.models.chat.recorded import RecordedChat

    folder = Workspace(root).ledger

    def failures() -> dict[str, Call]:
        found: dict[str, Call] = {}
        for call in read_calls(folder):
            if call.request_key not in found or found[call.request_key].time <= call.time:
                found[call.request_key] = call
        return found

    return RecordedChat(config.model, Ledger(folder), failures)


def open_chat(root: Path, config: ChatConfig) -> Chat:
    """The chat model of a workspace; the same one for whoever asks with the same configuration.

    Raises:
        ConfigError: no endpoint is set up, or the file of prices or the price of a limited model is missing.
        WorkspaceError: the run was broken off.
    """
    from tasks.models.chat.prices import load_prices

    root = root.absolute()
    if _recorded.get():
        return _open_recorded(root, config)
    with _lock:
        if root in _broken_off:
            raise WorkspaceError("the run was broken off: run the same command to go on")
        chat = _chats.get((root, config))
        if chat is None:
            workspace = Workspace(root)
            ledger = _ledgers.get(root) or Ledger(workspace.ledger)
            capabilities = CapabilityFiles(workspace.chat / "servers")
            prices = load_prices(config.prices)
            if config.batch:
                from tasks.models.chat.batch import BatchChat

                chat = BatchChat(config, ledger, capabilities, prices, workspace.chat / "batches")
            else:
                from tasks.models.chat.pool import ChatPool

                chat = ChatPool(config, ledger, capabilities, prices)
            _ledgers[root] = ledger
            _chats[root, config] = chat
        return chat


class ChatSession:
    """What a stage does with chat models while it works on a shard."""

    def __init__(self, run: RunSpec) -> None:
        """Nothing is opened before the first model is asked for."""
        self._root = Path(run.workspace)
        self._ahead = 1

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Models stay open for the next shard; ``ended_chat`` closes them."""

    def model(self, config: ChatConfig) -> Chat:
        """The model of a configuration.

        Raises:
            ConfigError: as :func:`open_chat`.
        """
        chat = open_chat(self._root, config)
        self._ahead = max(self._ahead, chat.look_ahead)
        return chat

    def ordered_map(self, work: Callable[[T], Awaitable[R]], items: Iterable[T], ahead: int = 0) -> Iterator[R]:
        """Results of ``work`` on each item, in order; see :func:`tasks.runtime.event_loop.ordered_map`.

        Args:
            work: asks models.
            items: drawn as there is room.
            ahead: items under way or waiting for their turn; 0 for as many as keep the models that were opened busy.
        """
        yield from ordered_map(items, work, ahead or self._ahead)


@contextmanager
def ended_chat(root: Path) -> Iterator[None]:
    """End all chat models of a workspace when the block ends, however it does, and write its ledger as a table.

    Raises:
        WorkspaceError: the table cannot be written; the ledger itself is whole.
    """
    root = root.absolute()
    with _lock:
        _broken_off.discard(root)
    try:
        yield
    except BaseException:
        with _lock:
            _broken_off.add(root)
        raise
    finally:
        close_chat(root)
        write_table(root)


def close_chat(root: Path) -> None:
    """End every chat model of a workspace in this process: what is over the wire is brought in as far as it comes soon."""
    root = root.absolute()
    with _lock:
        chats = [_chats.pop(key) for key in list(_chats) if key[0] == root]
        ledger = _ledgers.pop(root, None)
    for chat in chats:
        run_coroutine(chat.close())
    if ledger is not None:
        ledger.close()


def write_table(root: Path) -> None:
    """Write ``ledger.parquet`` where the ledger, of whatever process, is newer.

    Raises:
        WorkspaceError: it cannot be written.
    """
    workspace = Workspace(root)
    newest = max((path.stat().st_mtime_ns for path in segment_files(workspace.ledger)), default=0)
    table = workspace.ledger_table
    if newest and (not table.exists() or table.stat().st_mtime_ns < newest):
        from tasks.runtime.ledger_table import write_ledger_table

        write_ledger_table(workspace.ledger, table)
