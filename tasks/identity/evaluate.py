"""How good the identities of a film are: against labels where there are any, and by signals that need none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from schemas.config import ReidentifyConfig
from schemas.geometry import Box
from tasks.identity.calibration import Calibration
from tasks.identity.identify import Identities, identify
from tasks.identity.labels import LabelledPerson, match_people
from tasks.identity.metrics import (
    Agreement,
    adjusted_rand,
    bcubed,
    entity_count_error,
    pairwise,
    same_frame_violations,
)
from tasks.identity.observation import Observation
from tasks.identity.tracking import FrameBoxes, TrackScores, track_scores

SWEEP = (-4.0, -3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0)
"""Thresholds at which a film is grouped to see how much the result hangs on them."""

LOST = 0.05
"""Share of observations that is taken away to see whether the rest stays as it was."""

BANDS = (0.5, 0.8, 0.95)
"""Confidences at which views are counted."""


@dataclass(frozen=True, slots=True)
class LabelledViews:
    """Observations of a film of which some are known.

    Attributes:
        observations: all of them.
        faces: box of the face of each, or None.
        truth: name of the person that each is labelled as, or None.
        people: labelled people of each frame that has labels, by ``Observation.frame``.
    """

    observations: Sequence[Observation]
    faces: Sequence[Box | None]
    truth: tuple[str | None, ...]
    people: Mapping[int, tuple[LabelledPerson, ...]]

    @property
    def labelled(self) -> int:
        """How many labels lie in these frames."""
        return sum(len(people) for people in self.people.values())

    @property
    def found(self) -> int:
        """For how many of them a person was detected."""
        return sum(name is not None for name in self.truth)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Identity against labels, over the detected people that are labelled."""

    labelled: int
    found: int
    people: int
    entities: int
    entity_error: int
    violations: int
    bcubed: Agreement
    pairwise: Agreement
    adjusted_rand: float
    tracks: TrackScores


@dataclass(frozen=True, slots=True)
class Step:
    """B-cubed agreement and number of entities at another threshold."""

    threshold: float
    bcubed: Agreement
    entities: int


@dataclass(frozen=True, slots=True)
class Signals:
    """What shows without labels.

    Attributes:
        views: observations of people.
        entities: people they were grouped into.
        mean_confidence: mean over views, 0 to 1.
        doubtful: share of views below each of ``BANDS``.
        stability: mean B-cubed F1 between the grouping and groupings with 5 % of all observations taken away.
    """

    views: int
    entities: int
    mean_confidence: float
    doubtful: tuple[float, ...]
    stability: float


def label_views(
    observations: Sequence[Observation],
    faces: Sequence[Box | None],
    frames: Sequence[str],
    labels: Mapping[str, tuple[LabelledPerson, ...]],
) -> LabelledViews:
    """Find which detections the labels speak of.

    Args:
        observations: of a film.
        faces: box of the face of each, or None.
        frames: name of each frame, by ``Observation.frame``; folders and endings do not count.
        labels: from ``parse_labels``.
    """
    people_of: dict[int, list[int]] = {}
    for index, one in enumerate(observations):
        if one.kind == "char":
            people_of.setdefault(one.frame, []).append(index)
    truth: list[str | None] = [None] * len(observations)
    known: dict[int, tuple[LabelledPerson, ...]] = {}
    for frame, name in enumerate(frames):
        people = labels.get(PurePath(name).stem)
        if people is None:
            continue
        known[frame] = people
        here = people_of.get(frame, [])
        matched = match_people(people, [observations[index].box for index in here], [faces[index] for index in here])
        for person, found in zip(people, matched, strict=True):
            if found is not None:
                truth[here[found]] = person.name
    return LabelledViews(observations, faces, tuple(truth), known)


def evaluate(views: LabelledViews, identities: Identities) -> Evaluation:
    """Score the identities of a film against its labels."""
    rows = [index for index, name in enumerate(views.truth) if name is not None]
    truth, entity = [views.truth[index] for index in rows], [identities.entity[index] for index in rows]
    everyone = [index for index, one in enumerate(views.observations) if one.kind == "char"]
    return Evaluation(
        labelled=views.labelled,
        found=views.found,
        people=len(set(truth)),
        entities=len(set(entity)),
        entity_error=entity_count_error(truth, entity),
        violations=same_frame_violations(
            [views.observations[index].frame for index in everyone],
            [identities.entity[index] for index in everyone],
            [identities.repeat_of[index] for index in everyone],
        ),
        bcubed=bcubed(truth, entity),
        pairwise=pairwise(truth, entity),
        adjusted_rand=adjusted_rand(truth, entity),
        tracks=_tracks(views, identities),
    )


def _tracks(views: LabelledViews, identities: Identities) -> TrackScores:
    """IDF1 and AssA over the labelled frames, by faces where faces are labelled and by bodies where bodies are."""
    truth, predicted = [], []
    for frame, people in views.people.items():
        by_face = any(person.part == "face" for person in people)
        seen: dict[int, Box] = {}
        for index, one in enumerate(views.observations):
            box = views.faces[index] if by_face else one.box
            if one.frame == frame and one.kind == "char" and box and identities.repeat_of[index] is None:
                seen[identities.entity[index]] = box
        truth.append(FrameBoxes([person.name for person in people], _array([person.box for person in people])))
        predicted.append(FrameBoxes(list(seen), _array(list(seen.values()))))
    return track_scores(truth, predicted)


def _array(boxes: Sequence[Box]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.array([(box.x1, box.y1, box.x2, box.y2) for box in boxes], dtype=np.float64).reshape(-1, 4)


def join_identities(parts: Sequence[Identities]) -> Identities:
    """The identities of several shards as one; entities of different shards stay different."""
    entity: list[int] = []
    repeat_of: list[int | None] = []
    confidence: list[float] = []
    used = 0
    for part in parts:
        start = len(entity)
        entity += [used + one for one in part.entity]
        repeat_of += [None if one is None else start + one for one in part.repeat_of]
        confidence += part.confidence
        used += max(part.entity, default=-1) + 1
    return Identities(tuple(entity), tuple(confidence), tuple(repeat_of))


def identify_shards(
    shards: Sequence[Sequence[Observation]], config: ReidentifyConfig, calibration: Calibration
) -> Identities:
    """Identities of shards that are grouped each on its own, as a build does it."""
    return join_identities([identify(shard, config, calibration) for shard in shards])


def sweep(
    views: LabelledViews,
    shards: Sequence[Sequence[Observation]],
    config: ReidentifyConfig,
    calibration: Calibration,
) -> tuple[Step, ...]:
    """How agreement moves with the threshold.

    Args:
        views: labelled observations, those of all shards one after the other.
        shards: the observations of each shard.
        config: whose threshold is moved.
        calibration: what similarities are worth.
    """
    rows = [index for index, name in enumerate(views.truth) if name is not None]
    truth = [views.truth[index] for index in rows]
    steps = []
    for threshold in SWEEP:
        tried = config.model_copy(update={"threshold": config.threshold + threshold})
        entity = identify_shards(shards, tried, calibration).entity
        chosen = [entity[index] for index in rows]
        steps.append(Step(tried.threshold, bcubed(truth, chosen), len(set(chosen))))
    return tuple(steps)


def signals(
    shards: Sequence[Sequence[Observation]],
    config: ReidentifyConfig,
    calibration: Calibration,
    rounds: int = 10,
    seed: int = 0,
) -> Signals:
    """What can be said about the identities of people without labels.

    Args:
        shards: the observations of each shard of a film.
        config: thresholds.
        calibration: what similarities are worth.
        rounds: how often 5 % of the observations are taken away.
        seed: of what is taken away.
    """
    identities = identify_shards(shards, config, calibration)
    observations = [one for shard in shards for one in shard]
    people = [index for index, one in enumerate(observations) if one.kind == "char"]
    if not people:
        return Signals(0, 0, 1.0, (0.0,) * len(BANDS), 1.0)
    confidence = np.array([identities.confidence[index] for index in people])
    everyone = set(people)
    rng = np.random.default_rng(seed)
    agreement = []
    for _ in range(rounds):
        kept = [rng.random(len(shard)) >= LOST for shard in shards]
        parts = [[one for one, stays in zip(*pair, strict=True) if stays] for pair in zip(shards, kept, strict=True)]
        again = iter(identify_shards(parts, config, calibration).entity)
        stays = np.concatenate(kept)
        pairs = [(identities.entity[index], next(again)) for index in np.flatnonzero(stays).tolist()]
        chosen = [pair for pair, index in zip(pairs, np.flatnonzero(stays).tolist(), strict=True) if index in everyone]
        agreement.append(bcubed([before for before, _ in chosen], [after for _, after in chosen]).f1)
    return Signals(
        views=len(people),
        entities=len({identities.entity[index] for index in people}),
        mean_confidence=float(confidence.mean()),
        doubtful=tuple(float((confidence < band).mean()) for band in BANDS),
        stability=float(np.mean(agreement)) if agreement else 1.0,
    )
