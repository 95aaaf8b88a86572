import importlib
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tasks.models import compiled
from tasks.models.protocols import Embeddings, Image
from tasks.models.registry import create_appearance, create_detector, create_face_detector
from tasks.models.resampling import paired_weights, weights_of

PLAIN = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)


def test_it_was_compiled_where_it_can_be() -> None:
    headers = Path(sysconfig.get_path("include")) / "Python.h"
    if not (shutil.which("cc") and headers.exists()):
        pytest.skip("there is no C compiler here, or no headers of Python")
    assert compiled.STATE == "images are resized by compiled code"


@pytest.fixture
def imported_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    yield monkeypatch
    monkeypatch.undo()
    importlib.reload(compiled)


def test_an_older_one_is_left_alone(imported_anew: pytest.MonkeyPatch) -> None:
    older = ModuleType("tasks.models._pixels")
    older.VERSION = compiled.VERSION - 1  # type: ignore[attr-defined]
    imported_anew.setitem(sys.modules, "tasks.models._pixels", older)
    imported_anew.setattr("tasks.models._pixels", older, raising=False)
    assert importlib.reload(compiled).pixels is None
    assert compiled.STATE.endswith("what was compiled is of an older source")


def test_without_one_pillow_does_it(imported_anew: pytest.MonkeyPatch) -> None:
    imported_anew.setitem(sys.modules, "tasks.models._pixels", None)
    imported_anew.delattr("tasks.models._pixels", raising=False)
    assert importlib.reload(compiled).pixels is None
    assert compiled.STATE.endswith("nothing was compiled")


def test_pillow_finds_the_same(sample: dict[str, Image], monkeypatch: pytest.MonkeyPatch) -> None:
    """Boxes to half a pixel, embeddings to 1e-3, as an adapter promises."""
    detector, faces = create_detector("nanodet-g-416"), create_face_detector("yunet-2023mar")
    looks = create_appearance("efficientnet-lite0")
    images = [sample[name] for name in ("saloon_scene_1_1", "saloon_scene_4_1")]
    images += [np.repeat(np.repeat(image, 3, axis=0), 3, axis=1) for image in images]  # reduced

    def look() -> tuple[list[list[float]], list[list[float]], Embeddings]:
        things = [[box.x1, box.y1, box.x2, box.y2] for each in detector.detect(images) for box in (d.box for d in each)]
        points = [[*sum(face.landmarks, ())] for each in faces.detect(images) for face in each]
        return things, points, looks.embed(images)

    one = look()
    monkeypatch.setattr(compiled, "pixels", None)
    other = look()
    for found, same, tolerance in zip(one, other, (0.5, 0.5, 1e-3), strict=True):
        assert np.abs(np.array(found) - np.array(same)).max() < tolerance


def arguments(**changed: Any) -> list[Any]:
    """Of a call that brings 20 x 30 pixels to 10 x 10."""
    given: dict[str, Any] = {
        "image": np.zeros((20, 30, 3), np.uint8),
        "part": (0, 0, 20, 30),
        "down": weights_of(20, 10),
        "across": paired_weights(30, 10),
        "out": np.zeros((3, 10, 10), np.float32),
        "scale": PLAIN[0],
        "shift": PLAIN[1],
    }
    return list((given | changed).values())


read_only = np.zeros((3, 10, 10), np.float32)
read_only.setflags(write=False)
first, weights = weights_of(20, 10)
starts, pairs = paired_weights(30, 10)


@pytest.mark.skipif(compiled.pixels is None, reason="nothing was compiled")
@pytest.mark.parametrize(
    "changed",
    [
        {"image": np.zeros((20, 30, 4), np.uint8)},
        {"image": np.zeros((20, 30), np.uint8)},
        {"image": np.zeros((20, 30, 3), np.int8)},
        {"image": np.zeros((20, 60, 3), np.uint8)[:, ::2]},
        {"image": b"pixels"},
        {"image": None},
        {"part": (0, 0, 0, 30)},
        {"part": (0, 0, 20, -30)},
        {"part": (0, 2**40, 20, 30)},
        {"part": (0, 0, 2**40, 30)},
        {"part": (0, 0, 19, 30)},  # the weights are of 20 rows
        {"part": (0, 0, 20, 29)},
        {"part": (0.5, 0, 20, 30)},
        {"part": (0, 0, 20)},
        {"down": (first - 1, weights)},
        {"down": (first + 1, weights)},
        {"down": (first[:9], weights)},
        {"down": (first.astype(np.int64), weights)},
        {"down": (first, weights.astype(np.float64))},
        {"down": (first, weights[:, :0].copy())},
        {"down": (first[:0], weights[:0])},
        {"down": first},
        {"across": (starts + 2, pairs)},
        {"across": (starts, pairs[:, :7].copy())},
        {"across": (starts, pairs[:, ::2])},
        {"out": read_only},
        {"out": np.zeros((3, 10, 11), np.float32)},
        {"out": np.zeros((4, 10, 10), np.float32)},
        {"out": np.zeros((3, 10, 10), np.float64)},
        {"out": np.zeros((3, 10, 20), np.float32)[:, :, ::2]},
        {"scale": (1.0, 1.0)},
        {"shift": ("a", 0.0, 0.0)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_what_does_not_fit_together_is_refused(changed: dict[str, Any]) -> None:
    given = arguments(**changed)
    with pytest.raises((TypeError, ValueError, BufferError, OverflowError)):
        compiled.pixels.resample(*given)
    compiled.pixels.resample(*arguments())


@pytest.mark.skipif(compiled.pixels is None, reason="nothing was compiled")
def test_nothing_is_kept_of_a_call() -> None:
    given = arguments()
    before = [sys.getrefcount(value) for value in given]
    for _ in range(10):
        compiled.pixels.resample(*given)
        with pytest.raises(ValueError, match="the weights of an axis reach beyond it"):
            compiled.pixels.resample(*arguments(image=given[0], down=(first + 5, weights)))
    assert [sys.getrefcount(value) for value in given] == before
