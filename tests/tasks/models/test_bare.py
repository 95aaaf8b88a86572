"""Bare networks do what their adapters have them do: as many inputs of the same shapes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tasks.models.protocols import AppearanceModel, Bare, Detector, FaceDetector, FaceEmbedder, Image, RawFace
from tasks.models.sessions import OnnxAdapter

Record = Callable[[Callable[[], object]], list[tuple[Any, ...]]]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Record:
    """Shapes and networks of the inputs that are run while something is done, sorted: threads come as they may."""
    seen: list[tuple[Any, ...]] = []
    original = OnnxAdapter._run

    def noting(self: OnnxAdapter, values: Any, *weights: Any) -> Any:
        seen.append((*values.shape, *(each.path.name for each in weights if each)))
        return original(self, values, *weights)

    monkeypatch.setattr(OnnxAdapter, "_run", noting)

    def record(work: Callable[[], object]) -> list[tuple[Any, ...]]:
        seen.clear()
        work()
        return sorted(seen)

    return record


def check(runs: Record, work: Callable[[], object], bare: Bare) -> None:
    """What is compared is not empty, and the bare network does the same each time."""
    wanted = runs(work)
    assert wanted
    assert runs(bare) == wanted
    assert runs(bare) == wanted


def mixed(sample: dict[str, Image]) -> list[Image]:
    """Frames of two sizes."""
    images = list(sample.values())[:3]
    return [*images, np.ascontiguousarray(images[0][:150])]


def test_detector(runs: Record, detector: Detector, sample: dict[str, Image]) -> None:
    images = mixed(sample)
    check(runs, lambda: detector.detect(images), detector.bare(images))


def test_face_detector_with_its_closeups(runs: Record, face_detector: FaceDetector, sample: dict[str, Image]) -> None:
    images = mixed(sample)
    assert any(face_detector.detect(images)), "there are closeups to look at"
    check(runs, lambda: face_detector.detect(images), face_detector.bare(images))


def test_face_embedder(
    runs: Record, embedder: FaceEmbedder, sample: dict[str, Image], sample_faces: dict[str, list[RawFace]]
) -> None:
    images, faces = list(sample.values()), list(sample_faces.values())
    check(runs, lambda: embedder.embed(images, faces), embedder.bare(sum(map(len, faces))))


def test_appearance(runs: Record, appearance: AppearanceModel, sample: dict[str, Image]) -> None:
    images = mixed(sample)
    check(runs, lambda: appearance.embed(images), appearance.bare(len(images)))
    check(runs, lambda: appearance.tag(images), appearance.bare(len(images)))
