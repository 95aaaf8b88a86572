"""Evaluation of a test split of the published size, against the published way of scoring it.

``python -m tests.perf.evaluation [--stories 626] [--peer-stories 626]`` prints, all from this run, in processor time of one core
(and that of the peer's Java):
  grounding_s   boxes, identity and tags of all stories, reading their texts too, in seconds (aim 10)
  language_s    words, BLEU-1 to 4 and ROUGE-L, in seconds (aim 5)
  strict_s      every measure but METEOR, with intervals by the bootstrap
  ratio         the peer over ``--mode legacy``, which gives the same numbers from the same texts (aim 10)
  strict_ratio  the peer over every strict measure
The numbers of both ways are held against each other; a difference makes this fail.
"""

import argparse
import json
import random
import resource
import time
from collections.abc import Callable
from dataclasses import replace

from schemas.chain_of_thought import render_chain_of_thought
from schemas.model_output import join_output
from schemas.story import render_story, strip_tags
from schemas.text import ChainOfThought
from tasks.evaluation.grounding import score_story
from tasks.evaluation.identity import score_identity
from tasks.evaluation.language import compare_words
from tasks.evaluation.measures import measure
from tasks.evaluation.reading import read_sample
from tasks.evaluation.sample import Reference, Sample
from tasks.evaluation.tags import score_tags
from tasks.evaluation.tally import IDENTITY_KINDS, tally_story
from tasks.evaluation.words import split_words
from tasks.score import score_as_published
from tests.perf import evaluation_peer
from tests.perf.codec_samples import FRAME_SIZE, build_value

STORIES_A_FILM = 12


def make_samples(count: int) -> list[Sample]:
    """Stories of 5 to 22 frames; an answer has most boxes near where they are, some elsewhere, and other words."""
    draw = random.Random("evaluation")
    samples = []
    for seed in range(count):
        frames = round(draw.triangular(5, 22, 13))
        tables, story = build_value(frames, seed)
        _, other = build_value(frames, seed + count)
        reference = Reference(
            str(seed),
            f"film {seed // STORIES_A_FILM}",
            [FRAME_SIZE] * frames,
            render_chain_of_thought(tables),
            render_story(story),
        )
        told = join_output(render_chain_of_thought(move_boxes(tables, draw)), render_story(other))
        samples.append(Sample(reference, told))
    return samples


def move_boxes(tables: ChainOfThought, draw: random.Random) -> ChainOfThought:
    """The same tables with every box moved a little, a fourth of them far."""

    def moved(box: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
        x1, y1, x2, y2 = box
        far = draw.random() < 0.25
        dx, dy = (draw.randrange(-60, 60), draw.randrange(-40, 40)) if far else (draw.randrange(4), draw.randrange(4))
        left, top = max(0, min(x1 + dx, FRAME_SIZE[0] - 2)), max(0, min(y1 + dy, FRAME_SIZE[1] - 2))
        return left, top, min(FRAME_SIZE[0], left + x2 - x1), min(FRAME_SIZE[1], top + y2 - y1)

    images = tuple(
        replace(
            image,
            characters=tuple(replace(row, box=moved(row.box)) for row in image.characters),
            objects=tuple(replace(row, box=moved(row.box)) for row in image.objects),
        )
        for image in tables.images
    )
    return replace(tables, images=images)


def score_grounding(samples: list[Sample]) -> None:
    """What strict mode does with boxes, ids and tags."""
    for sample in samples:
        read = read_sample(sample)
        boxes = score_story(read)
        score_tags(read, boxes)
        for kind in IDENTITY_KINDS:
            score_identity(read, boxes, kind)


def score_language(samples: list[Sample]) -> None:
    """What strict mode does with words."""
    for sample in samples:
        assert sample.output is not None
        told = sample.output.partition("</think>")[2]
        compare_words(split_words(strip_tags(told)), split_words(strip_tags(sample.reference.story)))


def seconds(work: Callable[[], object]) -> float:
    """Processor time of this process and of the programs that it ran, in seconds."""
    before = time.process_time() + _children()
    work()
    return time.process_time() + _children() - before


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def compare_ways(samples: list[Sample]) -> dict[str, float | str]:
    """Both ways on the same samples, and that their numbers are the same."""
    theirs: dict[str, float] = {}
    tokens = ""

    def peer() -> None:
        nonlocal tokens
        words, tokens = evaluation_peer.score_language(samples)
        theirs.update(evaluation_peer.score_grounding(samples) | words)

    ours: dict[str, float] = {}
    times = {
        "legacy_s": seconds(lambda: ours.update(score_as_published(samples).measures)),
        "all_strict_s": seconds(lambda: measure([tally_story(sample) for sample in samples])),
        "peer_s": seconds(peer),
    }
    apart = {name: (value, theirs.get(name)) for name, value in ours.items() if abs(value - theirs[name]) > 1e-9}
    if apart or set(ours) != set(theirs):
        raise AssertionError(f"the numbers differ: {apart or set(ours) ^ set(theirs)}")
    return {
        "peer_stories": len(samples),
        "peer_tokens": tokens,
        "peer_s": times["peer_s"],
        "legacy_s": times["legacy_s"],
        "ratio": times["peer_s"] / times["legacy_s"],
        "strict_ratio": times["peer_s"] / times["all_strict_s"],
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--stories", type=int, default=626)
    parser.add_argument("--peer-stories", type=int, default=626)
    args = parser.parse_args()
    samples = make_samples(args.stories)
    score_grounding(samples[:1])  # scipy is loaded once, whatever is scored
    found: dict[str, float | str] = {
        "stories": len(samples),
        "frames": sum(len(sample.reference.frames) for sample in samples),
        "story_chars": sum(len(sample.reference.story) for sample in samples) / len(samples),
        "grounding_s": seconds(lambda: score_grounding(samples)),
        "language_s": seconds(lambda: score_language(samples)),
        "strict_s": seconds(lambda: measure([tally_story(sample) for sample in samples])),
    }
    found |= compare_ways(samples[: args.peer_stories])
    print(json.dumps({k: round(v, 3) if isinstance(v, float) else v for k, v in found.items()}, indent=1))


if __name__ == "__main__":
    main()
