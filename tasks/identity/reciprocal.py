"""Constrained average linkage on a sparse graph, in rounds: all pairs that prefer each other merge at once.

Reciprocal agglomerative clustering (Sumengen et al., "Scaling Hierarchical Agglomerative Clustering to Billion-sized
Datasets", 2021): where merging makes no pair better than its parts were, merging all reciprocal best pairs of a round gives
the hierarchy that best-first merging gives. Faces between groups follow exactly from sums over each group; other evidence
is summed over the edges of the graph.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.config import ReidentifyConfig
from tasks.identity.agglomerate import NEVER
from tasks.identity.calibration import KindCalibration
from tasks.identity.graph import Edges
from tasks.identity.groups import Codes, Groups, face_evidence, share_frame
from tasks.identity.pairs import FACE, SCENE_PAIRS, Array, Mass, fuse
from tasks.identity.sets import merges_of

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
        rank: order of merging, the greatest first, shape ``(e,)``.
        waiting: whether the pair has to wait for the next merge, shape ``(e,)``.
    """

    first: Codes
    second: Codes
    planes: NDArray[np.float32]
    together: NDArray[np.bool_]
    odds: Array
    rank: Array
    waiting: NDArray[np.bool_]

    def take(self, rows: NDArray[np.int64]) -> "GroupEdges":
        """Some of the edges."""
        return GroupEdges(
            self.first[rows],
            self.second[rows],
            self.planes[:, rows],
            self.together[rows],
            self.odds[rows],
            self.rank[rows],
            self.waiting[rows],
        )


def group_graph(
    groups: Groups, edges: Edges, start: Codes, kind: KindCalibration, config: ReidentifyConfig
) -> tuple[Codes, Groups]:
    """Merge groups on a graph until no pair above the threshold is left, then join leftovers.

    Args:
        groups: every observation as a group of its own; used up.
        edges: candidate pairs of observations.
        start: first member of the group that each observation starts in, shape ``(n,)``.
        kind: calibration.
        config: threshold and margins.

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
        np.full(len(edges.first), np.nan),
        np.zeros(len(edges.first), dtype=np.bool_),
    )
    _score(linked, np.arange(len(edges.first)), groups, kind)
    for keep, drop in merges_of(start):
        linked = _merge(linked, groups, group_of, keep, drop, kind)
    while len(pairs := _reciprocal_pairs(linked, (linked.odds > config.threshold) & ~linked.waiting)):
        merging = pairs[_leading(linked, groups, pairs, config.threshold, config.margin)]
        if len(merging):
            linked = _merge(linked, groups, group_of, linked.first[merging], linked.second[merging], kind)
            linked.waiting[:] = False
        else:
            linked.waiting[pairs] = True
    while len(merging := _only_pairs(linked, len(start), config.threshold - config.leftover, 2 * config.margin)):
        linked = _merge(linked, groups, group_of, linked.first[merging], linked.second[merging], kind)
    rows, codes = np.unique(group_of, return_inverse=True)
    return codes, groups.taken(rows)


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
        np.concatenate([calm.rank, np.full(fresh, np.nan)]),
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
        odds, edges.rank[part] = fuse(planes, edges.together[part], _at(mass, first), _at(mass, second), kind)
        edges.odds[part] = np.where(share_frame(groups.frames, groups.frames, first, second), NEVER, odds)


def _at(mass: Mass, rows: Codes) -> Mass:
    return Mass(mass.weight[rows], mass.lone_look[rows], mass.lone_face[rows])


def _only_pairs(edges: GroupEdges, size: int, least: float, lead: float) -> NDArray[np.int64]:
    """Indices of the edges that join leftovers, see ``tasks.identity.agglomerate.join_leftovers``."""
    scene = np.flatnonzero((edges.planes[SCENE_PAIRS] > 0) & (edges.odds > NEVER))
    source = np.concatenate([edges.first[scene], edges.second[scene]])
    odds = np.concatenate([edges.odds[scene], edges.odds[scene]])
    order = np.lexsort((odds, source))
    source, odds = source[order], odds[order]
    last = np.flatnonzero(np.diff(source, append=-1))
    best, second = np.full(size, NEVER), np.full(size, NEVER)
    best[source[last]] = odds[last]
    more = last[(last > 0) & (source[last - 1] == source[last])]
    second[source[more]] = odds[more - 1]
    first, other, own = edges.first[scene], edges.second[scene], edges.odds[scene]
    mutual = (own == best[first]) & (own == best[other]) & (own > least)
    leads = own[mutual] - np.maximum(second[first[mutual]], second[other[mutual]]) >= lead
    found: NDArray[np.int64] = scene[mutual][leads]
    return found


def _reciprocal_pairs(edges: GroupEdges, eligible: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Indices of the eligible edges that are the best of both their groups.

    Among equals as in ``tasks.identity.agglomerate``.
    """
    open_edges = np.flatnonzero(eligible)
    if not len(open_edges):
        return open_edges
    first, second, rank = edges.first[open_edges], edges.second[open_edges], edges.rank[open_edges]
    # Best last: an edge then is a group's best when it is the last that writes to the group.
    order = np.lexsort((-(first ^ second), rank))
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
