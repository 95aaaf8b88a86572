"""Real frames and the embedded models, read once for all tests of a process."""

import pytest

from tasks.models.protocols import AppearanceModel, Detector, FaceDetector, FaceEmbedder, Image, RawFace
from tasks.models.registry import create_appearance, create_detector, create_face_detector, create_face_embedder
from tests.tasks.models.real_frames import LabelledFrame, read_office, read_sample


@pytest.fixture(scope="session")
def sample() -> dict[str, Image]:
    return read_sample()


@pytest.fixture(scope="session")
def office() -> list[LabelledFrame]:
    frames = read_office()
    if not frames:
        pytest.skip("the labelled film is not beside the project")
    return frames


@pytest.fixture(scope="session")
def detector() -> Detector:
    return create_detector("nanodet-g-416")


@pytest.fixture(scope="session")
def face_detector() -> FaceDetector:
    return create_face_detector("yunet-2023mar")


@pytest.fixture(scope="session")
def embedder() -> FaceEmbedder:
    return create_face_embedder("sface")


@pytest.fixture(scope="session")
def appearance() -> AppearanceModel:
    return create_appearance("efficientnet-lite0")


@pytest.fixture(scope="session")
def sample_faces(sample: dict[str, Image], face_detector: FaceDetector) -> dict[str, list[RawFace]]:
    return dict(zip(sample, face_detector.detect(list(sample.values())), strict=True))


@pytest.fixture(scope="session")
def office_faces(office: list[LabelledFrame], face_detector: FaceDetector) -> list[list[RawFace]]:
    return face_detector.detect([frame.pixels for frame in office])
