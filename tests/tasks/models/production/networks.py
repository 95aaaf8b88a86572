"""Networks of the production models' architectures, small and with random weights, made on the spot."""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from tasks.benchmark import random_vision
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
    return random_vision.make_yolo(path, kind, names or COCO, pictures(8, ((160, 160),)), spread)


def make_rtdetr(path: Path, names: list[str] | None = None) -> Path:
    """An RT-DETR checkpoint whose scores and boxes depend on the picture; its input must be 128 pixels wide or more."""
    import torch
    from ultralytics import RTDETR

    torch.manual_seed(9)
    model = RTDETR("rtdetr-l.yaml")
    network = model.model
    shown = np.stack(pictures(8, ((128, 128),)))
    with torch.no_grad():
        for name, value in network.named_parameters():
            if "score_head" in name:
                value.normal_(0, 0.1) if name.endswith("weight") else value.fill_(-6.0)
            elif "bbox_head" in name and "layers.2.weight" in name:
                value.normal_(0, 0.05)
        for module in network.modules():  # one look at some pictures, as for YOLO
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 1.0
                module.train()
        network.predict(torch.from_numpy(shown).permute(0, 3, 1, 2).float() / 255)
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 0.03
    network.eval()
    network.names = dict(enumerate(names or COCO))
    model.save(str(path))
    return path


def make_mask2former(folder: Path) -> Path:
    """A Mask2Former with a small Swin backbone, 133 classes and a processor, in the hub's layout."""
    labels = [*COCO, "wall-brick", "sky-other-merged", "floor-wood", *(f"region-{k}-merged" for k in range(50))]
    swin = {"image_size": 64, "embed_dim": 8, "depths": [1, 1, 1, 1], "num_heads": [1, 1, 2, 2], "window_size": 4}
    sizes = {
        "feature_size": 32, "mask_feature_size": 32, "hidden_dim": 32, "encoder_feedforward_dim": 16,
        "dim_feedforward": 16, "encoder_layers": 1, "decoder_layers": 2, "num_attention_heads": 2, "num_queries": 4,
    }  # fmt: skip
    return random_vision.make_mask2former(folder, labels, 64, swin, sizes)


def make_siglip(folder: Path) -> Path:
    """A small SigLIP with its SentencePiece tokenizer, in the hub's layout."""
    tower = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = {**tower, "vocab_size": 80, "max_position_embeddings": 16, "projection_size": 32}
    return random_vision.make_siglip(folder, {**tower, "image_size": 32, "patch_size": 8}, text)


def make_dinov2(folder: Path) -> Path:
    """A small DINOv2 in the hub's layout."""
    sizes = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 28, "patch_size": 14}
    return random_vision.make_dinov2(folder, 28, sizes)


def make_open_clip(folder: Path) -> Path:
    """Weights in safetensors of an architecture ``tiny-test`` that is made known to open_clip; returns the file."""
    import open_clip

    folder.mkdir(parents=True, exist_ok=True)
    configs = folder / "configs"
    configs.mkdir(exist_ok=True)
    vision = {"image_size": 32, "layers": 2, "width": 32, "patch_size": 8, "head_width": 16}
    text = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}
    (configs / "tiny-test.json").write_text(json.dumps({"embed_dim": 24, "vision_cfg": vision, "text_cfg": text}))
    open_clip.add_model_config(configs)
    return random_vision.make_open_clip(folder / "open_clip_model.safetensors", "tiny-test")


def make_mobile_clip(folder: Path) -> Path:
    """Weights of ``tiny-mobile``: MobileCLIP's architecture with its smallest image tower, on small images."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    configs = folder / "configs"
    configs.mkdir(parents=True, exist_ok=True)
    config = open_clip.get_model_config("MobileCLIP-S1")
    config["vision_cfg"] |= {"timm_model_name": "fastvit_mci0", "image_size": 64}
    config["text_cfg"] |= {"width": 32, "heads": 2, "layers": 2}
    (configs / "tiny-mobile.json").write_text(json.dumps({**config, "embed_dim": 32}))
    open_clip.add_model_config(configs)
    torch.manual_seed(3)
    network = open_clip.create_model("tiny-mobile", pretrained=None)
    for module in network.modules():  # one look at some pictures, so that nothing fades away from layer to layer
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        shown = np.stack(pictures(8, ((64, 64),)))
        network.train().encode_image(torch.from_numpy(shown).permute(0, 3, 1, 2).float() / 255)
    path = folder / "open_clip_model.safetensors"
    save_file({key: value.contiguous() for key, value in network.state_dict().items()}, path)
    return path


def make_open_clip_siglip(folder: Path) -> Path:
    """A small SigLIP as open_clip keeps it in a hub repository: configuration, weights and tokenizer."""
    import open_clip
    import torch
    from safetensors.torch import save_file
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    config = open_clip.get_model_config("ViT-SO400M-14-SigLIP-384")
    config["vision_cfg"] |= {"timm_model_name": "test_vit", "image_size": 160}
    config["text_cfg"] |= {"width": 64, "heads": 2, "layers": 2, "vocab_size": 128, "context_length": 24}
    preprocessing = {
        "mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "resize_mode": "squash", "size": [160, 160]
    }  # fmt: skip
    whole = {"model_cfg": {**config, "embed_dim": 64}, "preprocess_cfg": preprocessing}
    (folder / "open_clip_config.json").write_text(json.dumps(whole))
    words = ["<pad>", "</s>", "<unk>", *(chr(k) for k in range(ord("a"), ord("z") + 1)), "photo", "film", "night"]
    tokenizer = Tokenizer(models.WordLevel({word: k for k, word in enumerate(words)}, "<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    marks = dict(zip(("pad_token", "eos_token", "unk_token"), words, strict=False))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **marks).save_pretrained(folder)
    torch.manual_seed(2)
    network = open_clip.create_model(f"local-dir:{folder}", pretrained=None)
    weights = {key: value.contiguous() for key, value in network.state_dict().items()}
    save_file(weights, folder / "open_clip_model.safetensors")
    return folder


def make_scrfd(path: Path, *, batched: bool = False, fixed_side: int | None = None, deep: bool = False) -> Path:
    """A network with SCRFD's nine outputs: for each stride one convolution, transposed and reshaped as InsightFace exports.

    ``batched`` gives outputs with the image first; otherwise an image's values lie within each cell, as in ``det_10g.onnx``.
    ``deep`` puts layers before them as in a residual network, which come down to a cell of four pixels.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(11)
    nodes, weights = [], []

    def constant(name: str, value: Any) -> str:
        weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    source, before, cell = "input.1", 3, 1

    def layer(source: str, name: str, kind: str, *weights: Any, **settings: Any) -> str:
        names = [constant(f"{name}.{k}", value) for k, value in enumerate(weights)]
        nodes.append(helper.make_node(kind, [source, *names], [name], **settings))
        return name

    def convolution(source: str, name: str, before: int, stride: int = 1) -> str:
        kernel = rng.normal(0, (2 / (9 * before)) ** 0.5, (8, before, 3, 3)).astype(np.float32)
        bias = rng.normal(0, 0.3, 8).astype(np.float32)
        settings = {"strides": [stride] * 2, "kernel_shape": [3, 3], "pads": [1] * 4}
        return layer(source, name, "Conv", kernel, bias, **settings)

    if deep:
        halved = layer(convolution(source, "stem.conv", 3, 2), "stem.relu", "Relu")
        trunk = layer(halved, "stem.pool", "MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
        inner = layer(convolution(trunk, "block.conv1", 8), "block.relu1", "Relu")
        nodes.append(helper.make_node("Add", [convolution(inner, "block.conv2", 8), trunk], ["block.sum"]))
        source, before, cell = layer("block.sum", "block.relu2", "Relu"), 8, 4

    groups: list[list[str]] = [[], [], []]
    for stride in (8, 16, 32):
        for group, (kind, width) in enumerate((("score", 1), ("bbox", 4), ("kps", 10))):
            channels = 2 * width
            scale = (1.2 if kind == "score" else 0.5) * (8 / stride) * (3.2 if deep else 1)
            window = stride // cell
            kernel = rng.normal(0, scale / 8, (channels, before, window, window)).astype(np.float32)
            bias = np.full(channels, {"score": -3.0, "bbox": 1.5, "kps": 0.0}[kind], np.float32)
            name = f"{kind}_{stride}"
            nodes.append(
                helper.make_node(
                    "Conv", [source, constant(f"{name}.w", kernel), constant(f"{name}.b", bias)], [f"{name}.conv"],
                    strides=[window, window], kernel_shape=[window, window],
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


def make_arcface(
    path: Path, *, batch: Any = "None", dimension: int = 512, inside: bool = False, slopes: bool = False
) -> Path:
    """A network of ArcFace's signature.

    ``inside`` gives it the subtraction and scaling of networks from MXNet, ``slopes`` PReLU in place of ReLU.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(12)
    weights = [
        numpy_helper.from_array(rng.normal(0, 0.1, (16, 3, 8, 8)).astype(np.float32), "w1"),
        numpy_helper.from_array(rng.normal(0, 0.1, (16 * 14 * 14, dimension)).astype(np.float32), "w2"),
    ]
    nodes, first = [], "input.1"
    if slopes:
        weights.append(numpy_helper.from_array(rng.uniform(-0.5, 1.5, (16, 1, 1)).astype(np.float32), "slopes"))
    if inside:
        weights += [numpy_helper.from_array(np.float32(v), n) for n, v in (("mean", 127.5), ("factor", 1 / 128))]
        nodes += [
            helper.make_node("Sub", ["input.1", "mean"], ["centred"], name="_minusscalar0"),
            helper.make_node("Mul", ["centred", "factor"], ["scaled"], name="_mulscalar0"),
        ]
        first = "scaled"
    nodes += [
        helper.make_node("Conv", [first, "w1"], ["c"], strides=[8, 8], kernel_shape=[8, 8]),
        helper.make_node("PRelu", ["c", "slopes"], ["r"]) if slopes else helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Flatten", ["r"], ["f"]),
        helper.make_node("MatMul", ["f", "w2"], ["683"]),
    ]
    graph = helper.make_graph(
        nodes, "arcface", [helper.make_tensor_value_info("input.1", TensorProto.FLOAT, [batch, 3, 112, 112])],
        [helper.make_tensor_value_info("683", TensorProto.FLOAT, [1, dimension])], weights,
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path
