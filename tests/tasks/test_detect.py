"""``detect``: which detections count, in which order, and that batches change nothing."""

import threading
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.config import BuildConfig, DetectConfig
from schemas.errors import ConfigError
from schemas.geometry import Box
from tasks.detect import STAGE, choose_detections, detect_shard
from tasks.models.protocols import Image, RawDetection
from tasks.runtime.stage import Kept
from tests.fakes import PaintedDetector
from tests.painted_films import paint

PARAMS = DetectConfig(person_score=0.4, object_score=0.5, max_per_frame=3)


def raw(label: str = "person", score: float = 0.9, box: Box = Box(1, 1, 9, 9)) -> RawDetection:  # noqa: B008 - frozen
    """A detection."""
    return RawDetection(label, score, box)


def test_people_and_things_have_their_own_bound() -> None:
    found = [raw("person", 0.4), raw("person", 0.39), raw("cup", 0.5), raw("cup", 0.49)]
    assert [(d.label, d.score) for d in choose_detections(found, 20, 20, PARAMS)] == [("cup", 0.5), ("person", 0.4)]


def test_boxes_are_clamped_and_slivers_left_out() -> None:
    boxes = [Box(-5, -5, 10, 10), Box(19.5, 0, 30, 10), Box(30, 0, 40, 10), Box(5, 5, 4, 9), Box(3, 3, 4, 4)]
    kept = [d.box for d in choose_detections([raw(box=box) for box in boxes], 20, 20, PARAMS)]
    assert kept == [Box(0, 0, 10, 10), Box(3, 3, 4, 4)]


def test_the_best_are_kept_and_ties_are_broken_by_label_and_place() -> None:
    found = [raw("cup", 0.6), raw("bat", 0.6, Box(2, 0, 9, 9)), raw("bat", 0.6, Box(1, 0, 9, 9)), raw("ax", 0.7)]
    chosen = choose_detections(found, 20, 20, PARAMS)
    assert [(d.label, d.box.x1) for d in chosen] == [("ax", 1), ("bat", 1), ("bat", 2)]
    assert choose_detections(found[::-1], 20, 20, PARAMS) == chosen


RAW = st.builds(
    RawDetection,
    st.sampled_from(["person", "cup", "dog"]),
    st.floats(0, 1),
    st.builds(Box, *[st.floats(-50, 150) for _ in range(4)]),
)


@given(st.lists(RAW, max_size=20), st.integers(1, 120), st.integers(1, 120), st.randoms(use_true_random=False))
def test_what_holds_of_any_detections(found: list[RawDetection], width: int, height: int, rng: object) -> None:
    chosen = choose_detections(found, width, height, PARAMS)
    assert len(chosen) <= PARAMS.max_per_frame
    assert [d.score for d in chosen] == sorted((d.score for d in chosen), reverse=True)
    for d in chosen:
        assert 0 <= d.box.x1 < d.box.x2 <= width
        assert 0 <= d.box.y1 < d.box.y2 <= height
        assert d.score >= (0.4 if d.label == "person" else 0.5)
    assert choose_detections(found[::-1], width, height, PARAMS) == chosen


class Counting(PaintedDetector):
    """Counts how many images come in a call."""

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "sizes", [])

    sizes: list[int]

    def detect(self, images: Sequence[Image]) -> list[list[RawDetection]]:
        self.sizes.append(len(images))
        return super().detect(images)


FRAMES = [(f"f{k}", paint(f"s{k}", [k % 4, (k + 1) % 4], ["chair"])[0]) for k in range(7)]


@pytest.mark.parametrize("batch", [1, 2, 3, 7, 50])
def test_every_frame_comes_out_in_order_whatever_the_batch(batch: int) -> None:
    detector = Counting()
    outcomes = list(detect_shard(iter(FRAMES), DetectConfig(batch=batch), detector))
    rows = [o.row for o in outcomes if isinstance(o, Kept)]
    assert [row["frame_id"] for row in rows] == [name for name, _ in FRAMES]
    assert max(detector.sizes) == min(batch, 7)
    assert sum(detector.sizes) == 7
    whole = list(detect_shard(iter(FRAMES), DetectConfig(batch=7), PaintedDetector()))
    assert outcomes == whole
    for row in rows:
        assert [d["det_id"] for d in row["detections"]] == [f"d{i}" for i in range(len(row["detections"]))]
        assert {d["origin"] for d in row["detections"]} == {"detector"}


def test_boxes_are_those_that_were_painted() -> None:
    pixels, painted = paint("one", [2], ["car"])
    (outcome,) = detect_shard([("f", pixels)], DetectConfig(), PaintedDetector())
    assert isinstance(outcome, Kept)
    found = {d["label"]: tuple(d[k] for k in ("x1", "y1", "x2", "y2")) for d in outcome.row["detections"]}
    assert found == {"person": painted[0].box, "car": painted[1].box}


def test_a_detector_that_forgets_an_image_is_an_error() -> None:
    class Forgetful(PaintedDetector):
        def detect(self, images: Sequence[Image]) -> list[list[RawDetection]]:
            return super().detect(images)[:-1]

    with pytest.raises(ValueError, match="zip"):
        list(detect_shard(iter(FRAMES), DetectConfig(), Forgetful()))


def test_a_frame_in_which_nothing_is_found_is_a_row() -> None:
    blank = np.full((40, 40, 3), 128, np.uint8)
    (outcome,) = detect_shard([("f", blank)], DetectConfig(), PaintedDetector())
    assert outcome == Kept({"frame_id": "f", "detections": []})


def test_the_model_is_part_of_the_key() -> None:
    assert STAGE.models is not None
    (digest,) = STAGE.models(BuildConfig()).values()
    assert len(digest) == 64
    with pytest.raises(ConfigError, match="unknown detector 'nanodet-x'"):
        STAGE.models(BuildConfig(detect=DetectConfig(model="nanodet-x")))


def test_the_next_batch_is_with_the_model_while_rows_of_the_last_are_used() -> None:
    begun: list[threading.Event] = [threading.Event() for _ in range(3)]

    class Slow(PaintedDetector):
        def detect(self, images: Sequence[Image]) -> list[list[RawDetection]]:
            next(event for event in begun if not event.is_set()).set()
            return super().detect(images)

    frames = [(f"f{k}", paint(str(k), [0])[0]) for k in range(6)]
    for k, outcome in enumerate(detect_shard(iter(frames), DetectConfig(batch=2), Slow())):
        assert isinstance(outcome, Kept)
        assert outcome.row["frame_id"] == f"f{k}"
        if k < 4:
            assert begun[k // 2 + 1].wait(10)
