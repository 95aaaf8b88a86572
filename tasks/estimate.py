"""What drafting with a chat model will take: requests, tokens, dollars and time, before anything is sent.

Where the ledger holds at least :data:`ENOUGH` answers of the model for a purpose, their means are taken. Otherwise, of a story of
``f`` frames of which ``p`` are shown:

- analysis: in = prompt + 400 + 120 f + picture tokens x p, out = 40 + 220 f;
- story: in = prompt + 400 + 220 f + picture tokens x p, out = 2 tokens for each word asked for (the words and their tags);
- 15 % of the requests are sent again for a fault;
- an answer takes 1 s and 1/40 s for each of its tokens, at ``max_concurrency`` requests at once at each endpoint.

Picture tokens are those of ``tasks.models.chat.tokens`` for a 16:9 frame of ``picture_pixels``; the prompt counts a quarter of
its bytes.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from schemas.chat_call import Call, Spent
from schemas.config import BuildConfig
from tasks.models.chat.prices import find_price, load_prices
from tasks.models.chat.tokens import count_picture_tokens
from tasks.runtime.ledger import Ledger, read_calls
from tasks.runtime.resources import DATA
from tasks.runtime.workspace import Workspace

ENOUGH = 10
AGAIN = 0.15
_SCHEMA, _VIEW, _TABLE, _HEAD, _WORD = 400, 120, 220, 40, 2.0
_FIRST_S, _TOKENS_PER_S = 1.0, 40.0

Purpose = Literal["analysis", "story"]


@dataclass(frozen=True, slots=True)
class Rate:
    """What one purpose takes of a story: requests, and tokens and seconds of each; ``calls`` were measured, 0 by formula."""

    requests: float
    input_tokens: float
    output_tokens: float
    seconds: float
    calls: int = 0


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is to come; ``usd`` is None where the model's price is not known. ``spent`` is what the workspace took so far."""

    stories: int
    frames: int
    counted: Literal["sequenced", "from frames"]
    requests: int
    input_tokens: int
    output_tokens: int
    usd: float | None
    seconds: float
    rates: Mapping[Purpose, Rate]
    spent: Spent


def estimate_workspace(root: Path, config: BuildConfig) -> Estimate:
    """For the stories of a workspace's last build.

    Raises:
        WorkspaceError: it is none, or no build has come to its end in it.
    """
    from tasks.assembly import latest_run

    run, refs, _ = latest_run(root)
    lengths = []
    for ref in refs:
        if "sequence" in ref.keys:
            reader = run.store.read("sequence", ref.shard, ref.keys["sequence"])
            lengths += [len(row["frame_ids"]) for row in reader.select(["frame_ids"])]
            reader.close()
    return estimate_stories(lengths, config, Workspace(root).ledger)


def estimate_source(text: str, config: BuildConfig, ledger: Path | None = None) -> Estimate:
    """For frames that were not looked at: as many stories as the target length makes of them, none left out.

    Raises:
        SourceError: there is no reading the source.
    """
    from tasks.sources.source import open_source

    frames = sum(1 for _ in open_source(text, video=config.video).scan())
    length = config.sequence.target_frames
    stories = [length] * (frames // length)
    if frames % length >= config.sequence.min_frames or (frames >= config.sequence.min_frames and not stories):
        stories.append(frames % length)
    return estimate_stories(stories, config, ledger, counted="from frames")


def estimate_stories(
    lengths: Iterable[int],
    config: BuildConfig,
    ledger: Path | None,
    counted: Literal["sequenced", "from frames"] = "sequenced",
) -> Estimate:
    """For stories of so many frames each, with what the ledger in a folder knows of the model.

    Raises:
        ConfigError: the prices cannot be read.
    """
    frames = list(lengths)
    mean = sum(frames) / len(frames) if frames else 0.0
    calls = read_calls(ledger) if ledger is not None else iter(())
    rates = {**rates_by_formula(mean, config), **measured_rates(calls, config.chat.model)}
    requests = sum(rate.requests for rate in rates.values()) * len(frames)
    given = sum(rate.requests * rate.input_tokens for rate in rates.values()) * len(frames)
    came = sum(rate.requests * rate.output_tokens for rate in rates.values()) * len(frames)
    price = find_price(load_prices(config.chat.prices), config.chat.model)
    at_once = max(1, min(config.chat.max_concurrency * max(1, len(config.chat.endpoints)), len(frames)))
    seconds = sum(rate.requests * rate.seconds for rate in rates.values()) * len(frames) / at_once
    return Estimate(
        stories=len(frames),
        frames=sum(frames),
        counted=counted,
        requests=math.ceil(requests),
        input_tokens=math.ceil(given),
        output_tokens=math.ceil(came),
        usd=None if price is None else price.cost(math.ceil(given), math.ceil(came), config.chat.batch),
        seconds=seconds,
        rates=rates,
        spent=Ledger(ledger).spent() if ledger is not None else Spent(),
    )


def rates_by_formula(frames: float, config: BuildConfig) -> dict[Purpose, Rate]:
    """See the top of this file."""
    draft = config.draft
    height = math.sqrt(draft.picture_pixels * 9 / 16)
    pictures = min(frames, draft.pictures) * count_picture_tokens(round(height * 16 / 9), round(height))
    words = sum(draft.story.words) / 2

    def rate(prompt: str, view: float, out: float) -> Rate:
        given = _prompt_tokens(prompt) + _SCHEMA + view * frames + pictures
        return Rate(1 + AGAIN, given, out, _FIRST_S + out / _TOKENS_PER_S)

    return {
        "analysis": rate(draft.analysis.prompt, _VIEW, _HEAD + _TABLE * frames),
        "story": rate(draft.story.prompt, _TABLE, _WORD * words * frames),
    }


def measured_rates(calls: Iterable[Call], model: str) -> dict[Purpose, Rate]:
    """Means of the answers of a model, of the purposes for which there are enough."""
    sums: dict[Purpose, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0, 0.0])
    items: dict[Purpose, set[str]] = defaultdict(set)
    for call in calls:
        if call.model == model and call.outcome == "answered" and call.purpose in ("analysis", "story"):
            purpose: Purpose = "analysis" if call.purpose == "analysis" else "story"
            items[purpose].add(call.item)
            for index, value in enumerate((1.0, call.input_tokens, call.output_tokens, call.seconds)):
                sums[purpose][index] += value
    return {
        purpose: Rate(count / len(items[purpose]), given / count, came / count, seconds / count, int(count))
        for purpose, (count, given, came, seconds) in sums.items()
        if count >= ENOUGH
    }


def _prompt_tokens(name: str) -> int:
    path = DATA / "prompts" / f"{name}.md"
    return -(-path.stat().st_size // 4) if path.is_file() else 0
