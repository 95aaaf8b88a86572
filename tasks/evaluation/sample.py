"""What is scored: a reference story and what a model answered for the same frames."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reference:
    """A story of the dataset.

    ``frames`` are the width and height of its images in pixels, in order; ``film`` is what results are resampled by, the
    story itself where the dataset does not say; ``labels`` are those of its detections, none where the dataset has none.
    """

    story_id: str
    film: str
    frames: Sequence[tuple[int, int]]
    chain_of_thought: str
    story: str
    labels: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """A reference with a model's whole answer, None where it gave none."""

    reference: Reference
    output: str | None
