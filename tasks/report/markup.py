"""HTML that is safe by construction: text is escaped unless it was made here.

Film names, labels and model output reach the page only as plain ``str``, which :func:`element` escapes; what is
already markup has its own type.
"""

import html
import re
from collections.abc import Iterable, Mapping

_FORBIDDEN_RANGE = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
FORBIDDEN = re.compile(f"[{_FORBIDDEN_RANGE}]")
"""Code points that HTML forbids or UTF-8 cannot carry: controls, surrogates (from file names), non-characters."""
_TO_CHANGE = re.compile(f"[<>&\"'{_FORBIDDEN_RANGE}]")
_VOID = frozenset({"br", "hr", "img", "meta"})


class Markup(str):
    """A piece of HTML that may go into a page as it stands."""

    __slots__ = ()


Child = str | Iterable[str] | None


def escape(text: str) -> Markup:
    """``text`` as HTML that shows exactly it; what cannot be shown becomes U+FFFD. Markup passes unchanged."""
    if isinstance(text, Markup):
        return text
    if not _TO_CHANGE.search(text):
        return Markup(text)
    return Markup(html.escape(FORBIDDEN.sub("\ufffd", text), quote=True))


def join(*children: Child) -> Markup:
    """Children one after the other; plain strings are escaped, ``None`` is nothing."""
    pieces: list[str] = []
    for child in children:
        if isinstance(child, str):
            pieces.append(escape(child))
        elif child is not None:
            pieces += map(escape, child)
    return Markup("".join(pieces))


def element(name: str, attributes: Mapping[str, object] | None = None, *children: Child) -> Markup:
    """An element; an attribute of ``True`` stands without a value, one of ``None`` or ``False`` is left out."""
    opening = "".join(_attribute(key, value) for key, value in (attributes or {}).items())
    if name in _VOID:
        return Markup(f"<{name}{opening}>")
    return Markup(f"<{name}{opening}>{join(*children)}</{name}>")


def _attribute(name: str, value: object) -> str:
    if value is None or value is False:
        return ""
    if value is True:
        return f" {name}"
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    # A Markup value is text here: what is safe between tags is not safe between quotes.
    return f' {name}="{escape(str.__str__(text))}"'


def table(
    headings: Iterable[Child], rows: Iterable[Iterable[Child]], numeric: Iterable[int] = (), kind: str = ""
) -> Markup:
    """A table that scrolls within its box on a narrow screen; ``numeric`` columns are set to the right."""
    right = frozenset(numeric)
    head = join(
        element("th", {"scope": "col", "class": "n" if i in right else None}, cell) for i, cell in enumerate(headings)
    )
    body = join(
        element(
            "tr", None, join(element("td", {"class": "n" if i in right else None}, cell) for i, cell in enumerate(row))
        )
        for row in rows
    )
    # A box that scrolls must be reachable by keyboard.
    return element(
        "div",
        {"class": f"scroll {kind}".strip(), "tabindex": 0, "role": "group"},
        element("table", None, element("thead", None, element("tr", None, head)), element("tbody", None, body)),
    )
