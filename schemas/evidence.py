"""What is known about a story's frames before a word is written: the input of every drafter.

Everything here was measured on the pixels or follows from it by arithmetic. Values are plain Python so that they can be
shown, stored and compared; embeddings stay behind in their shards.
"""

from dataclasses import dataclass
from typing import Literal

from schemas.geometry import Box

EntityKind = Literal["char", "obj", "lm", "bg"]


@dataclass(frozen=True, slots=True)
class Light:
    """Global light and colour of one frame, each from 0 to 1 but ``warmth``.

    ``luma`` and ``contrast`` are mean and standard deviation of Rec. 601 luma; ``saturation`` is the mean HSV saturation;
    ``warmth`` is mean red minus mean blue, from -1 (cold) to 1 (warm).
    """

    luma: float
    contrast: float
    saturation: float
    warmth: float


@dataclass(frozen=True, slots=True)
class FaceView:
    """A face in pixels of its frame.

    ``landmarks`` are five ``(x, y)`` points: right eye, left eye, nose, right and left mouth corner, where right and left
    are the subject's. ``score`` is the detector's, ``quality`` (0 to 1) how far the face can be trusted for identity.
    """

    box: Box
    score: float
    quality: float
    landmarks: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class EntityView:
    """One entity as seen in one frame.

    ``entity_id`` is story-global (``char1``); ``colours`` are names of the dominant colours of the crop (a person's
    clothing) with their share of it, largest first; ``confidence`` (0 to 1) is how sure the identity link is;
    ``gallery_id`` names the entity over all stories of its film, empty where no gallery was made; ``name`` is what a person
    said it is called, empty where nobody did.
    """

    entity_id: str
    kind: EntityKind
    label: str
    det_id: str
    box: Box
    score: float
    confidence: float
    colours: tuple[tuple[str, float], ...]
    face: FaceView | None
    gallery_id: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class FrameView:
    """One frame of a story: its size in pixels, its scene, its light, what is in it, and tags with their scores.

    ``tags`` are guesses of an image classifier about the place or a salient thing, best first, scores 0 to 1.
    """

    number: int
    frame_id: str
    scene: str
    width: int
    height: int
    light: Light
    entities: tuple[EntityView, ...]
    tags: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class StoryEvidence:
    """A story before it is told: frames in order, numbered from 1."""

    story_key: str
    film: str
    frames: tuple[FrameView, ...]
