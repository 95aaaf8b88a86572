"""``storyreasoning explain``."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from cli.places import workspace_place

if TYPE_CHECKING:
    from tasks.runtime.explain import Explanation, Verdict

DESCRIPTION = """\
Why each shard of a workspace was made again by the last build, or would be by the next: which parameter, model, version or
frame changed. Nothing is made and nothing in the workspace is touched.

Without options it tells of the last build; with --next, --source, --preset or --config of the build to come. What is not
given is taken from the last build."""

EPILOG = """\
examples:
  storyreasoning explain storyreasoning-workspace
  storyreasoning explain films --next
  storyreasoning explain films --config my.toml
  storyreasoning explain films --source more-films/ --json
"""

SHOWN_SHARDS = 3


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "explain",
        help="why shards were made again, or would be",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("workspace", metavar="WORKSPACE", type=workspace_place, help="a workspace")
    parser.add_argument("--next", action="store_true", help="the build to come, with everything as it was")
    parser.add_argument("--source", metavar="FRAMES", help="the build to come from these frames")
    parser.add_argument("--preset", metavar="NAME", help="the build to come with this named configuration")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the build to come with this file over the preset")
    parser.add_argument("--json", action="store_true", help="a JSON line for each shard and stage, then a summary")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Say it."""
    from tasks.explain import explain_finished

    planned = bool(args.next or args.source or args.preset or args.config)
    explanation = _explain_planned(args) if planned else explain_finished(args.workspace)
    print(as_json(explanation) if args.json else describe(explanation, planned))
    return 0


def _explain_planned(args: argparse.Namespace) -> "Explanation":
    from cli.build import quiet_prefect

    quiet_prefect()
    from flows.build_dataset import STAGES
    from flows.presets import load_config
    from tasks.explain import explain_planned

    config = load_config(args.preset or "embedded", args.config) if args.preset or args.config else None
    return explain_planned(args.workspace, STAGES, args.source, config)


def as_json(explanation: "Explanation") -> str:
    """Every verdict as a line, and a summary."""
    lines: list[dict[str, object]] = [
        {"stage": v.stage, "shard": v.shard, "film": v.film, "made": v.made, "why": list(v.why)}
        for v in explanation.verdicts
    ]
    summary = {
        "made": sum(v.made for v in explanation.verdicts),
        "of": len(explanation.verdicts),
        "new_films": list(explanation.new_films),
        "removed_films": list(explanation.removed_films),
    }
    return "\n".join(json.dumps(line, ensure_ascii=False) for line in [*lines, summary])


def describe(explanation: "Explanation", planned: bool) -> str:
    """As text; shards that go the same way for the same reasons are told of together."""
    shards: dict[str, list[Verdict]] = {}
    for verdict in explanation.verdicts:
        shards.setdefault(verdict.shard, []).append(verdict)
    ways: dict[tuple[tuple[str, bool, tuple[str, ...]], ...], list[str]] = {}
    for shard, verdicts in shards.items():
        ways.setdefault(tuple((v.stage, v.made, v.why) for v in verdicts), []).append(shard)
    made = sum(any(v.made for v in verdicts) for verdicts in shards.values())
    word = "would be made anew" if planned else "were made by the last build"
    lines = [f"{made} of {len(shards)} shards {word}"]
    lines += [f"new film: {film}" for film in explanation.new_films]
    lines += [f"removed film: {film}" for film in explanation.removed_films]
    for way, members in ways.items():
        rest = len(members) - SHOWN_SHARDS
        more = f" and {rest} more" if rest > 0 else ""
        lines += ["", f"{', '.join(members[:SHOWN_SHARDS])}{more}", *_describe_way(way)]
    return "\n".join(lines)


def _describe_way(way: tuple[tuple[str, bool, tuple[str, ...]], ...]) -> list[str]:
    from tasks.runtime.explain import MADE_ANEW

    lines = []
    stands = [stage for stage, made, why in way if not made and not why]
    follows = []
    same: dict[tuple[str, ...], list[str]] = {}
    for stage, made, why in way:
        own = tuple(reason for reason in why if not reason.endswith(MADE_ANEW))
        if own:
            same.setdefault(own, []).append(stage)
        elif made:
            follows.append(stage)
    if stands:
        lines.append(f"  stands   {', '.join(stands)}")
    lines += [f"  made     {', '.join(stages)}: {'; '.join(own)}" for own, stages in same.items()]
    if follows:
        lines.append(f"  follows  {', '.join(follows)}")
    return lines
