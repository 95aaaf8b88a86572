"""``storyreasoning trace``."""

import argparse
import json
from typing import Any

from cli.places import workspace_place

DESCRIPTION = """\
Where a story comes from: its frames with their files and digests, what was found in each and which person or thing it became,
the models with the digests of their weights, the drafter with its prompt, and the requests that were paid for it."""

EPILOG = """\
examples:
  storyreasoning trace 771604 storyreasoning-workspace
  storyreasoning trace 771604 storyreasoning-workspace --json
"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "trace",
        help="from a story back to frames, models and requests",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("story", metavar="STORY_ID", help="a story's id, or the beginning of it or of its key")
    parser.add_argument(
        "workspace", metavar="WORKSPACE", type=workspace_place, help="a workspace with a finished build"
    )
    parser.add_argument("--json", action="store_true", help="everything, as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Say it."""
    from tasks.trace import trace_story

    traced = trace_story(args.workspace, args.story)
    print(json.dumps(traced, ensure_ascii=False, indent=1) if args.json else describe(traced))
    return 0


def describe(traced: dict[str, Any]) -> str:
    """As text: the story, its frames with what is in them, then how it was made, stage by stage."""
    lines = [
        f"story {traced['story_id']} ({traced['split']}), film {traced['film']}, shard {traced['shard']}",
        f"built from {traced['source']} in run {traced['run']}",
    ]
    for frame in traced["frames"]:
        size = f"{frame['width']}x{frame['height']}"
        lines += ["", f"image {frame['number']}: {frame['source']} ({size}, scene {frame['scene']})"]
        lines.append(f"  sha256 {frame['sha256']}")
        lines += [f"  {_detection(found)}" for found in frame["detections"]]
    draft = traced["draft"]
    told = f"drafted by {draft['drafter']}"
    told += f", model {draft['model']}" if draft["model"] else ""
    lines += ["", f"{told}, prompt {draft['prompt_version']}, {len(traced['corrections'])} corrections"]
    if draft["input_tokens"] or draft["output_tokens"]:
        tokens = f"{draft['input_tokens']} tokens in, {draft['output_tokens']} out"
        lines.append(f"  {tokens}, {draft['cost_usd']:.4f} USD")
    lines += [f"  {_request(request)}" for request in traced["requests"]]
    lines.append("")
    for stage in traced["stages"]:
        lines.append(f"{stage['stage']:<14} version {stage['version']}, key {stage['key'][:12]}, {_made(stage)}")
        lines += [f"{'':<14} model {name} {digest}" for name, digest in stage["models"].items()]
    return "\n".join(lines)


def _made(stage: dict[str, Any]) -> str:
    return f"made in run {stage['made_in']}" if stage["made_in"] else f"{stage['seconds']:.1f} s"


def _detection(found: dict[str, Any]) -> str:
    box = ",".join(f"{value:.0f}" for value in found["box"])
    text = f"{found['det_id']:<5} {found['label']} {found['score']:.2f} at {box}"
    if "entity_id" in found:
        sure = f", confidence {found['confidence']:.2f}" if "confidence" in found else ""
        text += f" -> {found['entity_id']}{sure}"
    if "face" in found:
        text += f", face {found['face']['score']:.2f}"
    return text


def _request(request: dict[str, Any]) -> str:
    tokens = f"{request['input_tokens']} tokens in, {request['output_tokens']} out"
    asked = f"{request['purpose']} of {request['model']}, prompt {request['prompt']}, attempt {request['attempt']}"
    return f"{request['time']} {asked}: {request['outcome']}, {tokens}, {request['cost_usd']:.4f} USD"
