"""What a card says about who is who: signals that need no labels, and scores where somebody gave labels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tasks.dataset_card.markdown import escape_markdown, markdown_table


@dataclass(frozen=True, slots=True)
class IdentitySignals:
    """How far the identities of people led all others, and whether they stay; measured on ``shards`` of ``all_shards``.

    ``margins`` are pairs of a share of views and the log-odds that these stay below; ``doubtful`` pairs of a confidence and
    the share of views below it; ``stability`` is a mean B-cubed F1, 0 to 1.
    """

    views: int
    people: int
    margins: tuple[tuple[float, float], ...]
    doubtful: tuple[tuple[float, float], ...]
    stability: float
    shards: int
    all_shards: int


@dataclass(frozen=True, slots=True)
class ThresholdScore:
    """B-cubed precision and recall, and how many people there seem to be, at another threshold (log-odds)."""

    threshold: float
    precision: float
    recall: float
    entities: int


@dataclass(frozen=True, slots=True)
class FilmScores:
    """A film's identities against labels; ``found`` of its ``labelled`` people were detected, scores are over these."""

    film: str
    labelled: int
    found: int
    people: int
    entities: int
    violations: int
    precision: float
    recall: float
    f1: float
    pairwise_f1: float
    adjusted_rand: float
    idf1: float
    ass_a: float
    sweep: tuple[ThresholdScore, ...]


@dataclass(frozen=True, slots=True)
class IdentityQuality:
    """Signals of all films together, None where no person was seen, and scores of the films that have labels."""

    signals: IdentitySignals | None = None
    scores: tuple[FilmScores, ...] = ()


NOT_MEASURED = IdentityQuality()


def describe_signals(signals: IdentitySignals | None) -> Iterator[tuple[str, str]]:
    """Label and value of each number."""
    if signals is None:
        return
    yield "views of people, and people in them", f"{signals.views:,}, {signals.people:,}"
    for share, margin in signals.margins:
        yield f"margin of the identity chosen (log-odds), lowest {100 * share:.0f} % below", f"{margin:.1f}"
    for confidence, share in signals.doubtful:
        yield f"views of people with a confidence below {confidence:g}", f"{100 * share:.1f} %"
    part = "" if signals.shards == signals.all_shards else f", on {signals.shards} of {signals.all_shards} shards"
    yield f"stability: mean B-cubed F1 with 5 % of the detections taken away{part}", f"{signals.stability:.4f}"


def quality_numbers(quality: IdentityQuality) -> dict[str, object]:
    """What is compared from release to release; only what was measured."""
    numbers: dict[str, object] = {}
    if quality.signals is not None:
        numbers["stability"] = quality.signals.stability
    if quality.scores:
        numbers["labelled_f1"] = {one.film: one.f1 for one in quality.scores}
    return numbers


def labelled_section(scores: Sequence[FilmScores]) -> Iterator[str]:
    """The scores against labels as Markdown; nothing where there are none."""
    if not scores:
        return
    yield "### Identity against labels"
    yield (
        "Over the labelled people that were detected: B-cubed precision, recall and F1, F1 of pairs, adjusted Rand index, IDF1 "
        "and association accuracy (AssA) as trackers are scored, entities found for the people there are, and detections of "
        "one frame that share an entity."
    )
    headings = (
        *("film", "found", "precision", "recall", "F1", "pairwise F1", "ARI", "IDF1", "AssA"),
        *("entities", "same frame"),
    )
    yield markdown_table(
        headings,
        [
            (
                escape_markdown(one.film),
                f"{one.found:,} of {one.labelled:,}",
                *(f"{value:.4f}" for value in (one.precision, one.recall, one.f1, one.pairwise_f1)),
                *(f"{value:.4f}" for value in (one.adjusted_rand, one.idf1, one.ass_a)),
                f"{one.entities:,} for {one.people:,} ({one.entities - one.people:+d})",
                f"{one.violations:,}",
            )
            for one in scores
        ],
        range(1, len(headings)),
    )
    yield "How the result would move with the threshold, over all labelled views:"
    yield markdown_table(("threshold", "precision", "recall", "F1", "entities"), _curve(scores), range(5))


def _curve(scores: Sequence[FilmScores]) -> Iterator[tuple[str, ...]]:
    """Rows of the table of thresholds; B-cubed is a mean over views, so films weigh by theirs."""
    views = sum(one.found for one in scores)
    thresholds = set.intersection(*({step.threshold for step in one.sweep} for one in scores))
    for threshold in sorted(thresholds):
        steps = [(one.found, step) for one in scores for step in one.sweep if step.threshold == threshold]
        precision = sum(found * step.precision for found, step in steps) / views
        recall = sum(found * step.recall for found, step in steps) / views
        f1 = 2 * precision * recall / (precision + recall)
        entities = sum(step.entities for _, step in steps)
        yield f"{threshold:+.1f}", f"{precision:.4f}", f"{recall:.4f}", f"{f1:.4f}", f"{entities:,}"
