"""What a fine-tuning needs in memory, from the shapes of a model's weights alone.

For ``P`` parameters of which ``T`` are trained, at ``t`` tokens at once:

    weights      2 bytes each where frozen and in bf16, 4 where trained (and everywhere on a CPU)
    gradients    4 T
    AdamW        8 T                      two moments in float32
    activations  t (L h + 12 h + 4 i)     values: the inputs of the L checkpointed layers, and one layer computed anew, for
                                          the hidden size h and an MLP of size i; two bytes each (four on a CPU)
    head         256 tokens' logits, 4 bytes each, computed in chunks; three copies

FSDP and ZeRO-3 divide the first three by the number of GPUs. A tenth is added for fragmentation and the libraries. It is an
estimate, made before anything is loaded, so that what cannot work is refused in the first second.
"""

import json
import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path

from schemas.errors import ModelError
from schemas.training_config import LORA_MODULES, Method

GIB = 2**30
MARGIN = 1.1
HEAD_TOKENS = 256
LARGEST_ON_CPU = 1_000_000_000
"""Parameters that are still trained without a GPU."""


@dataclass(frozen=True, slots=True)
class ModelShape:
    """Sizes of a model.

    Attributes:
        parameters: all of them.
        vision: those of the vision tower.
        layers, hidden, intermediate, vocabulary: of the language model.
        adapted: rows plus columns of the matrices that adapters are put on, summed: parameters of adapters of rank 1.
    """

    parameters: int
    vision: int
    layers: int
    hidden: int
    intermediate: int
    vocabulary: int
    adapted: int


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """Bytes on each GPU."""

    weights: int
    gradients: int
    optimizer: int
    activations: int

    @property
    def total(self) -> int:
        """All of it, and a tenth."""
        return round(MARGIN * (self.weights + self.gradients + self.optimizer + self.activations))


def read_header(path: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors in a safetensors file; their values are not read.

    Raises:
        ModelError: it is no safetensors file, or cut off.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > size - 8:
                raise ValueError("cut off")
            entries = {k: v for k, v in json.loads(file.read(length)).items() if k != "__metadata__"}
        if max((entry["data_offsets"][1] for entry in entries.values()), default=0) + 8 + length != size:
            raise ValueError("cut off")
        return {name: tuple(entry["shape"]) for name, entry in entries.items()}
    except (ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise ModelError(f"{path} is damaged or no safetensors file: fetch the model again") from error


def read_shape(folder: Path) -> ModelShape:
    """Sizes of the model in a folder, from its configuration and the headers of its weights.

    Raises:
        ModelError: a file is missing or damaged.
    """
    tensors: dict[str, tuple[int, ...]] = {}
    for path in sorted(folder.glob("*.safetensors")):
        tensors |= read_header(path)
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        text = config.get("text_config", config)
        sizes = [int(text[name]) for name in ("num_hidden_layers", "hidden_size", "intermediate_size", "vocab_size")]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{folder}/config.json cannot be read: fetch the model again") from error
    return ModelShape(
        sum(map(prod, tensors.values())),
        sum(prod(shape) for name, shape in tensors.items() if "visual." in name),
        sizes[0],
        sizes[1],
        sizes[2],
        sizes[3],
        sum(sum(shape) for name, shape in tensors.items() if is_adapted(name)),
    )


def is_adapted(name: str) -> bool:
    """Whether adapters are put on the weight of this name."""
    parts = name.split(".")
    return "visual" not in parts and parts[-1] == "weight" and parts[-2] in LORA_MODULES and parts[-3] == "self_attn"


def estimate_memory(
    shape: ModelShape, method: Method, rank: int, tokens: int, *, gpus: int, reference: bool = False
) -> MemoryNeed:
    """What a method needs on each of ``gpus`` GPUs among which it is divided, or on the CPU (``gpus`` 0).

    Args:
        shape: of the model.
        method: how it is trained.
        rank: of the adapters.
        tokens: that one GPU takes at once.
        gpus: GPUs; 0 for none.
        reference: whether a copy of the model that is not trained is kept beside it, as DPO without adapters does.
    """
    value = 2 if gpus else 4
    trained = {
        "lora": rank * shape.adapted,
        "full": shape.parameters,
        "language-only": shape.parameters - shape.vision,
    }[method]
    frozen = shape.parameters - (0 if method == "lora" else trained)
    shares = max(1, gpus)
    layers = tokens * value * (shape.layers * shape.hidden + 12 * shape.hidden + 4 * shape.intermediate)
    return MemoryNeed(
        (value * frozen + 4 * trained + (4 * shape.parameters if reference else 0)) // shares,
        4 * trained // shares,
        8 * trained // shares,
        layers + 3 * HEAD_TOKENS * shape.vocabulary * 4,
    )


def describe_fitting(shape: ModelShape, tokens: int, memory: int, gpus: int) -> str:
    """Which methods fit into ``memory`` bytes (each GPU's, or the machine's), in words."""
    plans: list[tuple[str, Method, int]] = [
        ("--full-finetune", "full", 0),
        ("--language-only", "language-only", 0),
        *((f"--lora-rank {rank}", "lora", rank) for rank in (2048, 256, 64, 16)),
    ]
    for told, method, rank in plans:
        if estimate_memory(shape, method, rank, tokens, gpus=gpus).total <= memory:
            return f"{told} fits"
    return "no method fits"


def show_bytes(count: float) -> str:
    """A size for people."""
    return f"{count / GIB:.1f} GiB"
