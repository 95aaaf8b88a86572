"""Identity of a few thousand observations at most, with all pairs in memory."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from schemas.config import ReidentifyConfig
from tasks.identity.agglomerate import NEVER, Linkage, agglomerate, join_leftovers
from tasks.identity.calibration import KindCalibration
from tasks.identity.columns import Columns
from tasks.identity.pairs import SCENE_PAIRS, Array, fuse, mass_of, pair_planes

Number = TypeVar("Number", np.float64, np.int64)
Entry = TypeVar("Entry", np.float64, np.bool_)


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
    order = np.argsort(start, kind="stable")
    first, heads = np.unique(start[order], return_index=True)
    weight = columns.face_weight[order]
    linkage = Linkage(
        _by_group(planes, order, heads),
        _by_group(together, order, heads),
        _by_group(same_frame, order, heads),
        np.add.reduceat(np.ones(count), heads),
        np.add.reduceat(weight, heads),
        np.add.reduceat(weight**2, heads),
        kind,
        first,
    )
    group_of = start.copy()
    left = agglomerate(linkage, group_of, config.threshold, config.margin)
    join_leftovers(left, group_of, config.threshold - config.leftover, 2 * config.margin)
    group = by_first_member(group_of)
    return Grouping(group, _confidence(columns, planes, together, same_frame, kind, group, config))


def _by_group(values: NDArray[Entry], order: NDArray[np.int64], heads: NDArray[np.int64]) -> NDArray[Entry]:
    """Sums, or whether any is true, over the last two axes by groups, given members in order of groups."""
    if len(heads) == len(order):
        return values.copy()
    add = np.logical_or if values.dtype == np.bool_ else np.add
    columns = add.reduceat(np.take(values, order, axis=-1), heads, axis=-1)
    summed: NDArray[Entry] = add.reduceat(np.take(columns, order, axis=-2), heads, axis=-2)
    return summed


def by_first_member(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Renumber codes so that they ascend by first occurrence."""
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse]


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
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(int(group.max()) + 1))

    def per_group(values: NDArray[Number]) -> NDArray[Number]:
        """Values of observations added up over the members of each group, along the last axis."""
        return np.add.reduceat(np.take(values, order, axis=-1), starts, axis=-1)

    every = np.arange(columns.size)
    own = np.zeros((columns.size, len(starts)), dtype=np.bool_)
    own[every, group] = True
    weight = columns.face_weight
    count = per_group(np.ones(columns.size))
    # An observation is weighed against the rest of its own group, so it does not vouch for itself.
    mass = mass_of(
        np.maximum(count[None] - own, 1.0),
        per_group(weight)[None] - own * weight[:, None],
        per_group(weight**2)[None] - own * (weight**2)[:, None],
    )
    alone = mass_of(np.ones((columns.size, 1)), weight[:, None], (weight**2)[:, None])
    beside = together.astype(np.int64)
    beside[every, every] = 0
    summed = per_group(planes)
    odds, _ = fuse(summed, per_group(beside) > 0, alone, mass, kind)
    odds[(per_group(same_frame.astype(np.int64)) > 0) & ~own] = NEVER
    source = np.repeat(every, len(starts))
    single = np.broadcast_to(count[None] == 1, odds.shape)
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
