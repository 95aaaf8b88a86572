"""Tests of nearest neighbours."""

import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.identity import neighbours
from tasks.identity.neighbours import build_index, choose_index, first_of_equals, nearest_pairs


def directions(seed: int, count: int, size: int = 16) -> np.ndarray:
    """Unit vectors."""
    rows = np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def brute_pairs(vectors: np.ndarray, wanted: int) -> set[tuple[int, int]]:
    """Pairs of which one is among the nearest of the other, one by one."""
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -2)
    nearest = np.argsort(-cosines, axis=1)[:, :wanted]
    return {(min(row, other), max(row, other)) for row, others in enumerate(nearest.tolist()) for other in others}


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(0, 40), st.integers(0, 6))
def test_flat_is_exact(seed: int, count: int, wanted: int) -> None:
    vectors = directions(seed, count)
    pairs = nearest_pairs(vectors, wanted, "flat", block=7)
    expected = brute_pairs(vectors, min(wanted, max(count - 1, 0))) if count and wanted else set()
    assert [tuple(pair) for pair in pairs.tolist()] == sorted(expected)


@pytest.mark.parametrize("index", ["ivf", "hnsw"])
def test_lists_find_nearly_all(index: str) -> None:
    """Of clustered vectors, which faces are, the scanned lists hold the nearest; always the same, with any threads."""
    import faiss

    rng = np.random.default_rng(0)
    centres = directions(1, 100, 32)
    noisy = centres[rng.integers(0, 100, 3000)] + 0.1 * directions(2, 3000, 32)
    vectors = np.asarray(noisy / np.linalg.norm(noisy, axis=1, keepdims=True), dtype=np.float32)
    exact = {tuple(pair) for pair in nearest_pairs(vectors, 5, "flat").tolist()}
    pairs = nearest_pairs(vectors, 5, index)
    assert len(exact & {tuple(pair) for pair in pairs.tolist()}) / len(exact) > 0.97
    threads = faiss.omp_get_max_threads()
    try:
        for other in (1, 3):
            faiss.omp_set_num_threads(other)
            assert nearest_pairs(vectors, 5, index).tolist() == pairs.tolist()
            assert faiss.omp_get_max_threads() == other
    finally:
        faiss.omp_set_num_threads(threads)


def test_size_decides_the_index(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [choose_index(size) for size in (20_000, 20_001, 10_000_000, 10_000_001)] == ["flat", "ivf", "ivf", "hnsw"]
    from faiss import downcast_index

    monkeypatch.setattr(neighbours, "FLAT_LIMIT", 100)
    monkeypatch.setattr(neighbours, "LISTS_LIMIT", 200)
    flat, lists, graph = (build_index(directions(0, size)) for size in (100, 200, 201))
    assert type(flat).__name__ == "IndexFlatIP"
    assert (type(lists).__name__, type(downcast_index(lists.quantizer)).__name__) == ("IndexIVFFlat", "IndexFlatIP")
    assert (type(graph).__name__, type(downcast_index(graph.quantizer)).__name__) == ("IndexIVFFlat", "IndexHNSWFlat")
    assert graph.ntotal == 201


def test_another_index_is_refused() -> None:
    with pytest.raises(ValueError, match="no index 'tree'"):
        build_index(directions(0, 4), "tree")


def test_a_gpu_is_used_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that reports a GPU is asked to move the index there before it is filled."""
    import faiss

    moved: list[Any] = []
    stand_in = ModuleType("faiss")
    stand_in.__dict__.update(vars(faiss))
    stand_in.__dict__["get_num_gpus"] = lambda: 1

    def move(index: Any) -> Any:
        moved.append(index.ntotal)
        return index

    stand_in.__dict__["index_cpu_to_all_gpus"] = move
    monkeypatch.setitem(sys.modules, "faiss", stand_in)
    vectors = directions(0, 50)
    pairs = nearest_pairs(vectors, 3)
    assert moved == [0]
    assert {tuple(pair) for pair in pairs.tolist()} == brute_pairs(vectors, 3)


@given(st.lists(st.integers(0, 4), max_size=30))
def test_equals_are_found_bit_for_bit(codes: list[int]) -> None:
    vectors = directions(0, 5)[codes] if codes else np.zeros((0, 16), dtype=np.float32)
    assert first_of_equals(np.ascontiguousarray(vectors), block=4).tolist() == [codes.index(code) for code in codes]


def test_rows_of_one_sum_are_compared_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even when every row has the same sum, different rows stay different."""

    class Zeros:
        def integers(self, *_: Any, size: int, **__: Any) -> np.ndarray:
            return np.full(size, 2**63, dtype=np.uint64)

    monkeypatch.setattr(np.random, "default_rng", lambda _seed: Zeros())
    vectors = np.ascontiguousarray(np.eye(4, dtype=np.float32)[[0, 1, 0, 3]])
    assert first_of_equals(vectors)[[0, 1, 3]].tolist() == [0, 1, 3]


def test_equals_are_paired_in_a_row_and_searched_once() -> None:
    vectors = np.ascontiguousarray(directions(0, 2)[[0, 0, 0, 0, 1]])
    pairs = [tuple(pair) for pair in nearest_pairs(vectors, 2, "flat").tolist()]
    assert pairs == [(0, 1), (0, 2), (0, 4), (1, 2), (1, 3), (2, 3)]
