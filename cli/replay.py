"""``storyreasoning replay``."""

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from cli.places import workspace_place

if TYPE_CHECKING:
    from tasks.replay import Replayed

DESCRIPTION = """\
Run one stage on one shard of a workspace again, in the foreground, and say whether the result is the same as what stands.
What stands is only read, and no chat model is asked: its answers are taken from the ledger of the workspace. The exit code is 0
when every byte is the same, 1 when something differs."""

EPILOG = """\
examples:
  storyreasoning replay detect office storyreasoning-workspace
  storyreasoning replay draft_story heat-1a2b3c4d-0000 films --json
"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "replay",
        help="make one shard of one stage again and compare",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("stage", metavar="STAGE", help="name of a stage, such as detect")
    parser.add_argument("shard", metavar="SHARD", help="name of a shard, or the beginning of it")
    parser.add_argument(
        "workspace", metavar="WORKSPACE", type=workspace_place, help="a workspace with a finished build"
    )
    parser.add_argument("--json", action="store_true", help="as JSON, with both manifests")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Replay, and say what came of it; 0 when it is the same."""
    from tasks.replay import replay

    replayed = replay(args.workspace, args.stage, args.shard)
    print(json.dumps(asdict(replayed), ensure_ascii=False, indent=1) if args.json else describe(replayed))
    return 0 if replayed.identical else 1


def describe(replayed: "Replayed") -> str:
    """As text."""
    before, after = replayed.before, replayed.after
    place = f"{replayed.stage} of {replayed.shard}"
    lines = [
        f"{'identical' if replayed.identical else 'different'}: {place}, {after.rows} rows in {after.seconds:.2f} s "
        f"(took {before.seconds:.2f} s when it was made)"
    ]
    if replayed.key_changed:
        lines.append(
            "  the code, configuration or models are not those that made what stands: a build would make it anew"
        )
    lines += [f"  {difference}" for difference in replayed.differences]
    if not replayed.identical and not replayed.differences:
        lines.append("  the rows are the same, the files are not: another version of the Parquet writer?")
    return "\n".join(lines)
