"""Other ways to group detections, written from their description, to be measured beside ours.

``greedy_first_fit`` is the way of the original pipeline. The others are general clusterings; they are handed the same fused
pairwise log-odds that ours starts from, so what is compared is the clustering, and their threshold is tuned for them.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.identity.observation import Observation

Odds = NDArray[np.float64]
Peer = Callable[[Odds, float], NDArray[np.int64]]
"""Groups observations given pairwise log-odds, shape ``(n, n)``, and a threshold; returns group codes, shape ``(n,)``."""


def greedy_first_fit(
    observations: Sequence[Observation],
    look_similarity: float = 0.9,
    face_similarity: float = 0.4,
    order: Sequence[int] | None = None,
) -> list[int]:
    """Greedy first-fit growth per detector label, as the original pipeline does it.

    Two detections are similar by the dot product of their faces when both have one, else by the cosine of their crops mapped
    to ``(cos + 1) / 2``; each similarity is measured against its own threshold. A group starts with the first detection that
    is left and takes in, in order, every detection of a frame that it does not have yet whose 75th percentile of similarity
    to the members reaches the threshold and whose mean similarity is not more than 1.5 standard deviations below what holds
    inside the group; the pass is repeated until nobody joins. Similarities are computed when asked for, as there.

    Args:
        observations: detections with embeddings.
        look_similarity: threshold for crops, on the mapped scale.
        face_similarity: threshold for faces.
        order: order in which detections are taken; the original takes that of a set of strings, which the hash seed decides.
    """
    group = [-1] * len(observations)
    left = list(range(len(observations)) if order is None else order)
    groups = 0
    while left:
        seed = left.pop(0)
        members = [seed]
        grown = True
        while grown:
            grown = False
            for candidate in list(left):
                if observations[candidate].label != observations[seed].label:
                    continue
                if any(observations[candidate].frame == observations[member].frame for member in members):
                    continue
                similarities = [
                    _margin(observations[candidate], observations[member], look_similarity, face_similarity)
                    for member in members
                ]
                if np.percentile(similarities, 75) < 0.0:
                    continue
                if len(members) > 2:
                    inside = [
                        _margin(observations[one], observations[other], look_similarity, face_similarity)
                        for position, one in enumerate(members)
                        for other in members[position + 1 :]
                    ]
                    if np.mean(similarities) < np.mean(inside) - 1.5 * np.std(inside):
                        continue
                members.append(candidate)
                left.remove(candidate)
                grown = True
        for member in members:
            group[member] = groups
        groups += 1
    return group


def _margin(first: Observation, second: Observation, look_similarity: float, face_similarity: float) -> float:
    """How far the similarity of two detections lies above the threshold that applies to it."""
    if first.face is not None and second.face is not None:
        return float(np.dot(first.face, second.face)) - face_similarity
    if first.appearance is None or second.appearance is None:
        return -1.0
    cosine = float(
        np.dot(first.appearance, second.appearance)
        / (np.linalg.norm(first.appearance) * np.linalg.norm(second.appearance))
    )
    return (cosine + 1) / 2 - look_similarity


def threshold_components(odds: Odds, threshold: float) -> NDArray[np.int64]:
    """Connected components of the pairs above the threshold (single linkage)."""
    from scipy.sparse.csgraph import connected_components

    return np.asarray(connected_components(odds > threshold, directed=False)[1], dtype=np.int64)


def average_linkage(odds: Odds, threshold: float) -> NDArray[np.int64]:
    """Average linkage without constraints (scipy)."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    if len(odds) < 2:
        return np.zeros(len(odds), dtype=np.int64)
    highest = float(odds.max()) + 1.0
    distance = highest - (odds + odds.T) / 2
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), "average")
    return np.asarray(fcluster(tree, highest - threshold, "distance"), dtype=np.int64)


def chinese_whispers(odds: Odds, threshold: float, rounds: int = 30, seed: int = 0) -> NDArray[np.int64]:
    """Chinese whispers (Biemann, 2006): each node takes the label with the greatest weight among its neighbours."""
    weights = np.where(odds > threshold, odds - threshold, 0.0)
    np.fill_diagonal(weights, 0.0)
    labels = np.arange(len(odds))
    rng = np.random.default_rng(seed)
    for _ in range(rounds):
        changed = False
        for node in rng.permutation(len(odds)).tolist():
            votes = np.bincount(labels, weights[node], minlength=len(odds))
            if votes.max() > 0 and (best := int(votes.argmax())) != labels[node]:
                labels[node] = best
                changed = True
        if not changed:
            break
    return labels


def hdbscan(odds: Odds, threshold: float) -> NDArray[np.int64]:
    """HDBSCAN (Campello et al., 2013) of scikit-learn, groups of two and more; what it calls noise stays alone.

    Its condensed tree is cut where the others cut: pairs below the threshold are put out of reach, which is the effect of
    ``cluster_selection_epsilon`` from above.
    """
    from sklearn.cluster import HDBSCAN

    if len(odds) < 3:
        return np.arange(len(odds))
    highest = float(odds.max()) + 1.0
    distance = highest - (odds + odds.T) / 2
    distance = np.where(odds > threshold, distance, 1e3 + distance)
    np.fill_diagonal(distance, 0.0)
    model = HDBSCAN(min_cluster_size=2, min_samples=1, metric="precomputed", allow_single_cluster=False, copy=True)
    labels = np.asarray(model.fit_predict(distance), dtype=np.int64)
    alone = labels < 0
    labels[alone] = labels.max(initial=-1) + 1 + np.arange(alone.sum())
    return labels


PEERS: dict[str, Peer] = {
    "threshold components": threshold_components,
    "plain average linkage": average_linkage,
    "Chinese whispers": chinese_whispers,
    "HDBSCAN": hdbscan,
}
