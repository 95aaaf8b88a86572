"""Applying what people corrected: who is who, what they are called, and which stories are left out.

Each part is told of its own corrections only, through the settings of the stage it belongs to: a verdict redoes ``ground``, a
name redoes the drafts, a merge or split redoes re-identification and what follows, each in the shard of its story alone.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from schemas.config import BuildConfig
from schemas.review_config import Sighting, StoryReview
from tasks.identity.identify import Identities
from tasks.identity.observation import Observation
from tasks.runtime.progress import Event, emit
from tasks.runtime.stage import ShardRef

BAD = "marked bad in review"
"""Why a story is a dead letter that somebody marked bad."""


def identity_settings(config: BuildConfig, ref: ShardRef) -> Mapping[str, Any]:
    """What re-identification of a shard depends on: its section, and merges and splits where there are any."""
    said = {
        key: {"splits": story.splits, "merges": story.merges}
        for key, story in config.review.of(ref.shard).items()
        if story.splits or story.merges
    }
    return _with_review(config.reidentify.model_dump(mode="json"), said)


def ground_settings(config: BuildConfig, ref: ShardRef) -> Mapping[str, Any]:
    """What grounding of a shard depends on: its section, and the stories that are left out."""
    said = {key: story.note for key, story in config.review.of(ref.shard).items() if story.bad}
    return _with_review(config.ground.model_dump(mode="json"), said)


def name_settings(config: BuildConfig, ref: ShardRef) -> Mapping[str, Any]:
    """Names that drafts of a shard are given, to go beside the settings of a drafting stage."""
    said = {
        key: [name.model_dump(mode="json") for name in story.names]
        for key, story in config.review.of(ref.shard).items()
        if story.names
    }
    return _with_review({}, said)


def _with_review(values: Mapping[str, Any], said: Mapping[str, Any]) -> Mapping[str, Any]:
    # Without a word of anybody the settings, and so the keys, are those of a build that knows no reviews.
    return {**values, "review": dict(said)} if said else dict(values)


def find_names(story: StoryReview | None, seen: Mapping[Sighting, str]) -> dict[str, str]:
    """Names by entity id: each goes to the entity that has most of its sightings.

    Args:
        story: what was said of the story.
        seen: the entity of every detection.
    """
    names: dict[str, str] = {}
    for one in story.names if story else ():
        votes = Counter(seen[sighting] for sighting in one.sightings if sighting in seen)
        if votes:
            names[min(votes, key=lambda entity_id: (-votes[entity_id], entity_id))] = one.name
    return names


def correct_identities(
    identities: Identities,
    observations: Sequence[Observation],
    stories: Iterable[tuple[StoryReview, range]],
    frame_ids: Sequence[str],
) -> Identities:
    """Identities with what was corrected; splits first, so that a view can be moved from one entity to another.

    A merge that would put an entity twice into a frame is done within its story where that is possible, and otherwise left
    undone with a message. Corrected views have confidence 1: a person vouches for them.

    Args:
        identities: as found.
        observations: what they were found in, in the same order.
        stories: corrections of each story with the places of its observations.
        frame_ids: the id of each frame that observations count.
    """
    entity, confidence = list(identities.entity), list(identities.confidence)
    for story, own in stories:
        if not (story.splits or story.merges):
            continue
        place = {(frame_ids[observations[i].frame], observations[i].det_id): i for i in own}
        views = _Views(entity, observations, identities.repeat_of)
        for sightings in story.splits:
            chosen = views.with_repeats([place[one] for one in sightings if one in place])
            if views.can_split(chosen):
                views.move(chosen, max(entity) + 1)
                _vouch(confidence, chosen)
            else:
                _tell("a split", sightings)
        for first, second in story.merges:
            if first not in place or second not in place:
                _tell("a merge", (first, second))
                continue
            into, away = place[first], place[second]
            everywhere = [i for i, number in enumerate(entity) if number == entity[away]]
            here = [i for i in everywhere if i in own]
            moved = next((those for those in (everywhere, here) if views.can_merge(into, those)), None)
            if moved is None:
                _tell("a merge", (first, second))
                continue
            views.move(moved, entity[into])
            _vouch(confidence, [i for i in own if entity[i] == entity[into]])
    return Identities(tuple(entity), tuple(confidence), identities.repeat_of)


class _Views:
    """Observations by entity, while entities change."""

    def __init__(self, entity: list[int], observations: Sequence[Observation], repeat_of: Sequence[int | None]) -> None:
        self._entity = entity
        self._observations = observations
        self._repeat_of = repeat_of

    def with_repeats(self, chosen: Sequence[int]) -> list[int]:
        """Observations with those that repeat them."""
        wanted = set(chosen)
        return [i for i, other in enumerate(self._repeat_of) if i in wanted or other in wanted]

    def can_split(self, chosen: Sequence[int]) -> bool:
        """Whether these are a part, not the whole, of one entity."""
        numbers = {self._entity[i] for i in chosen}
        return len(numbers) == 1 and self._entity.count(next(iter(numbers))) > len(chosen)

    def can_merge(self, into: int, moved: Sequence[int]) -> bool:
        """Whether these can join the entity of ``into``: of its kind, of another entity, in none of its frames."""
        number = self._entity[into]
        kinds = {self._observations[i].kind for i in (into, *moved)}
        if len(kinds) != 1 or not moved or self._entity[moved[0]] == number:
            return False
        taken = {self._observations[i].frame for i in self._standing(number)}
        return not any(self._observations[i].frame in taken for i in moved if self._repeat_of[i] is None)

    def _standing(self, number: int) -> list[int]:
        return [i for i, other in enumerate(self._entity) if other == number and self._repeat_of[i] is None]

    def move(self, chosen: Sequence[int], number: int) -> None:
        """Give observations to an entity."""
        for i in chosen:
            self._entity[i] = number


def _vouch(confidence: list[float], chosen: Iterable[int]) -> None:
    for i in chosen:
        confidence[i] = 1.0


def _tell(what: str, sightings: Sequence[Sighting]) -> None:
    where = ", ".join(f"{det_id} in {frame_id}" for frame_id, det_id in sightings[:2])
    emit(Event("message", text=f"{what} asked for in review cannot be done any more and was left out: {where}"))
