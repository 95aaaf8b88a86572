"""``sequence``: which frames make a story.

In: ``PEOPLE``. Out: ``STORIES``; items are frames, and a story accounts for its own. Invariants: stories lie within one film,
follow its order and share no frame; each has ``min_frames`` to ``max_frames`` frames; scenes stay whole unless longer than
``max_frames``; of all ways to cut, the one that leaves out fewest frames is taken, then the one nearest to ``target_frames``.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from schemas.arrow import STORIES
from schemas.config import SequenceConfig
from tasks.detect import PERSON
from tasks.runtime.keys import content_key
from tasks.runtime.stage import Inputs, Kept, Outcome, Rejected, Row, Stage


@dataclass(frozen=True, slots=True)
class Piece:
    """Frames that stay together: a scene, or an even part of a long one."""

    scene: str
    frame_ids: tuple[str, ...]
    has_person: bool


def cut_pieces(scene: str, frame_ids: Sequence[str], people: Sequence[bool], max_frames: int) -> list[Piece]:
    """A scene whole, or cut into the fewest even parts of at most ``max_frames``."""
    parts = -(-len(frame_ids) // max_frames)
    bounds = [len(frame_ids) * i // parts for i in range(parts + 1)]
    return [Piece(scene, tuple(frame_ids[a:b]), any(people[a:b])) for a, b in pairwise(bounds)]


def group_pieces(pieces: Sequence[Piece], params: SequenceConfig) -> tuple[list[tuple[int, int]], list[int]]:
    """Runs ``[start, end)`` of pieces that make stories, and the pieces that are left out.

    Dynamic programming over the pieces: the cost of a cut is the number of frames left out, then the sum of squared
    distances of story lengths from ``target_frames``; among equals the earliest long story wins.
    """
    best: list[tuple[int, int]] = [(0, 0)]
    choice: list[int] = [0]
    for end in range(1, len(pieces) + 1):
        dropped, spread = best[end - 1]
        cost = (dropped + len(pieces[end - 1].frame_ids), spread)
        origin = end
        length = 0
        person = False
        for start in range(end - 1, -1, -1):
            length += len(pieces[start].frame_ids)
            person = person or pieces[start].has_person
            if length > params.max_frames:
                break
            if length < params.min_frames or (params.require_person and not person):
                continue
            candidate = (best[start][0], best[start][1] + (length - params.target_frames) ** 2)
            if candidate < cost:
                cost, origin = candidate, start
        best.append(cost)
        choice.append(origin)
    runs, left = [], []
    end = len(pieces)
    while end:
        start = choice[end]
        if start == end:
            left.append(end - 1)
            end -= 1
        else:
            runs.append((start, end))
            end = start
    return runs[::-1], left[::-1]


def sequence_shard(people: Iterable[Row], film: str, params: SequenceConfig, limit: int | None) -> Iterator[Outcome]:
    """Stories of a shard in order; ``limit`` keeps the first so many."""
    scenes: dict[str, list[tuple[str, bool]]] = {}
    for row in people:
        if not row["detections"]:
            yield Rejected(
                row["frame_id"], "nothing found", "no person or object was found that a story could be tied to"
            )
            continue
        has_person = any(d["label"] == PERSON for d in row["detections"])
        scenes.setdefault(row["scene"], []).append((row["frame_id"], has_person))
    pieces = [
        piece
        for scene, members in scenes.items()
        for piece in cut_pieces(scene, [m[0] for m in members], [m[1] for m in members], params.max_frames)
    ]
    runs, left = group_pieces(pieces, params)
    total = sum(len(piece.frame_ids) for piece in pieces)
    for index in left:
        reason, detail = _why_left(pieces, index, total, params)
        for frame_id in pieces[index].frame_ids:
            yield Rejected(frame_id, reason, detail)
    for number, (start, end) in enumerate(runs):
        members = pieces[start:end]
        frame_ids = [frame_id for piece in members for frame_id in piece.frame_ids]
        if limit is not None and number >= limit:
            for frame_id in frame_ids:
                yield Rejected(frame_id, "beyond the limit", f"--limit-stories left room for {limit} stories here")
            continue
        row = {
            "story_key": story_key(film, frame_ids),
            "film": film,
            "frame_ids": frame_ids,
            "scenes": list(dict.fromkeys(piece.scene for piece in members)),
        }
        yield Kept(row, items=len(frame_ids))


def story_key(film: str, frame_ids: Sequence[str]) -> str:
    """Name of a story that depends on its frames alone."""
    return content_key([film, *frame_ids])


def _why_left(pieces: Sequence[Piece], index: int, total: int, params: SequenceConfig) -> tuple[str, str]:
    if params.require_person and not any(piece.has_person for piece in pieces):
        return "no person", "no person was found in this part of the film"
    if total < params.min_frames:
        return "too few frames", f"{total} usable frames, a story needs {params.min_frames}"
    size = len(pieces[index].frame_ids)
    return (
        "fits no story",
        f"scene {pieces[index].scene} ({size} frames) joins no neighbour within {params.min_frames} to "
        f"{params.max_frames} frames" + (" with a person" if params.require_person else ""),
    )


def _run(inputs: Inputs) -> Iterator[Outcome]:
    people = inputs["faces"].select(["frame_id", "scene", "detections"])
    return sequence_shard(people, inputs.ref.film, inputs.run.config.sequence, inputs.ref.limit)


STAGE = Stage(
    name="sequence",
    version=1,
    unit="frame",
    schema=STORIES,
    inputs=("faces",),
    section="sequence",
    run=_run,
    limited=True,
)
