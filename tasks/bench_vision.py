"""How fast the vision stages are: each adapter beside its bare network in one process, then the chain of stages.

In: a configuration. Out: rows for the models of ``detect``, ``landmarks``, ``faces`` and ``appearance``, and one for the chain
from stored frames to looks. Invariant: what is set side by side takes turns within each round.
"""

import io
import statistics
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from schemas.config import BuildConfig, make_config, merge, nearest
from schemas.errors import ConfigError
from tasks.bench_chain import Chain, measure_chain
from tasks.bench_frames import decode_some
from tasks.bench_pieces import (
    Measured,
    crop_pieces,
    detect_pieces,
    face_finding,
    face_knowing,
    place_pieces,
    tag_pieces,
)
from tasks.benchmark.frames import make_frames
from tasks.benchmark.gpu import Card, open_card
from tasks.benchmark.machine import describe_machine
from tasks.benchmark.measure import Piece, VisionRow, measure
from tasks.benchmark.vision_models import CPU, Role, VisionModels, list_roles, loaded_models
from tasks.landmarks import create_landmark_model
from tasks.models.device import choose_device, import_torch
from tasks.models.options import Options
from tasks.models.registry import Stage

CHAINED = ("detect", "faces", "appearance")
STAGES = ("detect", "landmarks", "faces", "appearance", "chain")
SMALL, LARGE = (640, 360), (1920, 1080)
"""Width and height of frames, on a CPU and on a GPU."""

CPU_BATCH = 2
"""Frames in a call of a production model on a CPU, where a larger batch only takes longer."""

DISTINCT = 30
"""Most frames that are made; more than these are these again."""


@dataclass(frozen=True, slots=True)
class VisionPlan:
    """What is measured, and how.

    Attributes:
        stages: some of :data:`STAGES`.
        rounds: rounds in which adapter and bare network take turns.
        seconds: least seconds of each in a round.
        frames: frames that go through the chain; 0 takes as many as fill some seconds.
        batch: frames in a call, in place of the configuration's; 0 leaves that.
        device: in place of the configuration's; empty leaves that.
        size: width and height of frames; None goes by the device.
        random_weights: weights made on the spot, in place of listed ones.
        things: things in a frame that random detectors are set to find, and half as many faces.
    """

    stages: tuple[str, ...] = STAGES
    rounds: int = 5
    seconds: float = 0.4
    frames: int = 0
    batch: int = 0
    device: str = ""
    size: tuple[int, int] | None = None
    random_weights: bool = False
    things: int = 6


@dataclass(frozen=True, slots=True)
class VisionReport:
    """The machine and the settings, then the rows."""

    head: Mapping[str, Any]
    rows: tuple[VisionRow, ...]


def bench_vision(
    config: BuildConfig,
    plan: VisionPlan,
    on_head: Callable[[Mapping[str, Any]], None] = lambda _: None,
    on_row: Callable[[VisionRow], None] = lambda _: None,
) -> VisionReport:
    """Measure; ``on_head`` and ``on_row`` are told of each result as soon as it stands.

    Raises:
        ConfigError: something is asked for that cannot be measured here: an absent device, a missing extra, weights that are
            not here, numbers out of bounds.
        ModelError: weights are damaged or not the pinned ones.
    """
    check_plan(plan)
    config = lay_over(config, plan)
    roles = list_roles(config, plan.stages, random=plan.random_weights)
    places = _landmarks_role(config) if "landmarks" in plan.stages else None
    if plan.stages == ("landmarks",) and places is None:
        raise ConfigError("there is nothing to measure: [landmarks] names no model that runs on this machine")
    device = next((role.device for role in (*roles, *filter(None, [places])) if role.device.on_gpu), CPU)
    if not plan.batch:
        config = shrink_batches(config, roles)
        roles = list_roles(config, plan.stages, random=plan.random_weights)
    card = open_card(import_torch(), device.index) if device.on_gpu else None
    contents = make_frames(min(DISTINCT, max(_batches(config))), *(plan.size or (LARGE if card else SMALL)))
    head = describe(plan, config, contents, card)
    rows: list[VisionRow] = []

    def keep(row: VisionRow) -> None:
        rows.append(row)
        on_row(row)

    with loaded_models(config, roles, decode_some(contents, min(4, len(contents))), plan.things) as models:
        on_head(head)
        for stage, role, measured in _measured(models, plan.stages, places, contents):
            bare = Piece("bare", "", measured.bare_items, measured.bare)
            for row in measure(stage, role, measured.pieces, bare, card, plan.rounds, plan.seconds):
                keep(row)
        if "chain" in plan.stages:
            keep(measure_chain(make_chain(models), contents, plan.frames, plan.rounds, device, card))
    return VisionReport(head, tuple(rows))


def _measured(
    models: VisionModels, stages: Collection[str], places: Role | None, contents: Sequence[bytes]
) -> Iterator[tuple[str, Role, Measured]]:
    """What is measured of each stage, one model after the other."""
    roles, adapters, config = models.roles, models.adapters, models.config
    if "detect" in stages:
        yield "detect", roles["detector"], detect_pieces(adapters["detector"], roles["detector"], contents, config)
    if places is not None:
        yield "landmarks", places, place_pieces(contents, config)
    if "faces" in stages:
        detector, embedder = adapters["face_detector"], adapters["face_embedder"]
        yield "faces", roles["face_detector"], face_finding(detector, contents, config)
        yield "faces", roles["face_embedder"], face_knowing(detector, embedder, contents, config)
    if "appearance" in stages:
        model = adapters["appearance"]
        yield "appearance", roles["appearance"], crop_pieces(model, adapters["detector"], contents, config)
        if (tags := tag_pieces(model, contents, config)) is not None:
            yield "appearance", roles["appearance"], tags


def make_chain(models: VisionModels) -> Chain:
    """The chain of the stages with these models."""
    names: tuple[Stage, ...] = ("detector", "face_detector", "face_embedder", "appearance")
    return Chain(models.config, models.roles, *(models.adapters[name] for name in names))


def check_plan(plan: VisionPlan) -> None:
    """Check the numbers of a plan.

    Raises:
        ConfigError: one is out of bounds, or a stage is none.
    """
    for stage in plan.stages:
        if stage not in STAGES:
            raise ConfigError(f"unknown stage '{stage}'{nearest(stage, STAGES)}")
    for name, value, least, most in (
        ("rounds", plan.rounds, 1, 1000),
        ("seconds", plan.seconds, 0.001, 600),
        ("frames", plan.frames, 0, 100_000),
        ("batch", plan.batch, 0, 4096),
        ("detections", plan.things, 1, 100),
    ):
        if not least <= value <= most:
            raise ConfigError(f"{name} must be {least} to {most}, not {value}")
    if plan.size and not all(32 <= side <= 8192 for side in plan.size):
        raise ConfigError(f"frames must be 32 to 8192 pixels wide and high, not {plan.size[0]}x{plan.size[1]}")


def lay_over(config: BuildConfig, plan: VisionPlan) -> BuildConfig:
    """The configuration with the plan's device and batch."""
    changes: dict[str, Any] = {}
    if plan.device:
        changes["device"] = plan.device
    if plan.batch:
        changes["batch"] = plan.batch
    return make_config(merge(config.model_dump(), dict.fromkeys((*CHAINED, "landmarks"), changes)), "the command line")


def shrink_batches(config: BuildConfig, roles: Sequence[Role]) -> BuildConfig:
    """The configuration with :data:`CPU_BATCH` frames in a call of production models that run on a CPU."""
    sections: dict[Stage, str] = {
        "detector": "detect", "face_detector": "faces", "face_embedder": "faces", "appearance": "appearance",
    }  # fmt: skip
    slow = {sections[role.stage] for role in roles if role.weights != "shipped" and not role.device.on_gpu}
    update = {name: getattr(config, name).model_copy(update={"batch": CPU_BATCH}) for name in slow}
    return config.model_copy(update=update)


def _batches(config: BuildConfig) -> tuple[int, int, int]:
    return config.detect.batch, config.faces.batch, config.appearance.batch


def _landmarks_role(config: BuildConfig) -> Role | None:
    """The model of landmarks, where the configuration has one that runs here: how fast a service is, is not ours to say."""
    landmarks = config.landmarks
    if landmarks.model != "classifier":
        return None
    return Role(create_landmark_model(landmarks).name, "detector", Options(), choose_device(landmarks.device), "own")


def describe(plan: VisionPlan, config: BuildConfig, contents: Sequence[bytes], card: Card | None) -> dict[str, Any]:
    """What everything was measured on, and with which settings."""
    with Image.open(io.BytesIO(contents[0])) as frame:
        width, height = frame.size
    return {
        "machine": {**describe_machine(), "gpu": _describe_card(card) if card else None},
        "frame": {
            "width": width,
            "height": height,
            "jpeg_bytes": round(statistics.fmean(len(content) for content in contents)),
        },
        "models": {
            "detector": config.detect.model,
            "face_detector": config.faces.detector,
            "face_embedder": config.faces.embedder,
            "appearance": config.appearance.model,
            "landmarks": config.landmarks.model,
        },
        "batches": dict(zip(CHAINED, _batches(config), strict=True)),
        "rounds": plan.rounds,
        "seconds": plan.seconds,
        "random_weights": plan.random_weights,
    }


def _describe_card(card: Card) -> dict[str, Any]:
    cuda = str(import_torch().version.cuda)
    return {"name": card.name, "driver": card.driver, "memory_bytes": card.memory_bytes, "cuda": cuda}
