"""Colours of entities: twelve that stay apart, also for colour-blind eyes; the id is always written beside them."""

import re
from collections.abc import Mapping

COLOURS = (
    ("#f7b927", "#966d00"),
    ("#be78f8", "#9a54d1"),
    ("#3ddfd3", "#09837b"),
    ("#1abb76", "#078552"),
    ("#e58212", "#af6102"),
    ("#fcee28", "#7e7609"),
    ("#69f991", "#09863d"),
    ("#8fb1f1", "#5473af"),
    ("#ed65b9", "#c53f95"),
    ("#f7c2ff", "#94649c"),
    ("#f88d96", "#b8545f"),
    ("#a6fed7", "#268361"),
)
"""``(bright, deep)``: bright for boxes, labels and the dark theme, deep for lines on the light page.

The bright ones were searched for the largest smallest distance in OKLab, seen normally and with protanopia and
deuteranopia (Machado et al. 2009), among colours that carry black text at 7:1. The deep ones have the same hue and at
least 4.5:1 on white.
"""

_KINDS = {"char": 0, "obj": 1, "lm": 2, "bg": 3}
_ID = re.compile(r"([a-z]+)([0-9]+)\Z")


def entity_order(entity_id: str) -> tuple[int, int, str]:
    """Sort key: people, things, landmarks, background, each by number."""
    match = _ID.match(entity_id)
    if match is None:
        return len(_KINDS), 0, entity_id
    return _KINDS.get(match[1], len(_KINDS)), int(match[2][:9]), entity_id


def assign_colours(views: Mapping[str, int]) -> dict[str, str]:
    """Class names of each entity of a story, of which each has so many ``views``.

    People come before things, and within them who is seen most, so that the main cast has colours of its own; from the
    thirteenth on colours repeat, with ``dash`` for a broken outline.
    """
    ordered = sorted(
        views, key=lambda entity_id: (entity_order(entity_id)[0], -views[entity_id], entity_order(entity_id))
    )
    return {
        entity_id: f"e{rank % len(COLOURS)}" + (" dash" if rank >= len(COLOURS) else "")
        for rank, entity_id in enumerate(ordered)
    }


def colour_rules() -> str:
    """CSS that gives each class its colours."""
    return "\n".join(f".e{i}{{--bright:{bright};--deep:{deep}}}" for i, (bright, deep) in enumerate(COLOURS))
