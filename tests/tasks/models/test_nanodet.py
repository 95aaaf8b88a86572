from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from schemas.geometry import Box
from tasks.models.letterbox import Fit
from tasks.models.nanodet import BINS, NanoDet, anchor_points, side_lengths
from tasks.models.protocols import Detector, Image, RawDetection
from tasks.models.weights import Weights
from tests.tasks.models.real_frames import LabelledFrame


def people(found: Sequence[RawDetection], score: float = 0.4) -> list[Box]:
    return [raw.box for raw in found if raw.label == "person" and raw.score >= score]


def test_anchors_of_a_small_input() -> None:
    points = anchor_points(64, 32)
    # 8x4 cells of 8 pixels, 4x2 of 16, 2x1 of 32
    assert points.shape == (32 + 8 + 2, 3)
    assert points[0].tolist() == [4, 4, 8]
    assert points[1].tolist() == [12, 4, 8]
    assert points[8].tolist() == [4, 12, 8]
    assert points[32].tolist() == [8, 8, 16]
    assert points[-1].tolist() == [48, 16, 32]


def test_side_lengths_are_the_mean_of_the_distribution() -> None:
    logits = np.zeros((1, 4, BINS), np.float32)
    logits[0, 0, 7] = 50  # all on 7
    logits[0, 1, [2, 3]] = 50  # half on 2, half on 3
    logits[0, 2] = 1000  # even over 0 to 10, without overflow
    logits[0, 3, [0, 10]] = np.log([1, 3]) + 40  # a quarter on 0, three quarters on 10
    assert side_lengths(logits.reshape(1, -1))[0].tolist() == pytest.approx([7, 2.5, 5, 7.5], abs=1e-4)


def test_decoding_a_made_up_output() -> None:
    detector = NanoDet("x", Weights(Path("none"), ""), score=0.5)
    scores = np.zeros((42, 80), np.float32)
    logits = np.zeros((42, 4, BINS), np.float32)
    scores[9, 0] = 0.9  # a person at the cell (1, 1) of stride 8: centre 12, 12
    for side, distance in enumerate((1, 1, 2, 3)):
        logits[9, side, distance] = 60
    scores[10, 0] = 0.8  # the next cell sees the same person: left 2, right 1
    for side, distance in enumerate((2, 1, 1, 3)):
        logits[10, side, distance] = 60
    scores[10, 56] = 0.6  # and something else at the same place
    scores[40, 2] = 0.49
    found = detector._decode(scores, logits.reshape(42, -1), Fit(128, 64, 64, 32, 64, 32))
    # 12 - 8, 12 - 8, 12 + 16, 12 + 24 in the input, twice that in the image, cut at its height of 64
    assert [(raw.label, round(raw.score, 4)) for raw in found] == [("person", 0.9), ("chair", 0.6)]
    assert found[0].box == Box(8, 8, 56, 64)


def test_an_image_has_the_same_detections_whatever_its_batch(sample: dict[str, Image], detector: Detector) -> None:
    images = [sample["tennis_scene_1_1"], sample["saloon_scene_1_2"][:200], sample["bicycle_scene_3_3"][:, :180]]
    together = detector.detect(images)
    assert together == [detector.detect([image])[0] for image in images]
    assert together == detector.detect(images)
    assert all(raw.label in detector.labels for found in together for raw in found)
    assert all([raw.score for raw in found] == sorted((raw.score for raw in found), reverse=True) for found in together)


def test_a_larger_copy_of_a_frame_has_the_same_people(sample: dict[str, Image], detector: Detector) -> None:
    image = sample["tennis_scene_2_2"]
    (small,), (large,) = (
        people(found) for found in detector.detect([image, image.repeat(2, axis=0).repeat(2, axis=1)])
    )
    assert Box(large.x1 / 2, large.y1 / 2, large.x2 / 2, large.y2 / 2).iou(small) > 0.9


def test_tiny_and_extreme_images(detector: Detector) -> None:
    shapes = [(1, 1), (1, 900), (900, 1), (32, 32)]
    found = detector.detect([np.full((*shape, 3), 127, np.uint8) for shape in shapes])
    for (height, width), raws in zip(shapes, found, strict=True):
        assert all(raw.box == raw.box.clamp(width, height) for raw in raws)
    assert detector.detect([]) == []


def test_people_of_the_sample_films(sample: dict[str, Image], detector: Detector) -> None:
    counts = {
        name: len(people(found)) for name, found in zip(sample, detector.detect(list(sample.values())), strict=True)
    }
    assert all(counts[f"saloon_scene_{scene}_{k}"] == 2 for scene in (1, 4) for k in range(1, 5))
    assert counts["saloon_scene_2_1"] == 0  # an animal in the street
    assert all(counts[f"tennis_scene_2_{k}"] >= 1 for k in range(1, 5))
    assert all(counts[f"tennis_scene_3_{k}"] == 2 for k in range(1, 4))


def test_every_labelled_face_is_in_a_person_of_its_own(office: list[LabelledFrame], detector: Detector) -> None:
    total = 0
    for frame, found in zip(office, detector.detect([frame.pixels for frame in office]), strict=True):
        boxes = people(found)
        inside = np.array([[box.intersection(face) >= 0.8 * face.area for box in boxes] for _, face in frame.people])
        rows, columns = linear_sum_assignment(inside, maximize=True)
        assert inside[rows, columns].sum() == len(frame.people), frame.name
        total += len(boxes)
    assert total <= 82  # 78 people are labelled: hardly anything else is taken for one
