"""``judge``: a chat model's view of answers, by a fixed rubric.

In: answers, the images they were told over, a chat model. Out: one rating a story and repeat, and, beside other answers, one
preference a story and repeat, asked in both orders. Invariants: every answer of a judge is a judgement or counted as missing with
its reason; what was asked once is answered from the ledger; nothing tells a judge who wrote a story.
"""

import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from schemas.chat import ChatModel, ChatReply, ChatRequest, Picture, Turn
from schemas.errors import ConfigError, SampleError, SourceError
from schemas.judge_config import JudgeConfig
from schemas.model_output import split_output
from schemas.story import parse_story, plain_text, strip_tags
from schemas.text import Story
from tasks.chat import ended_chat, open_chat
from tasks.drafting.picture import QUALITY, choose_frames, fit_size
from tasks.drafting.prompts import Prompt, load_prompt
from tasks.evaluation.agreement import RatedStory, require_agreement
from tasks.evaluation.judged import Judged, JudgedStory
from tasks.evaluation.verdict import (
    PAIR_SCHEMA,
    RATING_SCHEMA,
    Preferred,
    Rating,
    read_pair,
    read_rating,
    settle,
)
from tasks.runtime.event_loop import ordered_map
from tasks.runtime.progress import Event, emit
from tasks.score import find_split, read_origins, read_outputs

TOLD_EVERY = 10
"""Stories after which it is said how many are judged."""

_FENCE = re.compile(r"-{4,}")


@dataclass(frozen=True, slots=True)
class Item:
    """What is judged: the story as prose with the numbers of its images, the images, and other answers' story or None."""

    story_id: str
    film: str
    story: str
    images: Sequence[bytes]
    other: str | None = None


def judge_answers(
    root: Path, config: JudgeConfig, outputs: Path, references: Path, split: str = "test", other: Path | None = None
) -> Judged:
    """Judge answers, and compare them with others where there are any.

    Args:
        root: the folder of the ledger; the same judgements are not paid for twice.
        config: the judge.
        outputs: the answers.
        references: the dataset whose images they were told over.
        split: of the dataset.
        other: other answers to the same split.

    Raises:
        ConfigError: no judge is set up, its rubric is none, or the extra ``evaluate`` is missing.
        SourceError: answers or dataset cannot be read.
        BudgetExceeded: a limit was reached; what was judged is in the ledger.
    """
    if not config.chat.endpoints:
        raise ConfigError("no judge is set up: name the model and where it is served")
    load_prompt(config.prompt).fill("system")
    require_agreement()
    others = read_outputs(other) if other is not None else {}
    with ended_chat(root):
        model = open_chat(root, config.chat)

        async def one(item: Item) -> JudgedStory:
            return await judge_story(model, item, config)

        items = read_items(outputs, references, split, others, config.stories)
        judged = []
        for story in ordered_map(items, one, model.look_ahead):
            judged.append(story)
            if len(judged) % TOLD_EVERY == 0:
                emit(Event("message", text=f"{len(judged):,} stories judged"))
        return Judged(model.name, load_prompt(config.prompt).version, judged)


def read_items(outputs: Path, references: Path, split: str, others: Mapping[str, str], most: int = 0) -> Iterator[Item]:
    """The answers that hold a story, in the order of the split; ``most`` of them, evenly spread, 0 for all.

    Raises:
        SourceError: answers or dataset cannot be read, or no answer is to the split.
    """
    given = {key: text for key, output in read_outputs(outputs).items() if (text := readable_story(output))}
    origins = read_origins(references, split) if references.is_dir() else {}
    names = [name for path in find_split(references, split) for name in _names(path) if name in given]
    if not names:
        raise SourceError(f"{outputs} has no story for the split '{split}' of {references}")
    chosen = {names[place - 1] for place in choose_frames(len(names), most)} if most else set(names)
    for path in find_split(references, split):
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20) as file:
            for batch in file.iter_batches(4, columns=["story_id", "images"]):
                for at, story_id in enumerate(batch["story_id"].to_pylist()):
                    if story_id in chosen:
                        images = [image["bytes"] for image in batch["images"][at].as_py()]
                        film = origins.get(story_id, (story_id, ()))[0]
                        second = readable_story(others[story_id]) if story_id in others else None
                        yield Item(story_id, film, given[story_id], images, second or None)


def _names(path: Path) -> list[str]:
    found: list[str] = pq.read_table(path, columns=["story_id"])["story_id"].to_pylist()
    return found


def read_rubric(prompt: str = JudgeConfig().prompt) -> str:
    """The rubric of a judge, as people are shown it."""
    return load_prompt(prompt).fill("system").partition("Rubric.")[2].strip()


def readable_story(output: str) -> str:
    """The story of an answer as a judge or a person reads it: prose under the numbers of its images, without tags.

    An answer without blocks is its text; dashes that could end the fence around a story are shortened.
    """
    _, text = split_output(output)
    story = parse_story(text).value
    blocks = [f"[Image {block.number}] {plain_text(Story((block,)))}" for block in story.blocks]
    return _FENCE.sub("\u2014", "\n\n".join(blocks) if blocks else strip_tags(text)).strip()


async def judge_story(model: ChatModel, item: Item, config: JudgeConfig) -> JudgedStory:
    """All judgements of one story."""
    prompt = load_prompt(config.prompt)
    numbers = choose_frames(len(item.images), config.pictures)
    pictures = [(n, _reduce(item.images[n - 1], config.max_pixels)) for n in numbers]
    spent: list[ChatReply] = []
    missing: Counter[str] = Counter()

    async def ask(request: ChatRequest) -> object:
        try:
            reply = await model.ask(request)
        except SampleError as error:
            missing[f"no answer: {type(error).__name__}"] += 1
            return None
        spent.append(reply)
        if reply.finish != "stop":
            missing[f"the answer ended by {reply.finish}"] += 1
            return None
        if reply.value is None:
            missing["the answer is no JSON"] += 1
        return reply.value

    ratings: list[Rating | None] = []
    for repeat in range(config.repeats):
        value = await ask(_rating_request(prompt, item, pictures, config, repeat))
        rating = read_rating(value, item.story) if value is not None else None
        if value is not None and rating is None:
            missing["the answer is not of the rubric"] += 1
        ratings.append(rating)

    async def prefer(repeat: int, swapped: bool) -> Mapping[str, Preferred] | None:
        value = await ask(_pair_request(prompt, item, pictures, config, repeat, swapped))
        read = read_pair(value, swapped) if value is not None else None
        if value is not None and read is None:
            missing["the answer is not of the rubric"] += 1
        return read

    preferences = [
        settle((await prefer(repeat, swapped=False), await prefer(repeat, swapped=True)))
        for repeat in range(config.repeats if item.other is not None else 0)
    ]
    name = model.name
    return JudgedStory(
        story_id=item.story_id,
        film=item.film,
        ratings=tuple(
            (RatedStory(f"{name} #{repeat + 1}", item.story_id, _values(rating)), rating)
            for repeat, rating in enumerate(ratings)
            if rating is not None
        ),
        preferences=tuple(one for one in preferences if one is not None),
        asked=config.repeats * (3 if item.other is not None else 1),
        missing=missing,
        cost_usd=sum(reply.cost_usd for reply in spent),
        tokens=sum(reply.input_tokens + reply.output_tokens for reply in spent),
    )


def _reduce(content: bytes, max_pixels: int) -> Picture:
    """A stored frame as a JPEG within ``max_pixels``."""
    from PIL import Image

    with Image.open(io.BytesIO(content)) as opened:
        size = fit_size(*opened.size, max_pixels)
        opened.draft("RGB", size)
        picture = opened.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=QUALITY)
    return Picture(out.getvalue())


def _values(rating: Rating) -> dict[str, float]:
    return {
        "description_accuracy": rating.description_accuracy,
        "creativity": rating.creativity,
        "hallucinations": rating.hallucinations,
    }


def _rating_request(
    prompt: Prompt, item: Item, pictures: Sequence[tuple[int, Picture]], config: JudgeConfig, repeat: int
) -> ChatRequest:
    values = {"shown": str(len(pictures)), "images": str(len(item.images)), "story": item.story}
    return _request(prompt, item, pictures, config, repeat, prompt.fill("task", values), "rating")


def _pair_request(
    prompt: Prompt, item: Item, pictures: Sequence[tuple[int, Picture]], config: JudgeConfig, repeat: int, swapped: bool
) -> ChatRequest:
    # "first" are the other answers, as in every comparison here: what was there before.
    stories = [item.other or "", item.story]
    first, second = reversed(stories) if swapped else stories
    values = {"shown": str(len(pictures)), "images": str(len(item.images)), "first": first, "second": second}
    return _request(prompt, item, pictures, config, repeat, prompt.fill("pair", values), "pair")


def _request(
    prompt: Prompt,
    item: Item,
    pictures: Sequence[tuple[int, Picture]],
    config: JudgeConfig,
    repeat: int,
    task: str,
    kind: str,
) -> ChatRequest:
    parts: list[str | Picture] = []
    for number, picture in pictures:
        parts += [f"Image {number}:", picture]
    return ChatRequest(
        purpose="judge",
        item=item.story_id,
        prompt=prompt.version,
        system=prompt.fill("system"),
        turns=(Turn("user", (*parts, task)),),
        schema=RATING_SCHEMA if kind == "rating" else PAIR_SCHEMA,
        schema_name=kind,
        max_tokens=config.max_tokens,
        temperature=config.temperature,
        seed=repeat,
    )
