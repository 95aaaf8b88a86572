"""One gallery for a film that was cut into shards, each of which was grouped on its own."""

import dataclasses
from collections.abc import Sequence
from typing import get_args

import numpy as np

from schemas.config import ReidentifyConfig
from schemas.evidence import EntityKind
from tasks.identity.calibration import Calibration
from tasks.identity.columns import build_columns, near_frames
from tasks.identity.film import fit_to_film
from tasks.identity.observation import Observation, canonical_order
from tasks.identity.pairs import label_odds
from tasks.identity.sparse import group_sparse

BEST_VIEWS = 8
"""Views by which an entity of a shard is known to the others, the best faces first."""


def best_views(observations: Sequence[Observation], members: Sequence[int]) -> list[int]:
    """The views that tell most of an entity, at most ``BEST_VIEWS``: by quality of the face, then score, then place."""

    def order(index: int) -> tuple[float, float, int, str]:
        one = observations[index]
        return (-(one.face_quality if one.face is not None else -1.0), -one.score, one.frame, one.det_id)

    return sorted(members, key=order)[:BEST_VIEWS]


def keep_best(observations: Sequence[Observation], entities: Sequence[int]) -> list[int]:
    """The best views of every entity, ascending; -1 is none."""
    members: dict[int, list[int]] = {}
    for index, number in enumerate(entities):
        if number >= 0:
            members.setdefault(number, []).append(index)
    return sorted(index for indices in members.values() for index in best_views(observations, indices))


def _chosen(
    shards: Sequence[Sequence[Observation]], entities: Sequence[Sequence[int]]
) -> list[tuple[int, int, Observation]]:
    """Shard, entity and observation of the best views of every entity, frames counted on from shard to shard."""
    chosen = []
    frames = 0
    for shard, (observations, numbers) in enumerate(zip(shards, entities, strict=True)):
        for index in keep_best(observations, numbers):
            one = observations[index]
            chosen.append((shard, numbers[index], dataclasses.replace(one, frame=one.frame + frames)))
        frames += max((one.frame for one in observations), default=-1) + 1
    return chosen


def join_shards(
    shards: Sequence[Sequence[Observation]],
    entities: Sequence[Sequence[int]],
    config: ReidentifyConfig,
    calibration: Calibration,
) -> list[int]:
    """Find the entities of the shards of one film that are the same.

    As in one shard, but that entities take the place of views and shards that of frames: what stands together in a shard
    stays together, and two entities of one shard are never one.

    Args:
        shards: observations of each shard, frames counted from 0 in each.
        entities: entity of each observation, shard by shard; no number in two shards, and of one kind each; -1 for those
            that stand for none.
        config: threshold and margins.
        calibration: what similarities are worth.

    Returns:
        For each entity number from 0 the smallest number of an entity that is the same.
    """
    views = _chosen(shards, entities)
    seen = [one for _, _, one in views]
    shard_of = np.array([number for number, _, _ in views], dtype=np.int64)
    entity = np.array([number for _, number, _ in views], dtype=np.int64)
    same = np.arange(int(entity.max(initial=-1)) + 1)
    ranks, near = near_frames(seen, config.shot_bits)
    order = canonical_order(seen)
    for kind in get_args(EntityKind):
        rows = np.array([index for index in order if seen[index].kind == kind], dtype=np.int64)
        if not rows.size:
            continue
        columns = build_columns([seen[index] for index in rows], ranks, near)
        curves = fit_to_film(columns, calibration.kinds[kind])
        _, first, group = np.unique(entity[rows], return_index=True, return_inverse=True)
        by_shard = dataclasses.replace(columns, rank=shard_of[rows], near_next=np.zeros(len(shards), dtype=np.bool_))
        labels = label_odds(columns.label_names, calibration.labels)
        found = group_sparse(by_shard, curves, labels, first[group], config).group
        least = np.full(int(found.max()) + 1, len(same))
        np.minimum.at(least, found, entity[rows])
        same[entity[rows]] = least[found]
    return [int(number) for number in same]
