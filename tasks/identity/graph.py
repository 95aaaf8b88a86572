"""Which pairs of many observations are worth looking at, and the evidence of each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.identity.calibration import KindCalibration
from tasks.identity.columns import Columns
from tasks.identity.neighbours import nearest_pairs
from tasks.identity.pairs import Array, pair_planes

EDGE_BLOCK = 1 << 18
"""Edges whose embeddings are multiplied at once."""

FULL_SCENE = 400
"""Observations up to which all pairs of a scene are candidates."""


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
    vectors: NDArray[np.float32], first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Inner products of pairs of rows, in blocks."""
    products = np.empty(len(first))
    for start in range(0, len(first), EDGE_BLOCK):
        part = slice(start, start + EDGE_BLOCK)
        products[part] = np.einsum("ij,ij->i", vectors[first[part]], vectors[second[part]])
    return products


def candidate_pairs(columns: Columns, neighbours: int) -> NDArray[np.int64]:
    """Pairs that may be one entity, ``first < second``, ascending, never of one frame, shape ``(p, 2)``.

    The nearest by face; the nearest by crop where faces do not tell (kinds without faces); and within a scene everybody, or
    in a scene of more than ``FULL_SCENE`` views the nearest by crop.
    """
    found = []
    faced = np.flatnonzero(columns.face_weight > 0)
    found.append(faced[nearest_pairs(columns.face[faced], neighbours)])
    if not faced.size:
        seen = np.flatnonzero(columns.has_appearance)
        found.append(seen[nearest_pairs(columns.appearance[seen], neighbours)])
    order = np.argsort(columns.scene, kind="stable")
    starts = np.flatnonzero(np.diff(columns.scene[order], prepend=-1))
    for members in np.split(order, starts[1:]):
        if len(members) <= FULL_SCENE:
            found.append(np.sort(members)[np.stack(np.triu_indices(len(members), 1), axis=1)])
        else:
            seen = np.sort(members[columns.has_appearance[members]])
            found.append(seen[nearest_pairs(columns.appearance[seen], neighbours)])
    keys = np.unique(np.concatenate([pairs[:, 0] * columns.size + pairs[:, 1] for pairs in found]))
    pairs = np.stack(np.divmod(keys, columns.size), axis=1)
    return pairs[columns.rank[pairs[:, 0]] != columns.rank[pairs[:, 1]]]


def build_edges(columns: Columns, pairs: NDArray[np.int64], kind: KindCalibration, labels: Array) -> Edges:
    """The evidence of candidate pairs."""
    first, second = pairs[:, 0], pairs[:, 1]
    face = row_products(columns.face, first, second)
    look = row_products(columns.appearance, first, second)
    planes, together = pair_planes(columns, first, second, face, look, kind, labels)
    return Edges(first, second, planes.astype(np.float32), together)
