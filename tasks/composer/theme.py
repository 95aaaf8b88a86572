"""What a story is most about, as far as can be measured: company, distance, attention, light, or stillness."""

from typing import Literal

from tasks.composer.chronicle import Chronicle
from tasks.composer.plan import measure_change

Theme = Literal["company", "distance", "attention", "light", "stillness"]

_WEIGHTS = {"company": 1.0, "distance": 1.1, "attention": 0.9, "light": 0.9}
_STILL = 0.12
"""Mean change from frame to frame up to which a story is about stillness."""


_PARTS: dict[Theme, str] = {"company": "company", "distance": "scale", "attention": "heads", "light": "light"}


def shows(theme: Theme, chronicle: Chronicle, start: int, stop: int) -> bool:
    """Whether at least a third of what changes about ``theme`` in the whole story changes at frames ``start`` to ``stop - 1``."""
    if theme == "stillness":
        return True
    parts = [measure_change(chronicle, at).part(_PARTS[theme]) for at in range(len(chronicle.moments))]
    return sum(parts[start:stop]) >= sum(parts) / 3


def find_theme(chronicle: Chronicle) -> Theme:
    """The part of the change between frames that adds up to most over the story, each part weighed."""
    changes = [measure_change(chronicle, index) for index in range(1, len(chronicle.moments))]
    sums: dict[Theme, float] = {
        "company": _WEIGHTS["company"] * sum(change.company for change in changes),
        "distance": _WEIGHTS["distance"] * sum(change.scale for change in changes),
        "attention": _WEIGHTS["attention"] * sum(change.heads for change in changes),
        "light": _WEIGHTS["light"] * sum(change.light for change in changes),
    }
    theme = max(sums, key=lambda name: sums[name])
    return theme if changes and sums[theme] / len(changes) > _STILL else "stillness"
