"""What recognises landmarks, whoever does it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from schemas.geometry import Box
from tasks.models.protocols import Image


@dataclass(frozen=True, slots=True)
class RawLandmark:
    """A landmark: its name, score from 0 to 1, and box in pixels of the image."""

    name: str
    score: float
    box: Box


class LandmarkModel(Protocol):
    """Names buildings and places in images."""

    @property
    def name(self) -> str:
        """As written in manifests and cards."""
        ...

    @property
    def digest(self) -> str:
        """sha256 of the weights; of the address for a service, whose weights nobody knows."""
        ...

    def recognise(self, images: Sequence[Image]) -> list[list[RawLandmark]]:
        """Landmarks of each image, best first."""
        ...
