"""Tests of fitting, against data made with known answers."""

import numpy as np
import pytest

from tasks.identity.logistic import fit_logistic, log_loss, tail_bounds


def test_the_line_of_two_bell_curves_is_found() -> None:
    """Two normal distributions of one width s with means m and -m: log-odds 2 m x / s**2, here 2 * 0.3 / 0.25 = 2.4."""
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(0.3, 0.5, 40_000), rng.normal(-0.3, 0.5, 10_000)])
    same = np.arange(50_000) < 40_000
    slope, offset = fit_logistic(np.stack([values, np.ones_like(values)], axis=1), same)
    assert slope == pytest.approx(2.4, abs=0.08)
    assert offset == pytest.approx(0.0, abs=0.05)


def test_separable_data_stay_finite() -> None:
    features = np.array([[1.0], [2.0], [-1.0], [-2.0]])
    slope = fit_logistic(features, np.array([True, True, False, False]))
    assert np.isfinite(slope).all()
    assert slope[0] > 1


def test_tails_bear_out_what_is_in_them() -> None:
    """Of 1,000 same pairs a tenth lie where the lower quarter of the different is: log(0.1 / 0.25)."""
    different = np.linspace(-1, 1, 1000)
    same = np.concatenate([np.full(100, -0.9), np.full(900, 3.0)])
    odds = np.concatenate([same, different])
    lowest, highest = tail_bounds(odds, np.arange(2000) < 1000, most=8.0)
    assert lowest == pytest.approx(np.log(0.1 / 0.25), abs=0.02)
    # None of the different is where the upper quarter of the same is: at most one in a thousand.
    assert highest == pytest.approx(np.log(901 / 1002) - np.log(1 / 1002), abs=1e-9)


def test_tails_keep_to_the_most() -> None:
    odds = np.concatenate([np.full(100_000, 5.0), np.full(100_000, -5.0)])
    assert tail_bounds(odds, np.arange(200_000) < 100_000, most=8.0) == (-8.0, 8.0)


def test_log_loss_of_knowing_nothing_and_of_knowing() -> None:
    same = np.array([True, False, False, False])
    assert log_loss(np.zeros(4), same) == pytest.approx(np.log(2))
    assert log_loss(np.array([50.0, -50, -50, -50]), same) == pytest.approx(0.0, abs=1e-12)
    assert log_loss(np.array([-700.0, -50, -50, -50]), same) == pytest.approx(350.0)
