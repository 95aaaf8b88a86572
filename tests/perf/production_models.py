"""Adapters of the production models against their bare networks, and faces against insightface, in one run.

    python -m tests.perf.production_models [--device cpu] [--rounds 5] [--only yolo]

Needs the gpu extra. Networks are of the real architectures with random weights; the bare rate is the network alone on a
batch that lies ready on the device, in the same process, rounds taken in turn. Aims: an adapter at least 0.85 of its bare
network, faces at least 3 times ``FaceAnalysis.get`` (detection and embedding only, at 128 and 640, same weights).
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tasks.models.device import Device, choose_device
from tasks.models.encoder import Network, TorchEncoder
from tasks.models.insightface_faces import ArcFace, Scrfd
from tasks.models.mask2former import Mask2Former
from tasks.models.options import Options
from tasks.models.production import ProductionModel
from tasks.models.protocols import Image
from tasks.models.ultralytics_detector import UltralyticsDetector
from tests.tasks.models.production import conftest as _mended  # noqa: F401 - torchvision over a CPU build of torch
from tests.tasks.models.production import networks

Work = Callable[[], object]
BATCH = 8


def rates(works: dict[str, tuple[Work, int]], rounds: int) -> dict[str, float]:
    """Items a second of each, the median of rounds taken in turn, after one to warm up."""
    for work, _ in works.values():
        work()
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, (work, _) in works.items():
            begun = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - begun)
    return {name: items / statistics.median(seconds[name]) for name, (_, items) in works.items()}


def tell(name: str, found: dict[str, float], ours: str, other: str, aim: float) -> None:
    """One line: both rates, their ratio, the aim."""
    ratio = found[ours] / found[other]
    print(
        f"{name:<22} {ours} {found[ours]:8.2f}/s  {other} {found[other]:8.2f}/s  ratio {ratio:5.2f}  (aim {aim})",
        flush=True,
    )


def frames() -> list[Image]:
    """Frames of 640 x 360."""
    return networks.pictures(BATCH, ((360, 640),))


def alone(network: Callable[[Any], Any], batch: Any, device: Device) -> Work:
    """The bare network on a batch that lies ready, waited for."""
    import torch

    def work() -> object:
        with torch.inference_mode():
            found = network(batch)
            if device.on_gpu:
                torch.cuda.synchronize()
            return found

    return work


def measure_yolo(folder: Path, device: Device, rounds: int) -> None:
    """YOLO26n, detection and segmentation."""
    import torch

    for kind, masks in (("yolo26n", False), ("yolo26n-seg", True)):
        path = networks.make_yolo(folder / f"{kind}.pt", f"{kind}.yaml", spread=0.03)
        images = frames()
        model, options = (
            networks.listed("yolo26m-seg", "detector"),
            networks.own_weights(path, batch=BATCH, image_side=640),
        )
        probe = UltralyticsDetector(model, options)
        probe.detect(images[:1])
        # Random networks find something everywhere: take the score that the 12 likeliest places of a frame reach.
        padded = np.pad(np.stack(images), ((0, 0), (12, 12), (0, 0), (0, 0)), constant_values=114)
        shown = torch.from_numpy(padded).permute(0, 3, 1, 2).float().div(255).to(device.name)
        with torch.inference_mode():
            raw = probe._network.predictor.model(shown)
        while not torch.is_tensor(raw):
            raw = raw[0]
        score = float(raw[:, 4:84].amax(dim=1).flatten().topk(12 * BATCH).values[-1])
        adapter = UltralyticsDetector(model, replace(options, score=score, masks=masks))
        found = sum(map(len, adapter.detect(images))) // BATCH
        adapter.detect(images)
        batch = torch.rand(BATCH, 3, 384, 640, device=device.name)
        works: dict[str, tuple[Work, int]] = {
            "adapter": (partial(adapter.detect, images), BATCH),
            "bare": (alone(adapter._network.predictor.model, batch, device), BATCH),
        }
        tell(f"{kind} ({found} a frame)", rates(works, rounds), "adapter", "bare", 0.85)


def encoder(name: str, device: Device) -> tuple[TorchEncoder, Network]:
    """An encoder of real size with random weights, without a file."""
    import torch

    if name == "ViT-B-32 (open_clip)":
        import open_clip

        clip: Any = open_clip.create_model("ViT-B-32", pretrained=None, device=device.name).eval()
        network = Network(512, 224, (0.5,) * 3, (0.5,) * 3, clip.encode_image, None, 1.0)
    else:
        from transformers import Dinov2Config, Dinov2Model, SiglipVisionConfig, SiglipVisionModel

        if name == "SigLIP base":
            tower: Any = SiglipVisionModel(SiglipVisionConfig()).eval().to(device.name)
        else:
            tower = Dinov2Model(Dinov2Config(image_size=224)).eval().to(device.name)
        network = Network(
            768, 224, (0.5,) * 3, (0.5,) * 3, lambda pixels: tower(pixel_values=pixels).pooler_output, None, 1.0
        )

    class Ready(TorchEncoder):
        def _ready(self) -> Network:
            self._device = device
            return network

    model: ProductionModel = networks.listed("clip-vit-b-32", "appearance")
    torch.set_grad_enabled(False)
    return Ready(model, Options(batch=4 * BATCH), lambda *_: network), network


def measure_encoders(_folder: Path, device: Device, rounds: int) -> None:
    """CLIP, SigLIP and DINOv2 on crops of 120 x 200."""
    import torch

    crops = networks.pictures(BATCH, ((200, 120),))
    for name in ("ViT-B-32 (open_clip)", "SigLIP base", "DINOv2 base"):
        adapter, network = encoder(name, device)
        batch = torch.rand(len(crops), 3, network.side, network.side, device=device.name)
        works: dict[str, tuple[Work, int]] = {
            "adapter": (partial(adapter.embed, crops), len(crops)),
            "bare": (alone(network.images, batch, device), len(crops)),
        }
        tell(name, rates(works, rounds), "adapter", "bare", 0.85)


def measure_mask2former(folder: Path, device: Device, rounds: int) -> None:
    """Mask2Former with the Swin-T backbone at 384 x 384; frames of 426 x 240, the size of the published ones."""
    import torch
    from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation, Mask2FormerImageProcessor

    names = [*networks.COCO, *(f"region-{k}" for k in range(53))]
    config = Mask2FormerConfig(id2label=dict(enumerate(names)), label2id={n: k for k, n in enumerate(names)})
    Mask2FormerForUniversalSegmentation(config).save_pretrained(folder / "m2f")
    Mask2FormerImageProcessor(size={"height": 384, "width": 384}, num_labels=133).save_pretrained(folder / "m2f")
    model = networks.listed("mask2former-swin-large-coco-panoptic", "detector")
    adapter = Mask2Former(
        model, Options(weights=str(folder / "m2f"), device=device.name, batch=4, masks=True, score=0.01)
    )
    images = networks.pictures(4, ((240, 426),))
    adapter.detect(images)
    batch = torch.rand(4, 3, 384, 384, device=device.name)
    works: dict[str, tuple[Work, int]] = {
        "adapter": (partial(adapter.detect, images), 4),
        "bare": (alone(lambda values: adapter._network(pixel_values=values), batch, device), 4),
    }
    tell("Mask2Former Swin-T", rates(works, rounds), "adapter", "bare", 0.85)


def make_iresnet50(path: Path) -> Path:
    """InsightFace's IResNet-50 with random weights (He et al., 2016; Deng et al., 2019) as ONNX."""
    import torch
    from torch import nn

    class Block(nn.Module):  # type: ignore[misc, unused-ignore] # untyped where torch is not installed
        def __init__(self, before: int, width: int, stride: int) -> None:
            super().__init__()
            self.body = nn.Sequential(
                nn.BatchNorm2d(before), nn.Conv2d(before, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width),
                nn.PReLU(width), nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width),
            )  # fmt: skip
            short = nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))
            self.short = short if stride > 1 else nn.Identity()

        def forward(self, values: Any) -> Any:
            return self.body(values) + self.short(values)

    layers: list[Any] = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.PReLU(64)]
    before = 64
    for width, depth in ((64, 3), (128, 4), (256, 14), (512, 3)):
        for k in range(depth):
            layers.append(Block(before, width, 2 if k == 0 else 1))
            before = width
    network = nn.Sequential(
        *layers, nn.BatchNorm2d(512), nn.Flatten(), nn.Linear(512 * 49, 512), nn.BatchNorm1d(512)
    ).eval()
    torch.onnx.export(
        network, (torch.rand(1, 3, 112, 112),), str(path), input_names=["input.1"], output_names=["embedding"],
        dynamic_axes={"input.1": {0: "None"}, "embedding": {0: "None"}}, dynamo=False,
    )  # fmt: skip
    return path


def measure_faces(folder: Path, device: Device, rounds: int) -> None:
    """Batches of frames and of faces against one image and one face at a time."""
    from insightface.model_zoo.arcface_onnx import ArcFaceONNX
    from insightface.model_zoo.scrfd import SCRFD

    detector_path, embedder_path = networks.make_scrfd(folder / "scrfd.onnx"), make_iresnet50(folder / "r50.onnx")
    options = {"batch": BATCH, "score": 0.5}
    find = Scrfd(networks.listed("scrfd-10g", "face_detector"), networks.own_weights(detector_path, **options))
    embed = ArcFace(networks.listed("buffalo_l", "face_embedder"), networks.own_weights(embedder_path, batch=4 * BATCH))
    theirs = SCRFD(str(detector_path))
    theirs.prepare(-1, nms_thresh=0.4, det_thresh=0.5)
    arc = ArcFaceONNX(str(embedder_path))
    images = frames()
    faces = [found[:4] for found in find.detect(images)]
    count = sum(map(len, faces))
    flipped = [np.ascontiguousarray(image[..., ::-1]) for image in images]

    class Face:
        def __init__(self, kps: Any) -> None:
            self.kps, self.embedding = np.array(kps, np.float32), None

    def one_by_one() -> None:
        for image, found in zip(flipped, faces, strict=True):
            theirs.detect(image, input_size=[(128, 128), (640, 640)])
            for face in found:
                arc.get(image, Face(face.landmarks))

    def detect_one_by_one() -> None:
        for image in flipped:
            theirs.detect(image, input_size=[(128, 128), (640, 640)])

    works: dict[str, tuple[Work, int]] = {
        "adapter": (lambda: (find.detect(images), embed.embed(images, faces)), count),
        "insightface": (one_by_one, count),
    }
    tell(f"faces ({count} on {BATCH})", rates(works, rounds), "adapter", "insightface", 3.0)
    works = {"adapter": (lambda: embed.embed(images, faces), count)}
    aligned = np.random.default_rng(0).uniform(-1, 1, (count, 3, 112, 112)).astype(np.float32)
    works["bare"] = (lambda: embed._ready().run(aligned), count)
    tell("IResNet-50 embedding", rates(works, rounds), "adapter", "bare", 0.85)


PARTS = {
    "yolo": measure_yolo,
    "encoders": measure_encoders,
    "mask2former": measure_mask2former,
    "faces": measure_faces,
}


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=PARTS, action="append")
    args = parser.parse_args()
    device = choose_device(args.device, "float32")
    print(f"device {device.name}, float32, batch {BATCH}, median of {args.rounds} rounds", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in args.only or PARTS:
            PARTS[name](Path(folder), device, args.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
