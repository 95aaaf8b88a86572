"""What each adapter of the ``embedded`` preset adds to its bare network.

``python -m tests.perf.vision_adapters [--batch 8] [--size 640x360]`` prints wall milliseconds an item, medians of rounds taken in
turn in this process on all its cores:

* *session*: the bare model on synthetic batches, as ``storyreasoning bench vision`` measures it: one session of ONNX Runtime with
  a thread for each core, in batches about as large as it is quickest in;
* *spread*: the network alone as the adapter runs it, one image a call and a thread, on the same number of inputs;
* *adapter*: images in, results out, in calls of ``--batch`` frames;

and the rates of the adapter as shares of the first two.
"""

import argparse
import statistics
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import PIL.Image

from schemas.geometry import Box
from tasks.benchmark.rates import take_turns
from tasks.models.protocols import Image
from tasks.models.registry import create_appearance, create_detector, create_face_detector, create_face_embedder
from tasks.models.sessions import OnnxAdapter
from tasks.models.weights import Weights
from tests.perf.frames import OFFICE_FILM, SAMPLE_FILM

Shape = tuple[int, ...]
DISTINCT = 16


def read_frames(size: tuple[int, int]) -> list[Image]:
    """Labelled real frames where they lie beside the project, else the sample films, at a size."""
    folder = OFFICE_FILM if OFFICE_FILM.is_dir() else SAMPLE_FILM
    return [np.asarray(PIL.Image.open(path).convert("RGB").resize(size)) for path in sorted(folder.rglob("*.jpg"))]


def cut(image: Image, box: Box) -> Image:
    """The pixels under a box."""
    x1, y1, x2, y2 = box.rounded(image.shape[1], image.shape[0])
    return image[y1:y2, x1:x2]


def runs_of(action: Callable[[], object]) -> Counter[tuple[Shape, Weights | None]]:
    """How often a network is run on inputs of each shape."""
    seen: list[tuple[Shape, Weights | None]] = []
    original = OnnxAdapter._run

    def noting(self: OnnxAdapter, values: Any, weights: Weights | None = None) -> Any:
        seen.append((values.shape, weights))
        return original(self, values, weights)

    OnnxAdapter._run = noting  # type: ignore[method-assign]
    try:
        action()
    finally:
        OnnxAdapter._run = original  # type: ignore[method-assign]
    return Counter(seen)


def spread_alone(adapter: OnnxAdapter, runs: Counter[tuple[Shape, Weights | None]]) -> Callable[[], None]:
    """The network on as many synthetic inputs, as the adapter runs it: one a call on each thread.

    :data:`DISTINCT` inputs of a shape take turns: one alone would lie in the processor's cache, as no image of a batch does.
    """
    rng = np.random.default_rng(0)
    inputs = []
    for (shape, weights), count in runs.items():
        ready = [rng.random(shape, np.float32) for _ in range(min(count, DISTINCT))]
        inputs += [(ready[k % len(ready)], weights) for k in range(count)]

    def work() -> None:
        adapter._map(lambda job: adapter._run(*job), inputs)

    return work


def main() -> dict[str, tuple[float, float]]:
    """Measure and print; the two shares by name."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--size", default="640x360")
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    frames = read_frames((width, height))
    detector, face_detector = create_detector("nanodet-g-416"), create_face_detector("yunet-2023mar")
    appearance = create_appearance("efficientnet-lite0")
    embedders = {name: create_face_embedder(name) for name in ("sface", "mobilefacenet")}
    faces = face_detector.detect(frames)
    crops = [
        cut(image, raw.box)
        for image, found in zip(frames, detector.detect(frames), strict=True)
        for raw in found
        if raw.score >= 0.4
    ]
    batches = [slice(first, first + args.batch) for first in range(0, len(frames), args.batch)]
    crop_batches = [slice(first, first + args.batch) for first in range(0, len(crops), args.batch)]

    def each(work: Callable[[slice], object], parts: list[slice] = batches) -> Callable[[], None]:
        def run() -> None:
            for part in parts:
                work(part)

        return run

    measured: list[tuple[str, Any, Callable[[], None], list[Any], int]] = [
        ("nanodet-g-416, frame", detector, each(lambda b: detector.detect(frames[b])),
         [detector.bare(frames[b]) for b in batches], len(frames)),
        ("yunet-2023mar, frame", face_detector, each(lambda b: face_detector.detect(frames[b])),
         [face_detector.bare(frames[b]) for b in batches], len(frames)),
        *((f"{name}, face", model, each(partial(lambda model, b: model.embed(frames[b], faces[b]), model)),
           [model.bare(sum(map(len, faces[b]))) for b in batches], sum(map(len, faces)))
          for name, model in embedders.items()),
        ("efficientnet-lite0, crop", appearance, each(lambda b: appearance.embed(crops[b]), crop_batches),
         [appearance.bare(len(crops[b])) for b in crop_batches], len(crops)),
        ("efficientnet-lite0, tags", appearance, each(lambda b: appearance.tag(frames[b])),
         [appearance.bare(len(frames[b])) for b in batches], len(frames)),
    ]  # fmt: skip
    shares = {}
    print(
        f"{len(frames)} frames of {width}x{height}, {args.batch} a call, {sum(map(len, faces))} faces, {len(crops)} crops"
    )
    print(f"{'ms an item':<26}{'session':>9}{'spread':>9}{'adapter':>9}   share of session, of spread")
    for name, adapter, action, bares, count in measured:

        def session(bares: list[Any] = bares) -> None:
            for bare in bares:
                bare()

        rounds = take_turns([session, spread_alone(adapter, runs_of(action)), action], args.rounds, 0.2)
        session_s, spread_s, adapter_s = map(np.array, rounds)
        shares[name] = statistics.median(session_s / adapter_s), statistics.median(spread_s / adapter_s)
        times = "".join(f"{1000 * statistics.median(seconds) / count:9.2f}" for seconds in rounds)
        print(f"{name:<26}{times}   {shares[name][0]:.2f}  {shares[name][1]:.2f}")
    return shares


if __name__ == "__main__":
    main()
