"""Nearest neighbours by cosine through FAISS, exact for thousands of vectors and by inverted lists beyond."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

FLAT_LIMIT = 20_000
"""Vectors up to which every pair is compared."""

LISTS_LIMIT = 10_000_000
"""Vectors up to which a vector's list is chosen by comparing it with the centres of all lists."""

HNSW_LINKS = 32
HNSW_BREADTH = 64
"""Candidates that a walk over the graph of centres keeps."""

LISTS_PER_ROOT = 4
"""Inverted lists for each square root of the number of vectors: scanning then costs about as much as choosing lists."""

PROBES = 8
"""Lists that are scanned for each vector."""

TRAINING_POINTS = 64
"""Vectors for each list that its centre is trained on."""


def choose_index(count: int) -> str:
    """The kind of index for so many vectors, see ``build_index``."""
    if count <= FLAT_LIMIT:
        return "flat"
    return "ivf" if count <= LISTS_LIMIT else "hnsw"


def build_index(vectors: NDArray[np.float32], index: str = "auto") -> Any:
    """A trained and filled FAISS index for inner products, the same whatever the number of threads.

    ``flat`` compares all pairs. ``ivf`` (Jegou et al., 2011) scans the ``PROBES`` nearest of ``4 sqrt(n)`` lists, so that
    all neighbours together cost about ``n**1.5``. ``hnsw`` finds these lists by walking a graph of their centres (Malkov and
    Yashunin, 2016) and not by comparing with all of them, which pays off from tens of thousands of lists.

    Where this FAISS sees GPUs, each gets a copy in 32-bit floats and a share of the searches; it compares with all centres.
    The lists are those of the CPU, to rounding: they are trained here with our settings, of which a copy on a GPU knows
    nothing, and only the comparisons of the training are made there.

    Args:
        vectors: rows of length 1, shape ``(n, d)``, contiguous.
        index: ``flat``, ``ivf``, ``hnsw``, or ``auto`` for the one that ``choose_index`` gives.

    Raises:
        ValueError: the index has another name.
    """
    import faiss

    count, dimension = vectors.shape
    built: Any
    if index == "auto":
        index = choose_index(count)
    if index == "flat":
        built = faiss.IndexFlatIP(dimension)
    elif index in ("ivf", "hnsw"):
        lists = max(1, min(round(LISTS_PER_ROOT * math.sqrt(count)), count // 40))
        built = faiss.IndexIVFFlat(faiss.IndexFlatIP(dimension), dimension, lists, faiss.METRIC_INNER_PRODUCT)
        built.cp.niter = 8
        built.cp.max_points_per_centroid = TRAINING_POINTS
        built.nprobe = min(PROBES, lists)
    else:
        raise ValueError(f"no index {index!r}: known are auto, flat, hnsw, ivf")
    on_gpu = faiss.get_num_gpus() > 0
    if index != "flat":
        comparer = faiss.index_cpu_to_all_gpus(faiss.IndexFlatIP(dimension)) if on_gpu else None
        built.clustering_index = comparer
        built.train(vectors)
        built.clustering_index = None
    if on_gpu:
        built = faiss.index_cpu_to_all_gpus(built)
    elif index == "hnsw":
        built = _walk_to_lists(built)
    built.add(vectors)
    return built


def _walk_to_lists(trained: Any) -> Any:
    """The same inverted lists, found through a graph; one thread builds it, since its links depend on who comes first."""
    import faiss

    graph = faiss.IndexHNSWFlat(trained.d, HNSW_LINKS, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efSearch = HNSW_BREADTH
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        graph.add(trained.quantizer.reconstruct_n(0, trained.nlist))
    finally:
        faiss.omp_set_num_threads(threads)
    built = faiss.IndexIVFFlat(graph, trained.d, trained.nlist, faiss.METRIC_INNER_PRODUCT)
    built.nprobe = trained.nprobe
    return built


def first_of_equals(vectors: NDArray[np.float32], block: int = 65_536) -> NDArray[np.int64]:
    """For each row the first row that is equal to it bit for bit, shape ``(n,)``.

    Rows are compared by a 64-bit sum of their bits times fixed odd numbers; rows of one sum are compared in full.
    """
    count, dimension = vectors.shape
    factors = np.random.default_rng(0).integers(0, 2**63, size=dimension, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    bits = vectors.view(np.uint32)
    sums = np.empty(count, dtype=np.uint64)
    for start in range(0, count, block):
        sums[start : start + block] = (bits[start : start + block] * factors).sum(axis=1)
    _, first, inverse = np.unique(sums, return_index=True, return_inverse=True)
    leader = first[inverse]
    suspects = np.flatnonzero(leader != np.arange(count))
    for start in range(0, len(suspects), block):
        part = suspects[start : start + block]
        different = part[(bits[part] != bits[leader[part]]).any(axis=1)]
        leader[different] = different
    return np.asarray(leader, dtype=np.int64)


def nearest_pairs(
    vectors: NDArray[np.float32], neighbours: int, index: str = "auto", block: int = 16_384
) -> NDArray[np.int64]:
    """Pairs of which one is among the nearest of the other.

    Equal vectors are paired in a row, each with the next ``neighbours`` of them, and only the first is searched for: asked
    for its nearest, an index would name the same few of them to all.

    Args:
        vectors: rows of length 1, shape ``(n, d)``.
        neighbours: nearest others that are asked for.
        index: see ``build_index``.
        block: vectors that are asked about at once; bounds the memory of a search.

    Returns:
        Pairs ``first < second``, each once, in ascending order, shape ``(p, 2)``.
    """
    count = len(vectors)
    if count < 2 or neighbours < 1 or not vectors.shape[1]:
        return np.zeros((0, 2), dtype=np.int64)
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    leader = first_of_equals(rows)
    order = np.argsort(leader, kind="stable")
    keys: list[NDArray[np.int64]] = []
    for offset in range(1, min(neighbours + 1, count)):
        equal = np.flatnonzero(leader[order[offset:]] == leader[order[:-offset]])
        if not equal.size:
            break
        keys.append(order[equal] * count + order[equal + offset])
    leaders = np.flatnonzero(leader == np.arange(count))
    found = _search(rows if len(leaders) == count else rows[leaders], neighbours, index, block)
    for start in range(0, len(found), block):
        part = found[start : start + block]
        own = np.broadcast_to(np.arange(start, start + len(part))[:, None], part.shape)
        real = (part >= 0) & (part != own)  # an index that finds too few fills up with -1
        one, other = leaders[own[real]], leaders[part[real]]
        keys.append(np.unique(np.minimum(one, other) * count + np.maximum(one, other)))
    unique = np.unique(np.concatenate(keys)) if keys else np.zeros(0, dtype=np.int64)
    return np.stack(np.divmod(unique, count), axis=1)


def _search(rows: NDArray[np.float32], neighbours: int, index: str, block: int) -> NDArray[np.int64]:
    """Positions of the nearest of each row, itself among them as a rule, shape ``(n, min(neighbours + 1, n))``."""
    count = len(rows)
    wanted = min(neighbours + 1, count)
    if wanted < 2:
        return np.zeros((0, wanted), dtype=np.int64)
    built = build_index(rows, index)
    found = np.empty((count, wanted), dtype=np.int64)
    for start in range(0, count, block):
        found[start : start + block] = built.search(rows[start : start + block], wanted)[1]
    return found
