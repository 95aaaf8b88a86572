import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from schemas.geometry import Box
from tasks.models.protocols import FaceDetector, Image, RawFace
from tasks.models.sessions import OnnxAdapter
from tasks.models.yunet import YuNet, candidates, prior_cells
from tests.tasks.models.real_frames import LabelledFrame


def test_priors_of_a_small_input() -> None:
    cells = prior_cells(64, 32)
    assert cells.shape == (32 + 8 + 2, 3)
    assert cells[0].tolist() == [0, 0, 8]
    assert cells[9].tolist() == [1, 1, 8]
    assert cells[33].tolist() == [1, 0, 16]
    assert cells[-1].tolist() == [1, 0, 32]


def test_strides_are_halves_before_a_twofold_enlargement() -> None:
    small, large = prior_cells(32, 16, (4, 8, 16)), prior_cells(64, 32)
    assert np.array_equal(small[:, :2], large[:, :2])
    assert np.array_equal(2 * small[:, 2], large[:, 2])


def blank() -> NDArray[np.float32]:
    """The output for an input of 64 x 32 without a face: 32, 8 and 2 priors."""
    output = np.zeros((16, 42), np.float32)
    output[:2] = -9
    return output


def logit(share: float) -> float:
    return math.log(share / (1 - share))


def test_a_made_up_output_read_by_hand() -> None:
    output = blank()
    prior = 32 + 1  # stride 16, column 1, row 0
    output[:2, prior] = logit(0.9), logit(0.4)  # the mean is sqrt(.36)
    output[2:6, prior] = 0.5, 0.25, math.log(2), 0  # centre (1.5, .25) strides of 16, size 2 x 1
    output[6:, prior] = 0, 0, 1, 0, 0.5, 0.5, 0, 1, 1, 1
    output[:2, 0] = logit(0.5)
    (seen,) = candidates(output, prior_cells(64, 32), 0.59)
    assert seen.score == pytest.approx(0.6)
    assert seen.box == Box(*(pytest.approx(edge) for edge in (24 - 16, 4 - 8, 24 + 16, 4 + 8)))
    assert seen.landmarks == ((16, 0), (32, 0), (24, 8), (16, 16), (32, 16))
    assert not list(candidates(output, prior_cells(64, 32), 0.61))
    assert not list(candidates(blank(), prior_cells(64, 32), 0.3))


def test_candidates_come_best_first_and_equal_ones_in_their_order() -> None:
    output = blank()
    for prior, share in ((3, 0.7), (8, 0.9), (20, 0.7), (35, 0.8)):
        output[:2, prior] = logit(share)
    scores = [seen.score for seen in candidates(output, prior_cells(64, 32), 0.6)]
    assert scores == pytest.approx([0.9, 0.8, 0.7, 0.7])
    centres = [seen.box.centre for seen in candidates(output, prior_cells(64, 32), 0.6)]
    assert centres == [(0, 8), (3 * 16, 0), (3 * 8, 0), (4 * 8, 2 * 8)]  # priors 8, 35, 3 and 20


@given(st.lists(st.tuples(*[st.floats(-30, 30, width=32)] * 2), min_size=42, max_size=42), st.floats(0.05, 0.95))
def test_no_prior_from_the_score_up_is_missed(certain: list[tuple[float, float]], score: float) -> None:
    output = blank()
    output[:2] = np.array(certain).T
    with np.errstate(over="ignore"):
        wanted = np.sqrt(np.prod(1 / (1 + np.exp(-output[:2].astype(np.float64))), axis=0))
    assume(np.abs(wanted - score).min() > 1e-6)
    found = [seen.score for seen in candidates(output, prior_cells(64, 32), score)]
    assert found == pytest.approx(sorted(wanted[wanted >= score], reverse=True), rel=1e-9)


def test_sides_that_no_image_has_do_not_fail() -> None:
    output = blank()
    output[:2, 5] = 9
    output[4, 5], output[5, 5] = 1e30, np.inf
    (seen,) = candidates(output, prior_cells(64, 32), 0.6)
    assert seen.box.width == pytest.approx(8 * math.exp(20))
    assert math.isfinite(seen.box.height)


def test_a_worse_box_over_a_better_one_goes(face_detector: FaceDetector, monkeypatch: pytest.MonkeyPatch) -> None:
    output = blank()
    for prior, share in ((3, 0.7), (4, 0.9), (20, 0.8)):  # of 24 x 24 pixels, around (24, 0), (32, 0) and (32, 16)
        output[:2, prior] = logit(share)
        output[4:6, prior] = math.log(3)
    monkeypatch.setattr(OnnxAdapter, "_run", lambda *_: [output[None]])
    image = np.zeros((320, 640, 3), np.uint8)
    monkeypatch.setattr("tasks.models.yunet.prior_cells", lambda *_: prior_cells(64, 32))
    assert isinstance(face_detector, YuNet)
    assert [face.score for face in face_detector._find(image)] == pytest.approx([0.9, 0.8])
    edges = [(box.x1, box.y1, box.x2, box.y2) for box in (face.box for face in face_detector._find(image))]
    assert np.array(edges) == pytest.approx(np.array([[20, 0, 44, 12], [20, 4, 44, 28]]), abs=1e-5)


def test_the_network_for_closeups_gives_what_the_other_gives_for_the_enlarged_image(
    face_detector: FaceDetector,
) -> None:
    assert isinstance(face_detector, YuNet)
    small = np.zeros((1, 3, 96, 64), np.float32)
    small[:, :, 16:-16, 16:-16] = np.random.default_rng(1).uniform(0, 255, (3, 64, 32))
    large = small
    for axis in (2, 3):  # twofold and bilinear: three quarters of a pixel and a quarter of the next
        before, after = np.roll(large, 1, axis), np.roll(large, -1, axis)  # black all around
        pairs = np.stack([0.75 * large + 0.25 * before, 0.75 * large + 0.25 * after], axis=axis + 1)
        large = pairs.reshape(*(2 * n if k == axis else n for k, n in enumerate(large.shape)))
    seen, wanted = face_detector._run(small, face_detector._closeup)[0], face_detector._run(large)[0]
    assert seen.shape == wanted.shape == (1, 16, 24 * 16 + 12 * 8 + 6 * 4)
    assert np.abs(seen - wanted).max() < 1e-4
    assert np.ptp(wanted) > 1


def test_an_image_has_the_same_faces_whatever_its_batch(sample: dict[str, Image], face_detector: FaceDetector) -> None:
    images = [sample["bicycle_scene_3_4"], sample["saloon_scene_4_1"][:, 100:], sample["tennis_scene_3_3"]]
    together = face_detector.detect(images)
    assert together == [face_detector.detect([image])[0] for image in images]
    assert together == face_detector.detect(images)
    assert face_detector.detect([]) == []


def test_faces_of_the_sample_films(sample_faces: dict[str, list[RawFace]]) -> None:
    counts = {name: sum(face.score >= 0.7 for face in found) for name, found in sample_faces.items()}
    assert all(counts[f"saloon_scene_{scene}_{k}"] == 2 for scene in (1, 4) for k in range(1, 5))
    assert counts["saloon_scene_2_1"] == counts["saloon_scene_3_1"] == 0  # an animal
    assert all(counts[f"tennis_scene_1_{k}"] == 1 for k in range(1, 4))
    assert all(counts[f"tennis_scene_3_{k}"] == 2 for k in range(1, 4))


def test_landmarks_lie_as_on_a_face(sample_faces: dict[str, list[RawFace]]) -> None:
    for face in sample_faces["saloon_scene_1_4"] + sample_faces["saloon_scene_4_1"] + sample_faces["tennis_scene_1_2"]:
        (rx, ry), (lx, ly), (_, ny), (_, rm), (_, lm) = face.landmarks
        assert face.box.x1 < rx < lx < face.box.x2  # the subject's right eye is on the left of the picture
        assert max(ry, ly) < ny < min(rm, lm) < face.box.y2


def test_a_face_that_fills_the_frame_is_found(
    sample: dict[str, Image], sample_faces: dict[str, list[RawFace]], face_detector: FaceDetector
) -> None:
    # cut a close-up out of a frame: the face takes some two thirds of the width
    face = max(sample_faces["saloon_scene_4_1"], key=lambda face: face.box.area).box
    centre_x, centre_y = (round(v) for v in face.centre)
    half = round(0.75 * face.width)
    image = sample["saloon_scene_4_1"][max(0, centre_y - half) : centre_y + half, centre_x - half : centre_x + half]
    (found,) = face_detector.detect([np.ascontiguousarray(image)])[0]
    assert found.box.width > 0.5 * image.shape[1]


def test_shifting_a_frame_shifts_box_and_landmarks(sample: dict[str, Image], face_detector: FaceDetector) -> None:
    image = sample["tennis_scene_1_2"]
    moved = np.roll(image, (7, 13), axis=(0, 1))
    ((before,), (after,)) = face_detector.detect([image, moved])
    shifted = Box(before.box.x1 + 13, before.box.y1 + 7, before.box.x2 + 13, before.box.y2 + 7)
    assert after.box.iou(shifted) > 0.85
    eyes = np.hypot(*(np.array(before.landmarks[1]) - np.array(before.landmarks[0])))
    gap = np.array(after.landmarks) - np.array(before.landmarks) - [13, 7]
    assert np.hypot(*gap.T).max() < 0.12 * eyes


def test_every_labelled_face_is_found(office: list[LabelledFrame], office_faces: list[list[RawFace]]) -> None:
    surplus = 0
    for frame, found in zip(office, office_faces, strict=True):
        sure = [face.box for face in found if face.score >= 0.7]
        for person, box in frame.people:
            assert any(box.iou(face) >= 0.4 for face in sure), f"{person} in {frame.name}"
        surplus += sum(all(box.iou(face) < 0.4 for _, box in frame.people) for face in sure)
    assert surplus == 0
