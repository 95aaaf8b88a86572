"""Constrained average linkage on a sparse graph, in rounds: all pairs that prefer each other merge at once.

Reciprocal agglomerative clustering (Sumengen et al., "Scaling Hierarchical Agglomerative Clustering to Billion-sized
Datasets", 2021): where merging makes no pair better than its parts were, merging all reciprocal best pairs of a round gives
the hierarchy that best-first merging gives. Faces between groups follow exactly from sums over each group; other evidence
is summed over the edges of the graph.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.identity.agglomerate import NEVER
from tasks.identity.calibration import KindCalibration
from tasks.identity.graph import Edges
from tasks.identity.groups import Codes, Groups, face_evidence, share_frame
from tasks.identity.pairs import FACE, Array, Mass, fuse

BLOCK = 1 << 18
"""Edges whose evidence is fused at once."""


@dataclass(slots=True)
class GroupEdges:
    """Edges between groups, ``first < second``, each pair once.

    Attributes:
        first: shape ``(e,)``.
        second: shape ``(e,)``.
        planes: summed evidence; that of faces is exact over all pairs, shape ``(PLANES, e)``.
        together: whether the groups share a scene, shape ``(e,)``.
        odds: log-odds that both are one entity, ``NEVER`` where they share a frame, shape ``(e,)``.
        waiting: whether the pair has to wait for a merge that changes its odds, shape ``(e,)``.
    """

    first: Codes
    second: Codes
    planes: NDArray[np.float32]
    together: NDArray[np.bool_]
    odds: Array
    waiting: NDArray[np.bool_]

    def take(self, rows: NDArray[np.int64]) -> "GroupEdges":
        """Some of the edges."""
        return GroupEdges(
            self.first[rows],
            self.second[rows],
            self.planes[:, rows],
            self.together[rows],
            self.odds[rows],
            self.waiting[rows],
        )


def group_graph(
    groups: Groups, edges: Edges, start: Codes, kind: KindCalibration, threshold: float, margin: float
) -> tuple[Codes, Groups]:
    """Merge groups on a graph until no pair above ``threshold`` is left.

    Args:
        groups: every observation as a group of its own; used up.
        edges: candidate pairs of observations.
        start: code of the group that each observation starts in, codes ``0..m-1``.
        kind: calibration.
        threshold: log-odds that a merge must exceed.
        margin: lead in log-odds asked of pairs without faces.

    Returns:
        The code of each observation's group, codes ``0..m-1``, and the groups.
    """
    group_of = np.arange(len(start))
    linked = GroupEdges(
        edges.first,
        edges.second,
        edges.planes,
        edges.together,
        np.full(len(edges.first), np.nan),
        np.zeros(len(edges.first), dtype=np.bool_),
    )
    _score(linked, np.arange(len(edges.first)), groups, kind)
    for keep, drop in _start_merges(start):
        linked = _merge(linked, groups, group_of, keep, drop, kind)
    while len(pairs := _reciprocal_pairs(linked, threshold)):
        leading = _leading(linked, groups, pairs, threshold, margin)
        linked.waiting[pairs[~leading]] = True
        merging = pairs[leading]
        if len(merging):
            linked = _merge(linked, groups, group_of, linked.first[merging], linked.second[merging], kind)
    rows, codes = np.unique(group_of, return_inverse=True)
    return codes, groups.taken(rows)


def _start_merges(start: Codes) -> Iterator[tuple[Codes, Codes]]:
    """The groups to start with as merges of pairs: neighbours first, then every second pair, and so on by doubling."""
    order = np.argsort(start, kind="stable")
    heads = np.flatnonzero(np.diff(start[order], prepend=-1))
    place = np.arange(len(order)) - np.repeat(heads, np.diff(np.append(heads, len(order))))
    step = 1
    while (dropped := np.flatnonzero(place % (2 * step) == step)).size:
        yield order[dropped - step], order[dropped]
        step *= 2


def _merge(
    edges: GroupEdges, groups: Groups, group_of: Codes, keep: Codes, drop: Codes, kind: KindCalibration
) -> GroupEdges:
    """Merge pairs of groups; parallel edges are added up, those inside a group dropped, changed ones scored anew."""
    groups.merge(keep, drop)
    codes = np.arange(len(groups.count))
    codes[drop] = keep
    group_of[:] = codes[group_of]
    changed = np.zeros(len(codes), dtype=np.bool_)
    changed[keep] = changed[drop] = True
    touched = changed[edges.first] | changed[edges.second]
    if not touched.any():
        return edges
    calm, moved = edges.take(np.flatnonzero(~touched)), edges.take(np.flatnonzero(touched))
    left, right = codes[moved.first], codes[moved.second]
    low, high = np.minimum(left, right), np.maximum(left, right)
    between = np.flatnonzero(low != high)
    between = between[np.lexsort((high[between], low[between]))]
    low, high = low[between], high[between]
    starts = np.flatnonzero(np.diff(low, prepend=-1) | np.diff(high, prepend=-1))
    planes, together = moved.planes[:, between], moved.together[between]
    if len(starts) < len(between):
        planes = np.add.reduceat(planes, starts, axis=1)
        together = np.logical_or.reduceat(together, starts)
    fresh = len(starts)
    merged = GroupEdges(
        np.concatenate([calm.first, low[starts]]),
        np.concatenate([calm.second, high[starts]]),
        np.concatenate([calm.planes, planes], axis=1),
        np.concatenate([calm.together, together]),
        np.concatenate([calm.odds, np.full(fresh, np.nan)]),
        np.concatenate([calm.waiting, np.zeros(fresh, dtype=np.bool_)]),
    )
    rows = np.arange(len(calm.first), len(merged.first))
    if kind.face is not None:
        merged.planes[FACE, rows] = face_evidence(groups, merged.first[rows], merged.second[rows], kind.face)
    _score(merged, rows, groups, kind)
    return merged


def _score(edges: GroupEdges, rows: NDArray[np.int64], groups: Groups, kind: KindCalibration) -> None:
    """Fuse the evidence of some edges, in blocks."""
    mass = groups.mass
    for begin in range(0, len(rows), BLOCK):
        part = rows[begin : begin + BLOCK]
        first, second = edges.first[part], edges.second[part]
        planes = edges.planes[:, part].astype(np.float64)
        odds = fuse(planes, edges.together[part], _at(mass, first), _at(mass, second), kind)
        edges.odds[part] = np.where(share_frame(groups.frames, groups.frames, first, second), NEVER, odds)


def _at(mass: Mass, rows: Codes) -> Mass:
    return Mass(mass.weight[rows], mass.lone_look[rows], mass.lone_face[rows])


def _mixed(first: Codes, second: Codes) -> NDArray[np.uint64]:
    """A fixed scrambling of pairs (splitmix64), to break ties: by position, everybody would wait for the first."""
    mixed = first.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + second.astype(np.uint64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))


def _reciprocal_pairs(edges: GroupEdges, threshold: float) -> NDArray[np.int64]:
    """Indices of the edges that are the best of both their groups, above the threshold and not waiting."""
    open_edges = np.flatnonzero((edges.odds > threshold) & ~edges.waiting)
    if not len(open_edges):
        return open_edges
    first, second, odds = edges.first[open_edges], edges.second[open_edges], edges.odds[open_edges]
    # Best last: an edge then is a group's best when it is the last that writes to the group.
    order = np.lexsort((_mixed(first, second), odds))
    last = np.full(int(edges.second.max()) + 1, -1)
    place = np.arange(len(order))
    np.maximum.at(last, first[order], place)
    np.maximum.at(last, second[order], place)
    best = (last[first[order]] == place) & (last[second[order]] == place)
    return np.sort(open_edges[order[best]])


def _leading(
    edges: GroupEdges, groups: Groups, pairs: NDArray[np.int64], threshold: float, margin: float
) -> NDArray[np.bool_]:
    """Whether each pair may merge now: both have faces, or no rival of the one without is within ``margin``.

    A rival of a faceless group is another that it could join and that is itself no match for the partner.
    """
    leads = np.ones(len(pairs), dtype=np.bool_)
    faceless = groups.weight == 0
    doubtful = np.flatnonzero(faceless[edges.first[pairs]] | faceless[edges.second[pairs]])
    if margin <= 0 or not len(doubtful):
        return leads
    size = len(groups.weight)
    ascending = np.argsort(edges.first * size + edges.second)
    keys = (edges.first * size + edges.second)[ascending]
    source = np.concatenate([edges.first, edges.second])
    target = np.concatenate([edges.second, edges.first])
    odds = np.concatenate([edges.odds, edges.odds])
    order = np.argsort(source, kind="stable")
    source, target, odds = source[order], target[order], odds[order]
    bounds = np.searchsorted(source, np.arange(size + 1))
    for position in doubtful.tolist():
        ends = int(edges.first[pairs[position]]), int(edges.second[pairs[position]])
        for group, partner in (ends, ends[::-1]):
            if not faceless[group]:
                continue
            near = slice(bounds[group], bounds[group + 1])
            rivals = target[near][(odds[near] > edges.odds[pairs[position]] - margin) & (target[near] != partner)]
            low, high = np.minimum(rivals, partner), np.maximum(rivals, partner)
            found = np.minimum(np.searchsorted(keys, low * size + high), len(keys) - 1)
            match = (keys[found] == low * size + high) & (edges.odds[ascending[found]] > threshold)
            leads[position] &= bool(match.all())
    return leads
