"""Who is who: from detections with embeddings to one entity for each person, thing, region and landmark.

Invariants: two detections of a frame are one entity only when one repeats the other; the same observations give the
same entities in whatever order they come; nothing depends on time, threads or hash seeds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from schemas.config import ReidentifyConfig
from schemas.errors import ConfigError
from schemas.evidence import EntityKind
from tasks.identity.calibration import Calibration
from tasks.identity.columns import Columns, build_columns, near_frames
from tasks.identity.dense import Grouping, group_dense
from tasks.identity.film import fit_to_film
from tasks.identity.observation import Observation, canonical_order
from tasks.identity.overlap import find_repeats, find_shot_links
from tasks.identity.pairs import label_odds
from tasks.identity.sets import DisjointSets
from tasks.identity.sparse import group_sparse


@dataclass(frozen=True, slots=True)
class Identities:
    """The entities of a story or film, one value for each observation in the order they were given.

    Attributes:
        entity: number of the entity, from 0, by first appearance and, within a frame, by size.
        confidence: probability (0 to 1) that this observation belongs to this entity rather than another or a new one.
        repeat_of: index of the observation of the same frame that this one repeats; None where it stands for itself.
    """

    entity: tuple[int, ...]
    confidence: tuple[float, ...]
    repeat_of: tuple[int | None, ...]


def identify(observations: Sequence[Observation], config: ReidentifyConfig, calibration: Calibration) -> Identities:
    """Group observations of one film into entities.

    Args:
        observations: detections of one story or one film, in any order.
        config: thresholds and limits.
        calibration: what similarities are worth, fitted for the models that made the embeddings.

    Raises:
        ValueError: two observations share frame and ``det_id``, or embeddings of different lengths are mixed.
        ConfigError: the calibration has no curves for a kind that occurs.
    """
    order = canonical_order(observations)
    ranks, near_next = near_frames(observations, config.shot_bits)
    count = len(observations)
    entity = np.full(count, -1, dtype=np.int64)
    confidence = np.zeros(count)
    repeat_of: list[int | None] = [None] * count
    used = 0
    for kind in get_args(EntityKind):
        chosen = np.array([index for index in order if observations[index].kind == kind], dtype=np.int64)
        if not chosen.size:
            continue
        columns = build_columns([observations[index] for index in chosen], ranks, near_next)
        repeats, grouping = _group_kind(columns, kind, config, calibration)
        entity[chosen] = grouping.group + used
        confidence[chosen] = grouping.confidence
        for index, kept in zip(chosen.tolist(), chosen[repeats].tolist(), strict=True):
            repeat_of[index] = None if kept == index else kept
        used += int(grouping.group.max()) + 1
    return Identities(_by_appearance(entity, order), tuple(confidence.tolist()), tuple(repeat_of))


def _group_kind(
    columns: Columns, kind: EntityKind, config: ReidentifyConfig, calibration: Calibration
) -> tuple[NDArray[np.int64], Grouping]:
    """Group the observations of one kind; returns what each repeats and the groups, repeats included."""
    curves = calibration.kinds.get(kind)
    if curves is None:
        raise ConfigError(
            f"calibration {calibration.name!r} has no curves for {kind!r}: it has {sorted(calibration.kinds)}"
        )
    curves = fit_to_film(columns, curves)
    repeats = find_repeats(columns, config.repeat_iou, curves)
    kept = np.flatnonzero(repeats == np.arange(columns.size))
    position = np.full(columns.size, -1, dtype=np.int64)
    position[kept] = np.arange(len(kept))
    single = columns.take(kept)
    sets = DisjointSets(single.size)
    for left, right in find_shot_links(single, config.shot_iou, curves, config.veto).tolist():
        sets.union(left, right)
    start = np.array(sets.roots(), dtype=np.int64)
    labels = label_odds(columns.label_names, calibration.labels)
    group = group_dense if single.size <= config.dense_limit else group_sparse
    grouping = group(single, curves, labels, start, config)
    of_all = position[repeats]
    return repeats, Grouping(grouping.group[of_all], grouping.confidence[of_all])


def _by_appearance(entity: NDArray[np.int64], order: list[int]) -> tuple[int, ...]:
    """Renumber entities by where they first occur in the canonical order."""
    numbers: dict[int, int] = {}
    for index in order:
        numbers.setdefault(int(entity[index]), len(numbers))
    return tuple(numbers[code] for code in entity.tolist())
