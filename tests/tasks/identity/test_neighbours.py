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


class Cards:
    """A FAISS that reports GPUs: what it is given to put there is noted and stays where it is."""

    def __init__(self, count: int) -> None:
        import faiss

        self.given: list[dict[str, Any]] = []
        self.module = ModuleType("faiss")
        self.module.__dict__.update(vars(faiss))
        self.module.__dict__["get_num_gpus"] = lambda: count
        self.module.__dict__["index_cpu_to_all_gpus"] = self.give

    def give(self, index: Any) -> Any:
        """As FAISS does with all cards that the process sees, in floats of 32 bits unless it is told otherwise."""
        facts = {name: getattr(index, name, None) for name in ("nlist", "nprobe")}
        self.given.append({"kind": type(index).__name__, "trained": index.is_trained, "filled": index.ntotal, **facts})
        return index


def test_gpus_compare_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    cards = Cards(1)
    monkeypatch.setitem(sys.modules, "faiss", cards.module)
    vectors = directions(0, 50)
    pairs = nearest_pairs(vectors, 3)
    assert [(one["kind"], one["filled"]) for one in cards.given] == [("IndexFlatIP", 0)], "moved before it is filled"
    assert {tuple(pair) for pair in pairs.tolist()} == brute_pairs(vectors, 3)


@pytest.mark.parametrize("index", ["ivf", "hnsw"])
def test_gpus_get_the_lists_of_the_cpu(index: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """They compare while the lists are trained, and get these trained and empty: training there would take other settings."""
    vectors = directions(0, 400)
    on_cpu = build_index(vectors, "ivf")
    expected = on_cpu.search(vectors, 5)[1]
    cards = Cards(2)
    monkeypatch.setitem(sys.modules, "faiss", cards.module)
    built = build_index(vectors, index)
    assert cards.given == [
        {"kind": "IndexFlatIP", "trained": True, "filled": 0, "nlist": None, "nprobe": None},
        {"kind": "IndexIVFFlat", "trained": True, "filled": 0, "nlist": on_cpu.nlist, "nprobe": on_cpu.nprobe},
    ]
    assert built.ntotal == 400
    assert built.clustering_index is None, "what compared during training is let go"
    assert np.array_equal(built.search(vectors, 5)[1], expected)


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
