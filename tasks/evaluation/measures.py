"""Every measure of a set of answers, and how sure it is.

A measure is a formula over sums of story tallies, so that it can be worked out for any resample of the films at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.evaluation.grounding import THRESHOLDS
from tasks.evaluation.language import ORDERS, corpus_bleu
from tasks.evaluation.tally import IDENTITY_KINDS, LASTING, PRONOUN_GROUPS, TOGETHER, StoryTally

Array = NDArray[np.float64]
Sums = Callable[[str], Array]
"""Gives a column of sums, one entry a resample."""

METEOR = ("meteor.each", "meteor.grounded")
"""Columns that are there only where METEOR was measured."""

RESAMPLES = 2000
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Measure:
    """A value with the bounds of its confidence interval.

    ``value`` is None where there was nothing to measure; ``low`` and ``high`` are too with fewer than two films.
    """

    value: float | None
    low: float | None
    high: float | None


def _share(part: Array, whole: Array) -> Array:
    """NaN of nothing: it is no score."""
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)


def _precision(hits: Array, told: Array, truth: Array) -> Array:
    """0 where nothing was told though there was something to tell."""
    return np.where((told == 0) & (truth > 0), 0.0, _share(hits, told))


def _f1(hits: Array, told: Array, truth: Array) -> Array:
    return _share(2 * hits, told + truth)


def work_out(sums: Sums, meteor: bool = False) -> dict[str, Array]:
    """Every measure by name, over columns of sums; NaN where there is nothing to measure.

    Args:
        sums: the columns.
        meteor: whether those of ``METEOR`` are among them.
    """
    stories = sums("stories")
    found = {f"format.{name}": _share(sums(f"format.{name}"), stories) for name in FORMATS}
    for group in TOGETHER:
        told, truth, counted = (sums(f"boxes.{group}.{name}") for name in ("told", "truth", "stories"))
        hits = [sums(f"boxes.{group}.hits.{at}") for at in range(len(THRESHOLDS))]
        found |= {f"boxes.{group}.{name}": _share(sums(f"boxes.{group}.{name}"), counted) for name in AGREEMENT}
        found[f"boxes.{group}.micro_precision"] = _precision(hits[0], told, truth)
        found[f"boxes.{group}.micro_recall"] = _share(hits[0], truth)
        found[f"boxes.{group}.micro_f1"] = _f1(hits[0], told, truth)
        found[f"boxes.{group}.mean_f1"] = np.mean([_f1(hit, told, truth) for hit in hits], axis=0)
    for kind in IDENTITY_KINDS:
        column = f"identity.{kind}"
        precision, recall = (
            _share(sums(f"{column}.bcubed_{name}"), sums(f"{column}.matched")) for name in AGREEMENT[:2]
        )
        found[f"{column}.idf1"] = _share(sums(f"{column}.idf1"), sums(f"{column}.stories"))
        found[f"{column}.ass_a"] = _share(sums(f"{column}.ass_a"), sums(f"{column}.stories"))
        found[f"{column}.bcubed_precision"], found[f"{column}.bcubed_recall"] = precision, recall
        found[f"{column}.bcubed_f1"] = _share(2 * precision * recall, precision + recall)
    found["tags.valid"] = _share(sums("tags.valid"), sums("tags.count"))
    for kind in ("gdo", "gda", "gdl", "all"):
        hits_, told, truth = (sums(f"tags.{kind}.{name}") for name in ("hits", "told", "truth"))
        found[f"tags.{kind}.precision"] = _precision(hits_, told, truth)
        found[f"tags.{kind}.recall"] = _share(hits_, truth)
        found[f"tags.{kind}.f1"] = _f1(hits_, told, truth)
    for group in PRONOUN_GROUPS:
        every = sums(f"pronouns.{group}.all")
        found[f"pronouns.{group}.grounded"] = _share(every - sums(f"pronouns.{group}.bare"), every)
    for kind in IDENTITY_KINDS:
        found[f"lasting.{kind}.{LASTING}_frames"] = _share(sums(f"lasting.{kind}.long"), sums(f"lasting.{kind}.all"))
    found |= _language(sums, stories)
    if meteor:
        found["language.meteor"] = _share(sums(METEOR[0]), stories)
        found["language.gmeteor"] = _share(sums(METEOR[1]), sums("boxes.all.stories"))
    found |= _hallucinations(sums, stories)
    return found


FORMATS = ("answered", "readable", "compatible", "strict")
AGREEMENT = ("precision", "recall", "f1")


def _language(sums: Sums, stories: Array) -> dict[str, Array]:
    orders = range(len(ORDERS))
    hits = [sums(f"language.hits.{at}") for at in orders]
    guesses = [sums(f"language.guesses.{at}") for at in orders]
    bleu = corpus_bleu(hits, guesses, sums("language.told"), sums("language.truth"))
    return {
        **{f"language.bleu_{order}": value for order, value in zip(ORDERS, bleu, strict=True)},
        "language.rouge_l": _share(sums("language.rouge_l"), stories),
    }


def _hallucinations(sums: Sums, stories: Array) -> dict[str, Array]:
    """CHAIR of instances and of stories, and how many a story and in 100 words; these two are counts, not shares."""
    invented, words = sums("hallucination.invented"), sums("words")
    return {
        "hallucination.chair_i": _share(invented, sums("hallucination.things")),
        "hallucination.chair_s": _share(sums("hallucination.stories"), stories),
        "hallucination.per_story": _share(invented, stories),
        "hallucination.per_100_words": _share(100 * invented, words),
        "hallucination.unfounded": _share(sums("hallucination.unfounded"), sums("hallucination.mentions")),
        "hallucination.unfounded_per_story": _share(sums("hallucination.unfounded"), stories),
        "hallucination.unfounded_per_100_words": _share(100 * sums("hallucination.unfounded"), words),
    }


COUNTS = frozenset(
    f"hallucination.{name}" for name in ("per_story", "per_100_words", "unfounded_per_story", "unfounded_per_100_words")
)
"""Measures that are counts; every other one is from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Table:
    """Sums of each film: ``values`` of shape ``(films, columns)``."""

    films: Sequence[str]
    columns: Mapping[str, int]
    values: Array


def add_up(tallies: Sequence[StoryTally]) -> Table:
    """Sums of each film, films in order of name, so that the order of stories changes nothing.

    Sums of whole numbers are exact; those of ratios are taken in the order of story ids.
    """
    films = sorted({tally.film for tally in tallies})
    columns = {name: at for at, name in enumerate(sorted({name for tally in tallies for name in tally.sums}))}
    place = {film: at for at, film in enumerate(films)}
    values = np.zeros((len(films), len(columns)))
    for tally in sorted(tallies, key=lambda one: (one.film, one.story_id)):
        row = values[place[tally.film]]
        for name, value in tally.sums.items():
            row[columns[name]] += value
    return Table(films, columns, values)


def draw_films(count: int, seed: int, resamples: int = RESAMPLES) -> Array:
    """How often each film is drawn in each resample with replacement, shape ``(resamples, count)``."""
    return np.random.default_rng(seed).multinomial(count, [1 / count] * count, size=resamples).astype(np.float64)


def _apply(table: Table, weights: Array) -> dict[str, Array]:
    sums = weights @ table.values
    return work_out(lambda name: sums[:, table.columns[name]], METEOR[0] in table.columns)


def measure(tallies: Sequence[StoryTally], seed: int = 0) -> dict[str, Measure]:
    """Every measure with its 95 % interval: percentiles of the bootstrap over films (Efron, 1979).

    Films are drawn, not stories: stories of one film share its cast and look, and would count as more than they are.
    """
    if not tallies:
        return {}
    table = add_up(tallies)
    exact = _apply(table, np.ones((1, len(table.films))))
    if len(table.films) < 2:
        return {name: Measure(_number(value[0]), None, None) for name, value in exact.items()}
    drawn = _apply(table, draw_films(len(table.films), seed))
    return {name: Measure(_number(value[0]), *_bounds(drawn[name])) for name, value in exact.items()}


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _bounds(values: Array) -> tuple[float | None, float | None]:
    """Resamples in which there is nothing to measure do not count."""
    known = values[~np.isnan(values)]
    if not known.size:
        return None, None
    low, high = np.percentile(known, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return float(low), float(high)


@dataclass(frozen=True, slots=True)
class Difference:
    """How much the second set of answers is above the first.

    ``low``, ``high`` and ``p`` are None with fewer than two films, everything that could not be measured is None too.

    ``p`` is the two-sided bootstrap p-value: twice the smaller share of resamples on either side of no difference, where the
    answers themselves count as one more resample, so that it is never 0 (Davison and Hinkley, 1997, section 4.2). It is never
    below 2 in 2 to the number of films either, the least that signs alone could show: a few films that all went one way are
    no proof.
    """

    first: float | None
    second: float | None
    difference: float | None
    low: float | None
    high: float | None
    p: float | None


def compare(first: Sequence[StoryTally], second: Sequence[StoryTally], seed: int = 0) -> dict[str, Difference]:
    """Paired differences over the stories that both sets have, by the bootstrap over their films.

    Raises:
        ValueError: the two have no story in common, or put one into different films.
    """
    common = {tally.story_id for tally in first} & {tally.story_id for tally in second}
    if not common:
        raise ValueError("the two have no story in common")
    left, right = (add_up([tally for tally in tallies if tally.story_id in common]) for tallies in (first, second))
    if [*left.films] != [*right.films]:
        raise ValueError("the two put their stories into different films")
    ones = np.ones((1, len(left.films)))
    a, b = _apply(left, ones), _apply(right, ones)
    if len(left.films) < 2:
        return {name: _difference(a[name], b[name], None, 1) for name in a if name in b}
    drawn = draw_films(len(left.films), seed)
    one, two = _apply(left, drawn), _apply(right, drawn)
    return {name: _difference(a[name], b[name], two[name] - one[name], len(left.films)) for name in a if name in b}


def _difference(first: Array, second: Array, drawn: Array | None, films: int) -> Difference:
    values = _number(first[0]), _number(second[0]), _number(second[0] - first[0])
    known = drawn[~np.isnan(drawn)] if drawn is not None else np.zeros(0)
    if not known.size or values[2] is None:
        return Difference(*values, None, None, None)
    beyond = min(int((known <= 0).sum()), int((known >= 0).sum()))
    p = min(1.0, max(2 * (beyond + 1) / (known.size + 1), 2.0 ** (1 - films)))
    return Difference(*values, *_bounds(known), p)
