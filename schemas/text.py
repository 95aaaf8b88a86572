"""The typed values behind the two text formats (``chain_of_thought`` and ``story``) and their vocabularies.

The codecs that read and write them are ``schemas/chain_of_thought.py`` and ``schemas/story.py``.
"""

from dataclasses import dataclass
from typing import Literal

SETTING_ELEMENTS = (
    "Location",
    "Environment",
    "Lighting",
    "Weather",
    "Time Period",
    "Architecture",
    "Interior Design",
    "Atmosphere",
    "Background",
)
NARRATIVE_PHASES = ("Introduction", "Development", "Conflict", "Turning Point", "Conclusion")
ENTITY_PREFIXES = ("char", "obj", "lm", "bg")
TAG_KINDS = ("gdo", "gda", "gdl")

TagKind = Literal["gdo", "gda", "gdl"]
PixelBox = tuple[int, int, int, int]
"""``x1,y1,x2,y2`` as whole pixels, as written in the tables."""


@dataclass(frozen=True, slots=True)
class CharacterRow:
    """One row of a frame's Characters table."""

    entity_id: str
    name: str
    description: str
    emotions: str
    actions: str
    narrative_function: str
    box: PixelBox


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """One row of a frame's Objects table: a thing (``obj``), a landmark (``lm``) or a background region (``bg``)."""

    entity_id: str
    description: str
    function: str
    interaction: str
    narrative_function: str
    box: PixelBox


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One row of a frame's Setting table; ``element`` is one of ``SETTING_ELEMENTS``."""

    element: str
    description: str
    mood: str
    time: str
    narrative_function: str


@dataclass(frozen=True, slots=True)
class ImageAnalysis:
    """The tables of one frame; ``number`` counts from 1 in story order."""

    number: int
    characters: tuple[CharacterRow, ...]
    objects: tuple[ObjectRow, ...]
    settings: tuple[SettingRow, ...]


@dataclass(frozen=True, slots=True)
class PhaseRow:
    """One row of the Narrative Structure table; ``phase`` is one of ``NARRATIVE_PHASES``, ``images`` are frame numbers."""

    phase: str
    description: str
    key_events: str
    images: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ChainOfThought:
    """Everything a ``chain_of_thought`` text says."""

    images: tuple[ImageAnalysis, ...]
    narrative: tuple[PhaseRow, ...]


@dataclass(frozen=True, slots=True)
class Tag:
    """A grounded mention: ``<gdo char1 char2>They</gdo>`` is ``Tag("gdo", ("char1", "char2"), "They")``."""

    kind: TagKind
    ids: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class ImageBlock:
    """One ``gdi`` block: the text told over frame ``number`` as plain strings and tags in order."""

    number: int
    parts: tuple[str | Tag, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """Everything a ``story`` text says."""

    blocks: tuple[ImageBlock, ...]
