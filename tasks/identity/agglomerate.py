"""Constrained average linkage on fused log-odds: best pair first, never two of a frame, ties to the earlier pair."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.identity.calibration import KindCalibration
from tasks.identity.pairs import Array, Mass, fuse, mass_of

NEVER = -np.inf
"""Log-odds of a pair that is forbidden."""


@dataclass(slots=True)
class Linkage:
    """Groups and everything between them; grows by merging, the smaller index lives on.

    Attributes:
        planes: summed evidence, shape ``(PLANES, n, n)``, symmetric.
        together: whether groups share a scene, shape ``(n, n)``.
        blocked: whether groups may never merge, shape ``(n, n)``; true on the diagonal.
        count: members of each group, shape ``(n,)``.
        weight: summed weight of its faces, shape ``(n,)``.
        square: summed squared weight of its faces, shape ``(n,)``.
        kind: calibration.
        alive: whether the group still exists, shape ``(n,)``.
        group_of: for each starting group the one that it has become, shape ``(n,)``.
    """

    planes: Array
    together: NDArray[np.bool_]
    blocked: NDArray[np.bool_]
    count: Array
    weight: Array
    square: Array
    kind: KindCalibration
    alive: NDArray[np.bool_]
    group_of: NDArray[np.int64]

    def table(self) -> Array:
        """Log-odds between all groups, shape ``(n, n)``."""
        mass = mass_of(self.count, self.weight, self.square)
        group = Mass(mass.weight[:, None], mass.lone_look[:, None], mass.lone_face[:, None])
        odds = fuse(self.planes, self.together, group, mass, self.kind)
        odds[self.blocked | ~self.alive | ~self.alive[:, None]] = NEVER
        return odds

    def row(self, group: int) -> Array:
        """Log-odds between one group and every other, ``NEVER`` where they may not merge, shape ``(n,)``."""
        mass = mass_of(self.count, self.weight, self.square)
        own = Mass(mass.weight[group], mass.lone_look[group], mass.lone_face[group])
        odds = fuse(self.planes[:, group], self.together[group], own, mass, self.kind)
        odds[self.blocked[group] | ~self.alive] = NEVER
        return odds

    def merge(self, keep: int, drop: int) -> None:
        """Add group ``drop`` to group ``keep``."""
        self.planes[:, keep] += self.planes[:, drop]
        self.planes[:, :, keep] = self.planes[:, keep]
        for matrix in (self.together, self.blocked):
            matrix[keep] |= matrix[drop]
            matrix[:, keep] = matrix[keep]
        for column in (self.count, self.weight, self.square):
            column[keep] += column[drop]
        self.alive[drop] = False
        self.group_of[self.group_of == drop] = keep


def agglomerate(linkage: Linkage, threshold: float, margin: float) -> Array:
    """Merge the best pair until none is above ``threshold``.

    A pair that no face supports merges only if it leads by ``margin``: a group without a face may not join another while
    a rival, itself no match for that other, is almost as good. Such a pair waits until a merge changes its odds.

    Args:
        linkage: the groups; changed in place.
        threshold: log-odds that a merge must exceed.
        margin: lead in log-odds asked of pairs without faces.

    Returns:
        The log-odds between the groups that are left, shape ``(n, n)``, without the waiting of pairs.
    """
    count = len(linkage.alive)
    full = linkage.table()
    open_odds = full.copy()
    if count < 2:
        return full
    best = open_odds.argmax(axis=1)
    best_odds = open_odds[np.arange(count), best]
    while True:
        first = int(best_odds.argmax())
        if not best_odds[first] > threshold:
            return full
        second = int(best[first])
        keep, drop = min(first, second), max(first, second)
        if not _leads(linkage, full, keep, drop, threshold, margin):
            open_odds[keep, drop] = open_odds[drop, keep] = NEVER
            stale = np.array([keep, drop])
        else:
            linkage.merge(keep, drop)
            odds = linkage.row(keep)
            for matrix in (full, open_odds):
                matrix[drop] = matrix[:, drop] = NEVER
                matrix[keep] = matrix[:, keep] = odds
            best_odds[drop] = NEVER
            better = (odds > best_odds) | ((odds == best_odds) & (keep < best))
            better &= odds > NEVER
            best_odds[better] = odds[better]
            touched = ((best == keep) | (best == drop)) & ~better & linkage.alive
            best[better] = keep
            touched[keep] = True
            stale = np.flatnonzero(touched)
        best[stale] = open_odds[stale].argmax(axis=1)
        best_odds[stale] = open_odds[stale, best[stale]]


def _leads(linkage: Linkage, odds: Array, keep: int, drop: int, threshold: float, margin: float) -> bool:
    """Whether the pair is good enough to merge now; always so when both groups have faces."""
    if margin <= 0 or (linkage.weight[keep] > 0 and linkage.weight[drop] > 0):
        return True
    for group, partner in ((keep, drop), (drop, keep)):
        if linkage.weight[group] > 0:
            continue
        rivals = odds[partner] <= threshold
        rivals[[group, partner]] = False
        if rivals.any() and odds[group, partner] - odds[group][rivals].max() < margin:
            return False
    return True
