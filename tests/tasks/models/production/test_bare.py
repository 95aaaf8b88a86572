"""Bare production networks do what their adapters have them do: as many runs, on inputs of the same shapes and kind."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("ultralytics")
pytest.importorskip("open_clip")

from tasks.models.insightface_faces import ArcFace, Scrfd
from tasks.models.mask2former import Mask2Former
from tasks.models.open_clip_model import create_open_clip
from tasks.models.options import Options
from tasks.models.protocols import RawFace
from tasks.models.ultralytics_detector import UltralyticsDetector
from tests.tasks.models.production.networks import (
    listed,
    make_arcface,
    make_mask2former,
    make_open_clip,
    make_scrfd,
    make_yolo,
    own_weights,
    pictures,
)

Seen = list[tuple[tuple[int, ...], str]]


def check(seen: Seen, work: Callable[[], object], bare: Callable[[], None]) -> None:
    seen.clear()
    work()
    wanted = list(seen)
    assert wanted
    for _ in range(2):
        seen.clear()
        bare()
        assert seen == wanted


def noting(seen: Seen, network: Any) -> None:
    """Have a module of torch note what it is run on."""

    def note(_: Any, places: tuple[Any, ...], names: dict[str, Any]) -> None:
        values = places[0] if places else names["pixel_values"]
        seen.append((tuple(values.shape), str(values.dtype)))

    network.register_forward_pre_hook(note, with_kwargs=True)


def test_yolo_on_images_of_several_sizes(tmp_path: Path) -> None:
    path = make_yolo(tmp_path / "yolo.pt", "yolo26n-seg.yaml")
    adapter = UltralyticsDetector(
        listed("yolo26m-seg", "detector"), own_weights(path, image_side=160, batch=2, masks=True, score=0.2)
    )
    images = pictures(7)
    bare = adapter.bare(images)
    seen: Seen = []
    noting(seen, adapter._network.predictor.model)
    check(seen, lambda: adapter.detect(images), bare)
    assert len({shape for shape, _ in seen}) > 2, "sizes and a batch that is not full"


def test_mask2former(tmp_path: Path) -> None:
    folder = make_mask2former(tmp_path / "m2f")
    adapter = Mask2Former(
        listed("mask2former-swin-large-coco-panoptic", "detector"), Options(weights=str(folder), device="cpu", batch=2)
    )
    images = pictures(3)
    bare = adapter.bare(images)
    seen: Seen = []
    noting(seen, adapter._network)
    check(seen, lambda: adapter.detect(images), bare)
    assert [shape[0] for shape, _ in seen] == [2, 1]


def test_open_clip(tmp_path: Path) -> None:
    path = make_open_clip(tmp_path / "clip")
    model = listed("clip-vit-l-14", "appearance", settings={"architecture": "tiny-test", "dimension": "24"})
    adapter = create_open_clip(model, own_weights(path, batch=3))
    network = adapter._ready()
    seen: Seen = []

    def images(values: Any) -> Any:
        seen.append((tuple(values.shape), str(values.dtype)))
        return network.images(values)

    adapter._network = dataclasses.replace(network, images=images)
    check(seen, lambda: adapter.embed(pictures(7)), adapter.bare(7))
    assert [shape[0] for shape, _ in seen] == [3, 3, 1]


def test_faces(tmp_path: Path) -> None:
    """Their networks run on as many faces and frames whoever calls: batches of at most 2."""
    sizes = {"scrfd": (64, 128)}
    scrfd = Scrfd(
        listed("scrfd-10g", "face_detector"),
        own_weights(make_scrfd(tmp_path / "d.onnx"), batch=2, sides=sizes["scrfd"]),
    )
    arcface = ArcFace(listed("buffalo_l", "face_embedder"), own_weights(make_arcface(tmp_path / "e.onnx"), batch=2))
    images = pictures(3)
    scrfd.bare(images)()
    arcface.bare(3)()
    faces = [[RawFace(found[0].box, 1.0, found[0].landmarks)] if found else [] for found in scrfd.detect(images)]
    assert len(arcface.embed(images, faces)) == 3
    assert np.isfinite(np.concatenate(arcface.embed(images, faces))).all()
