"""``storyreasoning merge``."""

import argparse
from pathlib import Path

DESCRIPTION = """\
Make an adapter and the model that it was trained on one model, or write a model anew in another dtype.

MODEL is the folder of a run, an adapter, or a model. An adapter that was trained on another base than the one that is found is
refused."""

EPILOG = """\
examples:
  storyreasoning merge runs/lora --out runs/merged
  storyreasoning merge runs/lora --out runs/merged-fp16 --dtype float16 --base models/Qwen2.5-VL-7B-Instruct"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "merge",
        help="an adapter and its base as one model",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL", help="folder of a run, an adapter or a model")
    parser.add_argument("--out", type=Path, required=True, metavar="OUT", help="a folder that does not exist yet")
    parser.add_argument(
        "--base", default="", metavar="MODEL", help="where the base is, if not where it was in training"
    )
    parser.add_argument(
        "--dtype", default="bfloat16", metavar="DTYPE", help="bfloat16, float16 or float32 (default: %(default)s)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Merge, and say where the model is."""
    from cli.finetune import quiet_libraries

    quiet_libraries()
    from tasks.merge import merge

    print(merge(args.model, args.out, base=args.base, dtype=args.dtype))
    return 0
