"""YOLO and RT-DETR through the adapter against ultralytics itself, image by image, with random weights."""

import sys
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("ultralytics")

from schemas.errors import ConfigError, ModelError
from schemas.geometry import Box
from tasks.models import ultralytics_detector
from tasks.models.device import Device
from tasks.models.options import Options
from tasks.models.protocols import RawDetection
from tasks.models.rle import decode_mask, mask_area
from tasks.models.ultralytics_detector import UltralyticsDetector
from tests.tasks.models.production.networks import COCO, listed, make_rtdetr, make_yolo, own_weights, pictures

SCORE = 0.2
PUPPETS = [f"thing {k}" for k in range(80)]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("yolo")
    return {
        "detect": make_yolo(folder / "yolo26n.pt"),
        "segment": make_yolo(folder / "yolo26n-seg.pt", "yolo26n-seg.yaml"),
        "yolo11": make_yolo(folder / "yolo11n.pt", "yolo11n.yaml"),
        "yolo11-segment": make_yolo(folder / "yolo11n-seg.pt", "yolo11n-seg.yaml"),
        "rtdetr": make_rtdetr(folder / "rtdetr-l.pt"),
        "nobody": make_yolo(folder / "nobody.pt", names=PUPPETS),
        "nobody-rtdetr": make_rtdetr(folder / "nobody-rtdetr.pt", names=PUPPETS),
    }


def detector(path: Path, name: str = "yolo26m", **options: Any) -> UltralyticsDetector:
    settings: dict[str, Any] = {"image_side": 160, "score": SCORE, "nms_iou": 0.7, **options}
    return UltralyticsDetector(listed(name, "detector"), own_weights(path, **settings))


@cache
def loaded(path: Path) -> Any:
    from ultralytics import YOLO

    return YOLO(str(path))


def library(path: Path, image: np.ndarray) -> Any:
    bgr = np.ascontiguousarray(image[..., ::-1])
    return loaded(path).predict(
        bgr, imgsz=160, conf=SCORE, iou=0.7, device="cpu", max_det=300, retina_masks=True, verbose=False
    )[0]


def match(found: list[RawDetection], boxes: Any, scores: Any, labels: Any) -> None:
    """Each is one of the others, to half a pixel and 1e-3; those with equal scores may change places.

    What scores the least that counts, to 1e-3, may be on one side only.
    """
    left = list(range(len(boxes)))
    for one in found:
        row = [one.box.x1, one.box.y1, one.box.x2, one.box.y2]
        gaps = [np.abs(boxes[k] - row).max() + (1e3 if labels[k] != one.label else 0) for k in left] or [1e3]
        if min(gaps) >= 0.5 and one.score < SCORE + 1e-3:
            continue
        assert min(gaps) < 0.5
        assert one.score == pytest.approx(scores[left.pop(int(np.argmin(gaps)))], abs=1e-3)
    assert all(scores[k] < SCORE + 1e-3 for k in left)


@pytest.mark.parametrize("kind", ["detect", "segment", "yolo11", "yolo11-segment", "rtdetr"])
def test_results_are_the_librarys_own_whatever_the_batch(kind: str, weights: dict[str, Path]) -> None:
    images = pictures(32, ((120, 160), (96, 96), (90, 200)) if kind != "rtdetr" else ((120, 160),))
    many, one = detector(weights[kind], batch=32), detector(weights[kind], batch=1)
    together = many.detect(images)
    assert sum(map(len, together)) > 100, "the random network should find something"
    assert len({d.label for found in together for d in found}) > 1
    shown = 8 if kind == "rtdetr" else 32  # one image takes RT-DETR a third of a second
    for found, image in zip(together[:shown], images[:shown], strict=True):
        theirs = library(weights[kind], image)
        boxes = theirs.boxes.xyxy.cpu().numpy()
        labels = [COCO[int(k)] for k in theirs.boxes.cls]
        height, width = image.shape[:2]
        boxes = boxes.clip(0, [width, height, width, height])  # RT-DETR's may stick out of the frame
        match(found, boxes, theirs.boxes.conf.cpu().numpy(), labels)
        alone = one.detect([image])[0]
        match(alone, boxes, theirs.boxes.conf.cpu().numpy(), labels)
        assert [d.score for d in found] == sorted((d.score for d in found), reverse=True)
        assert all(0 <= x <= width for d in found for x in (d.box.x1, d.box.x2))
        assert all(0 <= y <= height for d in found for y in (d.box.y1, d.box.y2))
        assert all(d.mask is None and not d.stuff for d in found)


def test_masks_are_those_of_the_library_within_each_box(weights: dict[str, Path]) -> None:
    images = pictures(4)
    results = detector(weights["segment"], "yolo26m-seg", batch=8, masks=True).detect(images)
    checked = 0
    for found, image in zip(results, images, strict=True):
        theirs = library(weights["segment"], image)
        assert len(found) == len(theirs.boxes)
        masks = theirs.masks.data.bool().cpu().numpy() if found else np.zeros((0, 1, 1), bool)
        boxes = theirs.boxes.xyxy.cpu().numpy()
        for one in found:
            assert one.mask is not None
            ours = decode_mask(one.mask, *image.shape[:2])
            x1, y1, x2, y2 = one.box.rounded(image.shape[1], image.shape[0])
            assert ours.sum() == mask_area(one.mask) == ours[y1:y2, x1:x2].sum(), "nothing outside the box"
            gaps = np.abs(boxes - [one.box.x1, one.box.y1, one.box.x2, one.box.y2]).max(axis=1)
            twins = np.flatnonzero(gaps < 0.5)
            inside = np.zeros_like(ours)
            inside[y1:y2, x1:x2] = True
            wrong = min(((masks[k] & inside) != ours).sum() for k in twins)
            assert wrong <= 0.01 * ours.size
            checked += 1
    assert checked > 5


def test_half_the_memory_gives_the_same(weights: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A call with more than two images runs out of memory: all come back all the same, in order."""
    images = pictures(6)
    expected = detector(weights["detect"], batch=8).detect(images)
    scarce = detector(weights["detect"], batch=8)
    real, sizes = scarce._predict, []

    def predict(part: Any) -> Any:
        sizes.append(len(part))
        if len(part) > 2:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return real(part)

    monkeypatch.setattr(scarce, "_predict", predict)
    found = scarce.detect(images)
    assert sum(map(len, found)) > 30
    for one, other in zip(found, expected, strict=True):
        boxes = np.array([[d.box.x1, d.box.y1, d.box.x2, d.box.y2] for d in other])
        match(one, boxes, [d.score for d in other], [d.label for d in other])
    assert max(sizes) > 2
    assert scarce._limit.most <= 2


def test_a_suppression_that_gave_up_loses_nothing(weights: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """The library stops suppressing after some seconds and gives nothing for the rest of the batch: such a batch is redone
    image by image, and an image that is too much by itself is an error."""
    from ultralytics.utils import nms

    images = pictures(4, ((120, 160),))
    expected = detector(weights["detect"], batch=8).detect(images)
    real, most = nms.non_max_suppression, 1

    def slow(prediction: Any, *args: Any, **kwargs: Any) -> Any:
        batch = prediction[0] if isinstance(prediction, (list, tuple)) else prediction
        return real(prediction, *args, **kwargs, max_time_img=0.05 if len(batch) <= most else -100.0)

    monkeypatch.setattr(nms, "non_max_suppression", slow)
    found = detector(weights["detect"], batch=8).detect(images)
    assert [len(one) for one in found] == [len(one) for one in expected]
    most = 0
    with pytest.raises(ModelError, match="found so much in a frame that its suppression ran out of time"):
        detector(weights["detect"], batch=8).detect(images)


@pytest.mark.parametrize("kind", ["detect", "rtdetr"])
def test_exported_networks_are_read_and_run(kind: str, weights: dict[str, Path], tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    from ultralytics import YOLO

    source = tmp_path / "own.pt"
    source.write_bytes(weights[kind].read_bytes())
    for dynamic in (True, False):
        path = Path(YOLO(str(source)).export(format="onnx", imgsz=160, dynamic=dynamic, simplify=False, verbose=False))
        images = pictures(3, ((160, 160),))
        adapter = detector(path, batch=8)
        found = adapter.detect(images)
        assert adapter._limit.most == (8 if dynamic else 1)
        for one, image in zip(found, images, strict=True):
            theirs = library(weights[kind], image)
            boxes = theirs.boxes.xyxy.numpy().clip(0, 160)
            match(one, boxes, theirs.boxes.conf.numpy(), [COCO[int(k)] for k in theirs.boxes.cls])


def test_a_class_list_without_people(weights: dict[str, Path], tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    from ultralytics import YOLO

    source = tmp_path / "own.pt"
    source.write_bytes(weights["nobody"].read_bytes())
    exported = Path(YOLO(str(source)).export(format="onnx", imgsz=160, simplify=False, verbose=False))
    for path in (weights["nobody"], weights["nobody-rtdetr"], exported):
        with pytest.raises(
            ConfigError, match="has no class 'person', which stories need: its 80 classes begin with thing 0, thing 1"
        ):
            detector(path).load()


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    path = tmp_path / "own.engine"
    path.write_bytes(b"not looked at")
    return path


def with_tensorrt(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tensorrt that can be found and does nothing."""
    module = ModuleType("tensorrt")
    module.__spec__ = ModuleSpec("tensorrt", None)
    monkeypatch.setitem(sys.modules, "tensorrt", module)


def test_an_engine_without_tensorrt(engine: Path) -> None:
    with pytest.raises(ConfigError, match=r"needs tensorrt\. Install with: pip install tensorrt") as caught:
        detector(engine).load()
    assert "\n" not in str(caught.value)


def test_an_engine_without_a_gpu(engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_tensorrt(monkeypatch)
    with pytest.raises(ConfigError, match="was compiled for a GPU and none is used: set device to cuda"):
        detector(engine).load()


@pytest.mark.parametrize(
    ("facts", "calls"),
    [({"dynamic": True, "batch": 16}, [3]), ({"dynamic": False, "batch": 1}, [1, 1, 1])],
)
def test_what_the_library_is_told_of_an_engine(
    facts: dict[str, Any], calls: list[int], engine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TensorRT needs a GPU: both stand-ins only note how they are called, and give what the library would."""
    import torch
    from ultralytics.engine.results import Results

    opened: list[Any] = []
    asked: list[Any] = []
    names = {0: "person", 1: "chair"}

    class Backend:
        def __init__(self, model: str, device: Any, fp16: bool, verbose: bool) -> None:
            opened.append((model, device, fp16, verbose))
            self.task, self.names = "detect", names
            self.metadata = {"description": "Ultralytics YOLO26m model", "head": "Detect"}
            self.dynamic, self.batch = facts["dynamic"], facts["batch"]

    class Library:
        def __init__(self, model: str, task: str) -> None:
            opened.append((model, task))

        def predict(self, images: list[np.ndarray], **options: Any) -> list[Results]:
            asked.append((len(images), options))
            rows = torch.tensor([[1.0, 2.0, 30.0, 40.0, 0.9, 0.0]])
            return [Results(image, "", names, boxes=rows) for image in images]

    with_tensorrt(monkeypatch)
    monkeypatch.setattr("ultralytics.nn.autobackend.AutoBackend", Backend)
    monkeypatch.setattr("ultralytics.YOLO", Library)
    monkeypatch.setattr(ultralytics_detector, "choose_device", lambda *_: Device("cuda:1", True))
    adapter = detector(engine, batch=8)
    found = adapter.detect(pictures(3, ((64, 64),)))
    assert opened == [(str(engine), torch.device("cuda:1"), True, False), (str(engine), "detect")]
    assert [count for count, _ in asked] == calls
    for _, options in asked:
        told = {key: options[key] for key in ("device", "quantize", "imgsz", "conf", "iou")}
        assert told == {"device": "cuda:1", "quantize": 16, "imgsz": 160, "conf": SCORE, "iou": 0.7}
    assert [[(d.label, d.box) for d in one] for one in found] == [[("person", Box(1, 2, 30, 40))]] * 3


def test_an_engine_for_a_fixed_number_of_images(engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_tensorrt(monkeypatch)
    fixed = SimpleNamespace(task="detect", dynamic=False, batch=4, names={0: "person"}, metadata={})
    monkeypatch.setattr("ultralytics.nn.autobackend.AutoBackend", lambda *_, **__: fixed)
    monkeypatch.setattr(ultralytics_detector, "choose_device", lambda *_: Device("cuda:0", True))
    with pytest.raises(ModelError, match="was exported for exactly 4 images: export it with dynamic=True or batch=1"):
        detector(engine).load()


def test_masks_of_a_network_that_has_none(weights: dict[str, Path]) -> None:
    with pytest.raises(ConfigError, match="gives no masks: take one whose name ends in -seg"):
        UltralyticsDetector(listed("yolo26m", "detector"), Options(masks=True))
    with pytest.raises(ConfigError, match="give no masks"):
        detector(weights["detect"], masks=True).load()


def test_a_network_for_another_task(tmp_path: Path) -> None:
    path = make_yolo(tmp_path / "pose.pt", "yolo26n-pose.yaml")
    with pytest.raises(ModelError, match="is for the task pose"):
        detector(path).load()


@pytest.mark.parametrize("content", [b"", b"not a checkpoint at all", b"PK\x03\x04 half a zip"])
def test_a_damaged_checkpoint(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "damaged.pt"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="cannot be read") as caught:
        detector(path).load()
    assert "\n" not in str(caught.value)


def test_a_pickle_that_would_run_code_is_not_read(tmp_path: Path) -> None:
    """Even with a digest that fits, only tensors and known classes are read."""
    import pickle

    import torch

    marker = tmp_path / "ran"

    class Payload:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (marker,)

    path = tmp_path / "evil.pt"
    torch.save({"model": Payload()}, path, pickle_module=pickle)
    with pytest.raises(ModelError, match="cannot be read"):
        detector(path).load()
    assert not marker.exists()
