"""``storyreasoning estimate``."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schemas.config import BuildConfig
    from tasks.estimate import Estimate

DESCRIPTION = """\
What drafting with a chat model will take: requests, tokens, dollars, time. Nothing is sent.

Of a workspace, its stories are counted and the rates of its request ledger are taken where it holds enough answers of the model;
of frames, as many stories as the configured length makes of them. The formulas are in docs/endpoints.md."""

EPILOG = """\
examples:
  storyreasoning estimate storyreasoning-workspace --model gpt-4o-mini
  storyreasoning estimate frames/ --model gpt-4o --batch-api
  storyreasoning estimate films --config my.toml --json
"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "estimate",
        help="what drafting with a chat model will take",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="SOURCE", help="a workspace, or frames as 'build' takes them")
    parser.add_argument("--model", metavar="NAME", help="the model (default: that of the configuration)")
    parser.add_argument(
        "--preset", default="embedded", metavar="NAME", help="named configuration (default: %(default)s)"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="TOML file laid over the preset")
    parser.add_argument("--batch-api", action="store_true", help="at the price of the provider's Batch API")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Estimate, and say how."""
    from tasks.estimate import estimate_source, estimate_workspace
    from tasks.runtime.workspace import Workspace

    config = _config(args)
    place = Path(args.source).expanduser()
    built = Workspace(place).marker.is_file()
    estimate = estimate_workspace(place, config) if built else estimate_source(args.source, config)
    if args.json:
        print(json.dumps({"event": "estimate", "model": config.chat.model, **asdict(estimate)}))
    else:
        print(describe(estimate, config))
    return 0


def _config(args: argparse.Namespace) -> "BuildConfig":
    from flows.presets import load_config
    from schemas.config import make_config, merge

    config = load_config(args.preset, args.config)
    changes = {**({"model": args.model} if args.model else {}), **({"batch": True} if args.batch_api else {})}
    return make_config(merge(config.model_dump(mode="json"), {"chat": changes}), "the command line")


def describe(estimate: "Estimate", config: "BuildConfig") -> str:
    """The estimate as text."""
    model = config.chat.model
    lines = [
        f"{estimate.stories:,} stories of {estimate.frames:,} frames ({estimate.counted}), drafted by {model or 'a model'}:",
        f"  requests {estimate.requests:>14,}",
        f"  tokens   {estimate.input_tokens + estimate.output_tokens:>14,}  ({estimate.input_tokens:,} in, "
        f"{estimate.output_tokens:,} out)",
    ]
    if estimate.usd is None:
        named = f"of '{model}' is in the prices" if model else "without --model"
        lines.append(f"  dollars  {'?':>14}  (no price {named}; a server of your own costs none)")
    else:
        lines.append(
            f"  dollars  {estimate.usd:>14,.2f}  {'(at the price of batches)' if config.chat.batch else ''}".rstrip()
        )
    if config.chat.batch:
        lines.append(f"  time     {'1 day a round':>14}  (what batches are given; most are quicker)")
    else:
        lines.append(f"  time     {_duration(estimate.seconds):>14}")
    for purpose, rate in estimate.rates.items():
        how = f"mean of {rate.calls:,} calls" if rate.calls else "by formula"
        lines.append(
            f"  {purpose}: {rate.requests:.2f} requests a story, {rate.input_tokens:,.0f} tokens in, "
            f"{rate.output_tokens:,.0f} out, {rate.seconds:.1f} s each ({how})"
        )
    if estimate.spent.calls:
        spent = estimate.spent
        lines.append(
            f"so far: {spent.calls:,} calls, {spent.tokens:,} tokens, ${spent.usd:,.4f}; what is answered is not paid again"
        )
    return "\n".join(lines)


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return (
        f"{seconds:.0f} s"
        if seconds < 120
        else f"{minutes // 60} h {minutes % 60:02} min"
        if minutes >= 60
        else f"{minutes} min"
    )
