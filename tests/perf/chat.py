"""How full a chat endpoint is kept, and what waiting costs in memory.

``python -m tests.perf.chat [--requests N] [--latency S] [--queued N]``

The endpoint is in a process of its own on loopback, with a latency and a number of slots; its ceiling is slots over latency.
Aims: 90 % of it; memory that does not grow with what is queued. The bare client stands beside it. Stories through the drafting
stages are measured by ``tests.perf.drafting``.
"""

import argparse
import tempfile
import time
from pathlib import Path

from schemas.chat import ChatReply
from schemas.chat_config import ChatConfig
from tasks.chat import close_chat, open_chat
from tasks.models.chat.wire import Dialect, make_body
from tasks.runtime.event_loop import ordered_map, run_coroutine
from tasks.runtime.usage import resident_bytes
from tests.chat_requests import GOOD, request
from tests.perf.chat_endpoint import serving

SLOTS = 32


def answer(_: object) -> str:
    """The one answer to every request."""
    return GOOD


def ask_bare(requests: int, latency: float) -> float:
    """Share of the ceiling that the ``openai`` client reaches alone, with as many requests at once as there are slots."""
    import asyncio

    from openai import AsyncOpenAI

    async def all_of_them(url: str) -> float:
        seats = asyncio.Semaphore(SLOTS)
        async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:

            async def ask(number: int) -> None:
                async with seats:
                    body = make_body(request(number), "stand-in", Dialect(), stream=False)
                    await client.chat.completions.create(**body)

            await ask(-1)
            begun = time.monotonic()
            await asyncio.gather(*map(ask, range(requests)))
            return time.monotonic() - begun

    with serving(SLOTS, latency, answer) as (url, _):
        seconds = asyncio.run(all_of_them(url))
    share = requests / seconds / (SLOTS / latency)
    print(f"{requests} requests by the bare client: {seconds:.2f} s, {share:.0%} of the ceiling")
    return share


def keep_full(requests: int, latency: float) -> float:
    """Share of the ceiling that so many requests reach, from a pool that has just been opened."""
    with serving(SLOTS, latency, answer) as (url, seen), tempfile.TemporaryDirectory() as folder:
        chat = open_chat(Path(folder), ChatConfig(endpoints=(url,), model="stand-in"))
        run_coroutine(chat.ask(request(-1)))  # finds out what the server can do, and imports the client
        begun = time.monotonic()
        replies = list(ordered_map(range(requests), lambda n: chat.ask(request(n)), chat.look_ahead))
        seconds = time.monotonic() - begun
        close_chat(Path(folder))
        peak, served = seen()
    assert all(isinstance(reply, ChatReply) and not reply.cached for reply in replies)
    assert served == requests + 1, "a request was sent twice"
    share = requests / seconds / (SLOTS / latency)
    print(
        f"{requests} requests, {latency * 1000:.0f} ms, {SLOTS} slots: {seconds:.2f} s, {share:.0%} of the ceiling,",
        end=" ",
    )
    print(f"{peak} slots in use at most")
    return share


def queue_up(items: int) -> float:
    """Megabytes by which the second half of so many queued items raises the process's memory."""
    with serving(0, 0.0, answer) as (url, _), tempfile.TemporaryDirectory() as folder:
        chat = open_chat(Path(folder), ChatConfig(endpoints=(url,), model="stand-in"))
        marks: list[int] = []
        story = "x" * 20_000
        asked = (request(n, system=story) for n in range(items))
        begun = time.monotonic()
        for count, _reply in enumerate(ordered_map(asked, chat.ask, chat.look_ahead), start=1):
            if count in (items // 2, items):
                marks.append(resident_bytes())
        seconds = time.monotonic() - begun
        close_chat(Path(folder))
    grown = (marks[1] - marks[0]) / 1e6
    print(
        f"{items} queued: {marks[1] / 1e6:.0f} MB in all, {grown:+.1f} MB for the second half, {items / seconds:.0f} a second"
    )
    return grown


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--latency", type=float, default=0.2, help="seconds")
    parser.add_argument("--queued", type=int, default=10_000)
    args = parser.parse_args()
    bare = ask_bare(args.requests, args.latency)
    print(f"{keep_full(args.requests, args.latency) / bare:.0%} of what the bare client reaches")
    queue_up(args.queued)


if __name__ == "__main__":
    main()
