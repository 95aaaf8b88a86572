"""The charts of a card as SVG files: bars and curves. A page that shows them as images runs nothing in them and loads nothing.

Every number is in the ``<desc>`` of its chart, so that who cannot see it has it too.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from schemas.statistics import Summary
from tasks.dataset_card.facts import CardFacts
from tasks.dataset_card.grounding import KINDS
from tasks.report.markup import Markup, element

FOLDER = "charts"
_WIDTH, _HEIGHT = 640, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 44, 52
_COLOURS = ("#2563eb", "#d97706", "#059669", "#7c3aed")
_INK, _RULE = "#374151", "#d1d5db"
_MOST_LABELS = 12
_PERSISTENCE = 10


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: its file name, title, what it says in words, and the SVG."""

    name: str
    title: str
    words: str
    svg: str

    @property
    def path(self) -> str:
        """Where it lies in the dataset."""
        return f"{FOLDER}/{self.name}.svg"


def make_charts(facts: CardFacts) -> tuple[Chart, ...]:
    """The charts of a dataset with stories; none of one without."""
    return tuple(_charts(facts)) if facts.stories else ()


def _charts(facts: CardFacts) -> Iterator[Chart]:
    summary = facts.statistics
    frames = {str(number): float(count) for number, count in _filled(summary.frames_histogram)}
    yield bars("frames", "Frames in a story", frames, "stories")
    yield curves("persistence", "Entities in at least so many frames of their story", _persistence(summary))
    references = {KINDS[kind]: mean for kind, mean in summary.references_mean.items() if mean}
    tags = {f"{kind} tags": mean for kind, mean in summary.tags_mean.items()}
    yield bars("references", "References in a story, by type, and tags", references | tags, "mean in a story")
    phases = {phase: float(count) for phase, count in summary.phase_images.items()}
    yield bars("phases", "Images in each narrative phase", phases, "images")
    yield bars("density", "Tags of an image, by narrative phase", dict(summary.tags_by_phase), "mean tags of an image")
    labels = {label: float(count) for label, count in list(facts.grounding.labels.items())[:_MOST_LABELS]}
    yield bars("labels", "Detections by label, the most frequent", labels, "detections")


def _filled(histogram: Mapping[int, int]) -> Iterator[tuple[int, int]]:
    """A histogram without gaps between its ends."""
    if histogram:
        yield from ((number, histogram.get(number, 0)) for number in range(min(histogram), max(histogram) + 1))


def _persistence(summary: Summary) -> Mapping[str, Sequence[float]]:
    return {
        KINDS[kind]: [share.percent for least, share in sorted(shares.items()) if least <= _PERSISTENCE]
        for kind, shares in summary.persistence.items()
        if shares[1].whole
    }


def bars(name: str, title: str, values: Mapping[str, float], unit: str) -> Chart:
    """One bar a value, its number on top; long names are set aslant."""
    words = ", ".join(f"{label} {_number(value)}" for label, value in values.items()) or "nothing"
    top = nice_top(max(values.values(), default=0.0))
    parts = [*_grid(top)]
    step = (_WIDTH - _LEFT - _RIGHT) / max(1, len(values))
    width = min(step * 0.7, 64.0)
    every = max(1, len(values) // 24 + 1)
    for place, (label, value) in enumerate(values.items()):
        middle = _LEFT + (place + 0.5) * step
        y = _y(value, top)
        parts.append(
            element(
                "rect",
                {"x": middle - width / 2, "y": y, "width": width, "height": _y(0, top) - y, "fill": _COLOURS[0]},
            )
        )
        if step >= 26:
            parts.append(_text(_number(value), middle, y - 5, 11))
        if place % every == 0:
            parts.append(_text(_shortened(label, step), middle, _HEIGHT - _BOTTOM + 16, 11))
    parts.append(_text(unit, _LEFT, _TOP - 8, 11, "start"))
    return Chart(name, title, f"{title}. {unit}: {words}.", _svg(title, f"{unit}: {words}", parts))


def curves(name: str, title: str, lines: Mapping[str, Sequence[float]]) -> Chart:
    """Percentages over 1, 2, 3, ...; one line a name, named at the top."""
    length = max((len(line) for line in lines.values()), default=1)
    step = (_WIDTH - _LEFT - _RIGHT) / max(1, length - 1)
    parts = [*_grid(100.0, " %")]
    parts += [_text(str(place + 1), _LEFT + place * step, _HEIGHT - _BOTTOM + 16, 11) for place in range(length)]
    told = []
    for rank, (label, line) in enumerate(lines.items()):
        colour = _COLOURS[rank % len(_COLOURS)]
        points = [(_LEFT + place * step, _y(value, 100.0)) for place, value in enumerate(line)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(element("polyline", {"points": path, "fill": "none", "stroke": colour, "stroke-width": 2.5}))
        parts += [element("circle", {"cx": x, "cy": y, "r": 3.5, "fill": colour}) for x, y in points]
        parts.append(_text(label, _LEFT + 12 + rank * 140, _TOP - 8, 12, "start", colour))
        told.append(f"{label} {', '.join(f'{value:.0f} %' for value in line)}")
    parts.append(_text("frames", (_WIDTH + _LEFT) / 2, _HEIGHT - 12, 11))
    words = "; ".join(told) or "nothing"
    return Chart(name, title, f"{title}. From 1 frame on: {words}.", _svg(title, words, parts))


def nice_top(value: float) -> float:
    """The least of 1, 2, 2.5 and 5 times a power of ten that is not below ``value``; 1 for nothing."""
    if value <= 0:
        return 1.0
    power = 10.0 ** (len(str(int(value))) - 1) if value >= 1 else 0.1
    while True:
        for step in (1.0, 2.0, 2.5, 5.0):
            if value <= step * power:
                return step * power
        power *= 10


def _y(value: float, top: float) -> float:
    return _HEIGHT - _BOTTOM - value / top * (_HEIGHT - _TOP - _BOTTOM)


def _grid(top: float, sign: str = "") -> Iterator[Markup]:
    # Steps of 1, 2, 2.5 or 5 times a power of ten, whole ones where that can be.
    parts = {"1": 5, "5": 5}.get(f"{top:e}"[0], 4 if top != 2 else 2)
    parts = 5 if f"{top:e}".startswith("2.5") else parts
    for part in range(parts + 1):
        value = top * part / parts
        y = _y(value, top)
        yield element("line", {"x1": _LEFT, "x2": _WIDTH - _RIGHT, "y1": y, "y2": y, "stroke": _RULE})
        yield _text(f"{_number(value)}{sign}", _LEFT - 8, y + 4, 11, "end")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}".rstrip("0").rstrip(".")


def _shortened(label: str, room: float) -> str:
    letters = max(3, int(room / 6.2))
    return label if len(label) <= letters else f"{label[: letters - 1]}\u2026"


def _text(text: str, x: float, y: float, size: int, anchor: str = "middle", fill: str = _INK) -> Markup:
    return element("text", {"x": x, "y": y, "font-size": size, "text-anchor": anchor, "fill": fill}, text)


def _svg(title: str, words: str, parts: Iterable[Markup]) -> str:
    frame = {
        "xmlns": "http://www.w3.org/2000/svg",
        "viewBox": f"0 0 {_WIDTH} {_HEIGHT}",
        "width": _WIDTH,
        "height": _HEIGHT,
        "role": "img",
        "font-family": "system-ui, sans-serif",
    }
    back = element("rect", {"width": _WIDTH, "height": _HEIGHT, "fill": "#ffffff"})
    head = element("text", {"x": 16, "y": 20, "font-size": 14, "font-weight": 600, "fill": "#111827"}, title)
    return (
        str(element("svg", frame, element("title", None, title), element("desc", None, words), back, head, *parts))
        + "\n"
    )
