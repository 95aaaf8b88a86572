"""Scores as inline SVG: a dot with its interval on a line from 0 to 1, one line a measure or a film."""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.report.markup import Markup, element

_WIDTH, _NAMES, _RIGHT = 640, 210, 62
_ROW, _TOP, _BOTTOM = 22, 6, 22
_SPAN = _WIDTH - _NAMES - _RIGHT


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its name, a value from 0 to 1, the ends of its interval, and the value it is compared with.

    ``value`` is None where there was nothing to measure, the ends where there is no interval, ``other`` without a comparison.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    other: float | None = None


def intervals(title: str, lines: Sequence[Line]) -> Markup:
    """A chart of shares; a hollow dot is what it is compared with."""
    height = _TOP + _ROW * len(lines) + _BOTTOM
    marks = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = _place(tick)
        marks.append(element("line", {"class": "rule", "x1": x, "x2": x, "y1": _TOP, "y2": height - _BOTTOM}))
        marks.append(_text(f"{tick:.0%}", x, height - 6, "middle"))
    for at, line in enumerate(lines):
        marks.append(_draw_line(line, _TOP + _ROW * (at + 0.5)))
    spoken = "; ".join(f"{line.name} {say_share(line.value)}" for line in lines)
    frame = {"class": "chart", "viewBox": f"0 0 {_WIDTH} {height}", "role": "img", "aria-label": f"{title}: {spoken}"}
    return element("figure", None, element("figcaption", None, title), element("svg", frame, marks))


def _draw_line(line: Line, y: float) -> Markup:
    parts = [_text(line.name, _NAMES - 10, y + 4, "end"), _text(say_share(line.value), _WIDTH - 2, y + 4, "end")]
    hover = f"{line.name}: {say_share(line.value)}"
    if line.low is not None and line.high is not None:
        ends = {"x1": _place(line.low), "x2": _place(line.high), "y1": y, "y2": y}
        parts.append(element("line", {"class": "span", **ends}))
        hover += f", from {line.low:.1%} to {line.high:.1%}"
    if line.other is not None:
        parts.append(element("circle", {"class": "before", "cx": _place(line.other), "cy": y, "r": 5}))
        hover += f"; the other answers {line.other:.1%}"
    if line.value is not None:
        parts.append(element("circle", {"class": "score", "cx": _place(line.value), "cy": y, "r": 4.5}))
    return element("g", None, element("title", None, hover), parts)


def say_share(value: float | None) -> str:
    """``83.1 %``, or that there is nothing to say."""
    return "no such" if value is None else f"{100 * value:.1f} %"


def _place(share: float) -> float:
    return _NAMES + _SPAN * min(1.0, max(0.0, share))


def _text(text: str, x: float, y: float, anchor: str) -> Markup:
    return element("text", {"x": x, "y": y, "text-anchor": anchor}, text)
