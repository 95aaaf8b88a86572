"""What each adapter of the ``embedded`` preset adds to its bare network.

``python -m tests.perf.vision_adapters [--batch 16] [--size 640x360]`` prints wall milliseconds an item, medians of rounds taken
in turn in this process on all its cores:

* *session*: the network in one session of ONNX Runtime with a thread for each core, on as many synthetic inputs in batches of
  the size that it is quickest in;
* *bare*: what ``storyreasoning bench vision`` compares with: an input a call, a session of one thread on each core;
* *adapter*: images in, results out, in calls of ``--batch`` frames;

and the rates of the adapter as shares of the first two, in wall time, and of the second in processor time.
"""

import argparse
import statistics
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import PIL.Image

from schemas.geometry import Box
from tasks.benchmark.rates import take_turns
from tasks.models.device import available_cores
from tasks.models.protocols import Image
from tasks.models.registry import create_appearance, create_detector, create_face_detector, create_face_embedder
from tasks.models.sessions import OnnxAdapter, open_session
from tasks.models.weights import Weights
from tests.perf.frames import OFFICE_FILM, SAMPLE_FILM

Shape = tuple[int, ...]
BATCHES = (1, 2, 4, 8)


def read_frames(size: tuple[int, int]) -> list[Image]:
    """Labelled real frames where they lie beside the project, else the sample films, at a size."""
    folder = OFFICE_FILM if OFFICE_FILM.is_dir() else SAMPLE_FILM
    return [np.asarray(PIL.Image.open(path).convert("RGB").resize(size)) for path in sorted(folder.rglob("*.jpg"))]


def cut(image: Image, box: Box) -> Image:
    """The pixels under a box."""
    x1, y1, x2, y2 = box.rounded(image.shape[1], image.shape[0])
    return image[y1:y2, x1:x2]


def runs_of(action: Callable[[], object]) -> Counter[tuple[Shape, Weights]]:
    """How often each network is run on inputs of each shape."""
    seen: list[tuple[Shape, Weights]] = []
    original = OnnxAdapter._run

    def noting(self: OnnxAdapter, values: Any, weights: Weights | None = None) -> Any:
        seen.append((values.shape[1:], weights or self._weights))
        return original(self, values, weights)

    OnnxAdapter._run = noting  # type: ignore[method-assign]
    try:
        action()
    finally:
        OnnxAdapter._run = original  # type: ignore[method-assign]
    return Counter(seen)


def in_sessions(runs: Counter[tuple[Shape, Weights]]) -> Callable[[], None]:
    """The networks on as many synthetic inputs, with all threads, in batches of the size that each is quickest in."""
    rng = np.random.default_rng(0)
    parts: list[tuple[Any, list[Any]]] = []
    for (shape, weights), count in runs.items():
        ready = rng.random((2 * max(BATCHES), *shape), np.float32)
        run = partial(open_session(weights, available_cores()).run, None)
        name = open_session(weights, available_cores()).get_inputs()[0].name
        rates = take_turns([partial(run, {name: ready[:size]}) for size in BATCHES], 5, 0.05)
        _, size = min((statistics.median(seconds) / size, size) for seconds, size in zip(rates, BATCHES, strict=True))
        starts = (first % (len(ready) - size + 1) for first in range(0, count, size))
        batches = [ready[place : place + size] for place in starts]
        batches[-1] = batches[-1][: count - size * (len(batches) - 1)]
        parts.append((run, [{name: batch} for batch in batches]))

    def work() -> None:
        for run, feeds in parts:
            for feed in feeds:
                run(feed)

    return work


def main() -> dict[str, tuple[float, float]]:
    """Measure and print; the two shares by name."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=16)
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

    measured: list[tuple[str, Callable[[], None], list[Any], int]] = [
        ("nanodet-g-416, frame", each(lambda b: detector.detect(frames[b])),
         [detector.bare(frames[b]) for b in batches], len(frames)),
        ("yunet-2023mar, frame", each(lambda b: face_detector.detect(frames[b])),
         [face_detector.bare(frames[b]) for b in batches], len(frames)),
        *((f"{name}, face", each(partial(lambda model, b: model.embed(frames[b], faces[b]), model)),
           [model.bare(sum(map(len, faces[b]))) for b in batches], sum(map(len, faces)))
          for name, model in embedders.items()),
        ("efficientnet-lite0, crop", each(lambda b: appearance.embed(crops[b]), crop_batches),
         [appearance.bare(len(crops[b])) for b in crop_batches], len(crops)),
        ("efficientnet-lite0, tags", each(lambda b: appearance.tag(frames[b])),
         [appearance.bare(len(frames[b])) for b in batches], len(frames)),
    ]  # fmt: skip
    shares = {}
    print(
        f"{len(frames)} frames of {width}x{height}, {args.batch} a call, {sum(map(len, faces))} faces, {len(crops)} crops"
    )
    print(
        f"{'ms an item':<26}{'session':>9}{'bare':>9}{'adapter':>9}   share of session, of bare, of its processor time"
    )
    for name, action, bares, count in measured:

        def bare(bares: list[Any] = bares) -> None:
            for work in bares:
                work()

        works = [in_sessions(runs_of(action)), bare, action]
        session_s, bare_s, adapter_s = rounds = [np.array(s) for s in take_turns(works, args.rounds, 0.2)]
        _, bare_cpu, adapter_cpu = map(np.array, take_turns(works, 3, 0.2, time.process_time))
        shares[name] = statistics.median(session_s / adapter_s), statistics.median(bare_s / adapter_s)
        times = "".join(f"{1000 * statistics.median(seconds) / count:9.2f}" for seconds in rounds)
        cpu = statistics.median(bare_cpu / adapter_cpu)
        print(f"{name:<26}{times}   {shares[name][0]:.2f}  {shares[name][1]:.2f}  {cpu:.2f}")
    return shares


if __name__ == "__main__":
    main()
