"""SCRFD and ArcFace in batches against insightface, one image and one face at a time, with the same weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from schemas.errors import ConfigError, ModelError
from schemas.geometry import Box
from tasks.models import onnx_batches
from tasks.models.device import Device
from tasks.models.insightface_faces import ArcFace, Scrfd
from tasks.models.onnx_batches import choose_providers
from tasks.models.onnx_graph import read_network
from tasks.models.protocols import RawFace
from tests.tasks.models.production.networks import listed, make_arcface, make_scrfd, own_weights, pictures

for module in ("cv2", "onnx", "onnxruntime"):
    pytest.importorskip(module)

SIDES = (128, 640)
SIZES = ((240, 430), (240, 430), (300, 200), (64, 64))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("faces")
    return {
        "cells": make_scrfd(folder / "det_10g.onnx"),
        "images": make_scrfd(folder / "batched.onnx", batched=True),
        "cells deep": make_scrfd(folder / "deep.onnx", deep=True),
        "images deep": make_scrfd(folder / "deep_batched.onnx", batched=True, deep=True),
        "arcface": make_arcface(folder / "w600k.onnx"),
        "arcface one": make_arcface(folder / "one.onnx", batch=1),
        "arcface mxnet": make_arcface(folder / "mxnet.onnx", inside=True),
        "arcface prelu": make_arcface(folder / "prelu.onnx", slopes=True),
    }


def detector(path: Path, batch: int = 8, sides: tuple[int, ...] = SIDES, score: float = 0.5) -> Scrfd:
    return Scrfd(listed("scrfd-10g", "face_detector"), own_weights(path, batch=batch, sides=sides, score=score))


def embedder(path: Path, batch: int = 8) -> ArcFace:
    return ArcFace(listed("auraface", "face_embedder"), own_weights(path, batch=batch))


def row(face: RawFace) -> list[float]:
    return [face.box.x1, face.box.y1, face.box.x2, face.box.y2, *(float(v) for point in face.landmarks for v in point)]


def same(one: list[RawFace], other: list[RawFace]) -> None:
    """The same faces to half a pixel and 1e-3 of score; those whose scores are as good as equal may change places."""
    assert len(one) == len(other)
    left = list(other)
    for face in one:
        gaps = [np.abs(np.subtract(row(face), row(rival))).max() for rival in left]
        twin = left.pop(int(np.argmin(gaps)))
        assert min(gaps) < 0.5
        assert face.score == pytest.approx(twin.score, abs=1e-3)


@pytest.mark.parametrize("kind", ["cells", "images", "cells deep", "images deep"])
def test_a_batch_of_32_is_computed_as_one_and_gives_what_single_images_give(
    kind: str, weights: dict[str, Path]
) -> None:
    images = pictures(32, SIZES)
    many, one = detector(weights[kind], 32), detector(weights[kind], 1)
    together = many.detect(images)
    assert (many._ready()._stem is not None) == kind.endswith("deep")
    assert many._ready().layout == kind.split()[0]
    assert sum(map(len, together)) > 80, "the random network should find something"
    for faces, image in zip(together, images, strict=True):
        same(faces, one.detect([image])[0])
        assert [f.score for f in faces] == sorted((f.score for f in faces), reverse=True)


@pytest.mark.parametrize("sides", [(128,), (640,), SIDES])
@pytest.mark.parametrize("layout", ["cells", "images", "cells deep", "images deep"])
def test_faces_are_those_that_insightface_finds(layout: str, sides: tuple[int, ...], weights: dict[str, Path]) -> None:
    pytest.importorskip("insightface")
    from insightface.model_zoo.scrfd import SCRFD

    theirs = SCRFD(str(weights[layout]))
    theirs.prepare(-1, nms_thresh=0.4, det_thresh=0.5)
    images = pictures(4, SIZES)
    ours = detector(weights[layout], 8, sides).detect(images)
    found = 0
    for faces, image in zip(ours, images, strict=True):
        boxes, points = theirs.detect(np.ascontiguousarray(image[..., ::-1]), input_size=[(s, s) for s in sides])
        height, width = image.shape[:2]
        expected = [
            RawFace(Box(*(float(v) for v in row[:4])).clamp(width, height), float(row[4]), tuple(map(tuple, marks)))
            for row, marks in zip(boxes, points, strict=True)
        ]
        same(faces, expected[:200])
        found += len(faces)
    assert found > 10


@pytest.mark.parametrize("deep", [False, True])
def test_a_network_of_one_image_and_size_is_run_as_it_can_be(deep: bool, tmp_path: Path) -> None:
    path = make_scrfd(tmp_path / "fixed.onnx", fixed_side=128, deep=deep)
    images = pictures(3, SIZES)
    one = detector(path, 8, (128,))
    assert [len(faces) for faces in one.detect(images)] == [len(one.detect([image])[0]) for image in images]


def faces_of(images: list[np.ndarray], count: int = 2) -> list[list[RawFace]]:
    rng = np.random.default_rng(2)
    found = []
    for image in images:
        height, width = image.shape[:2]
        faces = []
        for _ in range(count):
            middle = rng.uniform(0.3, 0.7, 2) * [width, height]
            size, turn = rng.uniform(15, 50), rng.uniform(-0.5, 0.5)
            shape = np.array([[-1, -1], [1, -1], [0, 0], [-0.8, 1], [0.8, 1]]) * size / 2 + rng.normal(0, 1, (5, 2))
            rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
            points = shape @ rotation.T + middle
            faces.append(RawFace(Box(0, 0, 1, 1), 0.9, tuple((float(x), float(y)) for x, y in points)))
        found.append(faces)
    return found


@pytest.mark.parametrize("kind", ["arcface", "arcface one", "arcface mxnet", "arcface prelu"])
def test_embeddings_are_those_of_insightface_in_any_batch(kind: str, weights: dict[str, Path]) -> None:
    pytest.importorskip("insightface")
    from insightface.model_zoo.arcface_onnx import ArcFaceONNX
    from insightface.utils.face_align import norm_crop

    images = pictures(16, SIZES)
    faces = faces_of(images)
    theirs = ArcFaceONNX(str(weights[kind]))
    ours = embedder(weights[kind], 32)
    together = ours.embed(images, faces)
    alone = embedder(weights[kind], 1).embed(images, faces)
    assert ours._ready().layout == "rows"
    for image, found, vectors, single in zip(images, faces, together, alone, strict=True):
        assert vectors.shape == (2, 512)
        np.testing.assert_allclose(vectors, single, atol=1e-3)
        for face, vector in zip(found, vectors, strict=True):
            crop = norm_crop(np.ascontiguousarray(image[..., ::-1]), np.array(face.landmarks, np.float32))
            expected = theirs.get_feat(crop).ravel()
            np.testing.assert_allclose(vector, expected / np.linalg.norm(expected), atol=1e-3)


def test_images_without_faces_have_no_rows(weights: dict[str, Path]) -> None:
    images = pictures(3, SIZES)
    found = embedder(weights["arcface"]).embed(images, [[], faces_of(images)[1][:1], []])
    assert [vectors.shape for vectors in found] == [(0, 512), (1, 512), (0, 512)]
    assert embedder(weights["arcface"]).embed([], []) == []


def test_landmarks_in_one_point_give_a_finite_embedding(weights: dict[str, Path]) -> None:
    face = RawFace(Box(0, 0, 1, 1), 0.9, ((5.0, 5.0),) * 5)
    (vectors,) = embedder(weights["arcface"]).embed(pictures(1), [[face]])
    assert np.isfinite(vectors).all()
    assert np.linalg.norm(vectors[0]) == pytest.approx(1, abs=1e-5)


def test_a_file_of_the_wrong_kind(weights: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be run on images of 128"):
        detector(weights["arcface"]).load()
    with pytest.raises(ModelError, match=r"is no face embedder|cannot be run on images of 112"):
        embedder(weights["cells"]).load()
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(weights["arcface"].read_bytes()[:5000])
    with pytest.raises(ModelError, match="is not a network that can be run") as caught:
        embedder(damaged).load()
    assert "\n" not in str(caught.value)


def test_sides_that_the_network_cannot_take(weights: dict[str, Path]) -> None:
    with pytest.raises(ConfigError, match="must be multiples of 32, not 100"):
        detector(weights["cells"], sides=(100,)).detect(pictures(1))


def test_a_gpu_needs_an_onnxruntime_with_cuda() -> None:
    gpu = Device("cuda:1", True)
    with pytest.raises(ConfigError, match="pip install onnxruntime-gpu"):
        choose_providers(["CPUExecutionProvider"], gpu)
    chosen = choose_providers(["CUDAExecutionProvider", "CPUExecutionProvider"], gpu)
    settings = {"device_id": 1, "cudnn_conv_algo_search": "HEURISTIC"}
    assert chosen == [("CUDAExecutionProvider", settings), "CPUExecutionProvider"]
    assert choose_providers(["CUDAExecutionProvider"], Device("cpu", False)) == ["CPUExecutionProvider"]


def note_calls(session: Any, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The shapes that a session is asked from now on."""
    asked: list[tuple[int, ...]] = []
    ask = session._ask

    def noting(images: Any, filled: Any = ()) -> Any:
        asked.append(images.shape)
        return ask(images, filled)

    monkeypatch.setattr(session, "_ask", noting)
    return asked


@pytest.mark.parametrize(
    ("device", "cores", "count", "calls"),
    [
        ("cpu", 2, 12, [3, 3, 3, 3]),  # at most 5 of 112 x 112 in 2^16 pixels; a whole number for each of two lanes
        ("cpu", 2, 5, [2, 3]),
        ("cpu", 4, 2, [1, 1]),
        ("cpu", 1, 12, [4, 4, 4]),
        ("cuda:0", 2, 12, [12]),
    ],
)
def test_a_gpu_gets_a_batch_whole_and_each_core_pieces_of_it(
    device: str, cores: int, count: int, calls: list[int], weights: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The GPU is played by the CPU: what is sent to it, and that its network keeps its PReLU, are what is looked at."""
    plain = onnx_batches._session
    opened = []

    def on_cpu(network: Any, _device: Device, threads: int) -> Any:
        opened.append(({node.op_type for node in network.graph.node}, threads))
        return plain(network, Device("cpu", False), threads)

    monkeypatch.setattr(onnx_batches, "_session", on_cpu)
    monkeypatch.setattr(onnx_batches, "available_cores", lambda: cores)
    path = weights["arcface prelu"]
    kind = Device(device, False)
    session = onnx_batches.BatchedOnnx(path, read_network(path), kind, 112, (127.5, 127.5), 32)
    images = np.random.default_rng(3).integers(0, 256, (count, 112, 112, 3), dtype=np.uint8)
    expected = np.concatenate([session.run(images[k : k + 1])[0] for k in range(count)])
    asked = note_calls(session, monkeypatch)
    np.testing.assert_allclose(session.run(images)[0], expected, rtol=1e-4, atol=1e-3)
    assert sorted(shape[0] for shape in asked) == calls
    ((kinds, threads),) = opened
    assert ("PRelu" in kinds) == kind.on_gpu
    assert threads == (cores if kind.on_gpu else 1)


def test_the_bare_network_is_asked_as_the_adapter_asks_it(
    weights: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_batches, "available_cores", lambda: 2)
    find, embed = detector(weights["cells"], 4), embedder(weights["arcface"], 4)
    images = pictures(6, SIZES)
    works: list[tuple[Scrfd | ArcFace, Callable[[], object], Callable[[], object]]] = [
        (find, lambda: find.detect(images), lambda: find.bare(images)()),
        (embed, lambda: embed.embed(images, faces_of(images, 1)), lambda: embed.bare(6)()),
    ]
    for adapter, use, bare in works:
        session = adapter._ready()
        asked = note_calls(session, monkeypatch)
        use()
        by_adapter = sorted(asked)
        asked.clear()
        bare()
        assert sorted(asked) == by_adapter
