"""``storyreasoning finetune``."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tasks.train import Tuned

DESCRIPTION = """\
Teach Qwen2.5-VL the stories of a dataset.

Adapters (LoRA) on the language model's attention by default; --full-finetune trains all weights, --language-only all but the
vision tower's. The loss is taken of the answer alone; pictures stand before the text, as at inference. Samples that are too long
are shortened by whole frames, or left out, and listed in OUT/samples.json. Before anything is loaded the stories are checked,
and the memory that is needed is held against what is there.

The same command goes on from the newest whole checkpoint; SIGINT and SIGTERM end the run after the current step, with a
checkpoint (exit code 130). Needs the extra: pip install 'storyreasoning[train]'. Several GPUs: see docs/finetuning.md."""

EPILOG = """\
examples:
  storyreasoning finetune storyreasoning-workspace/dataset --model Qwen/Qwen2.5-VL-7B-Instruct --out runs/lora
  storyreasoning finetune D --model M --out runs/published --lora-rank 2048 --lora-alpha 4096 --batch-size 32 --learning-rate 1e-4
  storyreasoning finetune D --model M --out runs/full --full-finetune --batch-size 64 --learning-rate 2e-5
  storyreasoning finetune D --model runs/merged --out runs/dpo --dpo"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "finetune",
        help="teach a model the stories of a dataset",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("dataset", metavar="DATASET", type=Path, help="the dataset's folder or file")
    parser.add_argument("--model", required=True, metavar="MODEL", help="a folder, or owner/name on the Hub")
    parser.add_argument("--out", type=Path, default=Path("finetuned"), metavar="OUT", help="default: ./%(default)s")
    parser.add_argument("--split", default="train", help="of the dataset (default: %(default)s)")
    method = parser.add_mutually_exclusive_group()
    method.add_argument("--full-finetune", action="store_true", help="train all weights")
    method.add_argument("--language-only", action="store_true", help="train all weights but the vision tower's")
    parser.add_argument("--dpo", action="store_true", help="prefer the answers to adversarial ones (DPO)")
    for name, kind, text in (
        ("lora-rank", int, "rank of the adapters (default: 64; published: 2048)"),
        ("lora-alpha", int, "their scale times the rank (default: twice the rank)"),
        ("batch-size", int, "stories a step, over all GPUs (default: 32; without adapters: 64)"),
        ("learning-rate", float, "at its peak (default: 1e-4; without adapters: 2e-5; --dpo: 5e-6)"),
        ("epochs", float, "times that every story is seen (default: 4)"),
        ("warmup", float, "share of the steps over which the learning rate rises (default: 0.03)"),
        ("weight-decay", float, "of AdamW (default: 0.01)"),
        ("beta", float, "of DPO (default: 0.1)"),
        ("max-tokens", int, "longest conversation in tokens (default: 32768)"),
        ("max-pixels", int, "largest picture in pixels (default: 1003520)"),
        ("micro-tokens", int, "tokens that one GPU takes at once (default: 16384)"),
        ("save-steps", int, "steps from checkpoint to checkpoint (default: 50)"),
        ("seed", int, "of adapters and order (default: 0)"),
    ):
        parser.add_argument(f"--{name}", type=kind, metavar="N" if kind is int else "X", help=text)
    parser.add_argument("--level", metavar="LEVEL", help="rules that stories must keep: strict (default) or compatible")
    parser.add_argument(
        "--leave-out-faulty", action="store_true", default=None, help="leave stories with faults out, and list them"
    )
    parser.add_argument(
        "--cache-features", action="store_true", default=None,
        help="keep what the vision tower says of each picture in OUT/features, for the epochs after the first",
    )  # fmt: skip
    parser.add_argument("--tracker", metavar="NAME", help="beside TensorBoard: wandb, mlflow, trackio or comet_ml")
    parser.add_argument("--json", action="store_true", help="as one JSON line")
    parser.set_defaults(run=run)


NAMES = (
    "lora_rank", "lora_alpha", "batch_size", "learning_rate", "epochs", "warmup", "weight_decay", "beta", "max_tokens",
    "max_pixels", "micro_tokens", "save_steps", "seed", "level", "leave_out_faulty",
    "cache_features", "tracker",
)  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Train, and say where the model is; 130 when it was stopped."""
    quiet_libraries()
    from schemas.training_config import read_settings
    from tasks.runtime.progress import listening
    from tasks.train import finetune

    method = "full" if args.full_finetune else "language-only" if args.language_only else "lora"
    given = {name: value for name in NAMES if (value := getattr(args, name)) is not None}
    settings = read_settings({"method": method, "objective": "dpo" if args.dpo else "story", **given})
    with listening(lambda event: print(event.text, file=sys.stderr) if event.kind == "message" else None):
        tuned = finetune(args.model, args.dataset, args.out, settings, args.split)
    print(json.dumps(as_json(tuned)) if args.json else describe(tuned))
    return 0 if tuned.finished else 130


def describe(tuned: "Tuned") -> str:
    """What came of it, in a few words."""
    if not tuned.finished:
        return f"stopped after step {tuned.steps}, with a checkpoint; run the same command to go on"
    last = f", last loss {tuned.losses[max(tuned.losses)]:.4f}" if tuned.losses else ""
    return f"{tuned.folder / 'model'}: {tuned.steps} steps{last}"


def as_json(tuned: "Tuned") -> dict[str, Any]:
    """The result for machines."""
    return {
        "event": "finetuned" if tuned.finished else "stopped",
        "folder": str(tuned.folder),
        "steps": tuned.steps,
        "resumed_from": tuned.resumed_from,
        "losses": tuned.losses,
    }


def quiet_libraries() -> None:
    """Have the libraries' own progress and advice kept back: what matters is told by us."""
    import os
    import warnings

    for name in ("HF_HUB_DISABLE_PROGRESS_BARS", "HF_DATASETS_DISABLE_PROGRESS_BARS"):
        os.environ.setdefault(name, "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", category=UserWarning, module=r"(torch|peft|transformers|trl|accelerate)\b")
