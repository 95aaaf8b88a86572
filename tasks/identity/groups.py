"""Groups of observations as sums from which the evidence between any two of them follows, without looking at members."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from tasks.identity.calibration import FaceCurve
from tasks.identity.columns import Columns
from tasks.identity.graph import row_products
from tasks.identity.pairs import Array, Mass, mass_of

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Codes = NDArray[np.int64]
Float = TypeVar("Float", np.float32, np.float64)

FRAME_BLOCK = 1 << 16
"""Pairs of groups whose frames are compared at once."""


@dataclass(slots=True)
class Groups:
    """Sums over the members of ``m`` groups.

    Attributes:
        plain: sums of ``w f``, faces times weights, shape ``(m, d)``; None where the curve does not need it.
        reliable: sums of ``w sqrt(w) f``, shape ``(m, d)``; None where the curve does not need it.
        count: members, shape ``(m,)``.
        weight: sums of ``w``, shape ``(m,)``.
        rooted: sums of ``w sqrt(w)``, shape ``(m,)``.
        square: sums of ``w**2``, shape ``(m,)``.
        frames: which frames a group is in, sparse, shape ``(m, frames)``.
    """

    plain: NDArray[np.float32] | None
    reliable: NDArray[np.float32] | None
    count: Array
    weight: Array
    rooted: Array
    square: Array
    frames: "csr_array[np.int32]"

    @property
    def mass(self) -> Mass:
        """The mass of all groups, shape ``(m,)``."""
        return mass_of(self.count, self.weight, self.square)

    def merge(self, keep: Codes, drop: Codes) -> None:
        """Add groups ``drop`` to groups ``keep``, all different, in place; the dropped ones stay behind unused."""
        for sums in (self.plain, self.reliable, self.count, self.weight, self.rooted, self.square):
            if sums is not None:
                sums[keep] += sums[drop]
        size = len(self.count)
        target = np.arange(size)
        target[drop] = keep
        self.frames = (membership(target, size) @ self.frames).tocsr()

    def taken(self, rows: Codes) -> "Groups":
        """Some of the groups, in that order."""
        return Groups(
            None if self.plain is None else self.plain[rows],
            None if self.reliable is None else self.reliable[rows],
            self.count[rows],
            self.weight[rows],
            self.rooted[rows],
            self.square[rows],
            self.frames[rows],
        )


def membership(codes: Codes, groups: int) -> "csr_array[np.int32]":
    """Which of ``groups`` each column belongs to, sparse, shape ``(groups, n)``."""
    from scipy.sparse import csr_array

    return csr_array((np.ones(len(codes), np.int32), (codes, np.arange(len(codes)))), (groups, len(codes)))


def share_frame(
    frames: "csr_array[np.int32]", others: "csr_array[np.int32]", first: Codes, second: Codes
) -> NDArray[np.bool_]:
    """Whether rows ``first`` of ``frames`` and rows ``second`` of ``others`` have a column in common, in blocks."""
    shared = np.empty(len(first), dtype=np.bool_)
    for start in range(0, len(first), FRAME_BLOCK):
        part = slice(start, start + FRAME_BLOCK)
        both = frames[first[part]].multiply(others[second[part]])
        shared[part] = np.asarray(both.sum(axis=1)).ravel() > 0
    return shared


def single_groups(columns: Columns, curve: FaceCurve | None) -> Groups:
    """Every observation as a group of its own."""
    weight = columns.face_weight
    root = np.sqrt(weight)
    plain = reliable = None
    if curve is not None and weight.any():
        if curve.slope != 0:
            plain = columns.face * weight[:, None].astype(np.float32)
        if curve.slope_r != 0:
            reliable = columns.face * (weight * root)[:, None].astype(np.float32)
    size = columns.size
    frames = membership(columns.rank, int(columns.rank.max(initial=-1)) + 1).T.tocsr()
    return Groups(plain, reliable, np.ones(size), weight.copy(), weight * root, weight**2, frames)


def face_evidence(groups: Groups, first: Codes, second: Codes, curve: FaceCurve) -> Array:
    """Sum over all pairs of faces of two groups of ``w1 w2`` times the pair's log-odds, for pairs of groups.

    Args:
        groups: sums over members.
        first: indices of groups, shape ``(p,)``.
        second: indices of groups, shape ``(p,)``.
        curve: log-odds of two faces; a sum of products, so that its sum over pairs is a product of sums.
    """
    total = curve.offset * groups.weight[first] * groups.weight[second]
    total += curve.offset_r * groups.rooted[first] * groups.rooted[second]
    total += curve.offset_rr * groups.square[first] * groups.square[second]
    for slope, sums in ((curve.slope, groups.plain), (curve.slope_r, groups.reliable)):
        if sums is not None:
            total += slope * row_products(sums, sums, first, second)
    return total


def view_evidence(columns: Columns, groups: Groups, view: Codes, group: Codes, curve: FaceCurve) -> Array:
    """As ``face_evidence``, between single observations and groups.

    Args:
        columns: the observations.
        groups: sums over members.
        view: indices of observations, shape ``(p,)``.
        group: indices of groups, shape ``(p,)``.
        curve: log-odds of two faces.
    """
    weight = columns.face_weight[view]
    total = curve.offset * weight * groups.weight[group]
    total += curve.offset_r * weight**1.5 * groups.rooted[group]
    total += curve.offset_rr * weight**2 * groups.square[group]
    for slope, own, sums in ((curve.slope, weight, groups.plain), (curve.slope_r, weight**1.5, groups.reliable)):
        if sums is not None:
            total += slope * own * row_products(columns.face, sums, view, group)
    return total
