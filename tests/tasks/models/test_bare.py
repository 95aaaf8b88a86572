"""Bare networks do what their adapters have them do, in batches: as many inputs of the same shapes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tasks.models.protocols import AppearanceModel, Bare, Detector, FaceDetector, FaceEmbedder, Image, RawFace
from tasks.models.sessions import OnnxAdapter

Record = Callable[[Callable[[], object]], list[tuple[int, ...]]]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Record:
    """The shapes of the images that networks are run on while something is done, sorted: threads come as they may."""
    seen: list[tuple[int, ...]] = []

    def note(name: str) -> None:
        original = getattr(OnnxAdapter, name)

        def noting(self: OnnxAdapter, values: Any, *weights: Any) -> Any:
            seen.extend([values.shape[1:]] * len(values))
            return original(self, values, *weights)

        monkeypatch.setattr(OnnxAdapter, name, noting)

    note("_run")
    note("_run_batch")

    def record(work: Callable[[], object]) -> list[tuple[int, ...]]:
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


def test_in_batches_with_all_threads(monkeypatch: pytest.MonkeyPatch, appearance: AppearanceModel) -> None:
    counts: list[int] = []
    monkeypatch.setattr(OnnxAdapter, "_run_batch", lambda _, values, *__: counts.append(len(values)))
    appearance.bare(21)()
    assert counts == [8, 8, 5]


def test_large_inputs_in_smaller_batches(monkeypatch: pytest.MonkeyPatch, face_detector: FaceDetector) -> None:
    wide = [np.zeros((360, 640, 3), np.uint8)] * 3  # without a face
    bare = face_detector.bare(wide)
    shapes: list[tuple[int, ...]] = []
    monkeypatch.setattr(OnnxAdapter, "_run_batch", lambda _, values, *__: shapes.append(values.shape))
    bare()
    assert shapes == [(1, 3, 384, 640)] * 3
