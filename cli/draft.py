"""``storyreasoning draft``."""

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cli.places import workspace_place

if TYPE_CHECKING:
    from schemas.chat import ChatRequest
    from schemas.chat_call import Call
    from tasks.draft_show import ShownDraft

DESCRIPTION = """\
What a chat model is asked for one story, and what came back. Nothing is sent. With --show the whole text of every request and
answer; without, a line each. Works for stories that were given up too, by the key that dead_letters.parquet names."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "draft", help="what a model is asked for a story, and what it said", description=DESCRIPTION
    )
    parser.add_argument(
        "workspace", metavar="WORKSPACE", type=workspace_place, help="the workspace of a finished build"
    )
    parser.add_argument("--story", required=True, metavar="ID", help="a story's id or key, or the beginning of it")
    parser.add_argument("--show", action="store_true", help="the text of the requests and of every answer")
    parser.add_argument("--json", action="store_true", help="as JSON; pictures as their sizes")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Show it."""
    from tasks.draft_show import show_draft

    shown = show_draft(args.workspace, args.story)
    if args.json:
        value = {
            "story_key": shown.story_key,
            "film": shown.film,
            "requests": [{"model": model, "key": key, **_request(request)} for model, key, request in shown.requests],
            "calls": [asdict(call) for call in shown.calls],
        }
        print(json.dumps(value, ensure_ascii=False, indent=1))
    else:
        print(describe(shown, args.show))
    return 0


def _request(request: "ChatRequest") -> dict[str, Any]:
    """A request without the bytes of its pictures."""
    return {
        "purpose": request.purpose,
        "prompt": request.prompt,
        "system": request.system,
        "turns": [
            {
                "role": turn.role,
                "parts": [p if isinstance(p, str) else f"({len(p.data)} bytes {p.media_type})" for p in turn.parts],
            }
            for turn in request.turns
        ],
        "schema": request.schema,
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
    }


def describe(shown: "ShownDraft", whole: bool) -> str:
    """As text."""
    lines = [f"story {shown.story_key} of {shown.film}"]
    answered = {call.request_key for call in shown.calls if call.outcome == "answered"}
    for model, key, request in shown.requests:
        pictures = sum(not isinstance(part, str) for turn in request.turns for part in turn.parts)
        sent = "answered" if key in answered else "not answered yet"
        lines.append(
            f"request: {request.purpose} by {model or '(no model)'}, {request.prompt}, {pictures} pictures, {sent}"
        )
        if whole:
            lines += ["", "[system]", request.system]
            for turn in request.turns:
                told = "\n".join(
                    p if isinstance(p, str) else f"({len(p.data)} bytes {p.media_type})" for p in turn.parts
                )
                lines += ["", f"[{turn.role}]", told]
            if request.schema is not None:
                lines += ["", "[schema]", json.dumps(request.schema, ensure_ascii=False)]
            lines.append("")
    lines += [line for call in shown.calls for line in _call(call, whole)]
    if not shown.calls:
        lines.append("no call about it is on record")
    return "\n".join(lines)


def _call(call: "Call", whole: bool) -> list[str]:
    ended = f", {call.finish}" if call.finish else ""
    told = (
        f"call: {call.time} {call.purpose} by {call.model}, attempt {call.attempt}: {call.outcome}{ended}, "
        f"{call.input_tokens} + {call.output_tokens} tokens, {call.cost_usd:.4f} USD, {call.seconds:.1f} s"
    )
    return [told, "", call.text, ""] if whole else [told]
