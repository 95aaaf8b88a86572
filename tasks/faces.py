"""``faces``: every face, what it looks like as a vector, and whose it is.

In: ``FRAMES``, ``DETECTIONS`` of things and of landmarks. Out: ``PEOPLE``, one row a frame: the detections, with a person added
for each face that stood in no person's box and without the doubtful people whom no face confirms, and the faces. Invariants: a
face belongs to exactly one person, a person has at most one face; the matching is optimal, not first come, by the pixels of
people where their masks are known and then by where a face sits in a box; embeddings are L2-normalised.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from schemas.arrow import PEOPLE
from schemas.config import BuildConfig, FacesConfig
from schemas.geometry import Box
from tasks.detect import PERSON
from tasks.models.face_quality import face_quality
from tasks.models.protocols import Embeddings, FaceDetector, FaceEmbedder, Image, RawFace
from tasks.models.registry import (
    create_face_detector,
    create_face_embedder,
    face_detector_digests,
    face_options,
    frame_decoder,
    model_digest,
    runs_on_gpu,
)
from tasks.models.rle import mask_at
from tasks.rows import Detection, Face, detection_row, face_row, read_detection
from tasks.runtime.images import batched, frame_images
from tasks.runtime.overlap import overlapped
from tasks.runtime.stage import Inputs, Kept, Outcome, Stage

MIN_CONTAINMENT = 0.6
"""Share of a face that must lie in a person's box for the two to belong together."""
MASK_CONFIRMS = 0.5
"""Share of a face in a person's mask from which the two belong together, wherever the face sits in the box."""
MASK_DENIES = 0.1
"""Share below which the face is not that person's; between the two the mask does not decide."""
_AROUND = 0.1  # reach of a landmark's surroundings, in widths of the face
_GRID = 5  # points looked at along each side of them

Shares = NDArray[np.float64]


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


def mask_shares(faces: Sequence[RawFace], masks: Sequence[bytes | None], width: int, height: int) -> Shares:
    """How much of each face lies in each person's mask, shape ``(faces, people)``; NaN for a person without a mask.

    Looked at are the surroundings of the five landmarks, which unlike the corners of a face's box show the face alone. What
    lies outside the frame lies in no mask.
    """
    shares = np.full((len(faces), len(masks)), np.nan)
    if not faces or not any(masks):
        return shares
    steps = np.linspace(-_AROUND, _AROUND, _GRID)
    offsets = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    points = np.stack([(np.array(f.landmarks)[:, None] + offsets * f.box.width).reshape(-1, 2) for f in faces])
    columns, rows = np.moveaxis(np.floor(points).astype(np.int64), -1, 0)
    visible = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    columns, rows = np.where(visible, columns, 0), np.where(visible, rows, 0)
    for index, mask in enumerate(masks):
        if mask:
            shares[:, index] = (mask_at(mask, columns, rows, height, width) & visible).mean(axis=1)
    return shares


def match_faces(faces: Sequence[Box], people: Sequence[Box], shares: Shares | None = None) -> list[int | None]:
    """For each face the person it belongs to, or None.

    First the faces that lie in masks: the total share is the largest possible, affinity deciding between equal ones. Then
    the others, by the largest total affinity, but to nobody whose mask denies them. ``shares`` is of :func:`mask_shares`.
    """
    matched: list[int | None] = [None] * len(faces)
    if not faces or not people:
        return matched
    fits: Shares = np.array([[max(0.0, affinity(face, person)) for person in people] for face in faces])
    if shares is not None:
        known = np.nan_to_num(shares, nan=0.0)
        _assign(np.where(known >= MASK_CONFIRMS, known + 1e-3 * fits, 0.0), matched)
        fits = np.where(shares < MASK_DENIES, 0.0, fits)
    _assign(fits, matched)
    return matched


def _assign(table: Shares, matched: list[int | None]) -> None:
    """Give the rows of ``table`` that have none yet a column that is not taken, for the largest total; 0 is no match."""
    from scipy.optimize import linear_sum_assignment

    free_rows = [row for row, column in enumerate(matched) if column is None]
    free_columns = [column for column in range(table.shape[1]) if column not in matched]
    rest = table[np.ix_(free_rows, free_columns)]
    for row, column in zip(*linear_sum_assignment(rest, maximize=True), strict=True):
        if rest[row, column] > 0:
            matched[free_rows[row]] = free_columns[column]


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
    shares = mask_shares(faces, [p.mask for p in people], width, height)
    matched = match_faces([f.box for f in faces], [p.box for p in people], shares)
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

    def look(batch: list[tuple[str, Image]]) -> tuple[list[list[RawFace]], list[Embeddings]]:
        images = [image for _, image in batch]
        faces = [choose_faces(found, params) for found in detector.detect(images)]
        return faces, embedder.embed(images, faces)

    for batch, (faces, vectors) in overlapped(batched(frames, params.batch), look):
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
        **face_detector_digests(params.detector, options),
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
    options = face_options(params)
    on_gpu, decoder = runs_on_gpu(params.detector, "face_detector", options), frame_decoder(params.decode, options)
    return faces_shard(
        frame_images(inputs["ingest"], detections, on_gpu=on_gpu, decode_batch=decoder),
        detections,
        scenes,
        params,
        create_face_detector(params.detector, options=options),
        create_face_embedder(params.embedder, options=options),
    )


STAGE = Stage(
    name="faces",
    version=6,
    unit="frame",
    schema=PEOPLE,
    inputs=("detect", "landmarks", "select", "ingest"),
    section="faces",
    run=_run,
    models=_models,
    leased=True,
)
