"""``faces``: every face, what it looks like as a vector, and whose it is.

In: ``FRAMES``, ``DETECTIONS`` of things and of landmarks. Out: ``PEOPLE``, one row a frame: the detections, with a person added
for each face that stood in no person's box and without the doubtful people whom no face confirms, and the faces. Invariants: a
face belongs to exactly one person, a person has at most one face; the matching is optimal, not first come; embeddings are
L2-normalised.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from schemas.arrow import PEOPLE
from schemas.config import BuildConfig, FacesConfig
from schemas.geometry import Box
from tasks.detect import PERSON
from tasks.models.face_quality import face_quality
from tasks.models.protocols import FaceDetector, FaceEmbedder, Image, RawFace
from tasks.models.registry import create_face_detector, create_face_embedder, face_options, model_digest
from tasks.rows import Detection, Face, detection_row, face_row, read_detection
from tasks.runtime.images import batched, frame_images
from tasks.runtime.stage import Inputs, Kept, Outcome, Stage

MIN_CONTAINMENT = 0.6
"""Share of a face that must lie in a person's box for the two to belong together."""


def affinity(face: Box, person: Box) -> float:
    """How well a face sits in a person's box: about 1 for a face at the top middle, 0 or less for no match.

    The share of the face inside the box, less its distance from the middle (in box widths), less how far it lies below
    the upper half (in box heights), less a little for a face that is small for the box: of two people one behind the
    other, the face is the one's whose head it fits.
    """
    if face.area <= 0 or person.area <= 0:
        return 0.0
    containment = face.intersection(person) / face.area
    if containment < MIN_CONTAINMENT:
        return 0.0
    sideways = abs(face.centre[0] - person.centre[0]) / person.width
    below = max(0.0, (face.centre[1] - person.y1) / person.height - 0.5)
    small = 1.0 - min(1.0, face.width / (0.25 * person.width))
    return containment - 0.8 * sideways - below - 0.2 * small


def match_faces(faces: Sequence[Box], people: Sequence[Box]) -> list[int | None]:
    """For each face the person it belongs to, or None; the total affinity is the largest possible."""
    from scipy.optimize import linear_sum_assignment

    if not faces or not people:
        return [None] * len(faces)
    table: NDArray[np.float64] = np.array([[max(0.0, affinity(face, person)) for person in people] for face in faces])
    matched: list[int | None] = [None] * len(faces)
    for row, column in zip(*linear_sum_assignment(table, maximize=True), strict=True):
        if table[row, column] > 0:
            matched[int(row)] = int(column)
    return matched


def person_around(face: Box, width: int, height: int) -> Box:
    """A person's box guessed from the face alone: three faces wide, half a face above, down to six faces below the top.

    Proportions of a standing figure about 7.5 heads tall with shoulders two heads wide, where a detected face is about
    two thirds of a head.
    """
    centre = face.centre[0]
    return Box(
        centre - 1.5 * face.width,
        face.y1 - 0.5 * face.height,
        centre + 1.5 * face.width,
        face.y1 + 6.0 * face.height,
    ).clamp(width, height)


def choose_faces(found: Iterable[RawFace], params: FacesConfig) -> list[RawFace]:
    """The faces that count, largest first."""
    chosen = [f for f in found if f.score >= params.score and f.box.width >= params.min_side and f.box.area > 0]
    chosen.sort(key=lambda f: (-f.box.area, f.box))
    return chosen[: params.max_per_frame]


def tie_faces(
    detections: Sequence[Detection], faces: Sequence[RawFace], width: int, height: int
) -> tuple[list[Detection], list[str]]:
    """All detections of a frame with the people that only a face shows, and for each face the person's ``det_id``."""
    people = [d for d in detections if d.label == PERSON]
    matched = match_faces([f.box for f in faces], [p.box for p in people])
    complete = list(detections)
    owners = []
    for face, owner in zip(faces, matched, strict=True):
        if owner is not None:
            owners.append(people[owner].det_id)
            continue
        det_id = f"f{len(complete) - len(detections)}"
        complete.append(Detection(det_id, PERSON, face.score, "face", person_around(face.box, width, height)))
        owners.append(det_id)
    return complete, owners


def drop_doubtful(detections: Sequence[Detection], owners: Sequence[str], faceless_score: float) -> list[Detection]:
    """The detections without the people of a low score whom no face confirms: mostly posters, animals and limbs."""
    return [d for d in detections if d.label != PERSON or d.det_id in owners or d.score >= faceless_score]


def faces_shard(
    frames: Iterable[tuple[str, Image]],
    detections: Mapping[str, Sequence[Detection]],
    scenes: Mapping[str, str],
    params: FacesConfig,
    detector: FaceDetector,
    embedder: FaceEmbedder,
) -> Iterator[Outcome]:
    """Faces and people of frames given as id and RGB pixels; ``detections`` and ``scenes`` are by frame id."""
    for batch in batched(frames, params.batch):
        images = [image for _, image in batch]
        faces = [choose_faces(found, params) for found in detector.detect(images)]
        vectors = embedder.embed(images, faces)
        for (frame_id, image), found, embedded in zip(batch, faces, vectors, strict=True):
            height, width = image.shape[:2]
            complete, owners = tie_faces(detections[frame_id], found, width, height)
            complete = drop_doubtful(complete, owners, params.faceless_score)
            rows = [
                face_row(Face(owner, raw.score, face_quality(raw, image), raw.box, raw.landmarks, vector))
                for raw, owner, vector in zip(found, owners, embedded, strict=True)
            ]
            people = [detection_row(d.det_id, d.label, d.score, d.origin, d.box, d.mask) for d in complete]
            yield Kept({"frame_id": frame_id, "scene": scenes[frame_id], "detections": people, "faces": rows})


def _models(config: BuildConfig) -> Mapping[str, str]:
    params, options = config.faces, face_options(config.faces)
    return {
        params.detector: model_digest(params.detector, "face_detector", options=options),
        params.embedder: model_digest(params.embedder, "face_embedder", options=options),
    }


def _run(inputs: Inputs) -> Iterator[Outcome]:
    params = inputs.run.config.faces
    places = {row["frame_id"]: row["detections"] for row in inputs["landmarks"]}
    detections = {
        row["frame_id"]: [read_detection(d) for d in (*row["detections"], *places[row["frame_id"]])]
        for row in inputs["detect"]
    }
    scenes = {row["frame_id"]: row["scene"] for row in inputs["select"]}
    return faces_shard(
        frame_images(inputs["ingest"], detections),
        detections,
        scenes,
        params,
        create_face_detector(params.detector, options=face_options(params)),
        create_face_embedder(params.embedder, options=face_options(params)),
    )


STAGE = Stage(
    name="faces",
    version=2,
    unit="frame",
    schema=PEOPLE,
    inputs=("detect", "landmarks", "select", "ingest"),
    section="faces",
    run=_run,
    models=_models,
    leased=True,
)
