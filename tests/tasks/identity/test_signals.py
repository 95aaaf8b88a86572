"""Tests of what shows without labels."""

import numpy as np
import pytest

from schemas.config import ReidentifyConfig
from tasks.identity.evaluate import identify_shards
from tasks.identity.signals import FURTHEST, signals
from tests.tasks.identity.films import TEST_CALIBRATION, basis, random_film, see, unit

CONFIG = ReidentifyConfig()


def test_clear_films_are_stable_and_doubtful_ones_are_not() -> None:
    clear = random_film(2, faceless=0.0).observations
    told = signals([clear], CONFIG, TEST_CALIBRATION)
    assert told.stability == pytest.approx(1.0)
    assert told.views == len(clear)
    assert told.mean_confidence > 0.99
    assert told.doubtful == (0.0, 0.0, 0.0)
    assert min(told.margins) > np.log(0.95 / 0.05)
    rng = np.random.default_rng(0)
    vague = [
        see(frame, "a", scene=str(frame % 3), appearance=unit(basis(0) + 0.4 * rng.normal(size=16)))
        for frame in range(30)
    ]
    doubtful = signals([vague], CONFIG, TEST_CALIBRATION)
    assert doubtful.stability < 0.999
    assert doubtful.doubtful[2] > 0.3
    assert doubtful == signals([vague], CONFIG, TEST_CALIBRATION)


def test_margins_worked_out_by_hand() -> None:
    """Two films with one face twice, at full quality and at 1/4, each view in a scene of its own.

    At full quality 20 - 8 is held to the bound of 8, less 1 of the prior; with reliability 1/4 it is 5 - 2 - 1 = 2.
    """
    films = [
        [see(number, "a", scene=str(number), face=basis(0), quality=quality) for number in range(2)]
        for quality in (1.0, 0.25)
    ]
    told = signals(films, CONFIG, TEST_CALIBRATION, rounds=0)
    assert told.margins == pytest.approx((2.0, 2.0, 2.0))
    assert told.stability == 1.0
    assert told.mean_confidence == pytest.approx((1 / (1 + np.exp(-7.0)) + 1 / (1 + np.exp(-2.0))) / 2)
    assert told.doubtful == (0.0, 0.0, 0.5)
    alone = signals([[see(0, "a", face=basis(0))]], CONFIG, TEST_CALIBRATION, rounds=0)
    assert alone.margins == (FURTHEST,) * 3


def test_only_people_count() -> None:
    film = random_film(3, scenes=2, frames=3).observations
    cups = [see(one.frame, f"cup {one.det_id}", kind="obj", label="cup", box=(300, 200, 390, 290)) for one in film[::5]]
    told, beside = (signals([one], CONFIG, TEST_CALIBRATION, rounds=0) for one in (film, film + cups))
    assert beside == told


def test_shards_are_told_together() -> None:
    film = random_film(3, scenes=2, frames=3).observations
    told = signals([film, film], CONFIG, TEST_CALIBRATION)
    assert told.entities == len(set(identify_shards([film, film], CONFIG, TEST_CALIBRATION).entity))
    assert told.views == 2 * len(film)


def test_nobody_there_is_certain() -> None:
    told = signals([[see(0, "a", kind="obj", label="cup")]], CONFIG, TEST_CALIBRATION)
    assert (told.views, told.entities, told.stability) == (0, 0, 1.0)
