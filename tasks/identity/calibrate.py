"""Fitting what a similarity is worth on observations whose identities are known."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from schemas.config import ReidentifyConfig
from schemas.errors import ConfigError
from schemas.evidence import EntityKind
from tasks.identity.calibration import Calibration, Curve, FaceCurve, KindCalibration
from tasks.identity.columns import Columns, build_columns, near_frames
from tasks.identity.film import fit_to_film, mean_within_frames, shift
from tasks.identity.graph import row_products
from tasks.identity.identify import identify
from tasks.identity.logistic import fit_logistic, log_loss, tail_bounds
from tasks.identity.metrics import bcubed
from tasks.identity.observation import Observation, canonical_order
from tasks.identity.overlap import pair_iou

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

FEWEST_PAIRS = 10
"""Pairs of either sort below which a source is not fitted."""

MOST_ODDS = 8.0
"""No source is ever surer than 1 in 3000."""

SETTLED = 3.0
"""Log-odds of faces, either way, from which they settle who is who, so that looks can be fitted without labels."""

SMALLEST_SLOPE = 1e-3
THRESHOLDS = tuple(step / 2 for step in range(-10, 11))
"""Thresholds that are tried on portraits."""

PRIOR_STEPS = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)
"""Log-odds that are tried on top of the rates of same pairs, see ``fit_prior``."""


@dataclass(frozen=True, slots=True)
class LabelledFilm:
    """Observations of one film and, for each, who or what it is."""

    observations: Sequence[Observation]
    truth: Sequence[Hashable]


@dataclass(slots=True)
class PairSample:
    """Pairs of one source over all films: measurement, reliability of faces, and whether the pair is one entity."""

    measurement: list[Array] = field(default_factory=list)
    reliability: list[Array] = field(default_factory=list)
    same: list[Flags] = field(default_factory=list)

    def add(self, measurement: Array, same: Flags, reliability: Array | None = None) -> None:
        """Add the pairs of one film."""
        self.measurement.append(measurement)
        self.reliability.append(np.ones_like(measurement) if reliability is None else reliability)
        self.same.append(same)

    def arrays(self) -> tuple[Array, Array, Flags] | None:
        """Everything as three arrays; None when there are too few pairs to fit."""
        if not self.same:
            return None
        same = np.concatenate(self.same)
        if min(int(same.sum()), int((~same).sum())) < FEWEST_PAIRS:
            return None
        return np.concatenate(self.measurement), np.concatenate(self.reliability), same


@dataclass(slots=True)
class KindSamples:
    """Pairs of each source, and the rate of same pairs in each film."""

    face: PairSample = field(default_factory=PairSample)
    scene: PairSample = field(default_factory=PairSample)
    across: PairSample = field(default_factory=PairSample)
    continuity: PairSample = field(default_factory=PairSample)
    scene_rates: list[float] = field(default_factory=list)
    across_rates: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _KindOfFilm:
    """The observations of one kind in one film, as arrays."""

    columns: Columns
    truth: NDArray[np.int64]


def _columns_of(films: Sequence[LabelledFilm], kind: EntityKind, shot_bits: int) -> list[_KindOfFilm]:
    found = []
    for film in films:
        order = [index for index in canonical_order(film.observations) if film.observations[index].kind == kind]
        if not order:
            continue
        ranks, near = near_frames(film.observations, shot_bits)
        codes = {label: code for code, label in enumerate(dict.fromkeys(film.truth))}
        columns = build_columns([film.observations[index] for index in order], ranks, near)
        found.append(_KindOfFilm(columns, np.array([codes[film.truth[index]] for index in order], dtype=np.int64)))
    return found


def _references(parts: Sequence[_KindOfFilm]) -> tuple[float | None, float | None]:
    """Mean cosine of faces and of crops within frames, over all films."""
    faces = [mean_within_frames(part.columns.rank, part.columns.face, part.columns.face_weight) for part in parts]
    looks = [
        mean_within_frames(part.columns.rank, part.columns.appearance, part.columns.has_appearance.astype(np.float64))
        for part in parts
    ]
    means = []
    for found in (faces, looks):
        pairs = sum(count for _, count in found)
        means.append(sum(mean * count for mean, count in found) / pairs if pairs > 0 else None)
    return means[0], means[1]


def _collect(samples: KindSamples, part: _KindOfFilm, face_shift: float, look_shift: float) -> None:
    """Add every pair of observations of different frames of one film, moved to the common reference."""
    columns, truth = part.columns, part.truth
    first, second = np.triu_indices(columns.size, 1)
    apart = columns.rank[first] != columns.rank[second]
    first, second = first[apart], second[apart]
    same = truth[first] == truth[second]
    together = columns.scene[first] == columns.scene[second]
    for chosen, rates in ((together, samples.scene_rates), (~together, samples.across_rates)):
        if chosen.any():
            rates.append(float(same[chosen].mean()))
    weight = columns.face_weight[first] * columns.face_weight[second]
    faced = weight > 0
    cosine = row_products(columns.face, columns.face, first, second) - face_shift
    samples.face.add(cosine[faced], same[faced], np.sqrt(weight[faced]))
    both = columns.has_appearance[first] & columns.has_appearance[second]
    look = row_products(columns.appearance, columns.appearance, first, second) - look_shift
    samples.scene.add(look[both & together], same[both & together])
    samples.across.add(look[both & ~together], same[both & ~together])
    earlier = np.minimum(columns.rank[first], columns.rank[second])
    near = (np.abs(columns.rank[first] - columns.rank[second]) == 1) & columns.near_next[earlier]
    samples.continuity.add(pair_iou(columns.boxes[first[near]], columns.boxes[second[near]]), same[near])


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
    parts = _columns_of([LabelledFilm(film, [None] * len(film)) for film in films], "char", 0)
    _, reference = _references(parts)
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
        start: curves to keep where the films say too little; where it has none for faces there will be none.
        config: for the shots.
    """
    parts = _columns_of(films, kind, config.shot_bits)
    face_reference, look_reference = _references(parts)
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
        _collect(samples, part, _face_shift(anchored.face, moved.face), look_shift)
    changes: dict[str, object] = {
        name: curve
        for name, curve in (
            ("face", fit_face_curve(samples.face, face_reference) if start.face is not None else None),
            ("appearance_scene", fit_curve(samples.scene, look_reference)),
            ("appearance_across", fit_curve(samples.across, None)),
            ("continuity", fit_curve(samples.continuity, None)),
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
        for part in _columns_of([film], "char", config.shot_bits):
            _collect(sample, part, 0.0, 0.0)
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


def fit_prior(films: Sequence[LabelledFilm], calibration: Calibration, config: ReidentifyConfig) -> Calibration:
    """Move the priors of all kinds to where the films are grouped best.

    The rate of same pairs is the prior of a pair drawn at random, but what is merged is the best pair there is. How much
    that is worth is searched: the step with the greatest mean B-cubed F1, the smaller one among equals.
    """

    def moved(step: float) -> Calibration:
        kinds = {
            kind: curves.model_copy(
                update={"prior_scene": curves.prior_scene + step, "prior_across": curves.prior_across + step}
            )
            for kind, curves in calibration.kinds.items()
        }
        return calibration.model_copy(update={"kinds": kinds})

    def score(step: float) -> float:
        tried = moved(step)
        return float(
            np.mean([bcubed(film.truth, identify(film.observations, config, tried).entity).f1 for film in films])
        )

    scores = {step: round(score(step), 6) for step in PRIOR_STEPS}
    return moved(max(PRIOR_STEPS, key=lambda step: (scores[step], -abs(step), step)))
