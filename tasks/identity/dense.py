"""Identity of a few thousand observations at most, with all pairs in memory."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.config import ReidentifyConfig
from tasks.identity.agglomerate import NEVER, Linkage, agglomerate, join_leftovers
from tasks.identity.calibration import KindCalibration
from tasks.identity.columns import Columns
from tasks.identity.pairs import SCENE_PAIRS, Array, fuse, mass_of, pair_planes
from tasks.identity.sets import merges_of


@dataclass(frozen=True, slots=True)
class Grouping:
    """Groups of observations of one kind.

    Attributes:
        group: code of each observation's group, shape ``(n,)``; codes ascend by first member.
        confidence: posterior probability of that choice, 0 to 1, shape ``(n,)``.
    """

    group: NDArray[np.int64]
    confidence: NDArray[np.float64]


def group_dense(
    columns: Columns, kind: KindCalibration, labels: Array, start: NDArray[np.int64], config: ReidentifyConfig
) -> Grouping:
    """Group observations with all pairs in memory: ``8 * (PLANES + 4) * n**2`` bytes.

    Args:
        columns: observations of one kind, no repeats, in canonical order.
        kind: calibration of the kind.
        labels: log-odds of label pairs.
        start: first member of the group that each observation starts in (its continuous shot), shape ``(n,)``.
        config: threshold and margin.
    """
    count = columns.size
    every = np.arange(count)
    planes, together = pair_planes(
        columns,
        every[:, None],
        every[None],
        (columns.face @ columns.face.T).astype(np.float64),
        (columns.appearance @ columns.appearance.T).astype(np.float64),
        kind,
        labels,
    )
    planes[:, every, every] = 0.0  # no observation is evidence about itself
    same_frame = columns.rank[:, None] == columns.rank[None]
    linkage = Linkage(
        planes.copy(),
        together.copy(),
        same_frame.copy(),
        np.ones(count),
        columns.face_weight.copy(),
        columns.face_weight**2,
        kind,
        every,
    )
    for keep, drop in merges_of(start):
        linkage.merge(keep, drop)
    group_of = start.copy()
    left = agglomerate(linkage.take(np.unique(start)), group_of, config.threshold, config.margin)
    join_leftovers(left, group_of, config.threshold - config.leftover, 2 * config.margin)
    group = by_first_member(group_of)
    return Grouping(group, _confidence(columns, planes, together, same_frame, kind, group, config))


def by_first_member(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Renumber codes so that they ascend by first occurrence."""
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse]


def _members(group: NDArray[np.int64]) -> Array:
    """Membership matrix, shape ``(n, groups)``."""
    matrix = np.zeros((len(group), int(group.max(initial=-1)) + 1))
    matrix[np.arange(len(group)), group] = 1.0
    return matrix


def _confidence(
    columns: Columns,
    planes: Array,
    together: NDArray[np.bool_],
    same_frame: NDArray[np.bool_],
    kind: KindCalibration,
    group: NDArray[np.int64],
    config: ReidentifyConfig,
) -> Array:
    """Posterior of each observation's group against every other group it could be in and against being someone new."""
    if not columns.size:
        return np.zeros(0)
    members = _members(group)
    weight = columns.face_weight
    own = members.astype(np.bool_)
    # An observation is weighed against the rest of its own group, so it does not vouch for itself.
    mass = mass_of(
        np.maximum(members.sum(axis=0)[None] - members, 1.0),
        (weight @ members)[None] - members * weight[:, None],
        (weight**2 @ members)[None] - members * (weight**2)[:, None],
    )
    shared = together.astype(np.float64)
    np.fill_diagonal(shared, 0.0)
    alone = mass_of(np.ones((columns.size, 1)), weight[:, None], (weight**2)[:, None])
    summed = planes @ members
    odds, _ = fuse(summed, (shared @ members) > 0, alone, mass, kind)
    odds[(same_frame @ members > 0) & ~own] = NEVER
    source = np.repeat(np.arange(columns.size), odds.shape[1])
    single = np.broadcast_to(members.sum(axis=0)[None] == 1, odds.shape)
    chosen = own.ravel(), single.ravel(), (summed[SCENE_PAIRS] > 0).ravel()
    return posterior(source, odds.ravel(), *chosen, columns.size, config.leftover, 2 * config.margin)


def posterior(
    source: NDArray[np.int64],
    odds: Array,
    own: NDArray[np.bool_],
    single: NDArray[np.bool_],
    beside: NDArray[np.bool_],
    count: int,
    leftover: float,
    lead: float,
) -> Array:
    """Probability of the group that each observation is in, against all others it could be in and being someone new.

    Someone new has log-odds 0; for one who is alone that is the choice made. The best of the groups of an observation's
    scene has ``leftover`` log-odds more when it leads the others by ``lead``, as in joining leftovers.

    Args:
        source: observations, ascending, each with its own group among its entries, shape ``(p,)``.
        odds: log-odds of the observation and a group, ``NEVER`` where it cannot be in it, shape ``(p,)``.
        own: whether it is the group it is in, shape ``(p,)``.
        single: whether the group has one member, shape ``(p,)``.
        beside: whether it was compared with another member of the group in one scene, shape ``(p,)``.
        count: number of observations.
        leftover: log-odds for being the only one of a scene.
        lead: log-odds by which the only one leads.

    Returns:
        Probabilities, shape ``(count,)``.
    """
    if not count:
        return np.zeros(0)
    odds = np.where(own & single, NEVER, odds)
    starts = np.searchsorted(source, np.arange(count))
    scene = np.where(beside, odds, NEVER)
    best = np.maximum.reduceat(scene, starts)
    first = scene == best[source]
    second = np.maximum.reduceat(np.where(first, NEVER, scene), starts)
    only = (np.add.reduceat(first, starts) == 1) & (best > NEVER)
    only[only] = best[only] - second[only] >= lead
    odds = odds + np.where(first & only[source], leftover, 0.0)
    highest = np.maximum(np.maximum.reduceat(odds, starts), 0.0)
    total = np.add.reduceat(np.exp(odds - highest[source]), starts) + np.exp(-highest)
    chosen = np.where(single[own], 0.0, odds[own])
    return np.asarray(np.exp(chosen - highest) / total, dtype=np.float64)
