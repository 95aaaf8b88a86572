import numpy as np
import PIL.Image
import PIL.ImageFilter
import pytest

from schemas.geometry import Box
from tasks.models.face_quality import (
    eye_distance,
    face_quality,
    laplacian_variance,
    pose_quality,
    score_quality,
    sharpness_quality,
    size_quality,
)
from tasks.models.protocols import Image, RawFace

FRONTAL = ((10.0, 10.0), (30.0, 10.0), (20.0, 20.0), (12.0, 30.0), (28.0, 30.0))


def face(landmarks: tuple[tuple[float, float], ...] = FRONTAL, score: float = 0.95) -> RawFace:
    return RawFace(Box(0, 0, 40, 40), score, landmarks)


def with_nose(x: float) -> RawFace:
    return face((*FRONTAL[:2], (x, 20.0), *FRONTAL[3:]))


def test_size_follows_the_eyes() -> None:
    assert eye_distance(face()) == 20
    assert size_quality(face()) == pytest.approx((20 / 24) ** 0.5)
    assert size_quality(face(((0, 0), (0, 6), *FRONTAL[2:]))) == pytest.approx(0.5)
    assert size_quality(face(((0, 0), (90, 0), *FRONTAL[2:]))) == 1


def test_pose_follows_the_nose() -> None:
    assert pose_quality(face()) == pytest.approx(1)
    # 5 of 10 pixels towards an eye, but 5 of 8 towards a mouth corner, which counts
    assert pose_quality(with_nose(25)) == pytest.approx(1 - 5 / 8)
    assert pose_quality(with_nose(35)) == 0
    assert pose_quality(face(((5.0, 5.0),) * 5)) == 0


def test_score_between_its_ends() -> None:
    assert [score_quality(face(score=s)) for s in (0.5, 0.6, 0.775, 0.95, 1.0)] == pytest.approx([0, 0, 0.5, 1, 1])


def test_laplacian_of_a_single_dot() -> None:
    grey = np.zeros((5, 5), np.float32)
    grey[2, 2] = 1
    # inside, the Laplacian is -4 once, 1 four times, 0 four times: mean 0, variance (16 + 4) / 9
    assert laplacian_variance(grey) == pytest.approx(20 / 9)


def test_blur_lowers_sharpness_and_quality(sample: dict[str, Image], sample_faces: dict[str, list[RawFace]]) -> None:
    image, found = sample["saloon_scene_4_1"], sample_faces["saloon_scene_4_1"][0]
    blurred = [
        np.asarray(PIL.Image.fromarray(image).filter(PIL.ImageFilter.GaussianBlur(radius))) for radius in (0, 2, 5)
    ]
    qualities = [face_quality(found, pixels) for pixels in blurred]
    assert qualities[0] > qualities[1] > qualities[2] > 0
    assert sharpness_quality(np.full((112, 112, 3), 90, np.uint8)) == 0


def test_quality_is_the_mean_of_its_parts(sample: dict[str, Image]) -> None:
    flat = np.full((40, 40, 3), 127, np.uint8)  # no sharpness: its part is the floor
    assert face_quality(face(), flat) == pytest.approx(((20 / 24) ** 0.5 * 0.05 * 1 * 1) ** 0.25)


def test_close_faces_are_trusted_more_than_far_ones(
    sample: dict[str, Image], sample_faces: dict[str, list[RawFace]]
) -> None:
    far = [face_quality(f, sample["saloon_scene_1_1"]) for f in sample_faces["saloon_scene_1_1"]]
    close = [face_quality(f, sample["saloon_scene_4_1"]) for f in sample_faces["saloon_scene_4_1"]]
    assert max(far) < min(close)
