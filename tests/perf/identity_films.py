"""A seeded generator of simulated films with known identities, to measure identity where no labels exist.

What it draws follows what was seen on labelled office frames: cosines of face embeddings of one person fall with the quality
of the faces, those of different people scatter around a little more than 0, appearance within a scene is mostly the scene's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.evidence import EntityKind
from schemas.geometry import Box
from tasks.identity.observation import Observation

FACE_DIMENSION = 128
LOOK_DIMENSION = 256
WIDTH, HEIGHT = 480, 270
LABELS = ("car", "truck", "bus", "chair", "couch", "laptop", "tv", "dog", "cat")
FLIPS = {"car": "truck", "truck": "car", "bus": "truck", "chair": "couch", "couch": "chair"}
FLIPS |= {"laptop": "tv", "tv": "laptop", "dog": "cat", "cat": "dog"}


@dataclass(frozen=True, slots=True)
class Level:
    """How hard a film is.

    Attributes:
        name: for tables.
        face_noise: squared length of the noise on a face embedding of full quality, against a signal of 1.
        look_noise: share of a crop embedding that is noise.
        outliers: share of faces that show next to nothing of the person.
        lookalikes: pairs of people who resemble each other.
        resemblance: cosine between look-alikes.
        flips: probability that a thing's label is the one it is confused with.
    """

    name: str
    face_noise: float
    look_noise: float
    outliers: float
    lookalikes: int
    resemblance: float
    flips: float


EASY = Level("easy", face_noise=0.15, look_noise=0.10, outliers=0.0, lookalikes=0, resemblance=0.0, flips=0.0)
MEDIUM = Level("medium", face_noise=0.35, look_noise=0.20, outliers=0.03, lookalikes=1, resemblance=0.35, flips=0.1)
HARD = Level("hard", face_noise=0.70, look_noise=0.30, outliers=0.06, lookalikes=2, resemblance=0.5, flips=0.2)
LEVELS = (EASY, MEDIUM, HARD)
FACELESS = (0.0, 0.3, 0.6)


@dataclass(frozen=True, slots=True)
class SimulatedFilm:
    """A film and, for each observation, the true entity."""

    observations: list[Observation]
    truth: list[str]


@dataclass(frozen=True, slots=True)
class _Actor:
    """Someone or something that can be seen."""

    name: str
    kind: EntityKind
    label: str
    face: NDArray[np.float64]


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vector / np.linalg.norm(vector))


def _direction(rng: np.random.Generator, size: int) -> NDArray[np.float64]:
    return _unit(rng.normal(size=size))


def _cast(rng: np.random.Generator, people: int, level: Level) -> list[_Actor]:
    """People whose faces share a small common part; the first pairs of them resemble each other."""
    common = _direction(rng, FACE_DIMENSION)
    faces = [_unit(np.sqrt(0.07) * common + np.sqrt(0.93) * _direction(rng, FACE_DIMENSION)) for _ in range(people)]
    for pair in range(min(level.lookalikes, people // 2)):
        model, copy = faces[2 * pair], faces[2 * pair + 1]
        own = _unit(copy - (copy @ model) * model)
        faces[2 * pair + 1] = level.resemblance * model + np.sqrt(1 - level.resemblance**2) * own
    return [_Actor(f"person{index}", "char", "person", face) for index, face in enumerate(faces)]


def simulate_film(
    seed: int,
    level: Level,
    faceless: float,
    people: tuple[int, int] = (3, 8),
    frames: tuple[int, int] = (5, 15),
    things: tuple[int, int] = (1, 4),
) -> SimulatedFilm:
    """Draw a film.

    Args:
        seed: the same seed gives the same film.
        level: how hard it is.
        faceless: share of views of people without a face.
        people: least and most people.
        frames: least and most frames.
        things: least and most things a scene.
    """
    rng = np.random.default_rng([seed, int(1000 * faceless), int(1000 * level.face_noise)])
    cast = _cast(rng, int(rng.integers(people[0], people[1] + 1)), level)
    total = int(rng.integers(frames[0], frames[1] + 1))
    look_common = _direction(rng, LOOK_DIMENSION)
    wardrobe = [_direction(rng, LOOK_DIMENSION) for _ in cast]
    film = SimulatedFilm([], [])
    frame = scene = 0
    while frame < total:
        length = min(int(rng.integers(2, 6)), total - frame)
        company = [cast[index] for index in rng.permutation(len(cast))[: int(rng.integers(1, min(5, len(cast)) + 1))]]
        props = [
            _Actor(f"thing{scene}.{index}", "obj", str(rng.choice(LABELS)), np.zeros(0))
            for index in range(int(rng.integers(things[0], things[1] + 1)))
        ]
        for actor in company:  # half of the people change clothes between scenes
            if rng.random() < 0.5:
                wardrobe[cast.index(actor)] = _direction(rng, LOOK_DIMENSION)
        looks = [wardrobe[cast.index(actor)] for actor in company] + [_direction(rng, LOOK_DIMENSION) for _ in props]
        _simulate_scene(rng, film, level, faceless, (frame, length), scene, [*company, *props], looks, look_common)
        frame += length
        scene += 1
    return film


def _simulate_scene(
    rng: np.random.Generator,
    film: SimulatedFilm,
    level: Level,
    faceless: float,
    span: tuple[int, int],
    scene: int,
    actors: Sequence[_Actor],
    looks: Sequence[NDArray[np.float64]],
    look_common: NDArray[np.float64],
) -> None:
    """Add the frames of one scene: cuts change the places of all, within a shot they move a little."""
    scene_look = _direction(rng, LOOK_DIMENSION)
    frame_hash = 0
    places: NDArray[np.float64] = np.zeros((0, 4))
    for offset in range(span[1]):
        if offset == 0 or rng.random() < 0.4:
            frame_hash = int(rng.integers(0, 2**63))
            left = rng.uniform(0, WIDTH - 100, size=len(actors))
            top = rng.uniform(0, 80, size=len(actors))
            size = rng.uniform(50, 100, size=len(actors))
            places = np.stack([left, top, left + size, np.minimum(top + 2 * size, HEIGHT)], axis=1)
        else:
            for bit in rng.choice(64, size=int(rng.integers(2, 14)), replace=False).tolist():
                frame_hash ^= 1 << bit
            places = places + rng.normal(0, 4, size=(len(actors), 1)) * np.array([1, 0.2, 1, 0.2])
        for index, actor in enumerate(actors):
            if rng.random() > 0.85:
                continue
            face, quality = _see_face(rng, actor, level) if actor.kind == "char" else (None, 0.0)
            if rng.random() < faceless:
                face, quality = None, 0.0
            noise = _direction(rng, LOOK_DIMENSION)
            share = 1 - level.look_noise
            look = _unit(
                np.sqrt(0.45 * share) * look_common
                + np.sqrt(0.25 * share) * scene_look
                + np.sqrt(0.30 * share) * looks[index]
                + np.sqrt(level.look_noise) * noise
            )
            flipped = actor.kind == "obj" and rng.random() < level.flips
            film.observations.append(
                Observation(
                    frame=span[0] + offset,
                    scene=f"scene{scene}",
                    det_id=f"d{index}",
                    kind=actor.kind,
                    label=FLIPS[actor.label] if flipped else actor.label,
                    score=float(rng.uniform(0.4, 0.95)),
                    box=Box(*places[index].tolist()),
                    frame_width=WIDTH,
                    frame_height=HEIGHT,
                    face=None if face is None else face.astype(np.float32),
                    face_quality=quality,
                    appearance=look.astype(np.float32),
                    frame_hash=frame_hash,
                )
            )
            film.truth.append(actor.name)


def _see_face(rng: np.random.Generator, actor: _Actor, level: Level) -> tuple[NDArray[np.float64], float]:
    """A face embedding and its measured quality; noise grows as quality falls."""
    quality = float(rng.uniform(0.3, 1.0))
    noise = level.face_noise / quality
    if rng.random() < level.outliers:
        quality, noise = float(rng.uniform(0.1, 0.5)), 6.0
    seen = _unit(actor.face + np.sqrt(noise) * _direction(rng, FACE_DIMENSION))
    measured = float(np.clip(quality + rng.normal(0, 0.1), 0.05, 1.0))
    return seen, measured
