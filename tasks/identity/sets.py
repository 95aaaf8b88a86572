"""Disjoint sets over ``0..n-1``, where the smallest member stands for its set."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


def merges_of(start: Indices) -> Iterator[tuple[Indices, Indices]]:
    """How to make sets out of single members in few steps: within a set neighbours first, then every second, and so on.

    Args:
        start: first member of the set of each member, shape ``(n,)``.

    Yields:
        Members ``keep`` and ``drop``; each ``drop`` joins its ``keep``, and is not heard of again.
    """
    order = np.argsort(start, kind="stable")
    heads = np.flatnonzero(np.diff(start[order], prepend=-1))
    place = np.arange(len(order)) - np.repeat(heads, np.diff(np.append(heads, len(order))))
    step = 1
    while (dropped := np.flatnonzero(place % (2 * step) == step)).size:
        yield order[dropped - step], order[dropped]
        step *= 2


class DisjointSets:
    """Union-find with path halving; the root of a set is its smallest member, so the order of calls does not matter."""

    def __init__(self, size: int) -> None:
        """Start with ``size`` sets of one member each."""
        self._parent = list(range(size))

    def find(self, member: int) -> int:
        """The smallest member of the set of ``member``."""
        parent = self._parent
        while parent[member] != member:
            parent[member] = parent[parent[member]]
            member = parent[member]
        return member

    def union(self, first: int, second: int) -> int:
        """Join two sets and return the new root."""
        low, high = sorted((self.find(first), self.find(second)))
        self._parent[high] = low
        return low

    def roots(self) -> list[int]:
        """The root of every member."""
        return [self.find(member) for member in range(len(self._parent))]
