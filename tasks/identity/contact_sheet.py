"""Everything identity put together, entity by entity, for a person to look at."""

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.evidence import EntityKind
from schemas.geometry import Box
from tasks.identity.identify import Identities
from tasks.identity.observation import Observation


@dataclass(frozen=True, slots=True)
class View:
    """One view of an entity: which detection it is, where, and how sure the link is (0 to 1)."""

    index: int
    frame: int
    det_id: str
    box: Box
    confidence: float


@dataclass(frozen=True, slots=True)
class EntityRow:
    """One entity with its views in order of frames; ``confidence`` is that of the least sure view."""

    entity_id: str
    kind: EntityKind
    label: str
    confidence: float
    views: tuple[View, ...]


def contact_sheet(
    observations: Sequence[Observation], identities: Identities, names: Sequence[str]
) -> tuple[EntityRow, ...]:
    """One row an entity, as numbered: people first, then things, landmarks and background. Repeated boxes are left out.

    Args:
        observations: as given to ``identify``.
        identities: their entities.
        names: their names, from ``number_entities``.
    """
    rows: dict[str, list[View]] = {}
    labels: dict[str, dict[str, float]] = {}
    kinds: dict[str, EntityKind] = {}
    for index, (seen, name) in enumerate(zip(observations, names, strict=True)):
        if identities.repeat_of[index] is not None:
            continue
        rows.setdefault(name, []).append(View(index, seen.frame, seen.det_id, seen.box, identities.confidence[index]))
        kinds[name] = seen.kind
        votes = labels.setdefault(name, {})
        votes[seen.label] = votes.get(seen.label, 0.0) + seen.score

    def place(name: str) -> tuple[int, int]:
        return ("char", "obj", "lm", "bg").index(kinds[name]), int(name.removeprefix(kinds[name]))

    return tuple(
        EntityRow(
            name,
            kinds[name],
            max(sorted(labels[name]), key=labels[name].__getitem__),
            min(view.confidence for view in rows[name]),
            tuple(sorted(rows[name], key=lambda view: (view.frame, view.det_id))),
        )
        for name in sorted(rows, key=place)
    )
