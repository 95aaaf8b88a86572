"""How full the two drafting stages keep a chat endpoint, and what stories that wait cost in memory.

``python -m tests.perf.drafting [--stories 500] [--latency 0.2] [--queued 10000]``

Stories go through the stages as in a build: evidence and frames are read from shards, pictures are sent, answers judged by the
strict validator, rows written. The shards are the sample films' stages up to re-identification, as often as it takes; the
endpoint runs in a process of its own, with a latency and a number of slots: its ceiling is slots over latency.
"""

import argparse
import multiprocessing
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flows.build_dataset import build_dataset
from schemas.config import BuildConfig, make_config
from tasks.chat import close_chat, open_chat
from tasks.draft_analysis import STAGE as DRAFT_ANALYSIS
from tasks.draft_story import STAGE as DRAFT_STORY
from tasks.evidence import STAGES
from tasks.runtime.event_loop import run_coroutine
from tasks.runtime.execute import make_shard
from tasks.runtime.stage import Row, RunSpec, ShardRef, find_stage
from tasks.runtime.store import Manifest, ShardStore, write_shard
from tasks.runtime.usage import resident_bytes
from tests.chat_requests import request
from tests.chat_scribe import answer_schema
from tests.perf.chat_endpoint import serving
from tests.perf.frames import SAMPLE_FILM

SLOTS = 32
PICTURES = 22
"""As configured by default; the sample stories have nine or ten frames each, 350 x 350 pixels and 24 kB."""
STORIES_A_SHARD = 50
"""About what a shard of 512 frames holds."""
KEY = "copied"
IDS = ("frame_id", "story_key", "film")
"""Columns that tell one copy of a story from another."""


@dataclass(frozen=True)
class Shards:
    """Shards that stand up to re-identification, in a workspace of their own."""

    run: RunSpec
    refs: tuple[ShardRef, ...]


def answer(schema: dict[str, Any]) -> str:
    """A sound answer to a request."""
    return answer_schema(schema, "perf")


@dataclass(frozen=True)
class Samples:
    """What the stages left of the sample films, a shard of one story each: rows by stage, and a manifest of each stage."""

    rows: dict[str, list[list[Row]]]
    manifests: dict[str, Manifest]


def build_samples() -> Samples:
    """Build the sample films with the composer."""
    with tempfile.TemporaryDirectory() as folder:
        build_dataset.fn(str(SAMPLE_FILM), folder, BuildConfig(), "plain")
        store = ShardStore(Path(folder) / "shards")
        shards = sorted(path.name for path in (store.root / STAGES[0]).iterdir())
        found = {stage: [store.versions(stage, shard)[-1] for shard in shards] for stage in STAGES}
        rows = {stage: [list(store.read(stage, m.shard, m.key)) for m in found[stage]] for stage in STAGES}
    return Samples(rows, {stage: manifests[0] for stage, manifests in found.items()})


def configure(url: str, pictures: int) -> BuildConfig:
    """Drafting by the endpoint."""
    return make_config(
        {"chat": {"endpoints": [url], "model": "stand-in"}, "draft": {"drafter": "llm", "pictures": pictures}}, "perf"
    )


def renamed(row: Row, copy: int) -> Row:
    """A row as that of another copy of its story."""
    changed: Row = {name: f"{row[name]}-{copy:05d}" for name in IDS if name in row}
    if "frame_ids" in row:
        changed["frame_ids"] = [f"{frame}-{copy:05d}" for frame in row["frame_ids"]]
    return {**row, **changed}


def copy_shards(samples: Samples, run: RunSpec, stories: int, a_shard: int) -> Shards:
    """``stories`` copies of the sample stories in shards of ``a_shard``."""
    refs = []
    for number, start in enumerate(range(0, stories, a_shard)):
        shard = f"copy{number:04d}-0000"
        for stage in STAGES:
            with write_shard(run.store, stage, shard, KEY, find_stage(stage).schema) as out:
                for copy in range(start, min(start + a_shard, stories)):
                    for row in samples.rows[stage][copy % len(samples.rows[stage])]:
                        out.write(renamed(row, copy))
            manifest = samples.manifests[stage]
            run.store.commit(replace(manifest, shard=shard, key=KEY, rows=out.rows, files=out.files))
        refs.append(ShardRef(shard, shard, 0, None, dict.fromkeys(STAGES, KEY)))
    return Shards(run, tuple(refs))


@dataclass(frozen=True)
class Drafted:
    """What drafting came to: stories, seconds, and the process's memory in bytes after each shard."""

    stories: int
    seconds: float
    memory: tuple[int, ...]


def draft(shards: Shards) -> Drafted:
    """Both drafting stages of all shards, as many at once as the ``threads`` engine runs."""
    memory: list[int] = []

    def through(ref: ShardRef) -> int:
        manifest: Manifest | None = None
        for stage in (DRAFT_ANALYSIS, DRAFT_STORY):
            key = stage.key(shards.run, ref)
            manifest = make_shard(stage, shards.run, ref, key, shards.run.store)
            ref = replace(ref, keys={**ref.keys, stage.name: key})
        assert manifest is not None
        memory.append(resident_bytes())
        return manifest.items_out

    begun = time.monotonic()
    with ThreadPoolExecutor(DRAFT_STORY.patience(shards.run.config)) as pool:
        stories = sum(pool.map(through, shards.refs))
    return Drafted(stories, time.monotonic() - begun, tuple(memory))


def keep_full(samples: Samples, stories: int, latency: float, pictures: int) -> float:
    """Share of the ceiling that the requests of so many stories reach, tables and story each one."""
    with serving(SLOTS, latency, answer) as (url, seen), tempfile.TemporaryDirectory() as folder:
        run = RunSpec(folder, "", configure(url, pictures))
        shards = copy_shards(samples, run, stories, STORIES_A_SHARD)
        chat = open_chat(Path(folder), run.config.chat)
        run_coroutine(chat.ask(request(-1)))  # finds out what the server can do, and imports the client
        spent = time.process_time()
        drafted = draft(shards)
        spent = time.process_time() - spent
        close_chat(Path(folder))
        peak, served = seen()
    assert drafted.stories == stories, "a story was lost"
    assert served == 2 * stories + 1, "a request was sent twice"
    share = 2 * stories / drafted.seconds / (SLOTS / latency)
    print(
        f"{stories} stories, at most {pictures} pictures each, {latency * 1000:.0f} ms, {SLOTS} slots: {drafted.seconds:.2f} s, "
        f"{share:.0%} of the ceiling, {peak} slots in use at most, {1000 * spent / stories:.1f} ms of a processor a story"
    )
    return share


def queue_up(samples: Samples, stories: int) -> float:
    """Megabytes by which the second half of so many stories raises the most memory that the first half took."""
    with serving(0, 0.0, answer) as (url, _), tempfile.TemporaryDirectory() as folder:
        run = RunSpec(folder, "", configure(url, PICTURES))
        drafted = draft(copy_shards(samples, run, stories, STORIES_A_SHARD))
        close_chat(Path(folder))
    assert drafted.stories == stories, "a story was lost"
    half = len(drafted.memory) // 2
    first, second = max(drafted.memory[:half]) / 1e6, max(drafted.memory[half:]) / 1e6
    print(
        f"{stories} stories queued, at most {PICTURES} pictures each: {first:.0f} MB at most in the first half, "
        f"{second - first:+.1f} MB in the second, {stories / drafted.seconds:.0f} stories a second"
    )
    return second - first


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stories", type=int, default=500)
    parser.add_argument("--latency", type=float, default=0.2, help="seconds")
    parser.add_argument("--queued", type=int, default=10_000)
    args = parser.parse_args()
    with ProcessPoolExecutor(
        1, multiprocessing.get_context("spawn")
    ) as pool:  # whose models are none of the memory here
        samples = pool.submit(build_samples).result()
    for pictures in (0, PICTURES):
        keep_full(samples, args.stories, args.latency, pictures)
    queue_up(samples, args.queued)


if __name__ == "__main__":
    main()
