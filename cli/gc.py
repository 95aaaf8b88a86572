"""``storyreasoning gc``."""

import argparse
import json

from cli.places import workspace_place
from schemas.errors import ConfigError

KEEP = 5

DESCRIPTION = """\
Drop from a workspace what nothing names any more: results of settings, versions and films that the last runs do not use, files
of builds that broke off, records of old runs. What the last runs stand on stays, and so does the dataset. Refused while a
build is at work."""

EPILOG = """\
examples:
  storyreasoning gc films --dry-run
  storyreasoning gc films --keep 1
  storyreasoning gc s3://bucket/films
"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "gc",
        help="drop what no run needs any more",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("workspace", metavar="WORKSPACE", type=workspace_place, help="a workspace, or its URL")
    parser.add_argument(
        "--keep", type=int, default=KEEP, metavar="N", help="runs whose results stay (default: the last %(default)s)"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would go")
    parser.add_argument("--json", action="store_true", help="as JSON, with every file")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Drop, or say what would be dropped."""
    if args.keep < 1:
        raise ConfigError(f"--keep must be at least 1, not {args.keep}")
    from tasks.runtime.collect import drop, find_garbage
    from tasks.runtime.mirror import building_in, existing_workspace

    workspace = existing_workspace(str(args.workspace))
    if args.dry_run:
        garbage = find_garbage(workspace, args.keep)
    else:
        with building_in(str(args.workspace)) as workspace:
            garbage = find_garbage(workspace, args.keep)
            drop(workspace, garbage)
    if args.json:
        files = [path.relative_to(workspace.root).as_posix() for path in (*garbage.shard_files, *garbage.run_files)]
        told = {"bytes": garbage.bytes, "shards": garbage.shards, "kept_runs": list(garbage.kept), "files": files}
        print(json.dumps({"dropped": not args.dry_run, **told}, ensure_ascii=False, indent=1))
    else:
        word = "would drop" if args.dry_run else "dropped"
        print(
            f"{word} {garbage.shards} results of shards and {len(garbage.run_files)} records, "
            f"{garbage.bytes / 1e6:.1f} MB; kept what the last {len(garbage.kept)} runs stand on"
        )
    return 0
