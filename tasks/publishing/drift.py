"""How far the numbers of a dataset are from those of another, the last release or the last build."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.config import DriftConfig


@dataclass(frozen=True, slots=True)
class Shift:
    """A number that moved: what it is, its values, by how much, and how much the configuration allows.

    ``change`` is a share of the earlier value for lengths and counts, a difference for shares and confidences.
    """

    what: str
    before: float
    now: float
    change: float
    limit: float

    @property
    def beyond(self) -> bool:
        """Whether it moved farther than is allowed."""
        return self.change > self.limit + 1e-9

    def __str__(self) -> str:
        """In a few words."""
        return f"{self.what}: {self.before:.4g} before, {self.now:.4g} now (change {self.change:.2f}, limit {self.limit:g})"


def measure_drift(before: Mapping[str, Any], now: Mapping[str, Any], limits: DriftConfig) -> tuple[Shift, ...]:
    """Every number of two ``measurements.json`` held against one another; numbers that either has not are left out.

    Compared are the number of stories (only a loss counts), the mean frames and words of a story, entities of an image by kind,
    confidence and doubt of identities, losses to faults, and the label mix by total variation (half the sum of differences).
    """
    return tuple(_shifts(before, now, limits))


def _shifts(before: Mapping[str, Any], now: Mapping[str, Any], limits: DriftConfig) -> Iterator[Shift]:
    if "stories" in before and "stories" in now:
        old, new = before["stories"], now["stories"]
        yield Shift("stories", old, new, max(0.0, (old - new) / old) if old else 0.0, limits.stories)
    for key, what in (("frames_mean", "frames in a story"), ("words_mean", "words in a story")):
        if key in before and key in now:
            yield _relative(what, before[key], now[key], limits.story_length)
    kinds = (before.get("entities_per_image", {}), now.get("entities_per_image", {}))
    for kind in sorted(set(kinds[0]) & set(kinds[1])):
        if kinds[0][kind] or kinds[1][kind]:
            yield _relative(f"entities '{kind}' in an image", kinds[0][kind], kinds[1][kind], limits.entities)
    one, two = before.get("identity", {}), now.get("identity", {})
    if "mean_confidence" in one and "mean_confidence" in two:
        old, new = one["mean_confidence"], two["mean_confidence"]
        yield Shift("mean confidence of identities", old, new, max(0.0, old - new), limits.identity)
    if "doubtful" in one and "doubtful" in two:
        old, new = one["doubtful"], two["doubtful"]
        yield Shift("share of doubtful links", old, new, max(0.0, new - old), limits.doubtful)
    if "losses" in before and "losses" in now:
        old, new = before["losses"], now["losses"]
        yield Shift("share of stories left out", old, new, max(0.0, new - old), limits.losses)
    if before.get("labels") and now.get("labels"):
        labels = sorted(set(before["labels"]) | set(now["labels"]))
        moved = sum(abs(before["labels"].get(label, 0.0) - now["labels"].get(label, 0.0)) for label in labels) / 2
        yield Shift("labels of detections", 0.0, moved, moved, limits.labels)


def _relative(what: str, before: float, now: float, limit: float) -> Shift:
    """Change as a share of the earlier value; what was not there before has changed by the whole of what is there now."""
    change = abs(now - before) / before if before else float(now > 0)
    return Shift(what, before, now, change, limit)
