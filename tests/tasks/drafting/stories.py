"""Evidence of small stories made by hand, and pictures of their frames."""

import io
from collections.abc import Sequence

from PIL import Image

from schemas.evidence import EntityKind, EntityView, FrameView, Light, StoryEvidence
from schemas.geometry import Box

WIDTH, HEIGHT = 320, 180
BOXES = {
    "char1": Box(10, 20, 60, 170),
    "char2": Box(100, 20, 150, 170),
    "char3": Box(200, 20, 250, 170),
    "obj1": Box(160, 100, 190, 130),
    "obj2": Box(260, 90, 300, 140),
    "bg1": Box(0, 0, 320, 60),
    "lm1": Box(0, 0, 320, 90),
}
LABELS = {"char": "person", "obj": "chair", "bg": "wall", "lm": "tower"}


def view(entity_id: str, number: int, label: str | None = None) -> EntityView:
    """An entity in frame ``number``, always in its place."""
    kind: EntityKind = entity_id.rstrip("0123456789")  # type: ignore[assignment]
    shown = label or LABELS[kind]
    box = BOXES[entity_id]
    return EntityView(entity_id, kind, shown, f"d-{entity_id}", box, 0.9, 0.8, (), None, f"g-{entity_id}")


def frame(number: int, ids: Sequence[str], width: int = WIDTH, height: int = HEIGHT) -> FrameView:
    """A frame with these entities."""
    views = tuple(view(one, number) for one in ids)
    return FrameView(number, f"f{number}", "0001", width, height, Light(0.5, 0.2, 0.3, 0.0), views, (("library", 0.5),))


def story(*frames: str, key: str = "k1") -> StoryEvidence:
    """A story whose frames hold the ids named in each string."""
    return StoryEvidence(key, "heat", tuple(frame(n, ids.split()) for n, ids in enumerate(frames, start=1)))


SIMPLE = story("char1 obj1", "char1 char2 bg1", "char2 obj1")


def picture(colour: tuple[int, int, int] = (90, 120, 150), size: tuple[int, int] = (WIDTH, HEIGHT)) -> bytes:
    """A JPEG of one colour."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG")
    return out.getvalue()


def pictures(evidence: StoryEvidence) -> dict[int, bytes]:
    """A picture for each frame."""
    return {one.number: picture((40 * one.number % 255, 90, 120)) for one in evidence.frames}
