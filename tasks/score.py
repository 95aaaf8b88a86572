"""``score``: a model's answers against the stories of a dataset.

In: a dataset in the layout of StoryReasoning, and answers by ``story_id``. Out: scores of every story in order of film and id.
Invariants: every story of the split is scored, those without an answer too; an answer to no story of it is an error.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import ConfigError, SourceError
from tasks.check_files import read_size
from tasks.evaluation.legacy import plain_story, score_legacy
from tasks.evaluation.measures import Difference, Measure, compare, measure
from tasks.evaluation.meteor import find_meteor, score_meteor
from tasks.evaluation.sample import Reference, Sample
from tasks.evaluation.scores import Mode, Scores, add_meteor, holds_stories, read_stories
from tasks.evaluation.tally import StoryTally, tally_story
from tasks.evaluation.words import split_words
from tasks.runtime.progress import Event, emit

ID, OUTPUT = "story_id", "output"
_BATCH_ROWS = 16
MOST_NAMED = 5


def read_references(place: Path, split: str) -> Iterator[Reference]:
    """The stories of a split in the order of its files, one at a time.

    Args:
        place: a folder with ``default/<split>-*.parquet`` or ``data/<split>-*.parquet``, or one Parquet file.
        split: its name; for a single file all of it is read.

    Raises:
        SourceError: there is no such split, or a file of another layout.
    """
    origins = read_origins(place, split) if place.is_dir() else {}
    for path in find_split(place, split):
        with _open(path, (ID, "images", "chain_of_thought", "story")) as file:
            for batch in file.iter_batches(_BATCH_ROWS, columns=[ID, "images", "chain_of_thought", "story"]):
                for row in batch.to_pylist():
                    sizes = [read_size(image) for image in row["images"] or ()]
                    if None in sizes:
                        raise SourceError(f"{path}: story {row[ID]} has an image whose size cannot be read")
                    known = [size for size in sizes if size is not None]
                    film, labels = origins.get(row[ID], (row[ID], ()))
                    yield Reference(row[ID], film, known, row["chain_of_thought"], row["story"], labels)


def find_split(place: Path, split: str, config: str = "default") -> list[Path]:
    """The Parquet files of a split.

    Raises:
        SourceError: there are none.
    """
    if place.is_file():
        return [place]
    homes = (place / config, place / "dataset" / config) if config != "default" else (
        place / "default", place / "data", place / "dataset" / "default", place
    )  # fmt: skip
    for home in homes:
        found = sorted(home.glob(f"{split}-*.parquet"))
        if found:
            return found
    if config != "default":
        return []
    if not place.exists():
        raise SourceError(f"there is no dataset at {place}")
    raise SourceError(f"{place} has no split '{split}': looked for {split}-*.parquet in it, its default/ and its data/")


def read_origins(place: Path, split: str) -> Mapping[str, tuple[str, tuple[str, ...]]]:
    """Film and labels of the detections of each story where the dataset says them (its ``grounding`` config)."""
    origins: dict[str, tuple[str, tuple[str, ...]]] = {}
    for path in find_split(place, split, "grounding"):
        with _open(path, (ID, "film", "detections")) as file:
            for batch in file.iter_batches(columns=[ID, "film", "detections.list.element.label"]):
                for row in batch.to_pylist():
                    labels = {detection["label"] for detection in row["detections"] or ()}
                    origins[row[ID]] = row["film"], tuple(sorted(labels))
    return origins


def _open(path: Path, columns: Sequence[str]) -> pq.ParquetFile:
    try:
        file = pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"{path} cannot be read as Parquet: {error}") from error
    missing = [name for name in columns if name not in file.schema_arrow.names]
    if missing:
        file.close()
        raise SourceError(f"{path} has no column {', '.join(missing)}")
    return file


def read_outputs(place: Path) -> dict[str, str]:
    """Answers by story id.

    Args:
        place: a folder of ``<story_id>.txt``, a ``.jsonl`` of objects with ``story_id`` and ``output``, or a Parquet file
            with these two columns.

    Raises:
        SourceError: it cannot be read, says nothing, or answers a story twice.
    """
    if place.is_dir():
        pairs: Iterator[tuple[str, str]] = (
            (path.stem, path.read_bytes().decode("utf-8", errors="replace")) for path in sorted(place.glob("*.txt"))
        )
    elif place.suffix == ".parquet":
        pairs = _read_table(place)
    elif place.is_file():
        pairs = _read_lines(place)
    else:
        raise SourceError(f"there are no answers at {place}")
    outputs: dict[str, str] = {}
    for story_id, output in pairs:
        if story_id in outputs:
            raise SourceError(f"{place} answers story {story_id} twice")
        outputs[story_id] = output
    if not outputs:
        raise SourceError(
            f"{place} holds no answers: give <story_id>.txt files, a .jsonl or a .parquet with story_id and output"
        )
    return outputs


def _read_table(path: Path) -> Iterator[tuple[str, str]]:
    with _open(path, (ID, OUTPUT)) as file:
        for batch in file.iter_batches(columns=[ID, OUTPUT]):
            for story_id, output in zip(batch[ID].to_pylist(), batch[OUTPUT].to_pylist(), strict=True):
                if output is not None:
                    yield str(story_id), str(output)


def _read_lines(path: Path) -> Iterator[tuple[str, str]]:
    try:
        text = path.read_bytes().decode("utf-8", errors="replace")
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from error
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row: Any = json.loads(line)
            story_id, output = row[ID], row[OUTPUT]
        except (ValueError, KeyError, TypeError) as error:
            raise SourceError(f"{path}, line {number}: not an object with {ID} and {OUTPUT}") from error
        if not isinstance(output, str):
            raise SourceError(f"{path}, line {number}: the {OUTPUT} of story {story_id} is no text")
        yield str(story_id), output


def pair_up(references: Iterator[Reference], outputs: Mapping[str, str]) -> Iterator[Sample]:
    """Every reference with its answer, None where there is none.

    Raises:
        SourceError: an answer is to no story of the split.
    """
    left = set(outputs)
    for reference in references:
        left.discard(reference.story_id)
        yield Sample(reference, outputs.get(reference.story_id))
    if left:
        named = ", ".join(sorted(left)[:MOST_NAMED])
        raise SourceError(f"{len(left)} answers are to no story of this split: {named}; is it the right split?")


def score_answers(
    outputs: Path, references: Path, *, split: str = "test", mode: Mode = "strict", meteor: bool = True
) -> Scores:
    """Score all answers.

    Raises:
        ConfigError: METEOR was asked for in vain.
        SourceError: references or answers cannot be read, or do not belong together.
    """
    given = read_outputs(outputs)
    samples = pair_up(read_references(references, split), given)
    if mode == "legacy":
        return _score_legacy(list(samples), split, given, meteor)
    tallies = [tally_story(sample) for sample in samples]
    if not tallies:
        raise SourceError(f"the split '{split}' of {references} has no stories")
    together = None
    if meteor and find_meteor() is not None:
        emit(
            Event(
                "message", text=f"METEOR of {len(tallies):,} stories, which takes a while (--no-meteor leaves it out)"
            )
        )
        together, each = score_meteor([(tally.told, tally.truth) for tally in tallies])
        tallies = add_meteor(tallies, each)
    return Scores(mode, split, len(tallies), len(given), measure(tallies), together, tallies)


def compare_scores(scores: Scores, other: Path, references: Path) -> dict[str, Difference]:
    """How far the answers that were scored are above others, measure by measure.

    Args:
        scores: of the answers, in strict mode.
        other: other answers to the same split, or the ``stories.parquet`` of an earlier evaluation of them.
        references: the dataset.

    Raises:
        ConfigError: legacy mode, which has no scores by story.
        SourceError: the others cannot be read, or have no story in common with these.
    """
    if scores.mode != "strict":
        raise ConfigError("only strict scores can be compared: leave --mode legacy out")
    if other.suffix == ".parquet" and holds_stories(other):
        tallies: Sequence[StoryTally] = read_stories(other)
    else:
        tallies = score_answers(
            other, references, split=scores.split, mode="strict", meteor=scores.meteor is not None
        ).stories
    try:
        return compare(tallies, scores.stories)
    except ValueError as error:
        raise SourceError(f"{other} cannot be compared with these answers: {error}") from error


@dataclass(frozen=True, slots=True)
class Published:
    """The published table: numbers by its names, and the words of each answered story and its reference for METEOR."""

    measures: Mapping[str, float]
    words: Sequence[tuple[str, str]]


def score_as_published(samples: Sequence[Sample]) -> Published:
    """Grounding with its faults, and language over the answered stories."""
    pairs = [
        (split_words(plain_story(sample.output.strip())), split_words(plain_story(_whole(sample.reference))))
        for sample in samples
        if sample.output is not None
    ]
    return Published(
        {**score_legacy(samples).grounding, **_language(pairs)},
        [(" ".join(told), " ".join(truth)) for told, truth in pairs],
    )


def _score_legacy(samples: Sequence[Sample], split: str, given: Mapping[str, str], meteor: bool) -> Scores:
    if not samples:
        raise SourceError(f"the split '{split}' has no stories")
    found = score_as_published(samples)
    measures = {name: Measure(value, None, None) for name, value in found.measures.items()}
    together = None
    if meteor and find_meteor() is not None:
        together, _ = score_meteor(found.words)
    return Scores("legacy", split, len(samples), len(given), measures, together, ())


def _whole(reference: Reference) -> str:
    return f"<think>\n{reference.chain_of_thought}\n</think>\n{reference.story}"


def _language(pairs: Sequence[tuple[list[str], list[str]]]) -> dict[str, float]:
    import numpy as np

    from tasks.evaluation.language import ORDERS, compare_words, corpus_bleu

    stories = [compare_words(told, truth) for told, truth in pairs]
    if not stories:
        return {}

    def total(counts: Iterator[int]) -> "np.ndarray[Any, np.dtype[np.float64]]":
        return np.array([float(sum(counts))])

    orders = range(len(ORDERS))
    bleu = corpus_bleu(
        [total(story.hits[at] for story in stories) for at in orders],
        [total(story.guesses[at] for story in stories) for at in orders],
        total(story.told for story in stories),
        total(story.truth for story in stories),
    )
    return {
        **{f"BLEU-{order}": float(value[0]) for order, value in zip(ORDERS, bleu, strict=True)},
        "ROUGE-L": sum(story.rouge for story in stories) / len(stories),
    }
