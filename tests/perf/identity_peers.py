"""Other ways to group detections, written from their description, to be measured beside ours.

``greedy_first_fit`` is the way of the original pipeline. The others are general clusterings of a matrix of pairwise
scores; ``own_scores`` gives them what they are commonly given, the cosine of faces or else of crops.
"""

from collections.abc import Callable, Sequence
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from tasks.identity.observation import Observation, stack_embeddings

Scores = NDArray[np.float64]
Peer = Callable[[Scores, float], NDArray[np.int64]]
"""Groups observations given pairwise scores, shape ``(n, n)``, and a threshold; returns group codes, shape ``(n,)``."""

LOOK_SIMILARITY = 0.9
"""The original's threshold for crops, on ``(cos + 1) / 2``."""

FACE_SIMILARITY = 0.4
"""The original's threshold for the dot product of faces."""


def own_scores(
    observations: Sequence[Observation], look: float = LOOK_SIMILARITY, face: float = FACE_SIMILARITY
) -> Scores:
    """How far each pair lies above its threshold: by face when both have one, else by crop, as the original compares."""
    faces, _ = stack_embeddings([one.face for one in observations])
    looks, _ = stack_embeddings([one.appearance for one in observations])
    faced = np.array([one.face is not None for one in observations])
    scores = (looks @ looks.T + 1) / 2 - look
    by_face = faces @ faces.T - face
    return np.asarray(np.where(faced[:, None] & faced[None], by_face, scores), dtype=np.float64)


def scores_one_by_one(observations: Sequence[Observation]) -> Scores:
    """``own_scores`` filled pair by pair with calls of scikit-learn's ``cosine_similarity``.

    The code of the original was not used. This is the one way found in which time grows as was measured of it, 4.9, 25
    and 92 s for 220, 440 and 880 detections.
    """
    cosine_similarity = import_module("sklearn.metrics.pairwise").cosine_similarity
    count = len(observations)
    scores = np.zeros((count, count))
    for row, first in enumerate(observations):
        for column in range(row):
            second = observations[column]
            if first.face is not None and second.face is not None:
                score = float(np.dot(first.face, second.face)) - FACE_SIMILARITY
            elif first.appearance is not None and second.appearance is not None:
                cosine = cosine_similarity(first.appearance.reshape(1, -1), second.appearance.reshape(1, -1))[0][0]
                score = (float(cosine) + 1) / 2 - LOOK_SIMILARITY
            else:
                score = -1.0
            scores[row, column] = scores[column, row] = score
    return scores


def greedy_first_fit(
    observations: Sequence[Observation], scores: Scores, order: Sequence[int] | None = None
) -> NDArray[np.int64]:
    """Greedy first-fit growth per detector label, as the original pipeline does it.

    A group starts with the first detection that is left and takes in, in order, every detection of a frame that it does
    not have yet whose 75th percentile of scores to the members is not below the threshold and whose mean score is not
    more than 1.5 standard deviations below what holds inside the group; passes are repeated until nobody joins.

    Args:
        observations: detections.
        scores: how far each pair lies above its threshold, shape ``(n, n)``.
        order: order in which detections are taken; the original takes that of a set, which the hash seed decides.
    """
    group = np.full(len(observations), -1, dtype=np.int64)
    left = list(range(len(observations)) if order is None else order)
    groups = 0
    while left:
        members = [left.pop(0)]
        grown = True
        while grown:
            grown = False
            for candidate in list(left):
                if _fits(observations, scores, members, candidate):
                    members.append(candidate)
                    left.remove(candidate)
                    grown = True
        group[members] = groups
        groups += 1
    return group


def _fits(observations: Sequence[Observation], scores: Scores, members: list[int], candidate: int) -> bool:
    if observations[candidate].label != observations[members[0]].label:
        return False
    if any(observations[candidate].frame == observations[member].frame for member in members):
        return False
    to_members = scores[candidate, members]
    if np.percentile(to_members, 75) < 0.0:
        return False
    if len(members) < 3:
        return True
    inside = scores[np.ix_(members, members)][np.triu_indices(len(members), 1)]
    return bool(to_members.mean() >= inside.mean() - 1.5 * inside.std())


def threshold_components(scores: Scores, threshold: float) -> NDArray[np.int64]:
    """Connected components of the pairs above the threshold (single linkage)."""
    from scipy.sparse.csgraph import connected_components

    return np.asarray(connected_components(scores > threshold, directed=False)[1], dtype=np.int64)


def average_linkage(scores: Scores, threshold: float) -> NDArray[np.int64]:
    """Average linkage without constraints (scipy)."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    if len(scores) < 2:
        return np.zeros(len(scores), dtype=np.int64)
    highest = float(scores.max()) + 1.0
    distance = highest - (scores + scores.T) / 2
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), "average")
    return np.asarray(fcluster(tree, highest - threshold, "distance"), dtype=np.int64)


def chinese_whispers(scores: Scores, threshold: float, rounds: int = 30, seed: int = 0) -> NDArray[np.int64]:
    """Chinese whispers (Biemann, 2006): each node takes the label with the greatest weight among its neighbours."""
    weights = np.where(scores > threshold, scores - threshold, 0.0)
    np.fill_diagonal(weights, 0.0)
    labels = np.arange(len(scores))
    rng = np.random.default_rng(seed)
    for _ in range(rounds):
        changed = False
        for node in rng.permutation(len(scores)).tolist():
            votes = np.bincount(labels, weights[node], minlength=len(scores))
            if votes.max() > 0 and (best := int(votes.argmax())) != labels[node]:
                labels[node] = best
                changed = True
        if not changed:
            break
    return labels


def hdbscan(scores: Scores, threshold: float) -> NDArray[np.int64]:
    """HDBSCAN (Campello et al., 2013) of scikit-learn, groups of two and more; what it calls noise stays alone.

    Pairs below the threshold are put out of reach: without a cut it would group whatever there is.
    """
    if len(scores) < 3:
        return np.arange(len(scores))
    highest = float(scores.max()) + 1.0
    distance = highest - (scores + scores.T) / 2
    distance = np.where(scores > threshold, distance, 1e3 + distance)
    np.fill_diagonal(distance, 0.0)
    model = import_module("sklearn.cluster").HDBSCAN(
        min_cluster_size=2, min_samples=1, metric="precomputed", allow_single_cluster=False, copy=True
    )
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
