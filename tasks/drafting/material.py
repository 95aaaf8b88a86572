"""What a model is given to work with: data from the frames, fenced off from what it is asked to do.

Labels and tags come from other models and names from file names; any of them may hold a sentence that reads like an order. They
stand as JSON between two lines that end in a digest of the content, which no content can hold, and prompts say what that means.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from schemas.evidence import FrameView
from schemas.story import clean_text
from tasks.drafting.picture import ShownFrame

LONGEST_LABEL = 60
MOST_TAGS = 5


def printable(text: str, breaks: bool = False) -> str:
    """``text`` as every reader carries it, with a space for what cannot be printed; line breaks stay where asked for."""
    clean = clean_text(text)
    # A look at the whole is a hundred times faster than one at each character, and next to always enough.
    if (clean.replace("\n", "") if breaks else clean).isprintable():
        return clean
    return "".join(c if c.isprintable() or (breaks and c == "\n") else " " for c in clean)


def clean_label(text: str, longest: int = LONGEST_LABEL) -> str:
    """A word or two from elsewhere on one line: no control characters, no angle brackets, bounded in length."""
    return " ".join(printable(text).split())[:longest].rstrip()


def fence(title: str, content: str) -> str:
    """``content`` between two lines that it cannot forge."""
    mark = hashlib.sha256(f"{title}\n{content}".encode()).hexdigest()[:16]
    return f"----- begin {title} {mark} -----\n{content}\n----- end {title} {mark} -----"


def describe_frames(frames: Sequence[FrameView], shown: Sequence[ShownFrame]) -> str:
    """Every frame with its entities and their boxes in shown pixels, one line of JSON each."""
    return "\n".join(
        json.dumps(_frame(view, place), ensure_ascii=False) for view, place in zip(frames, shown, strict=True)
    )


def _frame(view: FrameView, shown: ShownFrame) -> dict[str, Any]:
    return {
        "image": view.number,
        "shown": shown.picture is not None,
        "width": shown.width,
        "height": shown.height,
        "scene": clean_label(view.scene),
        "entities": [
            {"id": seen.entity_id, "label": clean_label(seen.label), "box": list(shown.shrink(seen.box))}
            | ({"name": clean_label(seen.name)} if seen.name else {})
            for seen in view.entities
        ],
        "tags": [clean_label(label) for label, _ in view.tags[:MOST_TAGS]],
    }
