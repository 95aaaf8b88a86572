"""Identity of any number of observations, on a graph of nearest neighbours."""

import numpy as np
from numpy.typing import NDArray

from schemas.config import ReidentifyConfig
from tasks.identity.agglomerate import NEVER
from tasks.identity.calibration import KindCalibration
from tasks.identity.columns import Columns
from tasks.identity.dense import Grouping, by_first_member, posterior
from tasks.identity.graph import Edges, build_edges, candidate_pairs
from tasks.identity.groups import Codes, Groups, membership, share_frame, single_groups, view_evidence
from tasks.identity.pairs import FACE, PLANES, SCENE_PAIRS, Array, fuse, mass_of
from tasks.identity.reciprocal import group_graph

BLOCK = 1 << 18


def group_sparse(
    columns: Columns, kind: KindCalibration, labels: Array, start: Codes, config: ReidentifyConfig
) -> Grouping:
    """Group observations on a graph; memory grows with ``n * (d + neighbours)``, never with ``n**2``.

    Args:
        columns: observations of one kind, no repeats, in canonical order.
        kind: calibration of the kind.
        labels: log-odds of label pairs.
        start: first member of the group that each observation starts in (its continuous shot), shape ``(n,)``.
        config: threshold, margin and number of neighbours.
    """
    edges = build_edges(columns, candidate_pairs(columns, config.neighbours), kind, labels)
    codes, groups = group_graph(single_groups(columns, kind.face), edges, start, kind, config)
    return Grouping(by_first_member(codes), _confidence(columns, groups, edges, codes, kind, config))


def _confidence(
    columns: Columns, groups: Groups, edges: Edges, codes: Codes, kind: KindCalibration, config: ReidentifyConfig
) -> Array:
    """As in ``dense``, each observation against its own group and those of its neighbours in the graph."""
    count, total = columns.size, len(groups.count)
    every = np.arange(count)
    source = np.concatenate([edges.first, edges.second, every])
    target = codes[np.concatenate([edges.second, edges.first, every])]
    edge = np.concatenate([np.arange(len(edges.first))] * 2 + [np.full(count, -1)])
    keys = source * total + target
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
    source, target = np.divmod(keys[order][starts], total)
    frames = membership(columns.rank, groups.frames.shape[1]).T.tocsr()
    odds, beside = np.empty(len(starts)), np.empty(len(starts), dtype=np.bool_)
    bounds = np.append(starts, len(order))
    for begin in range(0, len(starts), BLOCK):
        stop = min(begin + BLOCK, len(starts))
        rows = edge[order[bounds[begin] : bounds[stop]]]
        inner = bounds[begin:stop] - bounds[begin]
        real = rows >= 0
        planes = np.zeros((PLANES, len(rows)))
        planes[:, real] = edges.planes[:, rows[real]]
        together = np.zeros(len(rows), dtype=np.bool_)
        together[real] = edges.together[rows[real]]
        part = slice(begin, stop)
        own = target[part] == codes[source[part]]
        summed = np.add.reduceat(planes, inner, axis=1)
        beside[part] = summed[SCENE_PAIRS] > 0
        odds[part] = _odds(
            columns,
            groups,
            summed,
            np.logical_or.reduceat(together, inner),
            (source[part], target[part], own),
            kind,
        )
        other = np.flatnonzero(~own) + begin
        odds[other[share_frame(frames, groups.frames, source[other], target[other])]] = NEVER
    chosen = target == codes[source], groups.count[target] == 1, beside
    return posterior(source, odds, *chosen, count, config.leftover, 2 * config.margin)


def _odds(
    columns: Columns,
    groups: Groups,
    planes: Array,
    together: NDArray[np.bool_],
    pairs: tuple[Codes, Codes, NDArray[np.bool_]],
    kind: KindCalibration,
) -> Array:
    """Log-odds between observations and groups; an observation is left out of its own group.

    Args:
        columns: the observations.
        groups: the groups.
        planes: evidence summed over edges, shape ``(PLANES, p)``.
        together: whether the two share a scene, shape ``(p,)``.
        pairs: observation, group, and whether it is the observation's own, each of shape ``(p,)``.
        kind: calibration.
    """
    view, group, own = pairs
    weight = columns.face_weight[view]
    inside = np.where(own, weight, 0.0)
    if kind.face is not None:
        planes[FACE] = view_evidence(columns, groups, view, group, kind.face)
        planes[FACE] -= inside**2 * kind.face.line(np.ones(len(inside)), inside)
    alone = mass_of(np.ones(len(view)), weight, weight**2)
    rest = mass_of(
        np.maximum(groups.count[group] - own, 1.0),
        np.maximum(groups.weight[group] - inside, 0.0),
        np.maximum(groups.square[group] - inside**2, 0.0),
    )
    return fuse(planes, together, alone, rest, kind)[0]
