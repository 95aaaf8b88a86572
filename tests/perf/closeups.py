"""Whether closeups at half the size place landmarks as well as those at full size, which cost four times the pixels.

``python -m tests.perf.closeups FOLDER`` takes a folder of portraits for each person (ORL). Each portrait is laid at several
heights into a frame of 320x180 with grain. Faces are found as ever; their landmarks come from the whole frame, from closeups of
288 pixels by the network for frames, or from closeups of 144 by the network that enlarges them itself. Printed is the area under
the ROC curve of SFace's similarity, between portraits of one height and between those and the largest.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from scipy.stats import rankdata

from schemas.geometry import Box
from tasks.models.face_closeup import cut_closeup
from tasks.models.protocols import Image, RawFace
from tasks.models.registry import create_face_detector, create_face_embedder
from tasks.models.yunet import (
    _CLOSEUP_SCORE,
    _SAME_FACE,
    CLOSEUP_CONTEXT,
    CLOSEUP_SIDE,
    Points,
    YuNet,
    _with_landmarks,
    candidates,
    prior_cells,
)

HEIGHTS = (18, 22, 28, 40, 80)
FRAME = (320, 180)

Look = Callable[[Image, Box, float], Points | None]


def area_under_roc(scores: NDArray[np.float32], same: NDArray[np.bool_]) -> float:
    """The share of pairs of a same and another pair in which the same is the more alike (Mann and Whitney's U)."""
    positive = int(same.sum())
    ranks = float(rankdata(scores)[same].sum()) - positive * (positive + 1) / 2
    return ranks / (positive * (len(same) - positive))


def frames_of(paths: Sequence[Path], height: int, rng: np.random.Generator) -> list[Image]:
    """Each portrait about ``height`` pixels high, somewhere in a frame."""
    frames = []
    for path in paths:
        portrait = PIL.Image.open(path).convert("RGB")
        high = round(height * rng.uniform(0.92, 1.08))
        portrait = portrait.resize((round(high * portrait.width / portrait.height), high), PIL.Image.Resampling.LANCZOS)
        frame = PIL.Image.new("RGB", FRAME, (90, 90, 90))
        frame.paste(portrait, tuple(int(rng.integers(0, FRAME[k] - portrait.size[k] + 1)) for k in (0, 1)))
        grain = rng.normal(0, 2, (FRAME[1], FRAME[0], 3))
        frames.append(np.clip(np.asarray(frame) + grain, 0, 255).astype(np.uint8))
    return frames


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("portraits", type=Path)
    args = parser.parse_args()
    paths = sorted(path for path in args.portraits.glob("*/*") if path.suffix in (".pgm", ".png", ".jpg"))
    people = np.array([path.parent.name for path in paths])
    detector, embedder = create_face_detector("yunet-2023mar"), create_face_embedder("sface")
    assert isinstance(detector, YuNet)
    rng = np.random.default_rng(1)
    frames = {height: frames_of(paths, height, rng) for height in HEIGHTS}
    found = {height: [next(iter(detector._find(frame)), None) for frame in frames[height]] for height in HEIGHTS}

    def full(image: Image, face: Box, context: float) -> Points | None:
        values = np.empty((3, 2 * CLOSEUP_SIDE, 2 * CLOSEUP_SIDE), np.float32)
        closeup = cut_closeup(image, face, context, values)
        output = detector._run(values[None])[0][0]
        for seen in candidates(output, prior_cells(2 * CLOSEUP_SIDE, 2 * CLOSEUP_SIDE), _CLOSEUP_SCORE):
            if closeup.to_closeup(face).iou(seen.box) >= _SAME_FACE:
                return tuple(closeup.to_image(x, y) for x, y in seen.landmarks)
        return None

    def half(image: Image, face: Box, context: float) -> Points | None:
        return detector._see_again((image, face, context))

    def looked_at(image: Image, face: RawFace, look: Look | None) -> RawFace:
        views = [look(image, face.box, context) for context in CLOSEUP_CONTEXT] if look else []
        return _with_landmarks(face, [view for view in views if view])

    ways: dict[str, Look | None] = {"whole frame": None, "288 pixels": full, "144 pixels": half}
    print("faces found:", {height: sum(face is not None for face in found[height]) for height in HEIGHTS})
    print(f"{'':<14}" + "".join(f"{h:>9}{f'{h}-{HEIGHTS[-1]}':>9}" for h in HEIGHTS[:-1]))
    for name, look in ways.items():
        vectors, owners, places = {}, {}, {}
        for height in HEIGHTS:
            pairs = zip(frames[height], found[height], strict=True)
            faces = [[looked_at(frame, face, look)] if face else [] for frame, face in pairs]
            vectors[height] = np.concatenate(embedder.embed(frames[height], faces))
            places[height] = np.flatnonzero([face is not None for face in found[height]])
            owners[height] = people[places[height]]
        line = ""
        for height in HEIGHTS[:-1]:
            for other in (height, HEIGHTS[-1]):
                apart = places[height][:, None] != places[other]  # a portrait is not compared with itself
                alike = (vectors[height] @ vectors[other].T)[apart]
                line += f"{area_under_roc(alike, (owners[height][:, None] == owners[other])[apart]):9.4f}"
        print(f"{name:<14}{line}")


if __name__ == "__main__":
    main()
