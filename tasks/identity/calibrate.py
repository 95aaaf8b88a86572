"""Fitting what a similarity is worth on observations whose identities are known."""

from collections.abc import Sequence

import numpy as np

from schemas.config import ReidentifyConfig
from schemas.errors import ConfigError
from schemas.evidence import EntityKind
from tasks.identity.calibration import Calibration, Curve, FaceCurve, KindCalibration
from tasks.identity.film import fit_to_film, mean_within_frames, shift
from tasks.identity.graph import row_products
from tasks.identity.holdout import split_people
from tasks.identity.identify import identify
from tasks.identity.logistic import fit_logistic, log_loss, tail_bounds
from tasks.identity.metrics import bcubed
from tasks.identity.observation import Observation
from tasks.identity.pair_samples import (
    KindSamples,
    LabelledFilm,
    PairSample,
    collect_film,
    film_parts,
    mean_references,
)

MOST_ODDS = 8.0
"""No source is ever surer than 1 in 3000."""

SETTLED = 3.0
"""Log-odds of faces, either way, from which they settle who is who, so that looks can be fitted without labels."""

SMALLEST_SLOPE = 1e-3
THRESHOLDS = tuple(step / 2 for step in range(-10, 11))
"""Thresholds that are tried on portraits."""

PRIOR_STEPS = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)
"""Log-odds that are tried on top of the rates of same pairs, see ``fit_prior``."""


def fit_looks(films: Sequence[Sequence[Observation]], kind: KindCalibration) -> KindCalibration:
    """Fit what crops within a scene are worth without labels, on the pairs of people that their faces settle.

    Faces and clothes are seen through different networks on different pixels, so the one may teach the other.

    Args:
        films: observations of films; only people with faces are looked at.
        kind: with the curve of faces; what cannot be fitted stays.
    """
    if kind.face is None:
        return kind
    scene = PairSample()
    parts = film_parts([LabelledFilm(film, [None] * len(film)) for film in films], "char", 0)
    _, reference = mean_references(parts)
    for part in parts:
        columns = part.columns
        first, second = np.triu_indices(columns.size, 1)
        weight = columns.face_weight[first] * columns.face_weight[second]
        both = columns.has_appearance[first] & columns.has_appearance[second]
        apart = columns.rank[first] != columns.rank[second]
        chosen = both & apart & (weight > 0) & (columns.scene[first] == columns.scene[second])
        first, second, weight = first[chosen], second[chosen], weight[chosen]
        odds = kind.face.line(row_products(columns.face, columns.face, first, second), np.sqrt(weight))
        settled = np.abs(odds) >= SETTLED
        look = row_products(columns.appearance, columns.appearance, first[settled], second[settled])
        seen = columns.has_appearance.astype(np.float64)
        by = shift(*mean_within_frames(columns.rank, columns.appearance, seen), reference)
        scene.add(look - by, odds[settled] > 0)
    curve = fit_curve(scene, reference)
    return kind if curve is None else kind.model_copy(update={"appearance_scene": curve})


def fit_curve(sample: PairSample, reference: float | None) -> Curve | None:
    """The curve of one source; None when there are too few pairs."""
    arrays = sample.arrays()
    if arrays is None:
        return None
    measurement, _, same = arrays
    slope, offset = fit_logistic(np.stack([measurement, np.ones_like(measurement)], axis=1), same).tolist()
    slope = max(slope, SMALLEST_SLOPE)
    lowest, highest = tail_bounds(slope * measurement + offset, same, MOST_ODDS)
    return Curve(slope=slope, centre=-offset / slope, lowest=lowest, highest=highest, reference=reference)


def fit_face_curve(sample: PairSample, reference: float | None) -> FaceCurve | None:
    """The curve of faces; None when there are too few pairs.

    Faces that are all of one quality do not tell what quality does, and a fit may then have the slope fall with quality:
    terms are dropped until it does not.
    """
    arrays = sample.arrays()
    if arrays is None:
        return None
    cosine, r, same = arrays
    ones = np.ones_like(r)
    terms = {"slope": cosine, "slope_r": r * cosine, "offset": ones, "offset_r": r, "offset_rr": r * r}
    names = list(terms)
    for names in (list(terms), ["slope_r", "offset_r", "offset_rr"], ["slope_r", "offset_r"]):
        fitted = fit_logistic(np.stack([terms[name] for name in names], axis=1), same)
        values = dict.fromkeys(terms, 0.0) | dict(zip(names, fitted.tolist(), strict=True))
        if values["slope"] >= 0 and values["slope_r"] >= 0:
            break
    values["slope_r"] = max(values["slope_r"], SMALLEST_SLOPE - values["slope"])
    curve = FaceCurve(**values, lowest=-MOST_ODDS, highest=MOST_ODDS, reference=reference)
    lowest, highest = tail_bounds(curve.line(cosine, r), same, MOST_ODDS)
    return curve.model_copy(update={"lowest": lowest, "highest": highest})


def fit_kind(
    films: Sequence[LabelledFilm], kind: EntityKind, start: KindCalibration, config: ReidentifyConfig
) -> KindCalibration:
    """Fit the curves of one kind; a source with too few pairs keeps the curve of ``start``.

    Args:
        films: films of which nobody occurs where the result is measured.
        kind: which observations to use.
        start: curves to keep where the films say too little; where it has none for faces or tags there will be none.
        config: for the shots.
    """
    parts = film_parts(films, kind, config.shot_bits)
    face_reference, look_reference = mean_references(parts)
    # Pairs are measured as they will be used: moved to where each film says that different people lie.
    anchored = start.model_copy(
        update={
            "face": start.face and start.face.model_copy(update={"reference": face_reference}),
            "appearance_scene": start.appearance_scene.model_copy(update={"reference": look_reference}),
        }
    )
    samples = KindSamples()
    for part in parts:
        moved = fit_to_film(part.columns, anchored)
        look_shift = moved.appearance_scene.centre - anchored.appearance_scene.centre
        collect_film(samples, part, _face_shift(anchored.face, moved.face), look_shift)
    changes: dict[str, object] = {
        name: curve
        for name, curve in (
            ("face", fit_face_curve(samples.face, face_reference) if start.face is not None else None),
            ("appearance_scene", fit_curve(samples.scene, look_reference)),
            ("appearance_across", fit_curve(samples.across, None)),
            ("continuity", fit_curve(samples.continuity, None)),
            ("tags", fit_curve(samples.tags, None) if start.tags is not None else None),
        )
        if curve is not None
    }
    for name, rates in (("prior_scene", samples.scene_rates), ("prior_across", samples.across_rates)):
        if rates:
            rate = float(np.clip(np.mean(rates), 0.01, 0.99))
            changes[name] = float(np.log(rate / (1 - rate)))
    return start.model_copy(update=changes)


def _face_shift(before: FaceCurve | None, after: FaceCurve | None) -> float:
    """By how much a face curve was moved."""
    if before is None or after is None:
        return 0.0
    if before.slope > 0:
        return (before.offset - after.offset) / before.slope
    return (before.offset_r - after.offset_r) / before.slope_r


def fit_faces(
    calibration: Calibration,
    fit: LabelledFilm,
    test: LabelledFilm,
    fit_full: LabelledFilm,
    test_full: LabelledFilm,
    config: ReidentifyConfig,
) -> tuple[Calibration, dict[str, float]]:
    """Fit the curve of faces on some people and say how well it does on others.

    Args:
        calibration: what to change.
        fit: faces of every quality to fit on.
        test: faces of every quality of other people.
        fit_full: well visible faces of those fitted on, to choose a threshold.
        test_full: well visible faces of the others, to measure the threshold.
        config: for everything but the threshold.

    Returns:
        The calibration with the new curve, and what was measured.

    Raises:
        ConfigError: there are too few pairs of faces to fit.
    """
    start = calibration.kinds["char"]
    samples = [KindSamples(), KindSamples()]
    for sample, film in zip(samples, (fit, test), strict=True):
        for part in film_parts([film], "char", config.shot_bits):
            collect_film(sample, part, 0.0, 0.0)
    curve = fit_face_curve(samples[0].face, None)
    measured = samples[1].face.arrays()
    if curve is None or measured is None:
        raise ConfigError(f"too few faces were found to fit on: {len(fit.truth)} to fit and {len(test.truth)} to test")
    fitted = calibration.model_copy(
        update={"kinds": {**calibration.kinds, "char": start.model_copy(update={"face": curve})}}
    )

    def f1(film: LabelledFilm, threshold: float) -> float:
        tried = config.model_copy(update={"threshold": threshold})
        return bcubed(film.truth, identify(film.observations, tried, fitted).entity).f1

    threshold = max(THRESHOLDS, key=lambda tried: (round(f1(fit_full, tried), 6), -abs(tried)))
    cosine, reliability, same = measured
    return fitted, {
        "views_fitted": len(fit.truth),
        "views_tested": len(test.truth),
        "test_log_loss": round(log_loss(curve.line(cosine, reliability), same), 4),
        "fitted_threshold": threshold,
        "test_bcubed_f1_at_fitted_threshold": round(f1(test_full, threshold), 4),
        "test_bcubed_f1_at_0": round(f1(test_full, 0.0), 4),
        "test_bcubed_f1_all_sizes_at_0": round(f1(test, 0.0), 4),
    }


def fit_labelled(
    calibration: Calibration, films: Sequence[LabelledFilm], config: ReidentifyConfig
) -> tuple[Calibration, dict[str, object]]:
    """Fit everything about people on half of the people of labelled films and say how well it does on the others.

    Args:
        calibration: what to change.
        films: labelled people of films.
        config: thresholds.

    Returns:
        The calibration with new curves and priors, and what was measured.

    Raises:
        ConfigError: there are fewer than two people.
    """
    fit, test = split_people(films)
    if not test:
        raise ConfigError("only one person is labelled: at least two are needed, one of them to test on")
    kind = fit_kind(fit, "char", calibration.kinds["char"], config)
    fitted = calibration.model_copy(update={"kinds": {**calibration.kinds, "char": kind}})
    fitted = fit_prior(fit, fitted, config, ("char",))

    def f1(by: Calibration) -> float:
        """Mean over views, as B-cubed is."""
        scores = [bcubed(film.truth, identify(film.observations, config, by).entity).f1 for film in test]
        return round(float(np.average(scores, weights=[len(film.truth) for film in test])), 4)

    def people(half: Sequence[LabelledFilm]) -> list[str]:
        return sorted({str(name) for film in half for name in film.truth})

    return fitted, {
        "fitted_on": people(fit),
        "tested_on": people(test),
        "views_fitted": sum(len(film.truth) for film in fit),
        "views_tested": sum(len(film.truth) for film in test),
        "test_bcubed_f1": f1(fitted),
        "test_bcubed_f1_before": f1(calibration),
    }


def fit_prior(
    films: Sequence[LabelledFilm],
    calibration: Calibration,
    config: ReidentifyConfig,
    only: Sequence[EntityKind] | None = None,
) -> Calibration:
    """Move the priors of all kinds, or of some only, to where the films are grouped best.

    The rate of same pairs is the prior of a pair drawn at random, but what is merged is the best pair there is. How much
    that is worth is searched: the step with the greatest mean B-cubed F1, the smaller one among equals.
    """

    def moved(step: float) -> Calibration:
        kinds = {
            kind: curves.model_copy(
                update={"prior_scene": curves.prior_scene + step, "prior_across": curves.prior_across + step}
            )
            for kind, curves in calibration.kinds.items()
            if only is None or kind in only
        }
        return calibration.model_copy(update={"kinds": {**calibration.kinds, **kinds}})

    def score(step: float) -> float:
        tried = moved(step)
        return float(
            np.mean([bcubed(film.truth, identify(film.observations, config, tried).entity).f1 for film in films])
        )

    scores = {step: round(score(step), 6) for step in PRIOR_STEPS}
    return moved(max(PRIOR_STEPS, key=lambda step: (scores[step], -abs(step), step)))
