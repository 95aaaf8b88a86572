"""Constrained average linkage on fused log-odds, with all pairs in memory: never two of a frame in one group.

In rounds: all pairs that prefer each other merge at once, which gives the groups of best-first merging, since merging makes
no pair better than its parts were (see ``tasks.identity.reciprocal``, which does the same on a graph).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.identity.calibration import KindCalibration
from tasks.identity.pairs import SCENE_PAIRS, Array, Mass, fuse, mass_of

NEVER = -np.inf
"""Log-odds of a pair that is forbidden."""

Indices = NDArray[np.int64]


@dataclass(slots=True)
class Linkage:
    """Groups and everything between them.

    Attributes:
        planes: summed evidence, shape ``(PLANES, m, m)``, symmetric.
        together: whether groups share a scene, shape ``(m, m)``.
        blocked: whether groups may never merge, shape ``(m, m)``; true on the diagonal and for groups merged away.
        count: members of each group, shape ``(m,)``.
        weight: summed weight of its faces, shape ``(m,)``.
        square: summed squared weight of its faces, shape ``(m,)``.
        kind: calibration.
        first: the first member of each group, shape ``(m,)``.
    """

    planes: Array
    together: NDArray[np.bool_]
    blocked: NDArray[np.bool_]
    count: Array
    weight: Array
    square: Array
    kind: KindCalibration
    first: Indices

    def score(self, rows: Indices) -> tuple[Array, Array]:
        """Log-odds between some groups and all, and the order of merging, shape ``(rows, m)`` each."""
        mass = mass_of(self.count, self.weight, self.square)
        own = Mass(mass.weight[rows, None], mass.lone_look[rows, None], mass.lone_face[rows, None])
        odds, rank = fuse(self.planes[:, rows], self.together[rows], own, mass, self.kind)
        odds[self.blocked[rows]] = NEVER
        return odds, rank

    def merge(self, keep: Indices, drop: Indices) -> None:
        """Add groups ``drop`` to groups ``keep``, all different; the dropped ones stay behind, blocked."""
        self.planes[:, keep] += self.planes[:, drop]
        self.planes[:, :, keep] += self.planes[:, :, drop]
        for matrix in (self.together, self.blocked):
            matrix[keep] |= matrix[drop]
            matrix[:, keep] |= matrix[:, drop]
        self.blocked[drop] = self.blocked[:, drop] = True
        for column in (self.count, self.weight, self.square):
            column[keep] += column[drop]

    def take(self, rows: Indices) -> "Linkage":
        """Some of the groups."""
        block = np.ix_(rows, rows)
        return Linkage(
            self.planes[:, rows[:, None], rows],
            self.together[block],
            self.blocked[block],
            self.count[rows],
            self.weight[rows],
            self.square[rows],
            self.kind,
            self.first[rows],
        )


def agglomerate(linkage: Linkage, group_of: Indices, threshold: float, margin: float) -> Linkage:
    """Merge groups until no pair is above ``threshold``; returns what is left of them.

    The best partner is the one with the greatest log-odds of single members, so that groups do not go first for being
    large. A pair that no face supports merges only if it leads by ``margin``: a group without a face may not join another
    while a rival, itself no match for that other, is almost as good. Such a pair waits for the next merge, which may settle
    the rival.

    Args:
        linkage: the groups to start with; used up.
        group_of: first member of the group of each observation, shape ``(n,)``; changed in place.
        threshold: log-odds that a merge must exceed.
        margin: lead in log-odds asked of pairs without faces.
    """
    alive = np.ones(len(linkage.first), dtype=np.bool_)
    odds, rank = linkage.score(np.arange(len(alive)))
    rank[odds <= threshold] = NEVER
    open_rank = rank
    while (pairs := reciprocal_best(open_rank)).size:
        leading = [_leads(linkage, odds, keep, drop, threshold, margin) for keep, drop in pairs.tolist()]
        if not any(leading):
            open_rank = rank.copy() if open_rank is rank else open_rank
            open_rank[pairs, pairs[:, ::-1]] = NEVER
            continue
        keep, drop = pairs[np.array(leading)].T
        _rename(group_of, linkage.first[drop], linkage.first[keep])
        linkage.merge(keep, drop)
        alive[drop] = False
        if 2 * np.count_nonzero(alive) <= len(alive):
            rows = np.flatnonzero(alive)
            keep = np.searchsorted(rows, keep)
            linkage, alive, odds, rank = (
                linkage.take(rows),
                alive[rows],
                odds[np.ix_(rows, rows)],
                rank[np.ix_(rows, rows)],
            )
        else:
            for matrix in (odds, rank):
                matrix[drop] = matrix[:, drop] = NEVER
        fresh, order = linkage.score(keep)
        order[fresh <= threshold] = NEVER
        odds[keep], rank[keep] = fresh, order
        odds[:, keep], rank[:, keep] = fresh.T, order.T
        open_rank = rank
    return linkage.take(np.flatnonzero(alive))


def join_leftovers(linkage: Linkage, group_of: Indices, least: float, lead: float) -> None:
    """Merge groups that are left with the only group of their scene that they could be.

    Who is in a scene is mostly in it again: when everybody else of a scene is seen beside a view, or is nothing like it,
    less evidence will do for the one who is missing. There has to be some: crops of one scene that were compared.

    Args:
        linkage: the groups; used up.
        group_of: first member of the group of each observation, shape ``(n,)``; changed in place.
        least: log-odds that are enough.
        lead: log-odds by which the two must prefer each other to all others of their scenes.
    """
    while len(linkage.first) > 1:
        odds, _ = linkage.score(np.arange(len(linkage.first)))
        odds[linkage.planes[SCENE_PAIRS] == 0] = NEVER
        pairs = reciprocal_best(odds)
        second = np.partition(odds, -2, axis=1)[:, -2]
        best = odds[pairs[:, 0], pairs[:, 1]]
        pairs = pairs[(best > least) & (best - np.maximum(second[pairs[:, 0]], second[pairs[:, 1]]) >= lead)]
        if not pairs.size:
            break
        keep, drop = pairs.T
        _rename(group_of, linkage.first[drop], linkage.first[keep])
        linkage.merge(keep, drop)
        linkage = linkage.take(np.setdiff1d(np.arange(len(linkage.first)), drop))


def _rename(group_of: Indices, old: Indices, new: Indices) -> None:
    """Give the members of groups ``old`` to groups ``new``."""
    codes = np.arange(len(group_of))
    codes[old] = new
    group_of[:] = codes[group_of]


def reciprocal_best(rank: Array) -> Indices:
    """Pairs that are each other's best, the smaller index first, ascending, shape ``(p, 2)``.

    Among equals the partner whose index differs in the lowest bits: that is mutual, so that of many equals half of them
    find a partner at once, where by position all would wait for the first.
    """
    size = len(rank)
    if size < 2:
        return np.zeros((0, 2), dtype=np.int64)
    every = np.arange(size)
    best = rank.argmax(axis=1)
    highest = rank[every, best]
    tied = np.flatnonzero((rank == highest[:, None]).sum(axis=1) > 1)
    for row in tied[highest[tied] > NEVER].tolist():
        equals = np.flatnonzero(rank[row] == highest[row])
        best[row] = equals[(equals ^ row).argmin()]
    mutual = (best[best] == every) & (every < best) & (highest > NEVER)
    return np.stack([every[mutual], best[mutual]], axis=1)


def _leads(linkage: Linkage, odds: Array, keep: int, drop: int, threshold: float, margin: float) -> bool:
    """Whether the pair is good enough to merge now; always so when both groups have faces."""
    if margin <= 0 or (linkage.weight[keep] > 0 and linkage.weight[drop] > 0):
        return True
    for group, partner in ((keep, drop), (drop, keep)):
        if linkage.weight[group] > 0:
            continue
        rivals = odds[partner] <= threshold
        rivals[[group, partner]] = False
        if (odds[group][rivals] > odds[group, partner] - margin).any():
            return False
    return True
