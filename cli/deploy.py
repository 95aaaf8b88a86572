"""``storyreasoning deploy``."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import ConfigError

if TYPE_CHECKING:
    from flows.deployments import Plan

DESCRIPTION = """\
Create on a Prefect server, or bring up to date, what prefect.yaml describes: the work pool with its queues and their limits,
and the deployments with parameters, schedules and limits. The server is that of PREFECT_API_URL. Doing it again changes
nothing."""

EPILOG = """\
examples:
  storyreasoning deploy --dry-run
  PREFECT_API_URL=http://127.0.0.1:4200/api storyreasoning deploy
  storyreasoning deploy --pool cluster --type kubernetes
"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "deploy",
        help="pool, queues, limits and deployments on a Prefect server",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--file", type=Path, default=Path("prefect.yaml"), metavar="FILE", help="default: ./%(default)s"
    )
    parser.add_argument("--pool", metavar="NAME", help="another name for the work pool than the file's")
    parser.add_argument(
        "--type", default="process", metavar="TYPE", help="process, docker or kubernetes (default: %(default)s)"
    )
    parser.add_argument(
        "--template", type=Path, metavar="FILE", help="base job template of the pool (default: deploy/TYPE.yaml)"
    )
    parser.add_argument("--dry-run", action="store_true", help="check everything and say what would be made")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Deploy, and say what was done."""
    from cli.build import quiet_prefect

    quiet_prefect()
    from flows.deployments import POOL_TYPES, apply_plan, read_plan
    from schemas.config import nearest

    if args.type not in POOL_TYPES:
        raise ConfigError(f"unknown type '{args.type}'{nearest(args.type, POOL_TYPES)}")
    plan = read_plan(args.file, args.pool, args.type, args.template)
    print("\n".join(describe(plan) if args.dry_run else apply_plan(plan)))
    if not args.dry_run:
        print(f"start a worker: prefect worker start --pool {plan.pool}")
    return 0


def describe(plan: "Plan") -> list[str]:
    """What a plan comes to, in words."""
    lines = [f"would make work pool {plan.pool} ({plan.pool_type}), runs in {plan.root}"]
    lines += [f"would make queue {name}: {queue.concurrency_limit} at once" for name, queue in plan.queues.items()]
    for one in plan.deployments:
        when = ", ".join(f"{s.cron} {s.timezone}{'' if s.active else ' (off)'}" for s in one.schedules) or "no schedule"
        lines.append(f"would make deployment {one.flow.name}/{one.name} on {one.work_pool.work_queue_name}: {when}")
    return lines
