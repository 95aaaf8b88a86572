"""Pairs of observations whose identity is known, source by source: what calibrations are fitted on."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from schemas.evidence import EntityKind
from tasks.identity.columns import Columns, build_columns, near_frames
from tasks.identity.film import mean_within_frames
from tasks.identity.graph import row_products
from tasks.identity.observation import Observation, canonical_order
from tasks.identity.overlap import pair_iou
from tasks.identity.pairs import tag_agreement, tagged_apart

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

FEWEST_PAIRS = 10
"""Pairs of either sort below which a source is not fitted."""


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
    tags: PairSample = field(default_factory=PairSample)
    scene_rates: list[float] = field(default_factory=list)
    across_rates: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FilmPart:
    """The observations of one kind in one film, as arrays."""

    columns: Columns
    truth: NDArray[np.int64]


def film_parts(films: Sequence[LabelledFilm], kind: EntityKind, shot_bits: int) -> list[FilmPart]:
    """The observations of one kind in each film that has any."""
    found = []
    for film in films:
        order = [index for index in canonical_order(film.observations) if film.observations[index].kind == kind]
        if not order:
            continue
        ranks, near = near_frames(film.observations, shot_bits)
        codes = {label: code for code, label in enumerate(dict.fromkeys(film.truth))}
        columns = build_columns([film.observations[index] for index in order], ranks, near)
        found.append(FilmPart(columns, np.array([codes[film.truth[index]] for index in order], dtype=np.int64)))
    return found


def mean_references(parts: Sequence[FilmPart]) -> tuple[float | None, float | None]:
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


def collect_film(samples: KindSamples, part: FilmPart, face_shift: float, look_shift: float) -> None:
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
    tagged = tagged_apart(columns, first, second)
    samples.tags.add(tag_agreement(columns, first[tagged], second[tagged]), same[tagged])
