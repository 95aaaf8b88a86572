"""From pieces of work to rows of figures: rates in turns, then how busy the GPU is while an adapter runs alone."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tasks.benchmark.gpu import SETTLE_S, Card, Watch
from tasks.benchmark.rates import Work, share_reached, take_turns
from tasks.benchmark.vision_models import Role
from tasks.runtime.usage import Meter

WATCHED_S = 2.0
"""Seconds for which an adapter runs alone while a GPU is watched, after those in which its counters settle."""


@dataclass(frozen=True, slots=True)
class VisionRow:
    """What was measured of a model, or of the chain.

    Rates are items a second, medians over rounds; ``share`` is the adapter's rate as a share of the bare network's, the median
    of the rounds' ratios. Of a GPU: per cent of the time in which it computed while the adapter ran, and most memory that was
    taken of it; None where there is none or its driver does not tell. ``peak_bytes`` is the process's resident memory.
    """

    stage: str
    what: str
    model: str
    weights: str
    device: str
    unit: str
    rate: float
    bare_rate: float | None
    share: float | None
    gpu_busy: float | None
    gpu_peak_bytes: int | None
    peak_bytes: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """Work of an adapter on so many items."""

    what: str
    unit: str
    items: int
    work: Work
    note: str = ""


def measure(
    stage: str, role: Role, pieces: Sequence[Piece], bare: Piece, card: Card | None, rounds: int, seconds: float
) -> list[VisionRow]:
    """A row for each piece of work of one adapter, beside its bare network."""
    watched = card if role.device.on_gpu else None
    with Meter() as meter:
        *found, bare_seconds = take_turns([*(piece.work for piece in pieces), bare.work], rounds, seconds)
        watches = [watch_alone(piece.work, watched) for piece in pieces]
    each_bare = [value / bare.items for value in bare_seconds]
    rows = []
    for piece, spent, watch in zip(pieces, found, watches, strict=True):
        each = [value / piece.items for value in spent]
        rows.append(
            VisionRow(
                stage=stage,
                what=piece.what,
                model=role.name,
                weights=role.weights,
                device=role.device.name,
                unit=piece.unit,
                rate=1 / statistics.median(each),
                bare_rate=1 / statistics.median(each_bare),
                share=share_reached(each, each_bare),
                gpu_busy=watch.busy,
                gpu_peak_bytes=watch.peak_bytes,
                peak_bytes=meter.peak_bytes,
                note=piece.note,
            )
        )
    return rows


def watch_alone(work: Work, card: Card | None, clock: Callable[[], float] = time.monotonic) -> Watch:
    """A GPU's counters while ``work`` is done again and again; nothing is done without a GPU."""
    watch = Watch(card.read if card else None)
    if card is None or card.read is None:
        return watch
    with watch:
        begun = clock()
        while clock() - begun < SETTLE_S + WATCHED_S:
            work()
    return watch
