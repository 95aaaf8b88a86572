"""Small charts as inline SVG: columns and curves. Values are in the title of each mark and in the label of the chart."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tasks.report.markup import Markup, element, join

WIDTH, HEIGHT = 340, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 38, 8, 10, 34
_WIDEST = 80.0
_LETTER = 6.6
"""Width of a digit at the size of the labels, with some air."""


@dataclass(frozen=True, slots=True)
class Bin:
    """One column: what it holds, how many fall into it, and its label on the axis where that must be shorter."""

    label: str
    count: int
    tick: str = ""


@dataclass(frozen=True, slots=True)
class Curve:
    """A line over ``1, 2, 3, ...``: its name, its CSS class, and shares from 0 to 1."""

    name: str
    style: str
    shares: tuple[float, ...]


def count_bins(values: Iterable[int], most: int = 24) -> tuple[Bin, ...]:
    """Whole numbers counted, in at most ``most`` bins of equal width without gaps between the ends."""
    numbers = sorted(values)
    if not numbers:
        return ()
    low, high = numbers[0], numbers[-1]
    width = max(1, -(-(high - low + 1) // most))
    if width > 1:
        width = _round_up(width)
        low -= low % width
    counts = [0] * ((high - low) // width + 1)
    for number in numbers:
        counts[(number - low) // width] += 1
    starts = (low + i * width for i in range(len(counts)))
    return tuple(
        Bin(str(start) if width == 1 else f"{start}\u2013{start + width - 1}", count, str(start))
        for start, count in zip(starts, counts, strict=True)
    )


def share_bins(values: Iterable[float], bins: int = 20) -> tuple[Bin, ...]:
    """Values from 0 to 1 in ``bins`` of equal width, 1 in the last; from the first bin in use on."""
    counts = [0] * bins
    for value in values:
        counts[min(bins - 1, max(0, math.floor(value * bins)))] += 1
    first = next((i for i, count in enumerate(counts) if count), bins)
    return tuple(
        Bin(f"{i / bins:.2f}\u2013{(i + 1) / bins:.2f}", counts[i], f"{i / bins:.2f}") for i in range(first, bins)
    )


def _round_up(width: int) -> int:
    """The next of 1, 2, 5, 10, 20, 50, ..."""
    power = 1
    while True:
        for step in (1, 2, 5):
            if step * power >= width:
                return step * power
        power *= 10


def columns(title: str, bins: Sequence[Bin], axis: str, noun: str) -> Markup:
    """A column chart; ``axis`` says what the bins are, ``noun`` what is counted."""
    total = sum(one.count for one in bins)
    if not total:
        return _figure(title, element("p", {"class": "none"}, f"no {noun}"))
    top = max(one.count for one in bins)
    ticks = _ticks(top)
    scale = (HEIGHT - _TOP - _BOTTOM) / ticks[-1]
    step = min((WIDTH - _LEFT - _RIGHT) / len(bins), _WIDEST)
    # A few columns stand together in the middle instead of filling the chart.
    start = (WIDTH + _LEFT - _RIGHT - step * len(bins)) / 2
    marks = []
    for i, one in enumerate(bins):
        x, height = start + i * step, one.count * scale
        hover = element("title", None, f"{one.label}: {one.count:,} {noun}")
        slot = element("rect", {"class": "slot", "x": x, "y": _TOP, "width": step, "height": HEIGHT - _TOP - _BOTTOM})
        gap = min(3.0, step * 0.15)
        body = {"class": "bar", "x": x + gap / 2, "y": HEIGHT - _BOTTOM - height, "width": step - gap, "height": height}
        marks.append(element("g", None, hover, slot, element("rect", body)))
    every = max(1, math.ceil(max(len(one.tick or one.label) for one in bins) * _LETTER / step))
    names = [
        _text(one.tick or one.label, start + (i + 0.5) * step, HEIGHT - _BOTTOM + 13, "middle")
        for i, one in enumerate(bins)
        if i % every == 0
    ]
    spoken = ", ".join(f"{one.label}: {one.count}" for one in bins if one.count)
    return _figure(title, _svg(f"{title}; {axis}: {spoken}", _grid(ticks, scale, ticks), marks, names, _axis(axis)))


def curves(title: str, lines: Sequence[Curve], axis: str) -> Markup:
    """Shares over ``1, 2, 3, ...`` as lines, with a legend."""
    length = max((len(line.shares) for line in lines), default=0)
    if not length:
        return _figure(title, element("p", {"class": "none"}, "nothing to show"))
    scale = HEIGHT - _TOP - _BOTTOM
    step = (WIDTH - _LEFT - _RIGHT) / length
    marks = []
    for line in lines:
        points = [(_LEFT + (i + 0.5) * step, HEIGHT - _BOTTOM - share * scale) for i, share in enumerate(line.shares)]
        if len(points) > 1:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            marks.append(element("polyline", {"class": f"line {line.style}", "points": path}))
        for i, (x, y) in enumerate(points):
            hover = element("title", None, f"{line.name}, {i + 1} or more: {line.shares[i]:.0%}")
            marks.append(element("circle", {"class": f"dot {line.style}", "cx": x, "cy": y, "r": 3.5}, hover))
    every = max(1, math.ceil(len(str(length)) * 1.5 * _LETTER / step))
    names = [
        _text(str(i + 1), _LEFT + (i + 0.5) * step, HEIGHT - _BOTTOM + 13, "middle") for i in range(0, length, every)
    ]
    legend = [element("span", {"class": f"key {line.style}"}, line.name) for line in lines]
    spoken = "; ".join(f"{line.name} " + ", ".join(f"{share:.0%}" for share in line.shares) for line in lines)
    percents = (0.0, 0.25, 0.5, 0.75, 1.0)
    grid = _grid(percents, scale, [f"{share:.0%}" for share in percents])
    chart = _svg(f"{title}; {axis}: {spoken}", grid, marks, names, _axis(axis))
    return _figure(title, chart, element("p", {"class": "legend"}, legend))


def bar(share: float, rest: float = 0.0) -> Markup:
    """A bar across a table cell: ``share`` of it filled, then ``rest`` in the colour of what was left out."""
    parts = [element("rect", {"class": "kept", "width": 100 * share, "height": 8})]
    if rest > 0:
        # Less than a pixel of a bar would hide that something was left out.
        width = max(100 * rest, 1.0)
        parts.append(
            element("rect", {"class": "lost", "x": min(100 * share, 100 - width), "width": width, "height": 8})
        )
    frame = {"class": "hbar", "viewBox": "0 0 100 8", "preserveAspectRatio": "none", "aria-hidden": "true"}
    return element("svg", frame, parts)


def _ticks(top: int) -> tuple[int, ...]:
    """Three to five round whole numbers from 0 to at least ``top``."""
    step = _round_up(-(-top // 4))
    return tuple(range(0, top + step, step)) if top > step else (0, step)


def _grid(ticks: Sequence[float], scale: float, labels: Sequence[object]) -> Markup:
    lines = []
    for tick, label in zip(ticks, labels, strict=True):
        y = HEIGHT - _BOTTOM - tick * scale
        lines.append(element("line", {"class": "rule", "x1": _LEFT, "x2": WIDTH - _RIGHT, "y1": y, "y2": y}))
        lines.append(_text(f"{label:,}" if isinstance(label, int) else str(label), _LEFT - 5, y + 4, "end"))
    return join(lines)


def _axis(label: str) -> Markup:
    return _text(label, (WIDTH + _LEFT - _RIGHT) / 2, HEIGHT - 5, "middle")


def _text(text: str, x: float, y: float, anchor: str) -> Markup:
    return element("text", {"x": x, "y": y, "text-anchor": anchor}, text)


def _svg(label: str, *parts: Iterable[str]) -> Markup:
    frame = {"class": "chart", "viewBox": f"0 0 {WIDTH} {HEIGHT}", "role": "img", "aria-label": label}
    return element("svg", frame, *parts)


def _figure(title: str, *parts: str) -> Markup:
    return element("figure", None, element("figcaption", None, title), *parts)
