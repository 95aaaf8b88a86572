"""Logistic regression on pairs, and what their tails bear out."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def fit_logistic(features: Array, same: NDArray[np.bool_], ridge: float = 1e-4) -> Array:
    """Coefficients of a logistic regression without intercept, by Newton's method.

    Same and different pairs weigh the same in sum, so what comes out is the evidence of a pair; the prior stands apart
    (Platt, 1999; Bruemmer and du Preez, 2006).

    Args:
        features: shape ``(n, k)``.
        same: shape ``(n,)``; both values occur.
        ridge: penalty on squared coefficients, as a share of the total weight; keeps separable data finite, and evidence
            a little weaker than the pairs say, since no film is quite like those that were fitted on.
    """
    weights = np.where(same, 0.5 / same.sum(), 0.5 / (~same).sum())
    coefficients = np.zeros(features.shape[1])
    penalty = ridge * np.eye(features.shape[1])
    for _ in range(100):
        probability = 1 / (1 + np.exp(-np.clip(features @ coefficients, -50, 50)))
        gradient = features.T @ (weights * (same - probability)) - penalty @ coefficients
        curvature = (features * (weights * probability * (1 - probability))[:, None]).T @ features + penalty
        step = np.linalg.solve(curvature, gradient)
        coefficients = coefficients + step
        if np.abs(step).max() < 1e-9:
            break
    return coefficients


def tail_bounds(odds: Array, same: NDArray[np.bool_], most: float, share: float = 0.25) -> tuple[float, float]:
    """Least and greatest log-odds that pairs bear out.

    Below the lower quartile of different pairs, how much rarer are same pairs? Above the upper quartile of same pairs, how
    much rarer are different ones? With Laplace's rule of succession, so that none seen is not taken for none there.

    Args:
        odds: what a curve without bounds gives, shape ``(n,)``.
        same: shape ``(n,)``; both values occur.
        most: log-odds that no source may exceed in either direction.
        share: where the tails begin.
    """
    lower, upper = np.quantile(odds[~same], share), np.quantile(odds[same], 1 - share)

    def ratio(tail: NDArray[np.bool_]) -> float:
        matching, other = tail[same], tail[~same]
        return float(np.log((matching.sum() + 1) / (len(matching) + 2)) - np.log((other.sum() + 1) / (len(other) + 2)))

    return max(min(ratio(odds <= lower), 0.0), -most), min(max(ratio(odds >= upper), 0.0), most)


def log_loss(odds: Array, same: NDArray[np.bool_]) -> float:
    """Mean log loss in nats, same and different pairs weighing the same; ln 2 when nothing is known."""
    signed = np.where(same, odds, -odds)
    loss = np.logaddexp(0.0, -signed)
    return float((loss[same].mean() + loss[~same].mean()) / 2)
