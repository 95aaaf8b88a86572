"""Names of entities: ``char1``, ``obj1``, ``lm1``, ``bg1``, counted apart for each kind."""

from collections.abc import Sequence

from tasks.identity.identify import Identities
from tasks.identity.observation import Observation, canonical_order


def number_entities(observations: Sequence[Observation], identities: Identities) -> tuple[str, ...]:
    """Name the entity of each observation.

    Entities of a kind are counted from 1 by the frame in which they first appear and, within it, largest area first.

    Args:
        observations: as given to ``identify``; a part of them (the frames of one story) is numbered by that part alone.
        identities: entities of exactly these observations, in the same order.

    Raises:
        ValueError: the two are of different lengths.
    """
    if len(observations) != len(identities.entity):
        raise ValueError(f"{len(observations)} observations but {len(identities.entity)} identities")
    names: dict[tuple[str, int], str] = {}
    counts: dict[str, int] = {}
    for index in canonical_order(observations):
        kind = observations[index].kind
        entity = (kind, identities.entity[index])
        if entity not in names:
            counts[kind] = counts.get(kind, 0) + 1
            names[entity] = f"{kind}{counts[kind]}"
    return tuple(
        names[observation.kind, entity] for observation, entity in zip(observations, identities.entity, strict=True)
    )
