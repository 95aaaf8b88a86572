"""Hold the rebuilt networks against the published ones, and the stored weights against float32.

Usage, in an environment with ``onnx``, ``onnxruntime``, ``tflite`` and ``ai-edge-litert`` and the packages of ``build.py``::

    python data/models/tools/verify.py --packages FOLDER

Prints, for each network, the largest difference of the float32 rebuild from the published file run by its own runtime
(only where that runtime is at hand), and how far the stored weights move the outputs: the least cosine, or for scores the
largest difference. Ends with status 1 where a float32 rebuild differs by more than 1e-4 of the largest output.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import efficientnet_lite0
import mobilefacenet
import nanodet
import numpy as np
import onnx
import onnxruntime
import sface
import yunet
from ai_edge_litert.interpreter import Interpreter
from build import read_sources
from numpy.typing import NDArray

Values = NDArray[np.float32]
TOLERANCE = 1e-4


def run(model: onnx.ModelProto | Path, values: Values) -> list[Values]:
    """All outputs of a network."""
    source = str(model) if isinstance(model, Path) else model.SerializeToString()
    session = onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"])
    return list(session.run(None, {session.get_inputs()[0].name: values}))


def run_lite(path: Path, values: Values) -> Values:
    """The output of a TensorFlow Lite file for its fixed batch, NHWC."""
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
    interpreter.invoke()
    output: Values = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return output


def cosine(first: Values, second: Values) -> float:
    """Least cosine between rows."""
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return float(((first * second).sum(axis=1) / lengths).min())


def twofold(images: Values) -> Values:
    """Images twice as large, bilinear: three quarters of a pixel and a quarter of the next; black around them."""
    for axis in (2, 3):
        parts = [0.75 * images + 0.25 * np.roll(images, step, axis) for step in (1, -1)]
        shape = [2 * length if k == axis else length for k, length in enumerate(images.shape)]
        images = np.stack(parts, axis=axis + 1).reshape(shape)
    return images


def main() -> int:
    """Compare all; the exit status."""
    parser = argparse.ArgumentParser(description="Hold the rebuilt networks against the published ones.")
    parser.add_argument("--packages", type=Path, required=True, help="folder with the package archives")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    worst = 0.0

    def report(name: str, rebuilt: Values, published: Values) -> None:
        nonlocal worst
        difference = float(np.abs(rebuilt - published).max() / np.abs(published).max())
        worst = max(worst, difference)
        print(f"{name}: float32 rebuild differs by {difference:.1e} of the largest output")

    with tempfile.TemporaryDirectory() as folder:
        sources = read_sources(options.packages, Path(folder))
        faces = rng.uniform(-1, 1, (2, 3, 112, 112)).astype(np.float32)

        exact = run(mobilefacenet.build(sources["mobilefacenet"], "single"), faces)[0]
        nhwc = np.ascontiguousarray(faces.transpose(0, 2, 3, 1))
        report("mobilefacenet", exact, run_lite(sources["mobilefacenet"], nhwc))
        stored = run(mobilefacenet.build(sources["mobilefacenet"]), faces)[0]
        print(f"mobilefacenet: stored weights, least cosine {cosine(stored, exact):.4f}")

        exact = run(sface.build(sources["sface"], "single"), faces)[0]
        published = [run(sources["sface"], face[None] * 128 + np.float32(127.5))[0] for face in faces]
        report("sface", exact, np.concatenate(published))
        print(f"sface: stored weights, least cosine {cosine(run(sface.build(sources['sface']), faces)[0], exact):.4f}")

        images = rng.uniform(0, 255, (2, 3, 640, 640)).astype(np.float32)
        rebuilt = run(yunet.build(sources["yunet-2023mar"]), images)[0].transpose(0, 2, 1)
        parts = [run(sources["yunet-2023mar"], image[None]) for image in images]
        whole = [np.concatenate([part[k] for part in parts]) for k in range(12)]  # each head for each stride
        levels = (np.concatenate(whole[first : first + 3], axis=1) for first in range(0, 12, 3))
        for head, published in zip(np.split(rebuilt, [1, 2, 6], axis=2), levels, strict=True):
            channels = head.shape[2]
            report(f"yunet-2023mar, {channels} channels", 1 / (1 + np.exp(-head)) if channels == 1 else head, published)

        small = np.zeros((1, 3, 160, 160), np.float32)
        small[:, :, 20:-20, 20:-20] = rng.uniform(0, 255, (3, 120, 120))
        seen = run(yunet.build_closeup(sources["yunet-2023mar-closeup"]), small)[0]
        report("yunet-2023mar-closeup", seen, run(yunet.build(sources["yunet-2023mar"]), twofold(small))[0])

        images = rng.normal(size=(2, 3, 224, 224)).astype(np.float32)
        path = sources["efficientnet-lite0"]
        exact, stored = (run(efficientnet_lite0.build(path, kind), images)[0] for kind in ("single", "byte"))
        print(f"efficientnet-lite0: stored weights, least cosine {cosine(stored, exact):.4f}")

        images = rng.normal(size=(2, 3, 416, 416)).astype(np.float32)
        path = sources["nanodet-g-416"]
        exact, stored = (run(nanodet.build(path, kind), images)[0] for kind in ("single", "byte"))
        print(f"nanodet-g-416: stored weights, largest difference of a score {np.abs(stored - exact).max():.4f}")
    return 1 if worst > TOLERANCE else 0


if __name__ == "__main__":
    sys.exit(main())
