"""Identity against other ways of grouping, on simulated films of growing difficulty.

``python -m tests.perf.identity_accuracy [--films 150] [--tuning 20]`` prints two tables of mean B-cubed F1 over people and
things. Ours is calibrated and every threshold of the others is tuned on ``--tuning`` films of each cell, of other seeds than
the ``--films`` films that are reported; "as shipped" is ours with the calibration of the ``embedded`` preset, whose curves
were not fitted on simulated films. In the first table the others see what they are commonly given, the cosine of faces where
both have one and else of crops; in the second they are handed our fused log-odds, so that only the grouping differs.
A third table holds our confidences against how often they are right. HDBSCAN needs scikit-learn and is left out where that is
not installed.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from itertools import pairwise

import numpy as np

from schemas.config import ReidentifyConfig
from schemas.evidence import EntityKind
from tasks.identity.calibrate import fit_kind, fit_prior
from tasks.identity.calibration import Calibration, load_calibration
from tasks.identity.columns import build_columns, near_frames
from tasks.identity.film import fit_to_film
from tasks.identity.identify import identify
from tasks.identity.metrics import bcubed
from tasks.identity.observation import canonical_order
from tasks.identity.pair_samples import LabelledFilm
from tasks.identity.pairs import Mass, fuse, label_odds, mass_of, pair_planes
from tests.perf.identity_films import FACELESS, LEVELS, SimulatedFilm, simulate_film
from tests.perf.identity_peers import PEERS, Peer, Scores, greedy_first_fit, own_scores

CONFIG = ReidentifyConfig()
Cell = tuple[str, float]
Group = Callable[[SimulatedFilm], Sequence[int]]
REPORTED = 1000
"""Seed of the first film that is reported; tuning starts at 0."""


def draw(first: int, count: int) -> dict[Cell, list[SimulatedFilm]]:
    """Films of every cell of the table."""
    return {
        (level.name, faceless): [simulate_film(seed, level, faceless) for seed in range(first, first + count)]
        for level in LEVELS
        for faceless in FACELESS
    }


def calibrate(films: Mapping[Cell, Sequence[SimulatedFilm]]) -> Calibration:
    """One calibration for all levels."""
    labelled = [LabelledFilm(film.observations, film.truth) for cell in films.values() for film in cell]
    start = load_calibration(CONFIG.calibration)
    fitted: dict[EntityKind, object] = {
        kind: fit_kind(labelled, kind, start.kinds[kind], CONFIG) for kind in ("char", "obj")
    }
    return fit_prior(labelled, start.model_copy(update={"kinds": {**start.kinds, **fitted}}), CONFIG)


def score(films: Mapping[Cell, Sequence[SimulatedFilm]], group: Group) -> dict[Cell, float]:
    """Mean B-cubed F1 of each cell."""
    return {
        cell: float(np.mean([bcubed(film.truth, group(film)).f1 for film in chosen])) for cell, chosen in films.items()
    }


def mean(scores: Mapping[Cell, float]) -> float:
    """Mean over cells."""
    return float(np.mean(list(scores.values())))


def fused_scores(film: SimulatedFilm, calibration: Calibration) -> Scores:
    """Our log-odds of every pair; pairs of different kinds are out of reach."""
    count = len(film.observations)
    scores = np.full((count, count), -100.0)
    ranks, near = near_frames(film.observations, CONFIG.shot_bits)
    order = canonical_order(film.observations)
    for kind in ("char", "obj"):
        rows = [index for index in order if film.observations[index].kind == kind]
        if not rows:
            continue
        columns = build_columns([film.observations[index] for index in rows], ranks, near)
        curves = fit_to_film(columns, calibration.kinds[kind])
        every = np.arange(columns.size)
        face, look = (np.asarray(one @ one.T, dtype=np.float64) for one in (columns.face, columns.appearance))
        labels = label_odds(columns.label_names, calibration.labels)
        planes, together = pair_planes(columns, every[:, None], every[None], face, look, curves, labels)
        mass = mass_of(np.ones(columns.size), columns.face_weight, columns.face_weight**2)
        own = Mass(mass.weight[:, None], mass.lone_look[:, None], mass.lone_face[:, None])
        scores[np.ix_(rows, rows)] = fuse(planes, together, own, mass, curves)[0]
    return scores


def natural_scores(film: SimulatedFilm, look: float, face: float) -> Scores:
    """The common scores; pairs of different kinds are out of reach."""
    scores = own_scores(film.observations, look, face)
    kinds = np.array([one.kind for one in film.observations])
    return np.where(kinds[:, None] == kinds[None], scores, -100.0)


def tune_greedy(films: Mapping[Cell, Sequence[SimulatedFilm]]) -> tuple[float, float]:
    """The thresholds for crops and faces at which greedy growth does best."""
    grid = [(look, face) for look in (0.75, 0.8, 0.85, 0.9) for face in (0.25, 0.3, 0.35, 0.4)]
    return max(grid, key=lambda pair: mean(score(films, greedy(*pair))))


def greedy(look: float, face: float) -> Group:
    """Greedy first-fit growth with these thresholds."""
    return lambda film: greedy_first_fit(film.observations, own_scores(film.observations, look, face)).tolist()


def tuned(
    peer: Peer,
    films: Mapping[Cell, Sequence[SimulatedFilm]],
    table: Callable[[SimulatedFilm], Scores],
    grid: Sequence[float],
) -> Group:
    """A peer with the threshold at which it does best."""
    stored = {cell: [(film, table(film)) for film in chosen] for cell, chosen in films.items()}

    def at(threshold: float) -> float:
        return float(
            np.mean([bcubed(f.truth, peer(s, threshold).tolist()).f1 for cell in stored.values() for f, s in cell])
        )

    threshold = max(grid, key=at)
    return lambda film: peer(table(film), threshold).tolist()


def show(title: str, columns: Mapping[str, Mapping[Cell, float]]) -> None:
    """Print a table in Markdown."""
    print(f"\n{title}\n")
    print("| level | faces missing | " + " | ".join(columns) + " |")
    print("|---|---|" + "---|" * len(columns))
    for cell in next(iter(columns.values())):
        print(
            f"| {cell[0]} | {cell[1]:.0%} | " + " | ".join(f"{column[cell]:.3f}" for column in columns.values()) + " |"
        )
    print("| **mean** | | " + " | ".join(f"**{mean(column):.3f}**" for column in columns.values()) + " |", flush=True)


def show_confidence(films: Mapping[Cell, Sequence[SimulatedFilm]], calibration: Calibration) -> None:
    """Print how often views of a given confidence are right.

    A view is right in the entity that has most views of its person, if most views of that entity are of that person.
    """
    found: list[tuple[float, bool]] = []
    for film in (film for cell in films.values() for film in cell):
        identities = identify(film.observations, CONFIG, calibration)
        pairs = Counter(zip(film.truth, identities.entity, strict=True))
        of_person: dict[str, int] = {}
        of_entity: dict[int, str] = {}
        for (person, entity), _ in pairs.most_common():
            of_person.setdefault(person, entity)
            of_entity.setdefault(entity, person)
        for person, entity, confidence in zip(film.truth, identities.entity, identities.confidence, strict=True):
            found.append((confidence, of_person[person] == entity and of_entity[entity] == person))
    print("\nConfidence against how often it is right\n")
    print("| confidence | views | mean confidence | right |\n|---|---|---|---|")
    for low, high in pairwise((0.0, 0.4, 0.6, 0.8, 0.9, 0.97, 0.995, 1.01)):
        band = [pair for pair in found if low <= pair[0] < high]
        if band:
            sure, right = (sum(values) / len(band) for values in zip(*band, strict=True))
            print(f"| {low:g} to {min(high, 1.0):g} | {len(band)} | {sure:.3f} | {right:.3f} |", flush=True)


def compare(
    tuning: Mapping[Cell, Sequence[SimulatedFilm]], films: Mapping[Cell, Sequence[SimulatedFilm]]
) -> tuple[dict[str, dict[Cell, float]], dict[str, dict[Cell, float]], Calibration]:
    """Scores of every way by name, ours first: on the common scores, and on our log-odds; and our calibration."""
    calibration = calibrate(tuning)
    ours = score(films, lambda film: identify(film.observations, CONFIG, calibration).entity)
    shipped = load_calibration(CONFIG.calibration)
    look, face = tune_greedy(tuning)
    common = {
        "ours": ours,
        "ours, as shipped": score(films, lambda film: identify(film.observations, CONFIG, shipped).entity),
        "greedy, as published": score(films, greedy(0.9, 0.4)),
        f"greedy, tuned ({look:g}, {face:g})": score(films, greedy(look, face)),
    }
    handed = {"ours": ours}
    known = {name: peer for name, peer in PEERS.items() if name != "HDBSCAN" or find_spec("sklearn")}
    for name, peer in known.items():
        natural = tuned(
            peer, tuning, lambda film: natural_scores(film, look, face), np.linspace(-0.2, 0.2, 17).tolist()
        )
        common[name] = score(films, natural)
        fused = tuned(peer, tuning, lambda film: fused_scores(film, calibration), np.linspace(-3, 3, 13).tolist())
        handed[name] = score(films, fused)
    return common, handed, calibration


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--films", type=int, default=150, help="films reported in each cell (default: %(default)s)")
    parser.add_argument("--tuning", type=int, default=20, help="films tuned on in each cell (default: %(default)s)")
    args = parser.parse_args(arguments)
    tuning, films = draw(0, args.tuning), draw(REPORTED, args.films)
    common, handed, calibration = compare(tuning, films)
    show("Mean B-cubed F1, the others on the cosine of faces or crops", common)
    show("Mean B-cubed F1, the others on our fused log-odds", handed)
    show_confidence(films, calibration)
    return 0


if __name__ == "__main__":
    sys.exit(main())
