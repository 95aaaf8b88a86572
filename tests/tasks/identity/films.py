"""Small films with known identities, built by hand for the tests of identity."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.evidence import EntityKind
from schemas.geometry import Box
from tasks.identity.calibration import Calibration, Curve, FaceCurve, KindCalibration, LabelEvidence
from tasks.identity.observation import Observation

Vector = NDArray[np.float32]

TEST_KIND = KindCalibration(
    face=FaceCurve(slope=0.0, slope_r=20.0, offset=0.0, offset_r=-8.0, offset_rr=0.0, lowest=-8.0, highest=8.0),
    appearance_scene=Curve(slope=10.0, centre=0.6, lowest=-3.0, highest=3.0),
    appearance_across=Curve(slope=4.0, centre=0.65, lowest=-1.0, highest=1.0),
    continuity=Curve(slope=6.0, centre=0.4, lowest=-2.5, highest=3.0),
    prior_scene=0.0,
    prior_across=-1.0,
)
TEST_CALIBRATION = Calibration(
    name="test-v1",
    face_model="none",
    appearance_model="none",
    kinds={
        "char": TEST_KIND,
        "obj": TEST_KIND.model_copy(update={"face": None}),
        "lm": TEST_KIND.model_copy(update={"face": None}),
        "bg": TEST_KIND.model_copy(
            update={"face": None, "tags": Curve(slope=4.0, centre=0.25, lowest=-1.0, highest=3.0)}
        ),
    },
    labels=LabelEvidence(groups=(("car", "truck"),), same=1.5, confused=-1.0, different=-6.0),
)
"""Round numbers, so that expected log-odds can be worked out by hand."""


def unit(vector: NDArray[np.floating] | Sequence[float]) -> Vector:
    """The vector scaled to length 1."""
    array = np.asarray(vector, dtype=np.float64)
    return np.asarray(array / np.linalg.norm(array), dtype=np.float32)


def basis(index: int, size: int = 16) -> Vector:
    """The unit vector along one axis."""
    vector = np.zeros(size, dtype=np.float32)
    vector[index] = 1.0
    return vector


def see(
    frame: int,
    det_id: str,
    *,
    scene: str = "s1",
    kind: EntityKind = "char",
    label: str = "person",
    box: tuple[float, float, float, float] = (0.0, 0.0, 100.0, 200.0),
    face: Vector | None = None,
    quality: float = 1.0,
    appearance: Vector | None = None,
    frame_hash: int | None = None,
    score: float = 0.9,
    tags: tuple[tuple[str, float], ...] = (),
) -> Observation:
    """An observation in a frame of 400 x 300 pixels, with everything that a test leaves open filled in."""
    return Observation(
        frame, scene, det_id, kind, label, score, Box(*box), 400, 300, face, quality, appearance, frame_hash, tags
    )


@dataclass(frozen=True, slots=True)
class Film:
    """Observations and who they are."""

    observations: list[Observation]
    people: list[int]


def random_film(seed: int, *, people: int = 5, scenes: int = 4, frames: int = 4, faceless: float = 0.3) -> Film:
    """People in random company over scenes, with clean faces and clothes that change between scenes."""
    rng = np.random.default_rng(seed)
    faces = [unit(rng.normal(size=64)) for _ in range(people)]
    film = Film([], [])
    frame = 0
    for scene in range(scenes):
        company = rng.permutation(people)[: int(rng.integers(1, people + 1))]
        clothes = {int(person): unit(rng.normal(size=64)) for person in company}
        for _ in range(frames):
            for position, person in enumerate(company.tolist()):
                hidden = rng.random() < faceless
                left = 60.0 * position + float(rng.uniform(-5, 5))
                film.observations.append(
                    see(
                        frame,
                        f"d{position}",
                        scene=f"s{scene}",
                        box=(left, 40.0, left + 50.0, 240.0),
                        face=None if hidden else unit(faces[person] + 0.05 * rng.normal(size=64)),
                        appearance=unit(clothes[person] + 0.05 * rng.normal(size=64)),
                    )
                )
                film.people.append(person)
            frame += 1
    return film
