"""Tests of IDF1 and AssA, against the numbers of TrackEval 1.3.0 on made tracks, and against TrackEval where installed."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from tasks.identity.overlap import pair_iou
from tasks.identity.tracking import FrameBoxes, track_scores

Tracks = tuple[list[FrameBoxes], list[FrameBoxes]]


def made_tracks(seed: int) -> Tracks:
    """People who walk, with misses, swaps, lost identities, loose boxes and false ones."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 6))
    place = rng.uniform(0, 300, (count, 2))
    names = {person: person for person in range(count)}
    truth, predicted = [], []
    for frame in range(12):
        place = place + rng.normal(0, 6, place.shape)
        boxes = np.hstack([place, place + np.array([60, 100])])
        seen = [person for person in range(count) if rng.random() < 0.9]
        if rng.random() < 0.25:
            one, other = rng.choice(count, 2, replace=False).tolist()
            names[one], names[other] = names[other], names[one]
        if rng.random() < 0.15:
            names[int(rng.integers(count))] = 100 + frame
        found = [person for person in seen if rng.random() < 0.85]
        guessed = boxes[found] + rng.normal(0, 8, (len(found), 4))
        ids = [names[person] for person in found]
        if rng.random() < 0.2:
            guessed, ids = np.vstack([guessed, [[400, 0, 450, 80]]]), [*ids, 999]
        truth.append(FrameBoxes(seen, boxes[seen]))
        predicted.append(FrameBoxes(ids, guessed))
    return truth, predicted


FROM_TRACKEVAL = {
    0: (0.74, 0.45438464779, 0.553988160978),
    1: (0.840579710145, 0.626752506602, 0.657467359906),
    2: (0.574468085106, 0.283371321681, 0.590113907375),
    3: (0.411214953271, 0.196145784303, 0.585199515368),
    4: (0.585365853659, 0.260680999321, 0.59943265436),
    5: (0.41975308642, 0.236177507795, 0.55149603633),
}
"""IDF1, AssA and DetA of ``made_tracks(seed)`` by TrackEval 1.3.0."""


@pytest.mark.parametrize("seed", sorted(FROM_TRACKEVAL))
def test_scores_are_those_of_trackeval(seed: int) -> None:
    scores = track_scores(*made_tracks(seed))
    assert (scores.idf1, scores.ass_a, scores.det_a) == pytest.approx(FROM_TRACKEVAL[seed], abs=1e-9)


def by_trackeval(tracks: Tracks) -> tuple[float, float, float]:
    """The same scores by the package itself."""
    metrics = import_module("trackeval.metrics")
    codes = [
        {name: code for code, name in enumerate(dict.fromkeys(one for frame in side for one in frame.ids))}
        for side in tracks
    ]
    ids = [
        [np.array([codes[side][one] for one in frame.ids], dtype=int) for frame in tracks[side]] for side in range(2)
    ]
    data = {
        "num_timesteps": len(tracks[0]),
        "num_gt_ids": len(codes[0]),
        "num_tracker_ids": len(codes[1]),
        "num_gt_dets": sum(map(len, ids[0])),
        "num_tracker_dets": sum(map(len, ids[1])),
        "gt_ids": ids[0],
        "tracker_ids": ids[1],
        "similarity_scores": [
            pair_iou(known.boxes[:, None], found.boxes[None]) for known, found in zip(*tracks, strict=True)
        ],
    }
    hota = metrics.HOTA().eval_sequence(data)
    identity = metrics.Identity({"PRINT_CONFIG": False}).eval_sequence(data)
    return float(identity["IDF1"]), float(hota["AssA"].mean()), float(hota["DetA"].mean())


@pytest.mark.skipif(find_spec("trackeval") is None, reason="trackeval is not installed")
@pytest.mark.parametrize("seed", range(10, 40))
def test_scores_agree_with_the_package(seed: int) -> None:
    tracks = made_tracks(seed)
    scores = track_scores(*tracks)
    assert (scores.idf1, scores.ass_a, scores.det_a) == pytest.approx(by_trackeval(tracks), abs=1e-9)


PUBLISHED = {
    "TUD-Campus": (0.557659208, 0.369120681, 0.418047030),
    "TUD-Stadtmitte": (0.644619423, 0.408840752, 0.392267572),
}
"""IDF1 as py-motmetrics publishes it for the tracks in its package, and AssA and DetA of TrackEval 1.3.0 on the same."""


def read_tracks(path: Path) -> dict[int, list[tuple[int, float, float, float, float]]]:
    """Identities and boxes by frame of a file of the MOT challenge: frame, identity, left, top, width, height, counted."""
    frames: dict[int, list[tuple[int, float, float, float, float]]] = {}
    for line in path.read_text().splitlines():
        frame, name, left, top, width, height, counted, *_ = (float(value) for value in line.split(","))
        if counted or path.name != "gt.txt":
            frames.setdefault(int(frame), []).append((int(name), left, top, left + width, top + height))
    return frames


@pytest.mark.skipif(find_spec("motmetrics") is None, reason="motmetrics, which has these tracks, is not installed")
@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_published_tracks(name: str) -> None:
    spec = find_spec("motmetrics")
    assert spec is not None
    assert spec.origin is not None
    truth, found = (read_tracks(Path(spec.origin).parent / "data" / name / file) for file in ("gt.txt", "test.txt"))
    frames = sorted(truth.keys() | found.keys())
    known, guessed = (
        [
            FrameBoxes(
                [row[0] for row in side.get(f, [])], np.array([row[1:] for row in side.get(f, [])]).reshape(-1, 4)
            )
            for f in frames
        ]
        for side in (truth, found)
    )
    scores = track_scores(known, guessed)
    assert (scores.idf1, scores.ass_a, scores.det_a) == pytest.approx(PUBLISHED[name], abs=1e-8)


def boxes(*places: float) -> np.ndarray:
    """Boxes of 10 x 10 at some places on a line."""
    return np.array([(x, 0.0, x + 10, 10.0) for x in places]).reshape(-1, 4)


def test_perfect_tracks() -> None:
    frames = [FrameBoxes(["a", "b"], boxes(0, 50)), FrameBoxes(["a", "b"], boxes(5, 55))]
    scores = track_scores(frames, frames)
    assert (scores.idf1, scores.ass_a, scores.det_a) == (1.0, 1.0, 1.0)


def test_a_swap_worked_out_by_hand() -> None:
    """Two people of two frames swap: each identity is right in one frame, 2 hits of 4 + 4 boxes; association 1 / 3."""
    truth = [FrameBoxes(["a", "b"], boxes(0, 50))] * 2
    predicted = [FrameBoxes([1, 2], boxes(0, 50)), FrameBoxes([2, 1], boxes(0, 50))]
    scores = track_scores(truth, predicted)
    assert scores.idf1 == pytest.approx(0.5)
    assert scores.ass_a == pytest.approx(1 / 3)
    assert scores.det_a == 1.0


def test_nothing_found_and_nothing_there() -> None:
    truth, nothing = [FrameBoxes(["a"], boxes(0))], [FrameBoxes([], boxes())]
    missed = track_scores(truth, nothing)
    assert (missed.idf1, missed.ass_a, missed.det_a) == (0.0, 0.0, 0.0)
    empty = track_scores(nothing, nothing)
    assert (empty.idf1, empty.ass_a, empty.det_a) == (1.0, 1.0, 1.0)
    none = track_scores([], [])
    assert (none.idf1, none.ass_a, none.det_a) == (1.0, 1.0, 1.0)


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="1 labelled frames but 0"):
        track_scores([FrameBoxes([], boxes())], [])
