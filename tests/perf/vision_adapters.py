"""What each adapter of the ``embedded`` preset adds to its bare network.

``python -m tests.perf.vision_adapters`` prints, per network, processor milliseconds of the bare session calls and of the
adapter around the same calls, and their ratio, all from this run on one thread.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import PIL.Image

from schemas.geometry import Box
from tasks.models.protocols import Image
from tasks.models.registry import create_appearance, create_detector, create_face_detector, create_face_embedder
from tasks.models.sessions import OnnxAdapter, open_session
from tasks.models.weights import Weights
from tests.perf.frames import OFFICE_FILM, SAMPLE_FILM

REPEATS = 3


def read_frames() -> list[Image]:
    """Labelled real frames where they lie beside the project, else the sample films."""
    folder = OFFICE_FILM if OFFICE_FILM.is_dir() else SAMPLE_FILM
    return [np.asarray(PIL.Image.open(path).convert("RGB")) for path in sorted(folder.rglob("*.jpg"))]


def cut(image: Image, box: Box) -> Image:
    """The pixels under a box."""
    x1, y1, x2, y2 = box.rounded(image.shape[1], image.shape[0])
    return image[y1:y2, x1:x2]


def processor_ms(action: Callable[[], object]) -> float:
    """Least processor time of some repetitions, in milliseconds."""
    spent = []
    for _ in range(REPEATS):
        begun = time.process_time()
        action()
        spent.append(time.process_time() - begun)
    return 1000 * min(spent)


def record_calls(action: Callable[[], object]) -> list[tuple[Weights, Any]]:
    """Every call of a network that an action makes: weights and input."""
    calls: list[tuple[Weights, Any]] = []
    original = OnnxAdapter._run

    def noting(self: OnnxAdapter, values: Any) -> Any:
        calls.append((self._weights, values))
        return original(self, values)

    OnnxAdapter._run = noting  # type: ignore[method-assign]
    try:
        action()
    finally:
        OnnxAdapter._run = original  # type: ignore[method-assign]
    return calls


def replay(calls: list[tuple[Weights, Any]]) -> None:
    """The same calls with nothing around them."""
    for weights, values in calls:
        session = open_session(weights)
        session.run(None, {session.get_inputs()[0].name: values})


def main() -> dict[str, float]:
    """Measure and print; the ratios by name."""
    frames = read_frames()
    detector, face_detector = (
        create_detector("nanodet-g-416", threads=1),
        create_face_detector("yunet-2023mar", threads=1),
    )
    appearance = create_appearance("efficientnet-lite0", threads=1)
    embedders = {name: create_face_embedder(name, threads=1) for name in ("sface", "mobilefacenet")}
    faces = face_detector.detect(frames)
    crops = [
        cut(image, raw.box)
        for image, found in zip(frames, detector.detect(frames), strict=True)
        for raw in found
        if raw.score >= 0.4
    ]
    actions: dict[str, Callable[[], object]] = {
        "nanodet-g-416, frame": lambda: detector.detect(frames),
        "yunet-2023mar, frame": lambda: face_detector.detect(frames),
        **{f"{name}, face": partial(model.embed, frames, faces) for name, model in embedders.items()},
        "efficientnet-lite0, crop": lambda: appearance.embed(crops),
        "efficientnet-lite0, tags": lambda: appearance.tag(frames),
    }
    counts = {"frame": len(frames), "tags": len(frames), "face": sum(map(len, faces)), "crop": len(crops)}
    ratios = {}
    for name, action in actions.items():
        calls = record_calls(action)
        count = counts[name.rpartition(" ")[2]]
        bare, adapted = processor_ms(partial(replay, calls)) / count, processor_ms(action) / count
        ratios[name] = adapted / bare
        print(f"{name:<26} bare {bare:6.2f} ms  adapter {adapted:6.2f} ms  ratio {ratios[name]:.2f}")
    return ratios


if __name__ == "__main__":
    main()
