"""Which frames belong to which of the five narrative phases: cut where the most is measured to change."""

from dataclasses import dataclass

from schemas.text import NARRATIVE_PHASES
from tasks.composer.chronicle import Chronicle
from tasks.composer.view import scale_ratio

_SHARES = (0.2, 0.28, 0.22, 0.12, 0.18)
"""How long the phases are when nothing speaks for another length."""
_BEGINNINGS = (0.0, 0.5, 0.8, 1.5, 0.7)
"""How much a change counts at the beginning of each phase; the turning point begins with the largest."""
_STRETCH = 0.9
"""Cost of a phase that is as much longer or shorter than its share as the share itself."""


@dataclass(frozen=True, slots=True)
class Change:
    """How much changes from the frame before to this one, part by part, each about 0 to 1."""

    scene: float = 0.0
    company: float = 0.0
    light: float = 0.0
    scale: float = 0.0
    heads: float = 0.0

    def part(self, name: str) -> float:
        """The part of that name; 0 for any other name."""
        known = {
            "scene": self.scene,
            "company": self.company,
            "light": self.light,
            "scale": self.scale,
            "heads": self.heads,
        }
        return known.get(name, 0.0)

    @property
    def total(self) -> float:
        """All parts, weighed."""
        return 0.5 * self.scene + 1.0 * self.company + 0.8 * self.light + 0.7 * self.scale + 0.4 * self.heads

    @property
    def largest(self) -> str:
        """Name of the part that weighs most; ``nothing`` when nothing changed. The scene counts only when no other part does."""
        parts = {
            "company": self.company,
            "light": 0.8 * self.light,
            "scale": 0.7 * self.scale,
            "heads": 0.4 * self.heads,
            "scene": 0.08 * self.scene,
        }
        name = max(parts, key=lambda part: parts[part])
        return name if parts[name] > 0.05 else "nothing"


def measure_change(chronicle: Chronicle, index: int) -> Change:
    """The change from frame ``index - 1`` to ``index``; all zero for the first."""
    if index == 0:
        return Change()
    now, then = chronicle.moments[index], chronicle.moments[index - 1]
    here, there = set(now.people), set(then.people)
    # people whose identity is not sure are counted, not told apart
    vague = min(len(here - chronicle.sure), len(there - chronicle.sure))
    alike = len(here & there & chronicle.sure) + vague
    everyone = len(here) + len(there) - alike
    company = 1 - alike / everyone if everyone else 0.0
    light, dark = now.frame.light, then.frame.light
    shared = sorted(here & there)
    ratios = [scale_ratio(now.views[who], now.frame, then.views[who], then.frame) for who in shared]
    sizes = [max(ratio, 1 / ratio) - 1 for ratio in ratios if ratio > 0]
    turned = [
        who
        for who in shared
        if now.figures[who].facing != then.figures[who].facing
        and None not in (now.figures[who].facing, then.figures[who].facing)
    ]
    return Change(
        scene=float(now.cut),
        company=company,
        light=min(abs(light.luma - dark.luma) / 0.3 + abs(light.warmth - dark.warmth) / 0.3, 1.0),
        scale=min(max(sizes, default=0.0), 1.0),
        heads=len(turned) / len(shared) if shared else 0.0,
    )


def plan_phases(chronicle: Chronicle) -> tuple[tuple[int, ...], ...]:
    """For each phase in order the frame numbers (from 1) told under it.

    With five frames or more every phase has frames of its own, in order and without gaps, cut where the sum of changes at the
    beginnings less the cost of unlike lengths is greatest (dynamic programming over the five cuts; the earliest of equal cuts).
    With fewer, neighbouring phases share frames.
    """
    count = len(chronicle.moments)
    phases = len(NARRATIVE_PHASES)
    if count < phases:
        return tuple((phase * count // phases + 1,) for phase in range(phases))
    changes = [measure_change(chronicle, index).total for index in range(count)]

    def worth(phase: int, start: int, stop: int) -> float:
        ideal = _SHARES[phase] * count
        return _BEGINNINGS[phase] * changes[start] - _STRETCH * abs(stop - start - ideal) / ideal

    best: list[dict[int, tuple[float, int]]] = [{stop: (worth(0, 0, stop), 0) for stop in range(1, count - phases + 2)}]
    for phase in range(1, phases):
        stops = range(phase + 1, count - (phases - 1 - phase) + 1) if phase < phases - 1 else range(count, count + 1)
        best.append(
            {
                stop: max(
                    (
                        (value + worth(phase, start, stop), -start)
                        for start, (value, _) in best[-1].items()
                        if start < stop
                    )
                )
                for stop in stops
            }
        )
    bounds = [count]
    for phase in range(phases - 1, 0, -1):
        bounds.append(-best[phase][bounds[-1]][1])
    bounds.append(0)
    bounds.reverse()
    return tuple(tuple(range(bounds[phase] + 1, bounds[phase + 1] + 1)) for phase in range(phases))
