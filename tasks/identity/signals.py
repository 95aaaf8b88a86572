"""What shows of the identities of a film without labels: how far the choice led, and whether it stays as it was."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from schemas.config import ReidentifyConfig
from tasks.identity.calibration import Calibration
from tasks.identity.evaluate import identify_shards
from tasks.identity.metrics import bcubed
from tasks.identity.observation import Observation

LOST = 0.05
"""Share of observations that is taken away to see whether the rest stays as it was."""

BANDS = (0.5, 0.8, 0.95)
"""Confidences below which views are counted."""

SHARES = (0.05, 0.25, 0.5)
"""Shares of views by which margins are told."""

FURTHEST = 10.0
"""Margins are held to this; beyond it a choice is as good as certain (1 in 22,000)."""


@dataclass(frozen=True, slots=True)
class Signals:
    """What shows without labels.

    Attributes:
        views: observations of people.
        entities: people they were grouped into.
        mean_confidence: mean over views, 0 to 1.
        doubtful: share of views below each of ``BANDS``.
        margins: log-odds of the choice against all others that the lowest of each of ``SHARES`` of the views stay below.
        stability: mean B-cubed F1 between the grouping and groupings with 5 % of all observations taken away.
    """

    views: int
    entities: int
    mean_confidence: float
    doubtful: tuple[float, ...]
    margins: tuple[float, ...]
    stability: float


def signals(
    shards: Sequence[Sequence[Observation]],
    config: ReidentifyConfig,
    calibration: Calibration,
    rounds: int = 10,
    seed: int = 0,
) -> Signals:
    """What can be said about the identities of people without labels.

    Args:
        shards: the observations of each shard of a film, or of several films.
        config: thresholds.
        calibration: what similarities are worth.
        rounds: how often 5 % of the observations are taken away.
        seed: of what is taken away.
    """
    identities = identify_shards(shards, config, calibration)
    observations = [one for shard in shards for one in shard]
    people = np.array([one.kind == "char" for one in observations], dtype=np.bool_)
    if not people.any():
        return Signals(0, 0, 1.0, (0.0,) * len(BANDS), (FURTHEST,) * len(SHARES), 1.0)
    entity = np.array(identities.entity)
    confidence = np.array(identities.confidence)[people]
    rng = np.random.default_rng(seed)
    agreement = []
    for _ in range(rounds):
        kept = [rng.random(len(shard)) >= LOST for shard in shards]
        parts = [[one for one, stays in zip(*pair, strict=True) if stays] for pair in zip(shards, kept, strict=True)]
        stays = np.concatenate(kept)
        again = np.array(identify_shards(parts, config, calibration).entity, dtype=np.int64)[people[stays]]
        agreement.append(bcubed(entity[stays & people].tolist(), again.tolist()).f1)
    with np.errstate(divide="ignore"):  # a confidence of 1 is an endless margin
        margins = np.clip(np.log(confidence) - np.log1p(-confidence), -FURTHEST, FURTHEST)
    return Signals(
        views=len(confidence),
        entities=len(np.unique(entity[people])),
        mean_confidence=float(confidence.mean()),
        doubtful=tuple(float((confidence < band).mean()) for band in BANDS),
        margins=tuple(np.quantile(margins, SHARES, method="lower").tolist()),
        stability=float(np.mean(agreement)) if agreement else 1.0,
    )
