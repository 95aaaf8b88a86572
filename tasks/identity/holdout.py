"""Labelled films in two halves that have nobody in common: one to fit on, one to test."""

from collections.abc import Hashable, Sequence

from tasks.identity.pair_samples import LabelledFilm
from tasks.identity.sets import DisjointSets


def split_people(films: Sequence[LabelledFilm]) -> tuple[list[LabelledFilm], list[LabelledFilm]]:
    """Two halves of films, by turns; whoever goes by one name in two films is one person, and such films stay together.

    Where that leaves one half without a film, people are split by turns instead and each half has its part of every film.

    Args:
        films: with names of people that hold over all of them.
    """
    first_with: dict[Hashable, int] = {}
    sets = DisjointSets(len(films))
    for number, film in enumerate(films):
        for name in film.truth:
            sets.union(number, first_with.setdefault(name, number))
    roots = sets.roots()
    groups = sorted(set(roots))
    if len(groups) > 1:
        chosen = set(groups[0::2])
        return (
            [film for film, root in zip(films, roots, strict=True) if root in chosen],
            [film for film, root in zip(films, roots, strict=True) if root not in chosen],
        )
    names = sorted({name for film in films for name in film.truth}, key=str)
    return _of_people(films, set(names[0::2])), _of_people(films, set(names[1::2]))


def _of_people(films: Sequence[LabelledFilm], names: set[Hashable]) -> list[LabelledFilm]:
    parts = []
    for film in films:
        rows = [index for index, name in enumerate(film.truth) if name in names]
        if rows:
            parts.append(LabelledFilm([film.observations[i] for i in rows], [film.truth[i] for i in rows]))
    return parts
