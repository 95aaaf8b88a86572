"""``generate``: a model's answers to the stories of a split, with Transformers or through an OpenAI-compatible server.

In: a dataset and a model. Out: a line of JSON a story, in the dataset's order as far as they are answered. Invariants: a line is
whole or dropped, a story is answered once, and a run that was broken off goes on where it stopped and gives the same answers as
one that was not: each story has a seed of its own.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from schemas.chat import ChatReply, ChatRequest, Picture, Turn
from schemas.chat_config import ChatConfig
from schemas.errors import ConfigError, SampleError, ShardError, SourceError
from tasks.chat import close_chat, open_chat
from tasks.pack import read_stories
from tasks.runtime.atomic import write_json
from tasks.runtime.event_loop import ordered_map
from tasks.runtime.progress import Event, emit
from tasks.training.adapter import WEIGHTS, Trained, load_trained, locate_trained
from tasks.training.network import digest_model, load_processor, require_training
from tasks.training.prompt import REQUEST, SYSTEM_PROMPT

PROMPT_NAME = "storyteller-1"
_MEDIA = {b"\xff\xd8": "image/jpeg", b"\x89P": "image/png", b"RI": "image/webp"}


@dataclass(frozen=True, slots=True)
class Sampling:
    """How answers are drawn: temperature 0 gives the likeliest words."""

    max_new_tokens: int = 16_384
    temperature: float = 0.7
    top_p: float = 0.9
    seed: int = 0


@dataclass(slots=True)
class Generated:
    """What came of it: stories of the split, those answered before, those answered now; ``cut`` ran out of room."""

    out: Path
    stories: int = 0
    before: int = 0
    answered: int = 0
    cut: int = 0
    failed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """A story to be told: its pictures."""

    story_id: str
    images: Sequence[bytes]


Outcome = tuple[str, str] | SampleError
"""An answer and why it ended, or why there is none."""


def generate_answers(
    model: str,
    dataset: Path,
    out: Path,
    *,
    split: str = "test",
    sampling: Sampling | None = None,
    server: str = "",
    base: str = "",
    max_pixels: int = 1280 * 28 * 28,
    concurrency: int = 8,
) -> Generated:
    """Answer every story of a split that ``out`` does not answer yet.

    Args:
        model: a model, an adapter or the folder of a run; with ``server``, the model's name there.
        dataset: in the layout of StoryReasoning.
        out: a ``.jsonl``; what it holds already is kept.
        split: of the dataset.
        sampling: how answers are drawn.
        server: base URL of an OpenAI-compatible server, as ``http://127.0.0.1:8000/v1``; empty loads the model here.
        base: where the base of an adapter is, if not where it was in training.
        max_pixels: largest picture, as in training; a server has its own bound.
        concurrency: stories that are asked of a server at once.

    Raises:
        StoryReasoningError: says what failed and what to do.
    """
    sampling = sampling or Sampling()
    if out.suffix != ".jsonl":
        raise ConfigError(f"--out {out} must end with .jsonl")
    ask: Callable[[Iterator[Asked], Sampling], Iterator[tuple[str, Outcome]]]
    if server:
        identity = {"model": model, "server": server}
        ask = partial(_ask_server, _configure(model, server, concurrency), out)
    else:
        require_training()
        trained = locate_trained(model, base)
        identity = _identify(trained)
        ask = partial(_ask_network, trained, max_pixels)
    _claim(out, {**identity, "split": split, **asdict(sampling)})
    done = read_answered(out)
    told = Generated(out)
    asked = _unanswered(dataset, split, done, told)
    for story_id, outcome in ask(asked, sampling):
        if isinstance(outcome, SampleError):
            told.failed[story_id] = str(outcome)
            continue
        output, finish = outcome
        _append(out, {"story_id": story_id, "output": output, "finish": finish})
        told.answered += 1
        told.cut += finish == "length"
        emit(Event("message", text=f"story {story_id}: {len(output):,} characters, {finish}"))
    return told


def _append(out: Path, row: dict[str, str]) -> None:
    with out.open("ab") as file:
        file.write(json.dumps(row, ensure_ascii=False).encode("utf-8", errors="replace") + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _configure(model: str, server: str, concurrency: int) -> ChatConfig:
    from pydantic import ValidationError

    try:
        return ChatConfig(endpoints=(server,), model=model, max_concurrency=concurrency, timeout_s=3600.0)
    except ValidationError as error:
        raise ConfigError(
            f"--server: {error.errors(include_url=False)[0]['msg'].removeprefix('Value error, ')}"
        ) from error


def read_answered(out: Path) -> set[str]:
    """Stories that a file answers; a last line that was torn is cut off.

    Raises:
        SourceError: another line cannot be read.
    """
    if not out.exists():
        return set()
    content = out.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(out, whole)
        emit(Event("message", text=f"dropped a torn line at the end of {out.name}"))
    found = set()
    for number, line in enumerate(content[:whole].splitlines(), start=1):
        try:
            found.add(str(json.loads(line)["story_id"]))
        except (ValueError, KeyError, TypeError) as error:
            raise SourceError(
                f"{out}, line {number}, is no answer: move the file away, or name another --out"
            ) from error
    return found


def _unanswered(dataset: Path, split: str, done: set[str], told: Generated) -> Iterator[Asked]:
    for story_id, _, images, *_ in read_stories(dataset, split):
        told.stories += 1
        if story_id in done:
            told.before += 1
        else:
            yield Asked(story_id, images)


def _identify(trained: Trained) -> dict[str, str]:
    """The weights by their digests, wherever they lie."""
    told = {"model": digest_model(trained.base)}
    if trained.adapter is not None:
        told["adapter"] = hashlib.sha256((trained.adapter / WEIGHTS).read_bytes()).hexdigest()
    return told


def _claim(out: Path, run: dict[str, Any]) -> None:
    """Make sure that all answers of a file come from one model, asked in one way."""
    path = out.with_suffix(".run.json")
    if not out.exists():
        write_json(path, run)
        return
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"{out} exists and is not known to be of this model: name another --out") from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: move it and {out.name} away, or name another --out") from error
    differing = sorted(name for name in {**kept, **run} if kept.get(name) != run.get(name))
    if differing:
        raise ConfigError(f"{out} holds answers that differ in {', '.join(differing)}: name another --out")


def _ask_network(
    trained: Trained, max_pixels: int, asked: Iterator[Asked], sampling: Sampling
) -> Iterator[tuple[str, Outcome]]:
    import torch

    from tasks.training.collate import END, StoryCollator

    device = "cuda" if torch.cuda.is_available() else "cpu"
    processor = load_processor(trained.adapter or trained.base, max_pixels)
    network = load_trained(trained, torch.bfloat16 if device == "cuda" else torch.float32).to(device).eval()
    collator = StoryCollator(processor)
    end = processor.tokenizer.convert_tokens_to_ids(END)
    drawing = (
        {"do_sample": True, "temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": 0}
        if sampling.temperature > 0
        else {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
    )
    for one in asked:
        digest = hashlib.sha256(f"{sampling.seed}/{one.story_id}".encode()).digest()
        torch.manual_seed(int.from_bytes(digest[:8], "big") >> 1)
        inputs = collator.prompt(one.images).to(device)
        try:
            with torch.inference_mode():
                words = network.generate(
                    **inputs,
                    max_new_tokens=sampling.max_new_tokens,
                    eos_token_id=end,
                    pad_token_id=processor.tokenizer.pad_token_id,
                    **drawing,
                )[0, inputs["input_ids"].shape[1] :].tolist()
        except torch.cuda.OutOfMemoryError as error:
            raise ShardError(
                f"the GPU ran out of memory at story {one.story_id}: lower --max-new-tokens; answers so far are kept"
            ) from error
        ended = bool(words) and words[-1] == end
        yield one.story_id, (processor.tokenizer.decode(words, skip_special_tokens=True), "stop" if ended else "length")


def _ask_server(
    config: ChatConfig, out: Path, asked: Iterator[Asked], sampling: Sampling
) -> Iterator[tuple[str, Outcome]]:
    """Answers of a server; what it was asked is kept in a ledger beside ``out``, so that nothing is paid for twice."""
    root = out.with_suffix(".calls")
    chat = open_chat(root, config)

    async def ask(one: Asked) -> tuple[str, ChatReply | SampleError]:
        pictures = [Picture(image, _MEDIA.get(image[:2], "image/jpeg")) for image in one.images]
        request = ChatRequest(
            purpose="storyteller",
            item=one.story_id,
            prompt=PROMPT_NAME,
            system=SYSTEM_PROMPT,
            turns=(Turn("user", (*pictures, REQUEST)),),
            max_tokens=sampling.max_new_tokens,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            seed=sampling.seed,
        )
        try:
            return one.story_id, await chat.ask(request)
        except SampleError as error:
            return one.story_id, SampleError(_explain(str(error), len(one.images)))

    try:
        for story_id, reply in ordered_map(asked, ask, config.max_concurrency):
            yield story_id, reply if isinstance(reply, SampleError) else (reply.text, reply.finish)
    finally:
        close_chat(root)


def _explain(told: str, images: int) -> str:
    """What a server said, and what to do where it counts images."""
    if "image" in told.lower() and ("at most" in told.lower() or "limit" in told.lower()):
        return f"{told}: start vLLM with --limit-mm-per-prompt '{{\"image\": {images}}}' or more"
    return told
