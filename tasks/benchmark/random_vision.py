"""Networks of torch with random weights, in the files that their libraries read: of any size, down to what tests run.

Random detectors find everything or nothing: the last layers of these are set so that scores and boxes depend on the picture.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tasks.models.device import import_library
from tasks.models.protocols import Image


def make_yolo(path: Path, kind: str, names: Sequence[str], shown: Sequence[Image], spread: float = 0.15) -> Path:
    """A checkpoint of an ultralytics architecture.

    Args:
        path: where it goes.
        kind: the architecture, such as ``yolo26m-seg.yaml``.
        names: its classes, 80 of them.
        shown: pictures of one size, a multiple of 32, that norms are fitted on, so that nothing fades from layer to layer.
        spread: how much scores depend on the picture.
    """
    import torch

    YOLO = import_library("ultralytics", "a random detector").YOLO  # noqa: N806 - a class
    torch.manual_seed(7)
    model = YOLO(kind)
    network = model.model
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    with torch.no_grad():
        for name, value in network.named_parameters():
            if "cv3." in name and name.endswith(".2.weight"):  # the last layer of the class branch
                value.normal_(0, spread)
            elif "cv3." in name and name.endswith(".2.bias"):
                value.fill_(-6.0)
            elif "cv2." in name and name.endswith(".2.weight"):  # and of the box branch
                value.normal_(0, 0.1)
        for norm in norms:
            norm.momentum = 1.0
        network.train()(torch.from_numpy(np.stack(shown)).permute(0, 3, 1, 2).float() / 255)
        for norm in norms:
            norm.momentum = 0.03
    network.eval()
    model.model.names = dict(enumerate(names))
    model.save(str(path))
    return path


def make_mask2former(
    folder: Path,
    labels: Sequence[str],
    side: int,
    backbone: Mapping[str, Any],
    sizes: Mapping[str, Any],
    doubt: float = 0.0,
) -> Path:
    """A Mask2Former on a Swin backbone with its processor, in the hub's layout.

    Args:
        folder: where it goes.
        labels: its classes, things first.
        side: side of the square input.
        backbone: settings of ``SwinConfig``.
        sizes: settings of ``Mask2FormerConfig``.
        doubt: how much more is said for nothing than for any class: of many random masks on one another none is left.
    """
    import torch
    from transformers import (
        Mask2FormerConfig,
        Mask2FormerForUniversalSegmentation,
        Mask2FormerImageProcessor,
        SwinConfig,
    )

    torch.manual_seed(8)
    swin = SwinConfig(out_features=["stage1", "stage2", "stage3", "stage4"], **backbone)
    known = {"id2label": dict(enumerate(labels)), "label2id": {label: k for k, label in enumerate(labels)}}
    network = Mask2FormerForUniversalSegmentation(Mask2FormerConfig(backbone_config=swin, **known, **sizes))
    with torch.no_grad():
        width = network.class_predictor.weight.shape[1]
        network.class_predictor.weight.normal_(0, (32 / width) ** 0.5)  # so that not every class is certain
        network.class_predictor.bias[-1] += doubt
        for name, value in network.named_parameters():
            if "queries_" in name:
                value.normal_(0, 3.0)
            elif "mask_embedder" in name or "mask_projection" in name:
                value.mul_(4.0)
    network.save_pretrained(folder)
    size = {"height": side, "width": side}
    Mask2FormerImageProcessor(size=size, num_labels=len(labels)).save_pretrained(folder)
    return folder


def make_siglip(folder: Path, vision: Mapping[str, Any], text: Mapping[str, Any]) -> Path:
    """A SigLIP with a small SentencePiece tokenizer, in the hub's layout; ``vision`` and ``text`` are its settings."""
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
    corpus.write_text("\n".join(words * 20), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(corpus), model_prefix=str(folder / "spiece"), vocab_size=60, pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
        hard_vocab_limit=False, minloglevel=2,
    )  # fmt: skip
    corpus.unlink()
    torch.manual_seed(5)
    SiglipModel(SiglipConfig(vision_config=dict(vision), text_config=dict(text))).save_pretrained(folder)
    SiglipTokenizer(str(folder / "spiece.model")).save_pretrained(folder)
    side = int(vision["image_size"])
    SiglipImageProcessor(size={"height": side, "width": side}).save_pretrained(folder)
    return folder


def make_dinov2(folder: Path, side: int, sizes: Mapping[str, Any]) -> Path:
    """A DINOv2 in the hub's layout, for crops of ``side`` pixels; ``sizes`` are its settings."""
    import torch
    from transformers import BitImageProcessor, Dinov2Config, Dinov2Model

    torch.manual_seed(6)
    Dinov2Model(Dinov2Config(**sizes)).save_pretrained(folder)
    crop = {"height": side, "width": side}
    BitImageProcessor(size={"shortest_edge": side * 8 // 7}, crop_size=crop).save_pretrained(folder)
    return folder


def make_open_clip(path: Path, architecture: str) -> Path:
    """Weights in safetensors of an architecture that open_clip knows."""
    open_clip = import_library("open_clip", "a random encoder")
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(4)
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # that no weights are loaded is what is wanted
    try:
        network = open_clip.create_model(architecture, pretrained=None)
    finally:
        logging.disable(before)
    save_file({key: value.contiguous() for key, value in network.state_dict().items()}, path)
    return path
