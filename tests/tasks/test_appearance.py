"""``appearance``: crops, colours of clothes, tags."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.config import AppearanceConfig
from schemas.geometry import Box
from tasks.appearance import appearance_shard, crop
from tasks.models.protocols import Embeddings, Image
from tasks.rows import Detection, unpack_embedding
from tasks.runtime.stage import Kept, Row
from tests.fakes import PaintedAppearance
from tests.painted_films import paint

NUMBERED = np.arange(20 * 30 * 3, dtype=np.uint8).reshape(20, 30, 3)


def test_a_crop_is_the_pixels_under_the_box() -> None:
    assert np.array_equal(crop(NUMBERED, Box(3, 5, 11, 9)), NUMBERED[5:9, 3:11])


@given(st.builds(Box, *[st.floats(-40, 60) for _ in range(4)]))
def test_a_crop_has_a_pixel_always(box: Box) -> None:
    assert crop(NUMBERED, box).size >= 3


PAINTED = {f"f{k}": paint(f"s{k}", [k % 4], ["chair"]) for k in range(5)}
FRAMES = [(name, pixels) for name, (pixels, _) in PAINTED.items()]
DETECTIONS = {
    name: [
        Detection(f"d{i}", p.what if isinstance(p.what, str) else "person", 0.9, "detector", Box(*map(float, p.box)))
        for i, p in enumerate(painted)
    ]
    for name, (_, painted) in PAINTED.items()
}
People = dict[str, tuple[list[Detection], dict[str, Box]]]
PEOPLE: People = {name: (found, {}) for name, found in DETECTIONS.items()}
STORIES = dict.fromkeys(PAINTED, "story")


def shard(params: AppearanceConfig, model: PaintedAppearance | None = None, people: People | None = None) -> list[Row]:
    """Rows of the painted frames."""
    outcomes = appearance_shard(
        iter(FRAMES),
        people or PEOPLE,
        STORIES,
        params,
        model or PaintedAppearance(),
    )
    return [o.row for o in outcomes if isinstance(o, Kept)]


@pytest.mark.parametrize("batch", [1, 2, 16])
def test_every_detection_of_every_frame_has_its_crop(batch: int) -> None:
    rows = shard(AppearanceConfig(batch=batch))
    assert [row["frame_id"] for row in rows] == list(PAINTED)
    assert rows == shard(AppearanceConfig(batch=5))
    for row in rows:
        assert [c["det_id"] for c in row["crops"]] == [d.det_id for d in DETECTIONS[row["frame_id"]]]
        assert row["story_key"] == "story"
        for found, detection in zip(row["crops"], DETECTIONS[row["frame_id"]], strict=True):
            pixels = crop(PAINTED[row["frame_id"]][0], detection.box)
            expected = PaintedAppearance().embed([pixels])[0]
            assert np.array_equal(unpack_embedding(found["embedding"]), expected)


def test_colours_of_a_person_are_of_the_clothes_below_the_face() -> None:
    pixels = np.full((100, 60, 3), 128, np.uint8)
    pixels[0:100, 10:50] = (235, 205, 60)
    pixels[30:80, 15:45] = (200, 35, 35)  # a yellow coat over a red shirt: most of the box is yellow
    person = Detection("d0", "person", 0.9, "detector", Box(10, 0, 50, 100))
    people = {"f": ([person], {"d0": Box(22, 2, 38, 22)})}
    (outcome,) = appearance_shard([("f", pixels)], people, {"f": "s"}, AppearanceConfig(), PaintedAppearance())
    assert isinstance(outcome, Kept)
    (found,) = outcome.row["crops"]
    assert next(c["name"] for c in found["colours"]) == "red"
    assert sum(c["share"] for c in found["colours"]) <= 1 + 1e-6


def test_tags_are_those_above_the_bound_best_first() -> None:
    class Tagging(PaintedAppearance):
        def tag(self, images: Sequence[Image]) -> list[list[tuple[str, float]]]:
            return [[("a", 0.9), ("b", 0.5), ("c", 0.4), ("d", 0.1)] for _ in images]

    for most, expected in ((3, ["a", "b", "c"]), (1, ["a"]), (0, [])):
        rows = shard(AppearanceConfig(tag_score=0.4, max_tags=most), Tagging())
        assert all([t["label"] for t in row["tags"]] == expected for row in rows)


def test_a_model_that_forgets_a_crop_is_an_error() -> None:
    class Forgetful(PaintedAppearance):
        def embed(self, crops: Sequence[Image]) -> Embeddings:
            return super().embed(crops)[:-1]

    with pytest.raises(ValueError, match="gave 9 embeddings of 10 crops"):
        shard(AppearanceConfig(batch=5), Forgetful())


def test_a_model_that_gives_a_crop_too_many_is_an_error() -> None:
    class Generous(PaintedAppearance):
        def embed(self, crops: Sequence[Image]) -> Embeddings:
            return super().embed([*crops, crops[0]])

    with pytest.raises(ValueError, match="gave 11 embeddings of 10 crops"):
        shard(AppearanceConfig(batch=5), Generous())


def test_a_frame_without_detections_in_a_batch_is_no_trouble() -> None:
    rows = shard(AppearanceConfig(batch=2), people={**PEOPLE, "f1": ([], {})})
    assert [len(row["crops"]) for row in rows] == [2, 0, 2, 2, 2]
