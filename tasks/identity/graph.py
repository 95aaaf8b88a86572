"""Which pairs of many observations are worth looking at, and the evidence of each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.identity.calibration import KindCalibration
from tasks.identity.columns import Columns
from tasks.identity.neighbours import nearest_pairs
from tasks.identity.pairs import PLANES, Array, pair_planes

EDGE_BLOCK = 1 << 16
"""Edges whose embeddings are multiplied at once."""

FULL_SCENE = 400
"""Views up to which everybody of a scene is a candidate for those without a face."""


@dataclass(frozen=True, slots=True)
class Edges:
    """Candidate pairs with their evidence.

    Attributes:
        first: smaller index, shape ``(e,)``.
        second: larger index, shape ``(e,)``.
        planes: evidence as float32, see ``tasks.identity.pairs``, shape ``(PLANES, e)``.
        together: whether a pair lies in one scene, shape ``(e,)``.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    planes: NDArray[np.float32]
    together: NDArray[np.bool_]


def row_products(
    left: NDArray[np.float32], right: NDArray[np.float32], first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Inner products of rows ``first`` of ``left`` and rows ``second`` of ``right``, in blocks."""
    products = np.empty(len(first))
    for start in range(0, len(first), EDGE_BLOCK):
        part = slice(start, start + EDGE_BLOCK)
        products[part] = np.einsum("ij,ij->i", left[first[part]], right[second[part]])
    return products


def candidate_pairs(columns: Columns, neighbours: int) -> NDArray[np.int64]:
    """Pairs that may be one entity, ``first < second``, ascending, never of one frame, shape ``(p, 2)``.

    The nearest by face and the nearest by crop; and within a scene everybody with those who show no face, or in a scene of
    more than ``FULL_SCENE`` views the nearest by crop.
    """
    found = []
    for usable, vectors in ((columns.face_weight > 0, columns.face), (columns.has_appearance, columns.appearance)):
        rows = np.flatnonzero(usable)
        found.append(rows[nearest_pairs(vectors[rows], neighbours)])
    order = np.argsort(columns.scene, kind="stable")
    starts = np.flatnonzero(np.diff(columns.scene[order], prepend=-1))
    for members in np.split(order, starts[1:]):
        if len(members) <= FULL_SCENE:
            pairs = np.sort(members)[np.stack(np.triu_indices(len(members), 1), axis=1)]
            found.append(pairs[(columns.face_weight[pairs] == 0).any(axis=1)])
        else:
            seen = np.sort(members[columns.has_appearance[members]])
            found.append(seen[nearest_pairs(columns.appearance[seen], neighbours)])
    keys = np.unique(np.concatenate([pairs[:, 0] * columns.size + pairs[:, 1] for pairs in found]))
    pairs = np.stack(np.divmod(keys, columns.size), axis=1)
    apart: NDArray[np.bool_] = columns.rank[pairs[:, 0]] != columns.rank[pairs[:, 1]]
    return pairs[apart]


def build_edges(columns: Columns, pairs: NDArray[np.int64], kind: KindCalibration, labels: Array) -> Edges:
    """The evidence of candidate pairs, worked out in blocks."""
    planes = np.empty((PLANES, len(pairs)), dtype=np.float32)
    together = np.empty(len(pairs), dtype=np.bool_)
    for start in range(0, len(pairs), EDGE_BLOCK):
        part = slice(start, start + EDGE_BLOCK)
        first, second = pairs[part, 0], pairs[part, 1]
        face, look = (row_products(vectors, vectors, first, second) for vectors in (columns.face, columns.appearance))
        planes[:, part], together[part] = pair_planes(columns, first, second, face, look, kind, labels)
    return Edges(pairs[:, 0], pairs[:, 1], planes, together)
