"""Disjoint sets over ``0..n-1``, where the smallest member stands for its set."""


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
