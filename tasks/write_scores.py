"""``write_scores``: an evaluation as files.

In: scores, and what they were compared with. Out: ``scores.json`` (everything), ``stories.parquet`` (one row a story, to be
compared with later) and ``report.html``. Invariants: each file appears whole or not at all, ``scores.json`` last.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tasks.evaluation.measures import Difference
from tasks.evaluation.sample import Sample
from tasks.evaluation.scores import Scores, scores_value, write_stories
from tasks.evaluation.tally import StoryTally
from tasks.runtime.atomic import write_json
from tasks.score import find_split, read_outputs, read_references
from tasks.scorecard.page import Report, write_page
from tasks.scorecard.stories import ShownStory, worth

SCORES, STORIES, PAGE = "scores.json", "stories.parquet", "report.html"
SHOWN = 5
"""Stories shown of the best, and as many of the worst."""


def write_evaluation(
    folder: Path,
    scores: Scores,
    outputs: Path,
    references: Path,
    *,
    differences: Mapping[str, Difference] | None = None,
    judged: Mapping[str, Any] | None = None,
    facts: Mapping[str, Sequence[tuple[str, str]]] | None = None,
) -> None:
    """Write all files of an evaluation.

    Args:
        folder: where to; made where it is not.
        scores: what was found.
        outputs: the answers that were scored.
        references: the dataset.
        differences: from other answers.
        judged: of a judge, as it goes into ``scores.json``.
        facts: tables of name and value for the page, by heading.

    Raises:
        WorkspaceError: they cannot be written.
        SourceError: answers or references cannot be read any more.
    """
    best, worst = choose_stories(scores.stories)
    shown = read_shown([*best, *worst], outputs, references, scores.split)
    if scores.stories:
        write_stories(scores.stories, folder / STORIES)
    write_page(
        Report(
            f"Evaluation of {outputs.name}",
            scores,
            differences,
            [shown[tally.story_id] for tally in best],
            [shown[tally.story_id] for tally in worst],
            facts or {},
        ),
        folder / PAGE,
    )
    value = scores_value(scores, differences)
    write_json(folder / SCORES, {**value, "judge": judged} if judged is not None else value)


def choose_stories(tallies: Sequence[StoryTally], count: int = SHOWN) -> tuple[list[StoryTally], list[StoryTally]]:
    """The best and the worst stories, the very best and the very worst first; none is in both."""
    ordered = sorted(tallies, key=lambda tally: (-worth(tally), tally.story_id))
    best = ordered[: min(count, (len(ordered) + 1) // 2)]
    worst = ordered[len(best) :][-count:]
    return best, worst[::-1]


def read_shown(tallies: Sequence[StoryTally], outputs: Path, references: Path, split: str) -> dict[str, ShownStory]:
    """Answers, references and images of a few stories, by story id."""
    if not tallies:
        return {}
    wanted = {tally.story_id: tally for tally in tallies}
    given = read_outputs(outputs)
    images = read_images(references, split, wanted)
    return {
        reference.story_id: ShownStory(
            Sample(reference, given.get(reference.story_id)), wanted[reference.story_id], images[reference.story_id]
        )
        for reference in read_references(references, split)
        if reference.story_id in wanted
    }


def read_images(references: Path, split: str, wanted: Mapping[str, object]) -> dict[str, list[bytes]]:
    """The encoded frames of some stories, in order, by story id."""
    found: dict[str, list[bytes]] = {}
    for path in find_split(references, split):
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20) as file:
            for batch in file.iter_batches(16, columns=["story_id", "images"]):
                for at, story_id in enumerate(batch["story_id"].to_pylist()):
                    if story_id in wanted:
                        found[story_id] = [image["bytes"] for image in batch["images"][at].as_py()]
    return found
