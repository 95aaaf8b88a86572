"""What a judge or people said of a set of answers: means with intervals, preferences, agreement, and what is missing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import SourceError
from tasks.evaluation.agreement import RatedStory, agree, agree_between
from tasks.evaluation.measures import LEVEL, draw_films
from tasks.evaluation.verdict import DIMENSIONS, HIGHEST, LOWEST, Preferred, Rating
from tasks.runtime.atomic import atomic_path

RATINGS = pa.schema(
    [
        ("rater", pa.string()),
        ("story_id", pa.string()),
        ("description_accuracy", pa.int32()),
        ("creativity", pa.int32()),
        ("hallucinations", pa.int32()),
        ("remark", pa.string()),
    ]
)
"""A table of ratings, by a judge or by people."""


@dataclass(frozen=True, slots=True)
class JudgedStory:
    """One story: the ratings that came, the preferences that both orders have, and how many requests gave nothing, by reason.

    Preferences are ``first`` for the other answers and ``second`` for those that are judged. ``asked`` counts requests.
    """

    story_id: str
    film: str
    ratings: tuple[tuple[RatedStory, Rating], ...]
    preferences: tuple[Mapping[str, Preferred], ...]
    asked: int
    missing: Mapping[str, int]
    cost_usd: float = 0.0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Judged:
    """All stories that were judged, by which model and rubric."""

    model: str
    prompt: str
    stories: Sequence[JudgedStory] = field(default_factory=tuple)

    @property
    def ratings(self) -> list[RatedStory]:
        """Every rating that came."""
        return [rated for story in self.stories for rated, _ in story.ratings]


def summarise(judged: Judged, people: Sequence[RatedStory] = ()) -> dict[str, Any]:
    """Everything that was judged, as JSON.

    Raises:
        ConfigError: the package krippendorff is not installed.
    """
    missing: Counter[str] = Counter()
    for story in judged.stories:
        missing.update(story.missing)
    return {
        "model": judged.model,
        "rubric": judged.prompt,
        "stories": len(judged.stories),
        "asked": sum(story.asked for story in judged.stories),
        "missing": dict(sorted(missing.items())),
        "unquoted": sum(rating.unquoted for story in judged.stories for _, rating in story.ratings),
        "cost_usd": sum(story.cost_usd for story in judged.stories),
        "tokens": sum(story.tokens for story in judged.stories),
        "means": {name: _mean(judged.stories, name) for name in DIMENSIONS},
        "preferred": _preferred(judged.stories),
        "agreement": {"repeats": _values(agree(judged.ratings)), **agreement_with_people(judged.ratings, people)},
    }


def agreement_with_people(judge: Sequence[RatedStory], people: Sequence[RatedStory]) -> dict[str, Any]:
    """Agreement of people among each other, and of a judge with them; empty without people.

    Raises:
        ConfigError: the package krippendorff is not installed.
    """
    if not people:
        return {}
    return {"people": _values(agree(people)), "judge_and_people": _values(agree_between(judge, people))}


def _values(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: {"alpha": one.alpha, "raters": one.raters, "stories": one.stories} for name, one in found.items()}


def _mean(stories: Sequence[JudgedStory], name: str, seed: int = 0) -> dict[str, float | None]:
    """Mean over stories of the mean of their ratings, with its interval by the bootstrap over films."""
    films: dict[str, list[float]] = {}
    for story in sorted(stories, key=lambda one: (one.film, one.story_id)):
        if story.ratings:
            own = [rated.values[name] for rated, _ in story.ratings]
            films.setdefault(story.film, []).append(sum(own) / len(own))
    if not films:
        return {"value": None, "low": None, "high": None}
    sums = np.array([[sum(own), len(own)] for own in films.values()])
    value = float(sums[:, 0].sum() / sums[:, 1].sum())
    if len(films) < 2:
        return {"value": value, "low": None, "high": None}
    drawn = draw_films(len(films), seed) @ sums
    low, high = np.percentile(drawn[:, 0] / drawn[:, 1], [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return {"value": value, "low": float(low), "high": float(high)}


def _preferred(stories: Sequence[JudgedStory]) -> dict[str, dict[str, int]]:
    """How often each side was preferred in both orders, by dimension; anything else is a tie. Empty without pairs."""
    found: dict[str, dict[str, int]] = {}
    for story in stories:
        for one in story.preferences:
            for name in DIMENSIONS:
                counts = found.setdefault(name, {"first": 0, "second": 0, "tie": 0})
                counts[one[name]] += 1
    return found


def write_ratings(judged: Judged, target: Path) -> None:
    """Write every rating as a row of ``RATINGS``.

    Raises:
        WorkspaceError: the file cannot be written.
    """
    rows = [
        {"rater": rated.rater, "story_id": rated.story_id, **rated.values, "remark": rating.reason}
        for story in judged.stories
        for rated, rating in story.ratings
    ]
    with atomic_path(target) as temporary:
        pq.write_table(pa.Table.from_pylist(rows, schema=RATINGS), temporary)


def read_ratings(path: Path) -> list[RatedStory]:
    """Ratings from a file of ``RATINGS``; of two by one rater on one story the later counts.

    Raises:
        SourceError: it is no such file, or a rating is none.
    """
    names = ["rater", "story_id", *DIMENSIONS]
    try:
        missing = [name for name in names if name not in pq.read_schema(path).names]
        if missing:
            raise SourceError(f"{path} holds no ratings: it has no column {', '.join(missing)}")
        table = pq.read_table(path, columns=names)
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"{path} holds no ratings: {' '.join(str(error).split())}") from error
    found: dict[tuple[str, str], RatedStory] = {}
    for row in table.to_pylist():
        values = {name: row[name] for name in DIMENSIONS}
        grades = [values["description_accuracy"], values["creativity"]]
        if any(value is None for value in values.values()) or any(not LOWEST <= grade <= HIGHEST for grade in grades):
            raise SourceError(f"{path}: {row['rater']} rated story {row['story_id']} with what is no rating: {values}")
        found[row["rater"], row["story_id"]] = RatedStory(row["rater"], row["story_id"], values)
    return list(found.values())
