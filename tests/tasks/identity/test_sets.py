"""Tests of disjoint sets."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.identity.sets import DisjointSets, merges_of


@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=40))
def test_the_smallest_member_stands_for_its_set(links: list[tuple[int, int]]) -> None:
    sets = DisjointSets(20)
    reach = {member: {member} for member in range(20)}
    for left, right in links:
        sets.union(left, right)
        joined = reach[left] | reach[right]
        for member in joined:
            reach[member] = joined
    assert sets.roots() == [min(reach[member]) for member in range(20)]


@given(st.lists(st.integers(0, 5), max_size=40))
def test_merges_rebuild_the_sets_in_few_steps(codes: list[int]) -> None:
    start = np.array([codes.index(code) for code in codes], dtype=np.int64)
    parent = np.arange(len(codes))
    steps = 0
    for keep, drop in merges_of(start):
        steps += 1
        assert len(set(keep.tolist()) | set(drop.tolist())) == 2 * len(keep)
        assert (parent[drop] == drop).all()
        parent[drop] = keep
    for _ in range(len(codes)):
        parent = parent[parent]
    assert parent.tolist() == start.tolist()
    largest = max((codes.count(code) for code in codes), default=1)
    assert steps == (largest - 1).bit_length()
