"""The provider's Batch API: hand in, look, fetch. Each call is tried again when it fails in a way that may pass."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from schemas.errors import ConfigError, ShardError
from tasks.models.chat.endpoint import Endpoint
from tasks.models.chat.failures import Failure, Unsupported

R = TypeVar("R")

MARK = "storyreasoning"
"""Key of a batch's metadata under which our name for it stands."""

_LOOKED_THROUGH = 500
_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True)
class BatchWire:
    """One provider."""

    endpoint: Endpoint
    retries: int

    async def submit(self, lines: Path, name: str) -> str:
        """Upload requests and create their batch; gives its id.

        Creating is not tried again: a connection that broke may have broken after it was done.

        Raises:
            ConfigError: the provider has no Batch API, or does not let us in.
            ShardError: it does not answer.
        """

        async def upload() -> Any:
            with lines.open("rb") as handle:
                return await self.endpoint.client.files.create(file=(f"{name}.jsonl", handle), purpose="batch")

        file = await self._patiently(upload, "takes no batch file")

        async def create() -> Any:
            return await self.endpoint.client.batches.create(
                input_file_id=file.id,
                endpoint="/v1/chat/completions",
                completion_window="24h",
                metadata={MARK: name},
            )

        return str((await self._patiently(create, "creates no batch", tries=1)).id)

    async def find(self, name: str) -> str:
        """The id of the batch of our name; empty where there is none among the last few hundred."""

        async def look() -> str:
            seen = 0
            async for batch in self.endpoint.client.batches.list(limit=100):
                if (batch.metadata or {}).get(MARK) == name:
                    return str(batch.id)
                seen += 1
                if seen >= _LOOKED_THROUGH:
                    break
            return ""

        return await self._patiently(look, "lists no batches")

    async def look(self, batch: str) -> Any:
        """The state of a batch."""

        async def retrieve() -> Any:
            return await self.endpoint.client.batches.retrieve(batch)

        return await self._patiently(retrieve, f"does not tell of batch {batch}")

    async def fetch(self, file: str, target: Path) -> None:
        """Download a file, piece by piece."""

        async def download() -> None:
            async with self.endpoint.client.files.with_streaming_response.content(file) as response:
                await response.stream_to_file(target)

        await self._patiently(download, f"does not give file {file}")

    async def _patiently(self, call: Callable[[], Awaitable[R]], told: str, tries: int | None = None) -> R:
        import httpx2
        import openai

        tries = self.retries + 1 if tries is None else tries
        place = self.endpoint.place
        for attempt in range(tries):
            try:
                return await call()
            except openai.APIStatusError as error:
                meant = self.endpoint.classify(error)
                if error.status_code in (404, 405, 501):
                    raise ConfigError(f"{place} {told} ({error.status_code}): use it without --batch-api") from None
                if not isinstance(meant, Failure):
                    complaint = meant.told if isinstance(meant, Unsupported) else str(meant)
                    raise ConfigError(f"{place} {told}: {complaint}") from None
                last = meant.told
            except (openai.APIError, httpx2.HTTPError, json.JSONDecodeError) as error:
                last = type(error).__name__
            if attempt + 1 < tries:
                await asyncio.sleep(min(30.0, _PAUSE_S * 2**attempt))
        raise ShardError(f"{place} {told} ({last}); batches that were handed in go on there, run again to fetch them")


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a file of answers; what is no JSON is left out, and asked again."""
    if not path.exists():
        return
    with path.open("rb") as handle:
        for line in handle:
            try:
                value = json.loads(line)
            except ValueError:
                continue
            if isinstance(value, dict) and isinstance(value.get("custom_id"), str):
                yield value
