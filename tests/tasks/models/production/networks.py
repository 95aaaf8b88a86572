"""Networks of the production models' architectures, small and with random weights, made on the spot."""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from tasks.models.options import Options
from tasks.models.production import ProductionModel, find_production
from tasks.models.protocols import Image

COCO = [f"thing {k}" for k in range(80)]
COCO[0] = "person"


def listed(name: str, stage: str, **changes: Any) -> ProductionModel:
    """A listed model, with some of its facts changed."""
    model = find_production(name, stage)
    assert model is not None
    settings = {**model.settings, **changes.pop("settings", {})}
    return dataclasses.replace(model, settings=settings, **changes)


def own_weights(path: Path, **options: Any) -> Options:
    """Options that name a weight file with its digest."""
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    return Options(weights=str(path), sha256=sha256, device="cpu", **options)


def pictures(
    count: int, sizes: tuple[tuple[int, int], ...] = ((120, 160), (96, 96), (120, 160), (90, 200))
) -> list[Image]:
    """Smooth random pictures of several sizes (height, width)."""
    from PIL import Image as PillowImage

    found = []
    for k in range(count):
        height, width = sizes[k % len(sizes)]
        rough = np.random.default_rng(k).integers(0, 256, (9, 12, 3), dtype=np.uint8)
        found.append(np.asarray(PillowImage.fromarray(rough).resize((width, height), PillowImage.Resampling.BICUBIC)))
    return found


def make_yolo(path: Path, kind: str = "yolo26n.yaml", names: list[str] | None = None, spread: float = 0.15) -> Path:
    """An ultralytics checkpoint whose scores and boxes depend on the picture; ``spread`` how much by."""
    import torch
    from ultralytics import YOLO

    torch.manual_seed(7)
    model = YOLO(kind)
    network = model.model
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    shown = np.stack(pictures(8, ((160, 160),)))
    with torch.no_grad():
        for name, value in network.named_parameters():
            if "cv3." in name and name.endswith(".2.weight"):  # the last layer of the class branch
                value.normal_(0, spread)
            elif "cv3." in name and name.endswith(".2.bias"):
                value.fill_(-6.0)
            elif "cv2." in name and name.endswith(".2.weight"):  # and of the box branch
                value.normal_(0, 0.1)
        for norm in norms:  # one look at some pictures, so that nothing fades away from layer to layer
            norm.momentum = 1.0
        network.train()(torch.from_numpy(shown).permute(0, 3, 1, 2).float() / 255)
        for norm in norms:
            norm.momentum = 0.03
    network.eval()
    model.model.names = dict(enumerate(names or COCO))
    model.save(str(path))
    return path


def make_mask2former(folder: Path) -> Path:
    """A Mask2Former with a small Swin backbone, 133 classes and a processor, in the hub's layout."""
    import torch
    from transformers import (
        Mask2FormerConfig,
        Mask2FormerForUniversalSegmentation,
        Mask2FormerImageProcessor,
        SwinConfig,
    )

    torch.manual_seed(8)
    swin = SwinConfig(
        image_size=64, embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2], window_size=4,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )  # fmt: skip
    labels = [*COCO, "wall-brick", "sky-other-merged", "floor-wood", *(f"region-{k}-merged" for k in range(50))]
    config = Mask2FormerConfig(
        backbone_config=swin, feature_size=32, mask_feature_size=32, hidden_dim=32, encoder_feedforward_dim=16,
        dim_feedforward=16, encoder_layers=1, decoder_layers=2, num_attention_heads=2, num_queries=4,
        id2label=dict(enumerate(labels)), label2id={label: k for k, label in enumerate(labels)},
    )  # fmt: skip
    network = Mask2FormerForUniversalSegmentation(config)
    with torch.no_grad():
        network.class_predictor.weight.normal_(0, 1.0)
        for name, value in network.named_parameters():
            if "queries_" in name:
                value.normal_(0, 3.0)
            elif "mask_embedder" in name or "mask_projection" in name:
                value.mul_(4.0)
    network.save_pretrained(folder)
    Mask2FormerImageProcessor(size={"height": 64, "width": 64}, num_labels=133).save_pretrained(folder)
    return folder


def make_siglip(folder: Path) -> Path:
    """A small SigLIP with its SentencePiece tokenizer, in the hub's layout."""
    import sentencepiece
    import torch
    from transformers import SiglipConfig, SiglipImageProcessor, SiglipModel, SiglipTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    corpus = folder / "corpus.txt"
    words = [
        "a photo of a kitchen at night",
        "a film still of a street",
        "a close-up of a face from a film",
        "bright even light",
    ]
    corpus.write_text("\n".join(words * 20))
    sentencepiece.SentencePieceTrainer.train(
        input=str(corpus), model_prefix=str(folder / "spiece"), vocab_size=60, pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
        hard_vocab_limit=False, minloglevel=2,
    )  # fmt: skip
    corpus.unlink()
    torch.manual_seed(5)
    tower = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = SiglipConfig(
        vision_config={**tower, "image_size": 32, "patch_size": 8},
        text_config={**tower, "vocab_size": 80, "max_position_embeddings": 16, "projection_size": 32},
    )
    SiglipModel(config).save_pretrained(folder)
    SiglipTokenizer(str(folder / "spiece.model")).save_pretrained(folder)
    SiglipImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


def make_dinov2(folder: Path) -> Path:
    """A small DINOv2 in the hub's layout."""
    import torch
    from transformers import BitImageProcessor, Dinov2Config, Dinov2Model

    torch.manual_seed(6)
    config = Dinov2Config(hidden_size=24, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=14)
    Dinov2Model(config).save_pretrained(folder)
    BitImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 28, "width": 28}).save_pretrained(folder)
    return folder


def make_open_clip(folder: Path) -> Path:
    """Weights in safetensors of an architecture ``tiny-test`` that is made known to open_clip; returns the file."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    configs = folder / "configs"
    configs.mkdir(exist_ok=True)
    vision = {"image_size": 32, "layers": 2, "width": 32, "patch_size": 8, "head_width": 16}
    text = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}
    (configs / "tiny-test.json").write_text(json.dumps({"embed_dim": 24, "vision_cfg": vision, "text_cfg": text}))
    open_clip.add_model_config(configs)
    torch.manual_seed(4)
    network = open_clip.create_model("tiny-test", pretrained=None)
    path = folder / "open_clip_model.safetensors"
    save_file({key: value.contiguous() for key, value in network.state_dict().items()}, path)
    return path


def make_scrfd(path: Path, *, batched: bool = False, fixed_side: int | None = None) -> Path:
    """A network with SCRFD's nine outputs: for each stride one convolution, transposed and reshaped as InsightFace exports.

    ``batched`` gives outputs with the image first; otherwise an image's values lie within each cell, as in ``det_10g.onnx``.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(11)
    nodes, weights = [], []

    def constant(name: str, value: Any) -> str:
        weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    groups: list[list[str]] = [[], [], []]
    for stride in (8, 16, 32):
        for group, (kind, width) in enumerate((("score", 1), ("bbox", 4), ("kps", 10))):
            channels = 2 * width
            scale = (1.2 if kind == "score" else 0.5) * 8 / stride
            kernel = rng.normal(0, scale / 8, (channels, 3, stride, stride)).astype(np.float32)
            bias = np.full(channels, {"score": -3.0, "bbox": 1.5, "kps": 0.0}[kind], np.float32)
            name = f"{kind}_{stride}"
            nodes.append(
                helper.make_node(
                    "Conv", ["input.1", constant(f"{name}.w", kernel), constant(f"{name}.b", bias)], [f"{name}.conv"],
                    strides=[stride, stride], kernel_shape=[stride, stride],
                )
            )  # fmt: skip
            last = f"{name}.conv"
            if kind == "score":
                nodes.append(helper.make_node("Sigmoid", [last], [f"{name}.sig"]))
                last = f"{name}.sig"
            elif kind == "bbox":
                nodes.append(helper.make_node("Relu", [last], [f"{name}.relu"]))
                last = f"{name}.relu"
            perm, shape = ([0, 2, 3, 1], [0, -1, width]) if batched else ([2, 3, 0, 1], [-1, width])
            nodes.append(helper.make_node("Transpose", [last], [f"{name}.t"], perm=perm))
            nodes.append(
                helper.make_node("Reshape", [f"{name}.t", constant(f"{name}.s", np.array(shape, np.int64))], [name])
            )
            groups[group].append(name)
    rank = 3 if batched else 2
    names = [name for group in groups for name in group]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * rank) for name in names]
    side: Any = fixed_side or "?"
    size = ["?", 3, side, side] if batched else [1, 3, side, side]
    graph = helper.make_graph(
        nodes, "scrfd", [helper.make_tensor_value_info("input.1", TensorProto.FLOAT, size)], outputs, weights
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path


def make_arcface(path: Path, *, batch: Any = "None", dimension: int = 512, inside: bool = False) -> Path:
    """A network of ArcFace's signature; ``inside`` gives it the subtraction and scaling of networks from MXNet."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(12)
    weights = [
        numpy_helper.from_array(rng.normal(0, 0.1, (16, 3, 8, 8)).astype(np.float32), "w1"),
        numpy_helper.from_array(rng.normal(0, 0.1, (16 * 14 * 14, dimension)).astype(np.float32), "w2"),
    ]
    nodes, first = [], "input.1"
    if inside:
        weights += [numpy_helper.from_array(np.float32(v), n) for n, v in (("mean", 127.5), ("factor", 1 / 128))]
        nodes += [
            helper.make_node("Sub", ["input.1", "mean"], ["centred"], name="_minusscalar0"),
            helper.make_node("Mul", ["centred", "factor"], ["scaled"], name="_mulscalar0"),
        ]
        first = "scaled"
    nodes += [
        helper.make_node("Conv", [first, "w1"], ["c"], strides=[8, 8], kernel_shape=[8, 8]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Flatten", ["r"], ["f"]),
        helper.make_node("MatMul", ["f", "w2"], ["683"]),
    ]
    graph = helper.make_graph(
        nodes, "arcface", [helper.make_tensor_value_info("input.1", TensorProto.FLOAT, [batch, 3, 112, 112])],
        [helper.make_tensor_value_info("683", TensorProto.FLOAT, [1, dimension])], weights,
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path
