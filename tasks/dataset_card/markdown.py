"""Text from films, models and users as Markdown that shows exactly it, whatever it holds."""

import re
from collections.abc import Iterable, Sequence

from tasks.report.markup import FORBIDDEN

_SPECIAL = re.compile(r"([\\`*_\[\]~|$@#!]|:(?=//))")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# What makes a list, a heading or a rule of a line; only where a line begins.
_LINE_START = re.compile(r"^(\d{1,9})([.)])(?=\s|$)|^([-+=])(?=[-=]*(?:\s|$))")


def escape_markdown(text: str) -> str:
    """``text`` in one line, without meaning for Markdown or HTML; runs of white space become one space.

    ``://``, ``www.`` and ``@`` are escaped against automatic links and mentions, ``$`` against formulas, ``|`` for tables.
    """
    line = " ".join(FORBIDDEN.sub("\ufffd", text).split())
    line = re.sub("[&<>]", lambda match: _ENTITIES[match[0]], line)
    line = _SPECIAL.sub(r"\\\1", line)
    line = re.sub(r"(?i)\b(www)\.", r"\1\\.", line)
    return _LINE_START.sub(lambda m: f"{m[1]}\\{m[2]}" if m[1] else f"\\{m[3]}", line)


def code(text: str) -> str:
    """``text`` as code in a table cell: a fence longer than any run of backticks, pipes escaped."""
    line = " ".join(FORBIDDEN.sub("\ufffd", text).split())
    if not line:
        return ""
    longest = max((len(run) for run in re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest else ""
    return f"{fence}{pad}{line}{pad}{fence}".replace("|", "\\|")


def markdown_table(headings: Sequence[str], rows: Iterable[Sequence[str]], numeric: Iterable[int] = ()) -> str:
    """A table; headings and cells must be Markdown already, ``numeric`` columns are set to the right."""
    right = frozenset(numeric)
    rules = ["---:" if i in right else "---" for i in range(len(headings))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (headings, rules, *rows))


def paragraphs(text: str) -> str:
    """Free text, paragraph by paragraph, as a quotation."""
    parts = [escape_markdown(part) for part in re.split(r"\n\s*\n", text.strip())]
    return "\n>\n".join(f"> {part}" for part in parts if part)
