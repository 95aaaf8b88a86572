"""How well a grouping agrees with the truth: B-cubed, pairwise F1, adjusted Rand index, and errors people notice.

All take two equally long sequences of labels, the truth and the prediction, one for each observation. Labels may be of any
hashable type; only which observations share one matters.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = Sequence[Hashable]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Precision, recall and their harmonic mean, each 0 to 1."""

    precision: float
    recall: float
    f1: float


def _agreement(precision: float, recall: float) -> Agreement:
    total = precision + recall
    return Agreement(precision, recall, 2 * precision * recall / total if total else 0.0)


def contingency(truth: Labels, predicted: Labels) -> NDArray[np.int64]:
    """Counts of observations for each pair of true and predicted label, shape ``(true labels, predicted labels)``.

    Raises:
        ValueError: the sequences differ in length.
    """
    if len(truth) != len(predicted):
        raise ValueError(f"{len(truth)} true labels but {len(predicted)} predicted ones")
    rows = {label: code for code, label in enumerate(dict.fromkeys(truth))}
    columns = {label: code for code, label in enumerate(dict.fromkeys(predicted))}
    table = np.zeros((len(rows), len(columns)), dtype=np.int64)
    for left, right in zip(truth, predicted, strict=True):
        table[rows[left], columns[right]] += 1
    return table


def bcubed(truth: Labels, predicted: Labels) -> Agreement:
    """B-cubed (Bagga and Baldwin, 1998; the variant of Amigo et al., 2009, without overlap).

    The precision of an observation is the share of its predicted group that has its true label, its recall the share of its
    true group that is in its predicted group; both are averaged over observations. All are 1 when there are none.
    """
    table = contingency(truth, predicted)
    total = table.sum()
    if not total:
        return Agreement(1.0, 1.0, 1.0)
    squares = table.astype(np.float64) ** 2
    precision = float((squares / table.sum(axis=0)[None]).sum() / total)
    recall = float((squares / table.sum(axis=1)[:, None]).sum() / total)
    return _agreement(precision, recall)


def _pairs(counts: NDArray[np.int64]) -> int:
    return int((counts * (counts - 1) // 2).sum())


def pairwise(truth: Labels, predicted: Labels) -> Agreement:
    """Precision and recall of the pairs of observations that were put together; 1 where there is no such pair."""
    table = contingency(truth, predicted)
    both, together, belong = _pairs(table), _pairs(table.sum(axis=0)), _pairs(table.sum(axis=1))
    return _agreement(both / together if together else 1.0, both / belong if belong else 1.0)


def adjusted_rand(truth: Labels, predicted: Labels) -> float:
    """Adjusted Rand index (Hubert and Arabie, 1985): 1 for the same grouping, 0 on average by chance."""
    table = contingency(truth, predicted)
    both, together, belong = _pairs(table), _pairs(table.sum(axis=0)), _pairs(table.sum(axis=1))
    total = int(table.sum())
    every = total * (total - 1) // 2
    if not every:
        return 1.0
    expected = together * belong / every
    highest = (together + belong) / 2
    return (both - expected) / (highest - expected) if highest != expected else 1.0


def entity_count_error(truth: Labels, predicted: Labels) -> int:
    """Predicted less true number of entities: above 0 people were split, below 0 they were merged."""
    return len(set(predicted)) - len(set(truth))


def same_frame_violations(
    frames: Sequence[int], predicted: Labels, repeat_of: Sequence[int | None] | None = None
) -> int:
    """Observations that share their entity with an earlier one of the same frame, repeats of a box not counted."""
    seen: set[tuple[int, Hashable]] = set()
    violations = 0
    for index, (frame, label) in enumerate(zip(frames, predicted, strict=True)):
        if repeat_of is not None and repeat_of[index] is not None:
            continue
        violations += (frame, label) in seen
        seen.add((frame, label))
    return violations
