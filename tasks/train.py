"""``train``: Qwen2.5-VL taught the stories of a dataset, with adapters or whole; or to prefer true answers to adversarial ones.

In: a model, a dataset, settings. Out, in one folder: ``model/`` (adapter or model, with its processor), ``checkpoints/``,
``samples.parquet`` and ``samples.json``, ``tensorboard/``, ``run.json`` and at the end ``finetune.json``.
Invariants: nothing is loaded before samples and memory are known to fit; a run that was stopped goes on from its newest whole
checkpoint and comes to the same weights; ``finetune.json`` exists only when ``model/`` is whole.
"""

import importlib.util
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.config import nearest
from schemas.errors import ConfigError, ShardError
from schemas.training_config import LORA_MODULES, TrainingSettings
from tasks.pack import Packed, measure_with, pack
from tasks.runtime.atomic import write_json
from tasks.runtime.progress import Event, emit
from tasks.training.adapter import PROVENANCE
from tasks.training.batches import divide_batch
from tasks.training.checkpoints import claim, newest_whole
from tasks.training.features import remember_features
from tasks.training.memory import (
    LARGEST_ON_CPU,
    ModelShape,
    describe_fitting,
    estimate_memory,
    read_shape,
    show_bytes,
)
from tasks.training.network import digest_model, load_network, load_processor, locate_model, require_training

TRACKERS = ("wandb", "mlflow", "trackio", "comet_ml")
DONE_FILE = "finetune.json"
LORA_TARGETS = rf".*(?<!visual)\.layers\.\d+\.self_attn\.({'|'.join(LORA_MODULES)})"


@dataclass(frozen=True, slots=True)
class Tuned:
    """What came of a run: ``finished`` is False where it was stopped; ``losses`` by step."""

    folder: Path
    finished: bool
    steps: int
    resumed_from: int
    losses: dict[int, float]


def finetune(model: str, dataset: Path, out: Path, settings: TrainingSettings, split: str = "train") -> Tuned:
    """Teach a model, or go on where a stopped run left off.

    Args:
        model: a folder, or ``owner/name`` on the Hub.
        dataset: a folder in the layout of StoryReasoning.
        out: where everything goes; one run a folder.
        settings: how.
        split: of the dataset.

    Raises:
        StoryReasoningError: says what failed and what to do.
    """
    require_training()
    import torch
    from accelerate import PartialState

    from tasks.training.trainers import Keeper, save_whole, stopping_on_signals

    # 1. What there is: the model's sizes, this machine's memory. Nothing is loaded yet.
    base = locate_model(model)
    _check_tracker(settings.tracker)
    state = PartialState(cpu=not torch.cuda.is_available())
    # DDP keeps all of the model on every GPU; FSDP and DeepSpeed divide it.
    divided = any(os.environ.get(f"ACCELERATE_USE_{name}", "").lower() == "true" for name in ("FSDP", "DEEPSPEED"))
    gpus = (state.num_processes if divided else 1) if torch.cuda.is_available() else 0
    processor = load_processor(base, settings.max_pixels)

    # 2. The samples: checked, measured, made to fit. Other processes wait, and read what the first one wrote.
    with state.main_process_first():
        if state.is_main_process:
            packed = pack(dataset, split, out / "samples.parquet", settings, measure_with(processor))
            _tell(packed)
        summary = json.loads((out / "samples.json").read_text(encoding="utf-8"))
    rows = 2 if settings.objective == "dpo" else 1  # a pair is two conversations
    longest = rows * summary["longest"]
    micro, accumulation = divide_batch(settings.batch, longest, settings.micro_tokens, state.num_processes)
    refuse_too_large(read_shape(base), settings, micro * longest, gpus, available_memory())

    # 3. The run: one a folder, known by what it depends on.
    if state.is_main_process:
        run = {"model": model, "base": digest_model(base), "samples": packed.digest, **settings.as_told()}
        claim(out, run)
    state.wait_for_everyone()
    if (out / DONE_FILE).exists():
        return _read_done(out)

    # 4. The model and its trainer.
    torch.manual_seed(settings.seed)
    network = load_network(base, torch.bfloat16 if gpus and settings.method == "lora" else torch.float32)
    if settings.method == "language-only":
        network.model.visual.requires_grad_(requires_grad=False)
    if settings.cache_features:
        remember_features(network.model.visual, out / "features")
    with stopping_on_signals() as stop:
        trainer = make_trainer(network, processor, out, settings, micro, accumulation, [Keeper(stop)])
        if settings.method == "lora":
            trainer.model.peft_config["default"].base_model_name_or_path = model

        # 5. Training, from the newest whole checkpoint where there is one.
        checkpoint = newest_whole(out / "checkpoints")
        try:
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        except torch.cuda.OutOfMemoryError as error:
            raise ShardError(
                f"the GPU ran out of memory at {micro} stories of up to {summary['longest']} tokens: lower --micro-tokens or "
                "--max-tokens; the last checkpoint is kept"
            ) from error
        steps = int(trainer.state.global_step)
        losses = {int(entry["step"]): float(entry["loss"]) for entry in trainer.state.log_history if "loss" in entry}
        resumed = int(checkpoint.name.rpartition("-")[2]) if checkpoint else 0
        if stop.asked and steps < int(trainer.state.max_steps):
            return Tuned(out, False, steps, resumed, losses)

    # 6. What was learned.
    save_whole(trainer, processor, out / "model")
    if state.is_main_process:
        write_json(out / "model" / PROVENANCE, run)
        write_json(out / DONE_FILE, {"steps": steps, "losses": losses, **summary})
    return Tuned(out, True, steps, resumed, losses)


def make_trainer(
    network: Any,
    processor: Any,
    out: Path,
    settings: TrainingSettings,
    micro: int,
    accumulation: int,
    callbacks: list[Any],
) -> Any:
    """The trainer of the objective, with TensorBoard and the tracker that was asked for.

    Args:
        network: the model to train.
        processor: its processor.
        out: the folder of the run, which holds ``samples.parquet``.
        settings: how.
        micro: samples that one GPU takes at once.
        accumulation: times that it does so before a step.
        callbacks: of the trainer.
    """
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from torch.utils.tensorboard import SummaryWriter
    from transformers import PrinterCallback
    from transformers.integrations import TensorBoardCallback
    from trl import DPOConfig, SFTConfig

    from tasks.training.collate import PairCollator, StoryCollator
    from tasks.training.trainers import PairTrainer, StoryTrainer

    samples = Dataset.from_parquet(str(out / "samples.parquet"), cache_dir=str(out / "cache"))
    cuda = torch.cuda.is_available()
    options = {
        "output_dir": str(out / "checkpoints"),
        "per_device_train_batch_size": micro,
        "gradient_accumulation_steps": accumulation,
        "num_train_epochs": settings.epochs,
        "learning_rate": settings.peak_rate,
        "warmup_steps": settings.warmup,  # below 1 it is a share of the steps
        "weight_decay": settings.weight_decay,
        "optim": "adamw_torch_fused" if cuda else "adamw_torch",
        "lr_scheduler_type": "cosine",
        "bf16": cuda,
        "use_cpu": not cuda,
        "gradient_checkpointing": True,
        "max_length": None,  # samples were made to fit; cutting would cut pictures' tokens
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "save_steps": settings.save_steps,
        "save_total_limit": 2,  # while the newest is being written, the one before it is whole
        "seed": settings.seed,
        "remove_unused_columns": False,
        "dataloader_num_workers": min(4, (os.cpu_count() or 1) - 1) if cuda else 0,
        "dataloader_pin_memory": cuda,
        "report_to": [settings.tracker] if settings.tracker else "none",
        "disable_tqdm": True,
    }
    common = {
        "model": network,
        "train_dataset": samples,
        "processing_class": processor,
        "callbacks": [*callbacks, TensorBoardCallback(SummaryWriter(str(out / "tensorboard")))],
        "peft_config": LoraConfig(
            r=settings.lora_rank, lora_alpha=settings.alpha, target_modules=LORA_TARGETS, task_type="CAUSAL_LM"
        )
        if settings.method == "lora"
        else None,
    }
    if settings.objective == "dpo":
        arguments = DPOConfig(**options, beta=settings.beta)
        trainer = PairTrainer(args=arguments, data_collator=PairCollator(processor), **common)
    else:
        trainer = StoryTrainer(args=SFTConfig(**options), data_collator=StoryCollator(processor), **common)
    trainer.remove_callback(PrinterCallback)  # the callbacks given tell the loss
    return trainer


def refuse_too_large(shape: ModelShape, settings: TrainingSettings, tokens: int, gpus: int, memory: int) -> None:
    """See that the memory is there.

    Args:
        shape: of the model.
        settings: how it is to be trained.
        tokens: that one GPU takes at once.
        gpus: among which the model is divided; 0 for none.
        memory: bytes of each GPU, or of the machine where there is none.

    Raises:
        ConfigError: it is not; says what is needed and what fits.
    """
    reference = settings.objective == "dpo" and settings.method != "lora"
    need = estimate_memory(shape, settings.method, settings.lora_rank, tokens, gpus=gpus, reference=reference)
    size = f"{shape.parameters / 1e9:.1f} B parameters"
    if not gpus and shape.parameters > LARGEST_ON_CPU:
        one = estimate_memory(shape, settings.method, settings.lora_rank, tokens, gpus=1, reference=reference)
        raise ConfigError(
            f"there is no GPU here: {settings.method} on {size} needs one of about {show_bytes(one.total)}; on one of 80 GiB "
            f"{describe_fitting(shape, tokens, 80 * 2**30, 1)}; without a GPU models of up to 1 B parameters are trained"
        )
    if need.total > memory:
        each = "each GPU" if gpus else "this machine"
        raise ConfigError(
            f"{settings.method} on {size} needs about {show_bytes(need.total)} on {each}, and there are {show_bytes(memory)} "
            f"(weights {show_bytes(need.weights)}, gradients {show_bytes(need.gradients)}, optimizer "
            f"{show_bytes(need.optimizer)}, activations of {tokens} tokens {show_bytes(need.activations)}): here "
            f"{describe_fitting(shape, tokens, memory, gpus)}; lower --micro-tokens, --max-tokens or --lora-rank, or add GPUs"
        )


def available_memory() -> int:
    """Bytes of this process's GPU, or of the machine's free memory, as far as the process's control group lets it."""
    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory)
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    limit = Path("/sys/fs/cgroup/memory.max")
    told = limit.read_text(encoding="ascii").strip() if limit.exists() else "max"
    return min(free, int(told)) if told.isdigit() else free


def _check_tracker(name: str) -> None:
    if not name:
        return
    if name not in TRACKERS:
        raise ConfigError(f"unknown tracker '{name}'{nearest(name, TRACKERS)}")
    if importlib.util.find_spec(name) is None:
        raise ConfigError(f"the tracker {name} is not installed: pip install {name}")


def _tell(packed: Packed) -> None:
    told = f"{packed.samples} samples of {packed.stories} stories, {packed.tokens:,} tokens, the longest {packed.longest:,}"
    rest = f"{len(packed.shortened)} shortened, {len(packed.left_out)} left out: see samples.json"
    emit(Event("message", text=f"{told}; {rest}" if packed.shortened or packed.left_out else told))


def _read_done(out: Path) -> Tuned:
    done = json.loads((out / DONE_FILE).read_text(encoding="utf-8"))
    return Tuned(out, True, done["steps"], done["steps"], {int(k): v for k, v in done["losses"].items()})
