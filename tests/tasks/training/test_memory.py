"""What training needs in memory, by hand for the 7B model; sizes from the headers of weights."""

import json
import struct
from pathlib import Path

import pytest

from schemas.errors import ConfigError, ModelError
from schemas.training_config import read_settings
from tasks.train import refuse_too_large
from tasks.training.memory import (
    ModelShape,
    describe_fitting,
    estimate_memory,
    is_adapted,
    read_header,
    read_shape,
)

# Rows and columns of q (3584, 3584), k and v (512, 3584) and o (3584, 3584) over 28 layers.
ADAPTED = 28 * (2 * (3584 + 3584) + 2 * (512 + 3584))
SEVEN_B = ModelShape(8_292_166_656, 676_550_144, 28, 3584, 18_944, 152_064, ADAPTED)


def write_weights(path: Path, shapes: dict[str, tuple[int, ...]], *, cut: int = 0) -> None:
    """A safetensors file of zeros in float32, written by hand."""
    offset, entries = 0, {}
    for name, shape in shapes.items():
        size = 4
        for side in shape:
            size *= side
        entries[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    header = json.dumps({"__metadata__": {"format": "pt"}, **entries}).encode()
    content = struct.pack("<Q", len(header)) + header + bytes(offset)
    path.write_bytes(content[: len(content) - cut])


def test_adapters_of_the_published_rank_by_hand() -> None:
    assert ADAPTED == 630_784
    need = estimate_memory(SEVEN_B, "lora", 2048, 16_384, gpus=1)
    trained = 2048 * 630_784
    assert need.weights == 2 * 8_292_166_656 + 4 * trained
    assert (need.gradients, need.optimizer) == (4 * trained, 8 * trained)
    # 16,384 tokens of 28 layers' inputs and one layer of values, two bytes each; 3 x 256 tokens' logits.
    layer = 12 * 3584 + 4 * 18_944
    assert need.activations == 16_384 * 2 * (28 * 3584 + layer) + 3 * 256 * 152_064 * 4
    assert need.total == pytest.approx(49.4e9, rel=0.01)


def test_all_weights_take_sixteen_bytes_each_and_are_divided_among_gpus() -> None:
    one, eight = (estimate_memory(SEVEN_B, "full", 0, 8192, gpus=gpus) for gpus in (1, 8))
    assert one.weights + one.gradients + one.optimizer == 16 * SEVEN_B.parameters
    assert eight.weights == one.weights // 8
    assert eight.activations == one.activations
    beside = estimate_memory(SEVEN_B, "full", 0, 8192, gpus=1, reference=True)
    assert beside.weights == 2 * one.weights, "DPO keeps the model as it was"
    frozen = estimate_memory(SEVEN_B, "language-only", 0, 8192, gpus=1)
    assert frozen.weights == 4 * SEVEN_B.parameters - 2 * SEVEN_B.vision
    assert frozen.gradients == 4 * (SEVEN_B.parameters - SEVEN_B.vision)


def test_no_gpu_for_a_large_model() -> None:
    with pytest.raises(ConfigError) as caught:
        refuse_too_large(SEVEN_B, read_settings({}), 8192, 0, 64 * 2**30)
    told = str(caught.value)
    assert "there is no GPU here: lora on 8.3 B parameters needs one of about 21.8 GiB" in told
    assert "on one of 80 GiB --lora-rank 2048 fits" in told


def test_too_small_a_gpu_is_told_what_it_needs_and_what_fits() -> None:
    with pytest.raises(
        ConfigError, match=r"full on 8.3 B parameters needs about 1\d\d.\d GiB .* here --lora-rank 256 fits"
    ):
        refuse_too_large(SEVEN_B, read_settings({"method": "full"}), 8192, 1, 32 * 2**30)
    assert describe_fitting(SEVEN_B, 8192, 2**30, 1) == "no method fits"
    refuse_too_large(SEVEN_B, read_settings({"method": "full"}), 8192, 8, 80 * 2**30)


def test_sizes_come_from_headers(tmp_path: Path) -> None:
    write_weights(
        tmp_path / "model.safetensors",
        {
            "model.visual.blocks.0.attn.qkv.weight": (6, 2),
            "model.language_model.layers.0.self_attn.q_proj.weight": (4, 5),
            "model.language_model.layers.0.self_attn.q_proj.bias": (4,),
            "model.language_model.layers.0.mlp.up_proj.weight": (7, 5),
        },
    )
    sizes = {"num_hidden_layers": 1, "hidden_size": 5, "intermediate_size": 7, "vocab_size": 9}
    (tmp_path / "config.json").write_text(json.dumps({"text_config": sizes}))
    assert read_shape(tmp_path) == ModelShape(12 + 20 + 4 + 35, 12, 1, 5, 7, 9, 4 + 5)
    assert not is_adapted("visual.blocks.0.self_attn.q_proj.weight")


@pytest.mark.parametrize("cut", [1, 30, 200])
def test_weights_that_are_cut_off(tmp_path: Path, cut: int) -> None:
    write_weights(tmp_path / "w.safetensors", {"a": (3, 3)}, cut=cut)
    with pytest.raises(ModelError, match="damaged or no safetensors"):
        read_header(tmp_path / "w.safetensors")


def test_no_configuration(tmp_path: Path) -> None:
    write_weights(tmp_path / "w.safetensors", {"a": (3, 3)})
    with pytest.raises(ModelError, match=r"config.json cannot be read"):
        read_shape(tmp_path)
