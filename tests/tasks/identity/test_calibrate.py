"""Tests of fitting calibrations."""

import dataclasses

import numpy as np
import pytest

from schemas.config import ReidentifyConfig
from schemas.errors import ConfigError
from tasks.identity.calibrate import fit_curve, fit_face_curve, fit_faces, fit_kind, fit_labelled, fit_looks, fit_prior
from tasks.identity.identify import identify
from tasks.identity.metrics import bcubed
from tasks.identity.observation import Observation
from tasks.identity.pair_samples import LabelledFilm, PairSample
from tests.perf.identity_films import HARD, MEDIUM, simulate_film
from tests.tasks.identity.films import TEST_CALIBRATION, TEST_KIND, basis, see, unit

CONFIG = ReidentifyConfig()


def films(count: int, first: int = 0) -> list[LabelledFilm]:
    """Simulated films of two levels."""
    made = [simulate_film(seed, level, 0.3) for seed in range(first, first + count) for level in (MEDIUM, HARD)]
    return [LabelledFilm(film.observations, film.truth) for film in made]


def test_a_curve_is_recovered() -> None:
    """Same pairs around 0.7, different around 0.3, both 0.1 wide: centre 0.5, slope 0.4 / 0.01 = 40 before shrinking."""
    rng = np.random.default_rng(0)
    sample = PairSample()
    sample.add(rng.normal(0.7, 0.1, 5000), np.ones(5000, dtype=np.bool_))
    sample.add(rng.normal(0.3, 0.1, 20_000), np.zeros(20_000, dtype=np.bool_))
    curve = fit_curve(sample, 0.3)
    assert curve is not None
    assert curve.centre == pytest.approx(0.5, abs=0.01)
    assert 20 < curve.slope < 40
    assert curve.reference == 0.3


def test_too_few_pairs_are_not_fitted() -> None:
    sample = PairSample()
    sample.add(np.linspace(0, 1, 50), np.arange(50) < 9)
    assert fit_curve(sample, None) is None
    assert fit_face_curve(sample, None) is None
    assert fit_curve(PairSample(), None) is None


def test_a_source_that_tells_nothing_gets_no_weight() -> None:
    rng = np.random.default_rng(0)
    sample = PairSample()
    sample.add(rng.normal(0.5, 0.1, 4000), rng.random(4000) < 0.5)
    curve = fit_curve(sample, None)
    assert curve is not None
    assert np.abs(curve.log_odds(np.linspace(0.3, 0.7, 5))).max() < 0.3


def test_better_faces_tell_more_and_must_be_more_alike() -> None:
    """Cosines of one person are the reliability of the pair, of different people 0, both 0.1 wide."""
    rng = np.random.default_rng(0)
    reliability = rng.uniform(0.2, 1.0, 20_000)
    same = rng.random(20_000) < 0.3
    sample = PairSample()
    sample.add(np.where(same, reliability, 0.0) + rng.normal(0, 0.1, 20_000), same, reliability)
    curve = fit_face_curve(sample, None)
    assert curve is not None

    def centre(r: float) -> float:
        grid = np.linspace(-1, 1, 2001)
        return float(grid[np.abs(curve.line(grid, np.full(2001, r))).argmin()])

    assert centre(0.4) == pytest.approx(0.2, abs=0.04)
    assert centre(0.9) == pytest.approx(0.45, abs=0.04)
    assert curve.slope_r > 0


def test_faces_of_one_quality_give_a_curve_that_rises() -> None:
    rng = np.random.default_rng(1)
    same = rng.random(3000) < 0.3
    sample = PairSample()
    sample.add(np.where(same, 0.6, 0.1) + rng.normal(0, 0.1, 3000), same, np.full(3000, 0.95))
    curve = fit_face_curve(sample, None)
    assert curve is not None
    for reliability in (0.1, 0.5, 1.0):
        rising = np.diff(curve.line(np.linspace(-1, 1, 9), np.full(9, reliability)))
        assert (rising > 0).all()


def test_what_the_films_do_not_say_stays() -> None:
    fitted = fit_kind(films(2), "char", TEST_KIND.model_copy(update={"face": None}), CONFIG)
    assert fitted.face is None
    assert fitted.repetition == TEST_KIND.repetition
    nothing = fit_kind([], "char", TEST_KIND, CONFIG)
    assert nothing == TEST_KIND


def test_a_fitted_calibration_beats_one_for_other_models() -> None:
    """The calibration of the tests knows nothing of the simulated embeddings; films of other seeds are measured."""
    start = TEST_CALIBRATION
    train = films(4)
    kinds = {kind: fit_kind(train, kind, start.kinds[kind], CONFIG) for kind in ("char", "obj")}
    fitted = fit_prior(train, start.model_copy(update={"kinds": {**start.kinds, **kinds}}), CONFIG)
    test = [simulate_film(seed, HARD, 0.3) for seed in range(50, 60)]
    before, after = (
        np.mean([bcubed(film.truth, identify(film.observations, CONFIG, used).entity).f1 for film in test])
        for used in (start, fitted)
    )
    assert after > before + 0.02
    assert after > 0.95


def test_the_prior_is_moved_only_for_something() -> None:
    """Where every step groups alike, none is taken."""
    clear = [LabelledFilm([see(0, "a"), see(0, "b", box=(200, 0, 300, 200))], ["x", "y"])]
    assert fit_prior(clear, TEST_CALIBRATION, CONFIG) == TEST_CALIBRATION


def test_looks_are_learnt_from_faces() -> None:
    """Without labels: crops of one person have cosine 0.9, of different people 0.5, in clear faces."""
    rng = np.random.default_rng(0)
    common, film = unit(rng.normal(size=64)), []
    people = [(unit(rng.normal(size=64)), unit(rng.normal(size=64))) for _ in range(4)]
    for frame in range(12):
        for side, (face, clothes) in enumerate(people):
            look = unit(np.sqrt(0.5) * common + np.sqrt(0.4) * clothes + np.sqrt(0.1) * unit(rng.normal(size=64)))
            film.append(see(frame, f"d{side}", face=face, appearance=look, box=(90.0 * side, 0, 90.0 * side + 60, 200)))
    fitted = fit_looks([film], TEST_KIND)
    assert fitted.appearance_scene.centre == pytest.approx(0.7, abs=0.05)
    assert fitted.appearance_scene.reference == pytest.approx(0.5, abs=0.07)
    assert fitted.appearance_scene.log_odds(np.array([0.9, 0.5])) == pytest.approx([4, -4], abs=3.9)
    assert fitted.face == TEST_KIND.face
    faceless = TEST_KIND.model_copy(update={"face": None})
    assert fit_looks([film], faceless) == faceless
    assert fit_looks([], TEST_KIND) == TEST_KIND


def portraits(people: range, seed: int, noise: float) -> LabelledFilm:
    """Faces of people, each of its own frame and scene."""
    rng = np.random.default_rng(seed)
    seen: list[Observation] = []
    truth: list[str] = []
    for person in people:
        centre = unit(np.random.default_rng(person).normal(size=64))
        for _ in range(6):
            quality = float(rng.uniform(0.4, 1.0))
            face = unit(centre + np.sqrt(noise / quality) * unit(rng.normal(size=64)))
            number = len(seen)
            seen.append(see(number, "f0", scene=str(number), face=face, quality=quality))
            truth.append(f"person {person}")
    return LabelledFilm(seen, truth)


def test_faces_are_fitted_on_some_people_and_tested_on_others() -> None:
    fit, test = portraits(range(10), 0, 0.6), portraits(range(10, 20), 1, 0.6)
    full, other = portraits(range(10), 2, 0.2), portraits(range(10, 20), 3, 0.2)
    calibration, quality = fit_faces(TEST_CALIBRATION, fit, test, full, other, CONFIG)
    assert quality["views_fitted"] == quality["views_tested"] == 60
    assert quality["test_log_loss"] < 0.2
    assert quality["test_bcubed_f1_at_fitted_threshold"] > 0.97
    assert calibration.kinds["char"].face != TEST_KIND.face
    assert calibration.kinds["obj"] == TEST_CALIBRATION.kinds["obj"]


def test_labelled_films_are_fitted_on_some_people_and_tested_on_others() -> None:
    """Names of simulated people hold in one film only, so they are given the film's number."""
    made = [simulate_film(seed, HARD, 0.3) for seed in range(8)]
    labelled = [
        LabelledFilm(
            [one for one in film.observations if one.kind == "char"],
            [f"{number} {name}" for name in film.truth if name.startswith("person")],
        )
        for number, film in enumerate(made)
    ]
    fitted, told = fit_labelled(TEST_CALIBRATION, labelled, CONFIG)
    assert isinstance(told["fitted_on"], list)
    assert isinstance(told["tested_on"], list)
    assert {name[0] for name in told["fitted_on"]} == set("0246")
    assert {name[0] for name in told["tested_on"]} == set("1357")
    test = labelled[1::2]
    assert told["views_tested"] == sum(len(film.truth) for film in test)
    views = np.array([len(film.truth) for film in test])
    for calibration, name in ((fitted, "test_bcubed_f1"), (TEST_CALIBRATION, "test_bcubed_f1_before")):
        scores = [bcubed(film.truth, identify(film.observations, CONFIG, calibration).entity).f1 for film in test]
        assert told[name] == pytest.approx((np.array(scores) * views).sum() / views.sum(), abs=1e-4)
    assert isinstance(told["test_bcubed_f1"], float)
    assert told["test_bcubed_f1"] > 0.95
    assert fitted.kinds["obj"] == TEST_CALIBRATION.kinds["obj"]
    assert fitted.kinds["char"].prior_across != TEST_KIND.prior_across


def test_one_person_is_too_few() -> None:
    alone = [LabelledFilm([see(0, "a"), see(1, "a")], ["ann", "ann"])]
    with pytest.raises(ConfigError, match="only one person is labelled"):
        fit_labelled(TEST_CALIBRATION, alone, CONFIG)


def test_tags_are_fitted_where_they_may_tell() -> None:
    """Walls of one place share their tag, those of another do not; people have no curve for tags and get none."""
    places = ["kitchen", "garden", "kitchen", "kitchen", "garden", "kitchen", "garden", "garden"]
    walls = [
        see(frame, "w", kind="bg", label="wall", scene=str(frame), tags=((place, 0.8),), appearance=basis(0))
        for frame, place in enumerate(places)
    ]
    fitted = fit_kind([LabelledFilm(walls, places)], "bg", TEST_CALIBRATION.kinds["bg"], CONFIG)
    assert fitted.tags is not None
    assert fitted.tags.log_odds(np.array([0.8]))[0] > 1
    assert fitted.tags.log_odds(np.array([0.0]))[0] < -1
    people = [dataclasses.replace(one, kind="char") for one in walls]
    assert fit_kind([LabelledFilm(people, places)], "char", TEST_KIND, CONFIG).tags is None


def test_too_few_faces_are_said() -> None:
    none = LabelledFilm([], [])
    with pytest.raises(ConfigError, match="too few faces"):
        fit_faces(TEST_CALIBRATION, none, none, none, none, CONFIG)
