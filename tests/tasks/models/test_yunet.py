import numpy as np
import pytest

from schemas.geometry import Box
from tasks.models.protocols import FaceDetector, Image, RawFace
from tasks.models.weights import find_model, locate_weights
from tasks.models.yunet import YuNet, decode, prior_cells
from tests.tasks.models.real_frames import LabelledFrame


def test_priors_of_a_small_input() -> None:
    cells = prior_cells(64, 32)
    assert cells.shape == (32 + 8 + 2, 3)
    assert cells[0].tolist() == [0, 0, 8]
    assert cells[9].tolist() == [1, 1, 8]
    assert cells[33].tolist() == [1, 0, 16]
    assert cells[-1].tolist() == [1, 0, 32]


def test_decoding_a_made_up_output() -> None:
    sizes = (32, 8, 2)  # anchors of the three strides in an input of 64 x 32
    classes, objects, boxes, points = (
        [np.zeros((1, size, channels), np.float32) for size in sizes] for channels in (1, 1, 4, 10)
    )
    classes[1][0, 1], objects[1][0, 1] = 0.81, 1.21  # clipped at 1, so the score is sqrt(.81)
    boxes[1][0, 1] = (0.5, 0.25, np.log(2), 0)  # centre (1.5, .25) strides of 16, size 2 x 1
    points[1][0, 1] = (0, 0, 1, 0, 0.5, 0.5, 0, 1, 1, 1)
    classes[0][0, 0], objects[0][0, 0] = 0.5, 0.5
    seen = decode([*classes, *objects, *boxes, *points], 64, 32, 0.6)
    assert seen.scores == pytest.approx([0.9])
    assert seen.edges == pytest.approx(np.array([[24 - 16, 4 - 8, 24 + 16, 4 + 8]]))
    assert seen.landmarks[0].tolist() == [[16, 0], [32, 0], [24, 8], [16, 16], [32, 16]]


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


def test_a_face_that_fills_the_frame_is_found(sample: dict[str, Image], sample_faces: dict[str, list[RawFace]]) -> None:
    # cut a close-up out of a frame: the face takes some two thirds of the width
    face = max(sample_faces["saloon_scene_4_1"], key=lambda face: face.box.area).box
    centre_x, centre_y = (round(v) for v in face.centre)
    half = round(0.75 * face.width)
    image = sample["saloon_scene_4_1"][max(0, centre_y - half) : centre_y + half, centre_x - half : centre_x + half]
    weights = locate_weights(find_model("yunet-2023mar", "face_detector"))
    (found,) = YuNet("yunet-2023mar", weights).detect([np.ascontiguousarray(image)])[0]
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
