"""How far those who rated the same stories agree: Krippendorff's alpha, and a rater's distance from another group.

Alpha is 1 for perfect agreement, 0 for that of chance, below 0 for less (Krippendorff, 2019, chapter 12). Grades are ordinal,
counts of hallucinations are ratios.
"""

import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from schemas.errors import ConfigError
from tasks.evaluation.verdict import DIMENSIONS

Level = Literal["ordinal", "interval", "ratio"]
LEVELS: Mapping[str, Level] = {"description_accuracy": "ordinal", "creativity": "ordinal", "hallucinations": "ratio"}


@dataclass(frozen=True, slots=True)
class RatedStory:
    """One rating of one story by a person, or by one repeat of a judge; ``values`` by the names of ``DIMENSIONS``."""

    rater: str
    story_id: str
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Agreed:
    """Agreement in one dimension; ``alpha`` is None where fewer than two raters share a story or all say the same."""

    alpha: float | None
    raters: int
    stories: int


def require_agreement() -> None:
    """Say that agreement cannot be worked out before anything is paid for.

    Raises:
        ConfigError: the package krippendorff is not installed.
    """
    if importlib.util.find_spec("krippendorff") is None:
        raise ConfigError("agreement needs the extra: pip install 'storyreasoning[evaluate]'")


def agree(ratings: Iterable[RatedStory]) -> dict[str, Agreed]:
    """Agreement of all raters over the stories that at least two of them rated, by dimension.

    Raises:
        ConfigError: the package krippendorff is not installed.
    """
    known = list(ratings)
    return {
        name: _agree([(one.rater, one.story_id, one.values[name]) for one in known], LEVELS[name])
        for name in DIMENSIONS
    }


def agree_between(judge: Sequence[RatedStory], people: Sequence[RatedStory]) -> dict[str, Agreed]:
    """Agreement of a judge with people: two raters, each the mean of its side, over the stories that both rated.

    Means are no grades, so that their distances count as intervals.

    Raises:
        ConfigError: the package krippendorff is not installed.
    """
    found = {}
    for name in DIMENSIONS:
        sides = [("judge", _means(judge, name)), ("people", _means(people, name))]
        both = set(sides[0][1]) & set(sides[1][1])
        values = [(side, story, means[story]) for side, means in sides for story in sorted(both)]
        found[name] = _agree(values, "interval")
    return found


def _means(ratings: Sequence[RatedStory], name: str) -> dict[str, float]:
    values: dict[str, list[float]] = {}
    for one in ratings:
        values.setdefault(one.story_id, []).append(one.values[name])
    return {story: float(np.mean(own)) for story, own in values.items()}


def _agree(values: Sequence[tuple[str, str, float]], level: Level) -> Agreed:
    rated: dict[str, dict[str, float]] = {}
    for rater, story, value in values:
        rated.setdefault(story, {})[rater] = value
    shared = {story: own for story, own in sorted(rated.items()) if len(own) > 1}
    raters = sorted({rater for own in shared.values() for rater in own})
    if len({value for own in shared.values() for value in own.values()}) < 2:
        return Agreed(None, len(raters), len(shared))
    require_agreement()
    import krippendorff

    matrix = np.array([[own.get(rater, np.nan) for own in shared.values()] for rater in raters])
    alpha = float(krippendorff.alpha(reliability_data=matrix, level_of_measurement=level))
    return Agreed(alpha, len(raters), len(shared))
