"""Faces in batches against ``insightface.app.FaceAnalysis.get``, by the number of faces in a frame, in one run.

    python -m tests.perf.faces [--device cpu] [--frames 8] [--rounds 5] [--counts 0 1 2 5 10 20] [--size 1280 720]

Needs the gpu extra. Both sides read the same ONNX files, of the sizes of ``buffalo_l`` with random weights (``face_pack``),
and look at the same frames, at 128 and 640. ``FaceAnalysis`` stands there twice: as it comes, with all five networks of the
pack, and with ``allowed_modules=["detection", "recognition"]``, which is what ours does. Random networks find no faces, so
after each side has searched the frame in full it is handed the same faces. Rounds are taken in turn; figures are medians,
and beside each ratio stands that of the least times, which other work on the machine moves less. Before anything is timed,
boxes and embeddings are held against those of ``FaceAnalysis``. Aim: 3 times the rate.

On a machine that does other work, ``--one-core`` gives what the work costs in itself: processor time on one core, with one
thread in the sessions of ``FaceAnalysis`` too. What batches save by no thread waiting for another is not in it.
"""

import argparse
import contextlib
import io
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from schemas.geometry import Box
from tasks.benchmark.onnx_builder import OnnxGraph
from tasks.models.device import Device, available_cores
from tasks.models.insightface_faces import ArcFace, Scrfd, onnx_device
from tasks.models.options import Options
from tasks.models.protocols import Embeddings, Image, RawFace
from tests.perf.face_pack import make_pack, multiply_adds
from tests.tasks.models.production import networks

Work = Callable[[], object]
Clock = Callable[[], float]
PRODUCTS = 20
FORMS: dict[str, list[str] | None] = {"all five": None, "the two": ["detection", "recognition"]}


def make_faces(image: Image, count: int, seed: int) -> list[RawFace]:
    """``count`` upright faces of 24 to 120 pixels somewhere in an image."""
    rng = np.random.default_rng(seed)
    shape = np.array([[-0.35, -0.25], [0.35, -0.25], [0.0, 0.1], [-0.25, 0.4], [0.25, 0.4]])
    faces = []
    for _ in range(count):
        side = rng.uniform(24, 120)
        centre = rng.uniform([side, side], [image.shape[1] - side, image.shape[0] - side])
        points = centre + side * (shape + rng.normal(0, 0.02, shape.shape))
        box = Box(*(float(v) for v in (*(centre - side / 2), *(centre + side / 2))))
        faces.append(RawFace(box, 0.9, tuple((float(x), float(y)) for x, y in points)))
    return faces


class Ours:
    """The adapters, which after a search are handed faces."""

    def __init__(self, pack: Path, device: str, batch: int, score: float) -> None:
        def options(name: str) -> Options:
            return Options(weights=str(pack / name), device=device, batch=batch, score=score)

        self.detector = Scrfd(networks.listed("scrfd-10g", "face_detector"), options("det_10g.onnx"))
        self.embedder = ArcFace(networks.listed("buffalo_l", "face_embedder"), options("w600k_r50.onnx"))

    def get(self, images: Sequence[Image], faces: Sequence[Sequence[RawFace]]) -> list[Embeddings]:
        """Search all the frames, embed the faces that are given."""
        self.detector.detect(images)
        return self.embedder.embed(images, faces)


class Theirs:
    """``FaceAnalysis``, whose detector after its search hands on the faces that are given."""

    def __init__(self, pack: Path, modules: list[str] | None, gpu: bool, score: float, one_core: bool) -> None:
        from insightface.app import FaceAnalysis
        from onnxruntime import SessionOptions

        settings = {}
        if one_core:
            settings["sess_options"] = SessionOptions()
            settings["sess_options"].intra_op_num_threads = 1
        with contextlib.redirect_stdout(io.StringIO()):
            self._app = FaceAnalysis(name=str(pack), allowed_modules=modules, **settings)
            self._app.prepare(0 if gpu else -1, det_thresh=score)
        self.detect = self._app.det_model.detect

    def get(self, image: Image, faces: Sequence[RawFace]) -> list[Any]:
        """What ``get`` gives for a BGR image."""

        def detect(*args: Any, **settings: Any) -> tuple[Any, Any]:
            self.detect(*args, **settings)
            rows = [[f.box.x1, f.box.y1, f.box.x2, f.box.y2, f.score] for f in faces]
            points = np.array([f.landmarks for f in faces], np.float32).reshape(-1, 5, 2)
            return np.array(rows, np.float32).reshape(-1, 5), points

        self._app.det_model.detect = detect
        found: list[Any] = self._app.get(image)
        return found


def check_equal(ours: Ours, theirs: Theirs, images: Sequence[Image], bgr: Sequence[Image]) -> tuple[float, float]:
    """Largest difference of a coordinate in pixels and of a value of an embedding."""
    gap = 0.0
    for found, image, flipped in zip(ours.detector.detect(images), images, bgr, strict=True):
        rows, _ = theirs.detect(flipped)
        height, width = image.shape[:2]
        expected = sorted(Box(*(float(v) for v in row[:4])).clamp(width, height) for row in rows[:200])
        boxes = sorted(face.box for face in found)
        if len(boxes) != len(expected):
            raise SystemExit(f"{len(boxes)} faces here and {len(expected)} by FaceAnalysis")
        for one, other in zip(boxes, expected, strict=True):
            gap = max(
                gap, abs(one.x1 - other.x1), abs(one.y1 - other.y1), abs(one.x2 - other.x2), abs(one.y2 - other.y2)
            )
    faces = [make_faces(image, 4, k) for k, image in enumerate(images)]
    vectors = ours.get(images, faces)
    error = 0.0
    for flipped, given, embedded in zip(bgr, faces, vectors, strict=True):
        for face, vector in zip(theirs.get(flipped, given), embedded, strict=True):
            error = max(error, float(np.abs(face.normed_embedding - vector).max()))
    return gap, error


def seconds(works: dict[str, Work], rounds: int, clock: Clock) -> dict[str, list[float]]:
    """Times of each, rounds taken in turn, after one to warm up."""
    spent: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(rounds + 1):
        for name, work in works.items():
            begun = clock()
            work()
            if turn:
                spent[name].append(clock() - begun)
    return spent


def tell_counts(
    ours: Ours, theirs: dict[str, Theirs], images: Sequence[Image], counts: Sequence[int], rounds: int, clock: Clock
) -> None:
    """A line for each number of faces: milliseconds a frame, and how many times ours each form of theirs takes."""
    bgr = [np.ascontiguousarray(image[..., ::-1]) for image in images]
    gap, error = check_equal(ours, theirs["the two"], images, bgr)
    print(f"largest difference: boxes {gap:.3f} px, embeddings {error:.1e}\n")
    print(
        "| faces a frame | ours, ms a frame | FaceAnalysis, all five | ratio (of the least) | the two | ratio (of the least) |"
    )
    print("|---" * 6 + "|")
    for count in counts:
        faces = [make_faces(image, count, 7 * k) for k, image in enumerate(images)]
        works: dict[str, Work] = {"ours": partial(ours.get, images, faces)}
        for name, app in theirs.items():
            works[name] = partial(
                lambda app, faces: [app.get(*each) for each in zip(bgr, faces, strict=True)], app, faces
            )
        spent = seconds(works, rounds, clock)
        middle = {name: statistics.median(values) for name, values in spent.items()}
        cells = [f"{1000 * middle['ours'] / len(images):.0f}"]
        for name in theirs:
            ratio, least = middle[name] / middle["ours"], min(spent[name]) / min(spent["ours"])
            cells.append(f"{1000 * middle[name] / len(images):.0f} | {ratio:.2f} ({least:.2f})")
        print(f"| {count} | {' | '.join(cells)} |", flush=True)


def tell_bare(ours: Ours, pack: Path, images: Sequence[Image], rounds: int, clock: Clock) -> None:
    """What the adapters add to their networks, and how near these come to what the processor can do at all.

    That is told by ONNX Runtime's product of two large matrices, on all cores.
    """
    count = 4 * len(images)
    faces = [make_faces(image, 4, k) for k, image in enumerate(images)]
    side = 1024
    product = make_product(pack / "product.onnx", side)
    spent = seconds(
        {
            "product": product,
            "search": lambda: ours.detector.detect(images),
            "bare search": ours.detector.bare(images),
            "embedding": lambda: ours.embedder.embed(images, faces),
            "bare embedding": ours.embedder.bare(count),
            "squares": ours.detector.bare([np.zeros((640, 640, 3), np.uint8)] * len(images)),
        },
        rounds,
        clock,
    )
    least = {name: min(values) for name, values in spent.items()}
    work = {
        "squares": len(images) * sum(multiply_adds(pack / "det_10g.onnx", side) for side in (128, 640)),
        "bare embedding": count * multiply_adds(pack / "w600k_r50.onnx", 112),
        "product": PRODUCTS * side**3,
    }
    rate = {name: 2e-9 * work[name] / least[name] for name in work}
    print("\n| network | adapter over bare | GFLOP/s | of a product of matrices |\n" + "|---" * 4 + "|")
    for name, bare, full in (("search", "bare search", "squares"), ("embedding", "bare embedding", "bare embedding")):
        print(f"| {name} | {least[bare] / least[name]:.2f} | {rate[full]:.0f} | {rate[full] / rate['product']:.2f} |")


def make_product(path: Path, side: int) -> Work:
    """Some products of square matrices."""
    import onnxruntime

    values = np.random.default_rng(0).random((side, side), np.float32)
    graph = OnnxGraph(seed=26)
    graph.node("MatMul", "input.1", graph.constant(values), name="product")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = available_cores()
    session = onnxruntime.InferenceSession(str(graph.save(path, [side, side], {"product": [side, side]})), options)

    def work() -> None:
        for _ in range(PRODUCTS):
            session.run(None, {"input.1": values})

    return work


def find_score(path: Path, image: Image) -> float:
    """The score that the twenty likeliest places of an image reach: as many as pass where a trained detector looks."""
    import cv2
    import onnxruntime

    blob = cv2.dnn.blobFromImage(image, 1 / 128, (640, 640), (127.5,) * 3)
    outputs = onnxruntime.InferenceSession(str(path)).run(None, {"input.1": blob})
    return float(np.sort(np.concatenate(outputs[:3]).ravel())[-20])


def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--counts", type=int, nargs="+", default=[0, 1, 2, 5, 10, 20])
    parser.add_argument("--size", type=int, nargs=2, default=[1280, 720], metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--one-core", action="store_true", help="processor time on one core, in place of wall time")
    args = parser.parse_args()
    if args.one_core:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    clock = time.process_time if args.one_core else time.perf_counter
    device: Device = onnx_device(Options(device=args.device))
    with tempfile.TemporaryDirectory() as folder:
        pack = make_pack(Path(folder))
        images = networks.pictures(args.frames, ((args.size[1], args.size[0]),))
        score = find_score(pack / "det_10g.onnx", images[0])
        ours = Ours(pack, args.device, args.frames, score)
        theirs = {name: Theirs(pack, modules, device.on_gpu, score, args.one_core) for name, modules in FORMS.items()}
        print(f"{device.name}, {args.frames} frames of {args.size[0]}x{args.size[1]}, median of {args.rounds} rounds")
        tell_counts(ours, theirs, images, args.counts, args.rounds, clock)
        tell_bare(ours, pack, images, args.rounds, clock)
    return 0


if __name__ == "__main__":
    sys.exit(main())
