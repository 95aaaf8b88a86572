"""``pack``: the stories of a dataset as samples that fit, before anything is loaded on a GPU.

In: a split in the layout of StoryReasoning. Out: ``samples.parquet`` (pictures, answer, rejected answer for preference tuning,
tokens) and ``samples.json``, which lists what was shortened and what was left out, and why. Invariants: stories = samples + left
out; every answer keeps the rules of the level that was asked for; nothing is cut through.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.chain_of_thought import parse_chain_of_thought, render_chain_of_thought
from schemas.errors import SampleError, SourceError
from schemas.model_output import join_output, split_output
from schemas.story import parse_story, render_story
from schemas.training_config import TrainingSettings
from schemas.validation import check_texts
from tasks.check_files import read_size
from tasks.runtime.atomic import atomic_path, write_json
from tasks.score import find_split, read_origins
from tasks.training.budget import PixelBudget, Size, count_prompt, fit
from tasks.training.pairs import Told, draw_frames, link, mix, unlink
from tasks.training.prompt import REQUEST, SYSTEM_PROMPT

COLUMNS = ("story_id", "images", "chain_of_thought", "story")
SCHEMA = pa.schema(
    [
        ("story_id", pa.string()),
        ("images", pa.list_(pa.binary())),
        ("answer", pa.string()),
        ("rejected", pa.string()),
        ("tokens", pa.int32()),
    ]
)
_BATCH_ROWS = 16


@dataclass(frozen=True, slots=True)
class Measures:
    """How a model counts: tokens of a text, tokens of a picture, and the words that would end its turn."""

    count: Callable[[str], int]
    pixels: PixelBudget
    controls: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """What is learned from one story; ``tokens`` are those of the longer answer's conversation."""

    story_id: str
    film: str
    images: Sequence[bytes]
    answer: str
    tokens: int
    frames: int
    rejected: str = ""


@dataclass(frozen=True, slots=True)
class Packed:
    """What was packed: ``digest`` is of all samples in order, ``shortened`` how many frames were kept of how many."""

    stories: int
    samples: int
    tokens: int
    longest: int
    digest: str
    shortened: dict[str, tuple[int, int]]
    left_out: dict[str, str]


def read_stories(dataset: Path, split: str) -> Iterator[tuple[str, str, list[bytes], list[Size], str, str]]:
    """Id, film, pictures, their sizes, chain of thought and story of each row.

    Raises:
        SourceError: there is no such split, a file cannot be read, or a picture is missing.
    """
    origins = read_origins(dataset, split) if dataset.is_dir() else {}
    for path in find_split(dataset, split):
        try:
            with pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20) as file:
                for batch in file.iter_batches(_BATCH_ROWS, columns=list(COLUMNS)):
                    for row in batch.to_pylist():
                        images = row["images"] or ()
                        sizes = [size for size in map(read_size, images) if size is not None]
                        if not images or len(sizes) < len(images):
                            raise SourceError(f"{path}: story {row['story_id']} has an image that cannot be read")
                        film = origins.get(row["story_id"], (row["story_id"], ()))[0]
                        pictures = [image["bytes"] for image in images]
                        yield row["story_id"], film, pictures, sizes, row["chain_of_thought"] or "", row["story"] or ""
        except (pa.ArrowException, KeyError, OSError) as error:
            raise SourceError(f"{path} is not in the StoryReasoning layout: {error}") from error


def pack(dataset: Path, split: str, target: Path, settings: TrainingSettings, measures: Measures) -> Packed:
    """Write the samples of a split to ``target`` (a Parquet file), and what became of the stories beside it.

    Raises:
        SourceError: the dataset cannot be read, breaks the rules, or nothing of it fits.
    """
    measures = Measures(cache(measures.count), measures.pixels, measures.controls)
    left_out: dict[str, str] = {}
    shortened: dict[str, tuple[int, int]] = {}
    samples: list[Sample] = []
    stories = 0
    digest = hashlib.sha256()
    longest = total = written = 0
    with atomic_path(target) as temporary, pq.ParquetWriter(temporary, SCHEMA, compression="none") as writer:

        def write(sample: Sample) -> None:
            nonlocal longest, total, written
            for part in (sample.story_id.encode(), *sample.images, sample.answer.encode(), sample.rejected.encode()):
                digest.update(hashlib.sha256(part).digest())
            longest, total, written = max(longest, sample.tokens), total + sample.tokens, written + 1
            row = {name: getattr(sample, name) for name in SCHEMA.names}
            writer.write_table(pa.Table.from_pylist([row], SCHEMA))

        for story_id, film, images, sizes, cot, story in read_stories(dataset, split):
            stories += 1
            try:
                sample = make_sample(story_id, film, images, sizes, cot, story, settings, measures)
            except SampleError as error:
                left_out[story_id] = str(error)
                continue
            if sample.frames < len(images):
                shortened[story_id] = (sample.frames, len(images))
            if settings.objective == "dpo":
                samples.append(sample)
            else:
                write(sample)
        for sample in make_pairs(samples, settings, measures, left_out):
            write(sample)
        if not written:
            first = next(iter(left_out.items()), ("", "it has no stories"))
            raise SourceError(f"nothing of {dataset}, {split}, can be learned: {' '.join(first)}")
    packed = Packed(stories, written, total, longest, digest.hexdigest(), shortened, left_out)
    write_json(
        target.with_suffix(".json"),
        {name: getattr(packed, name) for name in ("stories", "samples", "tokens", "longest", "shortened", "left_out")},
    )
    return packed


def make_sample(
    story_id: str,
    film: str,
    images: Sequence[bytes],
    sizes: Sequence[Size],
    chain_of_thought: str,
    story: str,
    settings: TrainingSettings,
    measures: Measures,
) -> Sample:
    """A story as a sample, shortened by whole frames where it is too long.

    Raises:
        SampleError: it does not fit, or has faults and such are to be left out.
        SourceError: it has faults.
    """
    faults = check_texts(
        chain_of_thought, story, frame_count=len(images), frame_sizes=list(sizes), level=settings.level
    )
    if faults:
        told = f"{len(faults)} faults at level {settings.level}, the first: {faults[0]}"
        if settings.leave_out_faulty:
            raise SampleError(told)
        raise SourceError(
            f"story {story_id} has {told}; see 'storyreasoning check', or give --level compatible or --leave-out-faulty"
        )
    control = next((word for word in measures.controls if word in chain_of_thought or word in story), None)
    if control is not None:
        raise SampleError(f"holds {control}, which is a control token of the model")
    fitted = fit(
        chain_of_thought,
        story,
        sizes,
        system=SYSTEM_PROMPT,
        request=REQUEST,
        most=settings.max_tokens,
        pixels=measures.pixels,
        count=measures.count,
    )
    kept = [images[number] for number in fitted.frames]
    return Sample(story_id, film, kept, fitted.answer, fitted.tokens, len(kept))


def make_pairs(
    samples: Sequence[Sample], settings: TrainingSettings, measures: Measures, left_out: dict[str, str]
) -> Iterator[Sample]:
    """Each sample with its entities' links taken away as what is rejected, and as many of frames that do not belong together.

    What cannot be made is added to ``left_out``, by ``<story_id>`` and ``<story_id>/mixed``.
    """
    told = [_parse(sample.answer) for sample in samples]
    films, lengths = [sample.film for sample in samples], [sample.frames for sample in samples]
    for at, sample in enumerate(samples):
        try:
            yield _pair(sample.story_id, sample, told[at], unlink(*told[at]), settings, measures)
        except SampleError as error:
            left_out[sample.story_id] = str(error)
        name = f"{sample.story_id}/mixed"
        drawn = draw_frames(films, lengths, at, settings.seed)
        if drawn is None:
            left_out[name] = "all stories are of one film"
            continue
        pieces = [(told[story][0].images[frame], told[story][1].blocks[frame]) for story, frame in drawn]
        mixed = mix(pieces, told[at][0])
        images = [samples[story].images[frame] for story, frame in drawn]
        try:
            yield _pair(
                name, Sample(name, "", images, "", 0, len(images)), unlink(*mixed), link(*mixed), settings, measures
            )
        except SampleError as error:
            left_out[name] = str(error)


def _parse(answer: str) -> Told:
    cot, story = split_output(answer)
    return parse_chain_of_thought(cot).value, parse_story(story).value


def _pair(
    name: str, sample: Sample, better: Told, worse: Told, settings: TrainingSettings, measures: Measures
) -> Sample:
    texts = [(render_chain_of_thought(cot), render_story(story)) for cot, story in (better, worse)]
    if texts[0] == texts[1]:
        raise SampleError("no entity is seen twice: there is nothing to prefer")
    sizes = [size for image in sample.images if (size := read_size({"bytes": image})) is not None]
    faults = check_texts(*texts[0], frame_count=len(sizes), frame_sizes=sizes, level=settings.level)
    if faults:
        raise SampleError(f"the answer to prefer would have {len(faults)} faults, the first: {faults[0]}")
    answers = [join_output(*text) for text in texts]
    prompt = count_prompt(SYSTEM_PROMPT, REQUEST, sizes, measures.pixels, measures.count)
    tokens = prompt + max(map(measures.count, answers))
    if tokens > settings.max_tokens:
        raise SampleError(f"{tokens} tokens, and {settings.max_tokens} fit")
    return Sample(name, sample.film, sample.images, answers[0], tokens, sample.frames, answers[1])


def measure_with(processor: Any) -> Measures:
    """How the processor of a model counts."""
    tokenizer, image_processor = processor.tokenizer, processor.image_processor
    pixels = PixelBudget(
        image_processor.size["shortest_edge"],
        image_processor.size["longest_edge"],
        image_processor.patch_size * image_processor.merge_size,
    )

    def count(text: str) -> int:
        return len(tokenizer(text, add_special_tokens=False)["input_ids"])

    return Measures(count, pixels, tuple(tokenizer.all_special_tokens))
