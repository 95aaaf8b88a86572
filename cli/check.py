"""``storyreasoning check``."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tasks.check import CheckReport, StoryReport

DESCRIPTION = """\
Check every story of a dataset against the rules of the format: form, ids, boxes, phases, pronouns.

SOURCE is a Parquet file or a folder of them in the layout of StoryReasoning, a workspace, owner/name of a dataset on the
Hub, or a text file (.txt, .md) or folder of text files, each a model's answer: <think>, the tables, </think>, the story.

Two levels: compatible holds what readers of the published dataset rely on, strict holds every rule. The exit code is 0 only
when there is no fault at that level."""

EPILOG = """\
examples:
  storyreasoning check storyreasoning-workspace
  storyreasoning check daniel3303/StoryReasoning --level compatible
  storyreasoning check answers/ --json > faults.jsonl
  storyreasoning check dataset/ --fix repaired/

--fix writes a copy in which everything is mended that can be mended without changing a word; SOURCE stays as it is."""

SHOWN_FAULTS = 3


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "check",
        help="hold a dataset against the rules",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="SOURCE", help="a dataset, a folder, a file, or owner/name on the Hub")
    parser.add_argument(
        "--level", default="strict", metavar="LEVEL", help="compatible or strict (default: %(default)s)"
    )
    parser.add_argument("--fix", type=Path, metavar="OUT", help="write a repaired copy here")
    parser.add_argument("--json", action="store_true", help="a JSON line for each story with faults, then a summary")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check, say what was found; 0 when nothing was."""
    from schemas.config import nearest
    from schemas.errors import ConfigError
    from tasks.check import check_source

    levels = ("compatible", "strict")
    if args.level not in levels:
        raise ConfigError(f"unknown level '{args.level}'{nearest(args.level, levels)}")
    on_story = (lambda told: print(json.dumps(story_as_json(told), ensure_ascii=False))) if args.json else None
    report = check_source(args.source, args.level, copy=args.fix, on_story=on_story)
    print(json.dumps(report_as_json(report), ensure_ascii=False) if args.json else describe(report))
    return 1 if report.faulty else 0


def describe(report: "CheckReport") -> str:
    """The report as text: totals by rule, the worst stories, what was mended."""
    from schemas.rules import RULES
    from tasks.check import count_by_rule

    total = report.rules.total()
    lines = [
        f"{report.stories:,} stories checked at level {report.level}: {total:,} faults in {report.faulty:,} of them"
    ]
    if total:
        lines += ["", f"  {'faults':>7}  {'rule':<17} what must hold"]
        lines += [f"  {count:>7,}  {code:<17} {RULES[code].sentence}" for code, _, count in count_by_rule(report.rules)]
        lines += ["", "worst stories:"]
        for told in report.worst:
            lines.append(f"  {_title(told)}: {len(told.faults):,} faults")
            for fault, (line, column) in list(zip(told.faults, told.places, strict=True))[:SHOWN_FAULTS]:
                lines.append(f"    {fault.part}:{line}:{column} {fault.code}: {fault.message}")
    if report.written:
        mended = report.fixes.total()
        lines += ["", f"mended {mended:,} faults, {report.left.total():,} are left; the copy:"]
        lines += [f"  {path}" for path in report.written]
    lines += [f"note: {count:,} {note}" for note, count in sorted(report.notes.items())]
    return "\n".join(lines)


def story_as_json(told: "StoryReport") -> dict[str, Any]:
    """One story with faults."""
    faults = [
        {
            "code": fault.code,
            "level": fault.level,
            "part": fault.part,
            "line": line,
            "column": column,
            "start": fault.span.start,
            "end": fault.span.end,
            "message": fault.message,
        }
        for fault, (line, column) in zip(told.faults, told.places, strict=True)
    ]
    return {
        "event": "story",
        "source": told.source,
        "story": told.name,
        "faults": faults,
        "fixes": [{"code": fix.code, "part": fix.part, "message": fix.message} for fix in told.fixes],
        "left": [str(fault) for fault in told.left],
    }


def report_as_json(report: "CheckReport") -> dict[str, Any]:
    """The counts."""
    from tasks.check import count_by_rule

    return {
        "event": "summary",
        "source": report.source,
        "level": report.level,
        "stories": report.stories,
        "faulty": report.faulty,
        "faults": report.rules.total(),
        "rules": {code: count for code, _, count in count_by_rule(report.rules)},
        "worst": [{"story": _title(told), "faults": len(told.faults)} for told in report.worst],
        "fixes": {code: count for code, _, count in count_by_rule(report.fixes)},
        "left": {code: count for code, _, count in count_by_rule(report.left)},
        "written": [str(path) for path in report.written],
        "notes": dict(sorted(report.notes.items())),
    }


def _title(told: "StoryReport") -> str:
    return f"{told.source}, story {told.name}" if told.name and told.name != told.source else told.source
