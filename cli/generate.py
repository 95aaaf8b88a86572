"""``storyreasoning generate``."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasks.generate import Generated

DESCRIPTION = """\
A model's answers to the stories of a split, for 'storyreasoning evaluate'.

MODEL is a folder (a model, an adapter, a run of finetune) or owner/name on the Hub, loaded here; with --server it is the model's
name at an OpenAI-compatible server. The same command goes on where it was broken off, and gives the answers that it would have
given without. Pictures come first, then the request, under the published system prompt.

  vllm serve runs/merged --served-model-name storyteller --max-model-len 32768 --limit-mm-per-prompt '{"image": 22}'"""

EPILOG = """\
examples:
  storyreasoning generate runs/lora films/dataset --out answers.jsonl
  storyreasoning generate storyteller films/dataset --out answers.jsonl --server http://127.0.0.1:8000/v1 --concurrency 32
  storyreasoning evaluate answers.jsonl --references films/dataset"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "generate",
        help="a model's answers to a split",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL", help="a folder, owner/name on the Hub, or a name at the server")
    parser.add_argument("dataset", metavar="DATASET", type=Path, help="the dataset's folder or file")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="a .jsonl; what it holds is kept")
    parser.add_argument("--split", default="test", help="of the dataset (default: %(default)s)")
    parser.add_argument("--server", default="", metavar="URL", help="an OpenAI-compatible server, such as vLLM")
    parser.add_argument("--base", default="", metavar="MODEL", help="where an adapter's base is, if it was moved")
    parser.add_argument("--max-new-tokens", type=int, default=16_384, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--temperature", type=float, default=0.7, metavar="X", help="0: no sampling (default: %(default)s)"
    )
    parser.add_argument("--top-p", type=float, default=0.9, metavar="X", help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--max-pixels", type=int, default=1280 * 28 * 28, metavar="N", help="largest picture (default: %(default)s)"
    )
    parser.add_argument(
        "--concurrency", type=int, default=8, metavar="N", help="stories asked at once (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="as one JSON line")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Generate; 1 when a story got no answer."""
    from cli.finetune import quiet_libraries
    from schemas.errors import ConfigError

    for name, least in (
        ("max_new_tokens", 1),
        ("concurrency", 1),
        ("max_pixels", 784),
        ("temperature", 0),
        ("seed", 0),
    ):
        if getattr(args, name) < least:
            raise ConfigError(f"--{name.replace('_', '-')} must be at least {least}")
    if not 0 < args.top_p <= 1:
        raise ConfigError("--top-p must be above 0 and at most 1")
    quiet_libraries()
    from tasks.generate import Sampling, generate_answers
    from tasks.runtime.progress import listening

    sampling = Sampling(args.max_new_tokens, args.temperature, args.top_p, args.seed)
    with listening(lambda event: print(event.text, file=sys.stderr) if event.kind == "message" else None):
        told = generate_answers(
            args.model,
            args.dataset,
            args.out,
            split=args.split,
            sampling=sampling,
            server=args.server,
            base=args.base,
            max_pixels=args.max_pixels,
            concurrency=args.concurrency,
        )
    print(json.dumps(as_json(told), ensure_ascii=False) if args.json else describe(told))
    return 1 if told.failed else 0


def describe(told: "Generated") -> str:
    """What came of it, in a few lines."""
    lines = [
        f"{told.out}: {told.before + told.answered} of {told.stories} stories answered, {told.answered} of them now"
        + (f", {told.cut} cut off at --max-new-tokens" if told.cut else "")
    ]
    lines += [f"  story {name} got no answer: {reason}" for name, reason in list(told.failed.items())[:5]]
    return "\n".join(lines)


def as_json(told: "Generated") -> dict[str, object]:
    """The result for machines."""
    return {
        "event": "generated",
        "out": str(told.out),
        "stories": told.stories,
        "before": told.before,
        "answered": told.answered,
        "cut": told.cut,
        "failed": told.failed,
    }
