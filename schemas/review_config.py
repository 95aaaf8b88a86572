"""The ``[review]`` section: what people corrected. It is read from a workspace's ``reviews.parquet``, not from presets."""

from pydantic import Field

from schemas.section import Section

Sighting = tuple[str, str]
"""A detection: the id of its frame, and its own in that frame. Unlike entity ids it outlives a correction."""


class NameReview(Section):
    """What an entity is called, and where it was seen when that was said."""

    name: str = Field(min_length=1, max_length=60, description="the name")
    sightings: tuple[Sighting, ...] = Field(description="detections of the entity; most of them decide which it is")


class StoryReview(Section):
    """Corrections of one story."""

    bad: bool = Field(False, description="leave the story out")
    note: str = Field("", description="why, for whoever reads the dead letters")
    splits: tuple[tuple[Sighting, ...], ...] = Field((), description="detections that are an entity of their own")
    merges: tuple[tuple[Sighting, Sighting], ...] = Field((), description="pairs of detections of one entity")
    names: tuple[NameReview, ...] = Field((), description="names of entities")


class ReviewConfig(Section):
    """Corrections that a build applies. A change redoes the stages it touches, in the shards whose stories it touches."""

    shards: dict[str, dict[str, StoryReview]] = Field({}, description="corrections by shard and story key")

    def of(self, shard: str) -> dict[str, StoryReview]:
        """Corrections of a shard's stories by story key."""
        return self.shards.get(shard, {})
