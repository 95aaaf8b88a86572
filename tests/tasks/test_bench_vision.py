"""The measurement of the vision stages, on the embedded models."""

import dataclasses
import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest

from flows.presets import load_config
from schemas.config import BuildConfig
from schemas.errors import ConfigError
from schemas.geometry import Box
from tasks.bench_chain import Chain, measure_chain
from tasks.bench_frames import EncodedFrames, decode_some, read_frames, take
from tasks.bench_pieces import crop_pieces, detect_pieces, face_knowing, made_face
from tasks.bench_vision import VisionPlan, VisionReport, bench_vision, check_plan, lay_over, shrink_batches
from tasks.benchmark.frames import make_frames
from tasks.benchmark.vision_models import CPU, LOWEST_SCORE, Role, choose_score, list_roles
from tasks.models import compiled
from tasks.models.device import Device
from tasks.models.face_alignment import TEMPLATE, similarity_transform
from tasks.models.options import Options
from tasks.models.protocols import Image, RawDetection
from tasks.models.registry import Stage
from tests.fakes import PaintedAppearance, PaintedDetector, PaintedFaceEmbedder, PaintedFaces

ROLE = Role("nanodet-g-416", "detector", Options(), CPU, "shipped")
ROLES: dict[Stage, Role] = dict.fromkeys(("detector", "face_detector", "face_embedder", "appearance"), ROLE)
SMALL = VisionPlan(rounds=2, seconds=0.001, frames=3, batch=2, size=(320, 180))


@pytest.fixture(scope="module")
def report() -> VisionReport:
    return bench_vision(load_config("embedded"), SMALL)


def test_a_row_for_each_model_and_one_for_the_chain(report: VisionReport) -> None:
    assert [(row.stage, row.what, row.model, row.unit) for row in report.rows] == [
        ("detect", "frames", "nanodet-g-416", "frame"),
        ("detect", "frames from JPEG", "nanodet-g-416", "frame"),
        ("faces", "frames", "yunet-2023mar", "frame"),
        ("faces", "faces", "sface", "face"),
        ("appearance", "crops", "efficientnet-lite0", "crop"),
        ("appearance", "tags", "efficientnet-lite0", "frame"),
        ("chain", "frames from JPEG", "detect, faces, appearance", "frame"),
    ]
    *models, chain = report.rows
    for row in models:
        assert row.weights == "shipped"
        assert row.bare_rate is not None
        assert row.share is not None
        assert 0.02 < row.share < 5, "on so little work anything may come between"
    assert chain.bare_rate is chain.share is None
    assert 0 < chain.rate < min(row.rate for row in models if row.unit == "frame")
    assert chain.note.startswith("3 frames; ")
    for row in report.rows:
        assert row.device == "cpu"
        assert row.gpu_busy is row.gpu_peak_bytes is None
        assert 20e6 < row.peak_bytes < 8e9


def test_the_head_says_on_what_it_was_measured(report: VisionReport) -> None:
    head = report.head
    assert head["machine"]["gpu"] is None
    assert head["machine"]["libraries"]["onnxruntime"]
    assert head["machine"]["compiled"] is (compiled.pixels is not None)
    assert (head["frame"]["width"], head["frame"]["height"]) == (320, 180)
    assert head["batches"] == {"detect": 2, "faces": 2, "appearance": 2}
    assert head["models"]["detector"] == "nanodet-g-416"


def test_results_are_told_as_they_stand() -> None:
    told: list[Any] = []
    plan = dataclasses.replace(SMALL, stages=("faces",), rounds=1)
    report = bench_vision(load_config("embedded"), plan, told.append, told.append)
    assert told == [report.head, *report.rows]
    assert [row.stage for row in report.rows] == ["faces", "faces"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"stages": ("detcet",)}, "unknown stage 'detcet'; did you mean 'detect'"),
        ({"rounds": 0}, "rounds must be 1 to 1000, not 0"),
        ({"seconds": math.nan}, "seconds must be"),
        ({"seconds": -1.0}, "seconds must be"),
        ({"frames": -1}, "frames must be"),
        ({"batch": 5000}, "batch must be"),
        ({"things": 0}, "detections must be"),
        ({"size": (31, 400)}, "frames must be 32 to 8192 pixels wide and high, not 31x400"),
        ({"size": (400, 9000)}, "not 400x9000"),
    ],
)
def test_plans_that_cannot_be(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        check_plan(dataclasses.replace(SMALL, **changes))


def test_device_and_batch_of_the_plan_are_laid_over_the_configuration() -> None:
    config = lay_over(load_config("gpu"), VisionPlan(device="cuda:1", batch=7))
    for section in (config.detect, config.faces, config.appearance):
        assert (section.device, section.batch) == ("cuda:1", 7)
    assert lay_over(load_config("gpu"), VisionPlan()) == load_config("gpu")
    with pytest.raises(ConfigError, match="device"):
        lay_over(load_config("gpu"), VisionPlan(device="tpu"))


def test_embedded_models_on_a_gpu() -> None:
    with pytest.raises(ConfigError, match="runs on the CPU"):
        bench_vision(load_config("embedded"), dataclasses.replace(SMALL, device="cuda"))


def test_large_batches_are_for_gpus() -> None:
    roles = [
        Role("yolo26m-seg", "detector", Options(), Device("cuda:0", True), "listed"),
        Role("scrfd-10g", "face_detector", Options(), CPU, "listed"),
        Role("efficientnet-lite0", "appearance", Options(), CPU, "shipped"),
    ]
    before = load_config("gpu")
    config = shrink_batches(before, roles)
    assert config.faces.batch == 2
    assert (config.detect, config.appearance) == (before.detect, before.appearance)


def test_only_models_that_are_measured_are_needed() -> None:
    config = BuildConfig()
    for stage, needed in {
        "detect": ["detector"],
        "landmarks": [],
        "faces": ["face_detector", "face_embedder"],
        "appearance": ["detector", "appearance"],
        "chain": ["detector", "face_detector", "face_embedder", "appearance"],
    }.items():
        assert [role.stage for role in list_roles(config, [stage], random=False)] == needed


def test_the_score_that_so_many_reach() -> None:
    found = [[0.9, 0.2, 0.1], [0.8, 0.7, 0.3]]
    images = [np.zeros((4, 4, 3), np.uint8)] * 2
    assert choose_score(lambda _: found, images, 1) == pytest.approx(0.75), "between the second and the third best"
    assert choose_score(lambda _: found, images, 2) == pytest.approx(0.25)
    assert choose_score(lambda _: found, images, 3) == LOWEST_SCORE


def test_a_face_is_made_up_where_none_is_found() -> None:
    image = np.zeros((200, 400, 3), np.uint8)
    face = made_face(image)
    assert face.box == Box(150, 50, 250, 150)
    matrix = similarity_transform(np.array(face.landmarks), TEMPLATE)
    assert matrix == pytest.approx(np.array([[1.12, 0, -168], [0, 1.12, -56]]), abs=1e-4), "it is aligned as it stands"

    class Nobody(PaintedFaces):
        def detect(self, images: Sequence[Image]) -> Any:
            return [[] for _ in images]

    class Embedder(PaintedFaceEmbedder):
        def bare(self, count: int) -> Any:
            return partial(int, count)

    config = load_config("embedded")
    measured = face_knowing(Nobody(), Embedder(), make_frames(2, 64, 64), config)
    assert measured.bare_items == measured.pieces[0].items == config.faces.batch
    assert "made up" in measured.pieces[0].note


class Things(PaintedDetector):
    """Two things in each image."""

    batches: list[int] = []  # noqa: RUF012 - of all of them

    def detect(self, images: Sequence[Image]) -> list[list[RawDetection]]:
        self.batches.append(len(images))
        return [
            [RawDetection("dog", 0.9, Box(1, 2, 21, 32)), RawDetection("cat", 0.8, Box(0, 0, 9, 9))] for _ in images
        ]

    def bare(self, images: Sequence[Image]) -> Any:
        return partial(int, len(images))


class Looks(PaintedAppearance):
    """Notes the shapes of its crops."""

    shapes: list[tuple[int, ...]] = []  # noqa: RUF012

    def embed(self, crops: Sequence[Image]) -> Any:
        self.shapes[:] = [crop.shape for crop in crops]
        return super().embed(crops)

    def bare(self, count: int) -> Any:
        return partial(int, count)


def test_crops_are_those_of_the_detections_of_a_batch() -> None:
    config = lay_over(BuildConfig(), VisionPlan(batch=5))
    looks = Looks()
    measured = crop_pieces(looks, Things(), make_frames(2, 64, 64), config)
    (piece,) = measured.pieces
    assert (piece.items, piece.note, measured.bare_items) == (10, "2.0 a frame", 10)
    piece.work()
    assert sorted(looks.shapes) == [(9, 9, 3)] * 5 + [(30, 20, 3)] * 5


def test_frames_from_jpeg_are_two_batches() -> None:
    config = lay_over(BuildConfig(), VisionPlan(batch=3))
    detector = Things()
    whole, stored = detect_pieces(detector, ROLE, make_frames(2, 64, 64), config).pieces
    assert (whole.items, stored.items) == (3, 6)
    detector.batches.clear()
    stored.work()
    assert detector.batches == [3, 3]


class Seconds:
    """A clock on which everything takes ``each`` seconds."""

    def __init__(self, each: float) -> None:
        self.now, self.each = 0.0, each

    def __call__(self) -> float:
        self.now += self.each
        return self.now


@pytest.mark.parametrize(("each", "frames"), [(0.3, 20), (0.00001, 512), (60.0, 2)])
def test_the_chain_takes_as_many_frames_as_fill_a_round(each: float, frames: int) -> None:
    """The first run of 2 frames takes ``each`` on the clock; 3 seconds are filled, with 2 to 512 frames."""
    config = lay_over(load_config("embedded"), VisionPlan(batch=2))
    chain = Chain(config, ROLES, PaintedDetector(), PaintedFaces(), PaintedFaceEmbedder(), PaintedAppearance())
    row = measure_chain(chain, make_frames(2, 64, 64), 0, 1, CPU, None, Seconds(each))
    assert row.note.startswith(f"{frames} frames; ")


def test_a_chain_that_loses_a_frame_is_no_figure() -> None:
    class Forgetful(PaintedDetector):
        def detect(self, images: Sequence[Image]) -> list[list[RawDetection]]:
            return super().detect(images)[:-1]

    config = load_config("embedded")
    chain = Chain(config, ROLES, Forgetful(), PaintedFaces(), PaintedFaceEmbedder(), PaintedAppearance())
    with pytest.raises((RuntimeError, ValueError)):
        chain.run(make_frames(2, 64, 64))


def test_frames_are_taken_again_when_they_end() -> None:
    assert take([b"a", b"b"], 5) == [b"a", b"b", b"a", b"b", b"a"]


def test_frames_are_read_as_a_stage_reads_them() -> None:
    contents = make_frames(3, 96, 64)
    frames = EncodedFrames(contents)
    found = list(read_frames(frames, ROLE, "libjpeg"))
    assert [name for name, _ in found] == frames.names == ["frame0", "frame1", "frame2"]
    for (_, pixels), expected in zip(found, decode_some(contents, 3), strict=True):
        assert (pixels == expected).all()
