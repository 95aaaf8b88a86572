"""Mask2Former through the adapter against transformers' own post-processing, with random weights."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from schemas.errors import ConfigError, ModelError
from tasks.models.mask2former import Mask2Former, plain_label
from tasks.models.options import Options
from tasks.models.rle import decode_mask, mask_area
from tests.tasks.models.production.networks import listed, make_mask2former, pictures

THRESHOLD = 0.05


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_mask2former(tmp_path_factory.mktemp("mask2former"))


def detector(folder: Path, **options: Any) -> Mask2Former:
    model = listed("mask2former-swin-large-coco-panoptic", "detector")
    return Mask2Former(
        model, Options(weights=str(folder), device="cpu", **{"score": THRESHOLD, "masks": True, **options})
    )


@cache
def loaded(folder: Path) -> tuple[Any, Any]:
    from transformers import Mask2FormerForUniversalSegmentation
    from transformers.models.mask2former.image_processing_pil_mask2former import Mask2FormerImageProcessorPil

    network = Mask2FormerForUniversalSegmentation.from_pretrained(folder).eval()
    return Mask2FormerImageProcessorPil.from_pretrained(folder), network


def library(folder: Path, image: np.ndarray) -> tuple[np.ndarray, list[dict[str, Any]]]:
    import torch
    from PIL import Image

    processor, network = loaded(folder)
    with torch.inference_mode():
        inputs = processor(images=Image.fromarray(image), return_tensors="pt")
        outputs = network(pixel_values=inputs["pixel_values"])
        one = processor.post_process_panoptic_segmentation(
            outputs, threshold=THRESHOLD, label_ids_to_fuse=set(range(80, 133)), target_sizes=[image.shape[:2]]
        )[0]
    return one["segmentation"].numpy(), one["segments_info"]


def test_things_and_regions_are_those_of_the_library(folder: Path) -> None:
    images = pictures(32)
    found = detector(folder, batch=32).detect(images)
    alone = detector(folder, batch=1)
    assert sum(map(len, found)) > 8
    assert {d.stuff for one in found for d in one} == {True, False}
    for detections, image in zip(found, images, strict=True):
        segments, facts = library(folder, image)
        height, width = image.shape[:2]
        things = [f for f in facts if f["label_id"] < 80]
        ours = [d for d in detections if not d.stuff]
        assert len(ours) == len(things)
        left = [(np.argwhere(segments == f["id"]), f) for f in things]
        for one in ours:
            spans = [(p[:, 1].min(), p[:, 0].min(), p[:, 1].max() + 1, p[:, 0].max() + 1) for p, _ in left]
            gaps = [np.abs(np.subtract(span, (one.box.x1, one.box.y1, one.box.x2, one.box.y2))).max() for span in spans]
            apart = [100 * abs(one.score - fact["score"]) for _, fact in left]
            twin = int(np.argmin(np.add(gaps, apart)))
            pixels, fact = left.pop(twin)
            assert gaps[twin] <= 1
            assert one.score == pytest.approx(fact["score"], abs=1e-3)
            assert one.mask is not None
            assert abs(mask_area(one.mask) - len(pixels)) <= 0.01 * height * width
        for one in detections:
            if one.stuff:
                assert one.mask is not None
                assert one.label in {"brick wall", "sky", "wooden floor"} or one.label.startswith("region")
                inside = decode_mask(one.mask, height, width)
                assert inside.sum() >= 0.01 * height * width
                x1, y1, x2, y2 = (int(v) for v in (one.box.x1, one.box.y1, one.box.x2, one.box.y2))
                assert inside[y1:y2, x1:x2].sum() == inside.sum()
                numbers = {int(v) for v in segments[inside]}
                assert {f["label_id"] >= 80 for f in facts if f["id"] in numbers} == {True}
        single = alone.detect([image])[0]
        assert [(d.label, d.stuff) for d in single] == [(d.label, d.stuff) for d in detections]
        for a, b in zip(single, detections, strict=True):
            np.testing.assert_allclose(
                [a.box.x1, a.box.y1, a.box.x2, a.box.y2], [b.box.x1, b.box.y1, b.box.x2, b.box.y2], atol=0.5
            )
            assert a.score == pytest.approx(b.score, abs=1e-3)


def test_without_masks_the_boxes_are_the_same(folder: Path) -> None:
    images = pictures(2)
    with_masks, without = detector(folder).detect(images), detector(folder, masks=False).detect(images)
    assert [[(d.label, d.box) for d in one] for one in with_masks] == [
        [(d.label, d.box) for d in one] for one in without
    ]
    assert all(d.mask is None for one in without for d in one)


def test_labels_are_plain_words(folder: Path) -> None:
    labels = detector(folder).labels
    assert len(labels) == 133
    assert labels[0] == "person"
    assert labels[80:83] == ("brick wall", "sky", "wooden floor")


@pytest.mark.parametrize(
    ("label", "plain"),
    [
        ("sky-other-merged", "sky"),
        ("wall-stone", "stone wall"),
        ("wall-other-merged", "wall"),
        ("floor-wood", "wooden floor"),
        ("door-stuff", "door"),
        ("playingfield", "playing field"),
        ("window-blind", "window blind"),
        ("water-other", "water"),
        ("traffic light", "traffic light"),
    ],
)
def test_plain_label(label: str, plain: str) -> None:
    assert plain_label(label) == plain


def test_a_folder_that_does_not_hold_such_a_network(folder: Path, tmp_path: Path) -> None:
    for name in ("config.json", "preprocessor_config.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(ModelError, match="cannot be read"):
        detector(tmp_path).load()
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:1000])
    with pytest.raises(ModelError, match="cannot be read") as caught:
        detector(tmp_path).load()
    assert "\n" not in str(caught.value)
    (tmp_path / "preprocessor_config.json").write_text("{")
    with pytest.raises(ModelError, match=r"preprocessor_config.json in .* cannot be used"):
        detector(tmp_path).load()


def test_classes_without_people(folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    config = tmp_path / "config.json"
    config.write_text(config.read_text().replace('"person"', '"puppet"'))
    with pytest.raises(ConfigError, match="has no thing 'person'"):
        detector(tmp_path).load()
