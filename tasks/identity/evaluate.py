"""How good the identities of a film are against labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from schemas.config import ReidentifyConfig
from schemas.geometry import Box
from tasks.identity.calibration import Calibration
from tasks.identity.gallery import join_shards
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
    """Identities of shards that are grouped each on its own, without a gallery over them."""
    return join_identities([identify(shard, config, calibration) for shard in shards])


def identify_film(
    shards: Sequence[Sequence[Observation]], config: ReidentifyConfig, calibration: Calibration
) -> Identities:
    """Identities of the shards of one film, as a build finds them: each on its own, and then one gallery over all."""
    apart = identify_shards(shards, config, calibration)
    if len(shards) < 2:
        return apart
    ends = np.cumsum([len(shard) for shard in shards]).tolist()
    known = [entity if repeat is None else -1 for entity, repeat in zip(apart.entity, apart.repeat_of, strict=True)]
    entities = [known[end - len(shard) : end] for shard, end in zip(shards, ends, strict=True)]
    same = join_shards(shards, entities, config, calibration)
    return Identities(tuple(same[entity] for entity in apart.entity), apart.confidence, apart.repeat_of)


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
        entity = identify_film(shards, tried, calibration).entity
        chosen = [entity[index] for index in rows]
        steps.append(Step(tried.threshold, bcubed(truth, chosen), len(set(chosen))))
    return tuple(steps)
