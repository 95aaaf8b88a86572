"""``storyreasoning publish``."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tasks.publish import Published, PublishPlan

DESCRIPTION = """\
Publish the dataset of a workspace as the next release of a dataset on the Hugging Face Hub.

First everything that must hold is looked at: nobody builds in the workspace, its files are those of the build, every story keeps
the strict rules, every film has a licence, no film changed its split and no number drifted from the last release. Then the
release is sent to a branch of its own, every file there is verified by its digest and opened with load_dataset, and main moves
to it in one commit, which gets the tag vN. The same dataset again sends nothing. After a failure main is as it was, and the
same command goes on where it stopped.

The token is read from HF_TOKEN, or from a Prefect Secret block named with --token-block."""

EPILOG = """\
examples:
  storyreasoning publish storyreasoning-workspace me/stories --dry-run
  HF_TOKEN=... storyreasoning publish storyreasoning-workspace me/stories --private

Licences stand in films.toml in the folder of the frames, before the build:
  licence = "cc-by-4.0"               # of all films without one of their own
  [films."Night Train"]
  licence = "cc-by-sa-4.0"
  source = "https://example.org/night-train"
"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "publish",
        help="put the dataset on the Hub",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("workspace", metavar="WORKSPACE", help="folder of a finished build")
    parser.add_argument("repo_id", metavar="REPO_ID", help="owner/name on the Hub")
    parser.add_argument("--private", action="store_true", help="make a new repository private")
    parser.add_argument("--dry-run", action="store_true", help="say what would be sent, and send nothing")
    parser.add_argument(
        "--revision",
        default="main",
        metavar="BRANCH",
        help="branch to publish on; no tag but on main (default: %(default)s)",
    )
    parser.add_argument(
        "--licence", default="", metavar="ID", help="of films without one of their own, as in cc-by-4.0"
    )
    parser.add_argument(
        "--accept-drift", action="store_true", help="though films changed their split or numbers moved too far"
    )
    parser.add_argument("--token-block", default="", metavar="NAME", help="Prefect Secret block with the token")
    parser.add_argument("--json", action="store_true", help="as one JSON line")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Publish, and say where it is."""
    from cli.build import quiet_prefect

    quiet_prefect()
    if args.json or not sys.stderr.isatty():
        from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]

        disable_progress_bars()
    from tasks.runtime.progress import listening

    with listening(lambda event: print(event.text, file=sys.stderr) if event.kind == "message" else None):
        if args.dry_run:
            plan = look(args)
            print(json.dumps(plan_as_json(plan), ensure_ascii=False) if args.json else describe_plan(plan))
            return 0
        published = publish(args)
    print(json.dumps(published_as_json(published)) if args.json else describe(published))
    return 0


def look(args: argparse.Namespace) -> "PublishPlan":
    """The plan alone."""
    from flows.publish_dataset import read_token
    from tasks.publish import PublishRequest, make_plan
    from tasks.publishing.gates import undisturbed_workspace

    request = PublishRequest(args.workspace, args.repo_id, args.revision, args.private, args.licence, args.accept_drift)
    with undisturbed_workspace(Path(args.workspace)):
        return make_plan(request, read_token(args.token_block))


def publish(args: argparse.Namespace) -> "Published":
    """Run the flow without Prefect's engine."""
    from flows.publish_dataset import publish_dataset

    return publish_dataset.fn(
        args.workspace,
        args.repo_id,
        args.revision,
        args.private,
        args.licence,
        args.accept_drift,
        args.token_block,
        "plain",
    )


def describe_plan(plan: "PublishPlan") -> str:
    """What would be done, in a few lines."""
    from tasks.dataset_card.body import size_text

    if plan.unchanged:
        return f"{plan.repo_id} holds this dataset already ({plan.release.tag}): nothing to send"
    kind = "private" if plan.private else "public"
    state = f"{kind}, at {plan.start[:8]}" if plan.exists else f"new, {kind}"
    lines = [f"{plan.release.tag} of {plan.repo_id} ({state}), onto {plan.revision}:"]
    lines += [f"  - {change}" for change in plan.changes]
    lines += [f"  send    {size_text(file.size):>8}  {file.path}" for file in plan.send]
    lines += [f"  there   {size_text(file.size):>8}  {file.path}" for file in plan.present]
    lines += [f"  remove  {'':>8}  {path}" for path in plan.remove]
    lines.append(f"{size_text(plan.send_bytes)} in {len(plan.send)} files to send; nothing was sent")
    return "\n".join(lines)


def describe(published: "Published") -> str:
    """What was done."""
    from tasks.dataset_card.body import size_text

    place = f"{published.repo_id}, {published.tag or published.revision}, commit {published.commit[:8]}"
    if published.unchanged:
        return f"unchanged: {place}"
    return f"published {place}: {size_text(published.sent_bytes)} in {published.files} files, {published.seconds:.1f} s"


def plan_as_json(plan: "PublishPlan") -> dict[str, Any]:
    """The plan for machines."""
    return {
        "event": "plan",
        "repo_id": plan.repo_id,
        "revision": plan.revision,
        "release": plan.release.tag,
        "unchanged": plan.unchanged,
        "exists": plan.exists,
        "private": plan.private,
        "changes": list(plan.changes),
        "send": {file.path: file.size for file in plan.send},
        "present": {file.path: file.size for file in plan.present},
        "remove": list(plan.remove),
        "send_bytes": plan.send_bytes,
    }


def published_as_json(published: "Published") -> dict[str, Any]:
    """The result for machines."""
    from dataclasses import asdict

    return {"event": "published", **asdict(published)}
