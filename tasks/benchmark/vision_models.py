"""The models of a configuration, loaded to be measured: with their own weights or with random ones."""

import gc
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from schemas.config import BuildConfig
from schemas.errors import ConfigError
from tasks.benchmark.random_weights import give_random_weights
from tasks.models.device import Device, choose_device, release_cache
from tasks.models.hub import WeightsAbsent
from tasks.models.options import Options
from tasks.models.production import find_production, require_installed
from tasks.models.protocols import Adapter, Image
from tasks.models.registry import (
    Stage,
    appearance_options,
    create_appearance,
    create_detector,
    create_face_detector,
    create_face_embedder,
    detector_options,
    drop_models,
    face_options,
    model_digest,
)

LOWEST_SCORE = 0.01
TIE = 1e-6
"""Where the last that should be found and the first that should not are alike, both are."""

CPU = Device("cpu", False)


@dataclass(frozen=True, slots=True)
class Role:
    """A model in its place: its name, the stage as the registry calls it, its settings, where it runs, whose weights."""

    name: str
    stage: Stage
    options: Options
    device: Device
    weights: str


@dataclass(frozen=True, slots=True)
class VisionModels:
    """Loaded adapters by stage, each as its protocol in :mod:`tasks.models.protocols`.

    ``config`` has the scores that they are used with.
    """

    config: BuildConfig
    roles: Mapping[Stage, Role]
    adapters: Mapping[Stage, Any]


def find_device(name: str, stage: Stage, options: Options) -> Device:
    """Where a model will run; checked before anything is made or loaded.

    Raises:
        ConfigError: its libraries are not installed, or the device is absent.
    """
    model = find_production(name, stage)
    if model is None:
        return CPU
    require_installed(model)
    if "onnxruntime" in model.needs:
        from tasks.models.insightface_faces import onnx_device

        return onnx_device(options)
    return choose_device(options.device, options.precision)


def list_roles(config: BuildConfig, stages: Collection[str], *, random: bool) -> list[Role]:
    """The models that are needed to measure some stages; appearance needs the detector for its crops.

    Raises:
        ConfigError: a model is not known, cannot do what is asked, or lacks a library or its device.
        ModelError: weights of the user's are missing or not the pinned ones.
    """
    detect, faces, looks = config.detect, config.faces, config.appearance
    every: list[tuple[set[str], str, Stage, Options]] = [
        ({"detect", "appearance", "chain"}, detect.model, "detector", detector_options(detect)),
        ({"faces", "chain"}, faces.detector, "face_detector", face_options(faces)),
        ({"faces", "chain"}, faces.embedder, "face_embedder", face_options(faces)),
        ({"appearance", "chain"}, looks.model, "appearance", appearance_options(looks)),
    ]
    roles = []
    for users, name, stage, options in every:
        if users.isdisjoint(stages):
            continue
        production = find_production(name, stage)
        if production is None or not random:
            model_digest(name, stage, options.weights, options)
        listed = "shipped" if production is None else "random" if random else "listed"
        device = find_device(name, stage, options)
        roles.append(Role(name, stage, options, device, "own" if options.weights else listed))
    return roles


@contextmanager
def loaded_models(
    config: BuildConfig, roles: Sequence[Role], images: Sequence[Image], things: int
) -> Iterator[VisionModels]:
    """The adapters of some roles, loaded.

    Random detectors get the scores with which about ``things`` things, and half as many faces, are found in each of
    ``images``; ``config`` is changed to fit.

    Raises:
        ConfigError: weights are not here and cannot be fetched, or a model cannot do what is asked.
        ModelError: weights are damaged or not the pinned ones.
    """
    with tempfile.TemporaryDirectory(prefix="storyreasoning-weights-") as folder:
        ready = [_with_weights(role, Path(folder)) for role in roles]
        for k, role in enumerate(ready):
            if role.weights == "random" and role.stage in ("detector", "face_detector"):
                wanted = things if role.stage == "detector" else max(1, things // 2)
                score = choose_score(_finder(role), images, wanted)
                config = _with_score(config, role.stage, score)
                ready[k] = replace(role, options=replace(role.options, score=score))
        if any(role.weights == "random" for role in ready):
            drop_models()
            gc.collect()
            release_cache()
        try:
            yield _load(config, ready)
        finally:
            drop_models()


def _with_weights(role: Role, folder: Path) -> Role:
    model = find_production(role.name, role.stage)
    if role.weights != "random" or model is None:
        return role
    return replace(role, options=give_random_weights(model, role.options, folder))


def _finder(role: Role) -> Callable[[Sequence[Image]], list[list[float]]]:
    """Scores of what a random detector finds when it is asked for nearly everything."""
    options = replace(role.options, score=LOWEST_SCORE, masks=False)
    if role.stage == "detector":
        things = create_detector(role.name, options=options)
        return lambda images: [[one.score for one in found] for found in things.detect(images)]
    faces = create_face_detector(role.name, options=options)
    return lambda images: [[one.score for one in found] for found in faces.detect(images)]


def choose_score(find: Callable[[Sequence[Image]], list[list[float]]], images: Sequence[Image], wanted: int) -> float:
    """The score that ``wanted`` detections an image reach on average; the lowest one there is where fewer are found."""
    scores = sorted((score for found in find(images) for score in found), reverse=True)
    count = wanted * len(images)
    if len(scores) <= count:
        return LOWEST_SCORE
    return min((scores[count - 1] + scores[count]) / 2, scores[count - 1] - TIE)


def _with_score(config: BuildConfig, stage: Stage, score: float) -> BuildConfig:
    if stage == "detector":
        section = config.detect.model_copy(update={"person_score": score, "object_score": score})
        return config.model_copy(update={"detect": section})
    faces = config.faces.model_copy(update={"score": score, "min_side": 1.0})
    return config.model_copy(update={"faces": faces})


def _load(config: BuildConfig, roles: Sequence[Role]) -> VisionModels:
    create: Mapping[Stage, Callable[..., Adapter]] = {
        "detector": partial(create_detector, nms_iou=config.detect.nms_iou),
        "face_detector": create_face_detector,
        "face_embedder": create_face_embedder,
        "appearance": create_appearance,
    }
    adapters = {}
    for role in roles:
        adapter = create[role.stage](role.name, role.options.weights, options=role.options)
        try:
            adapter.load()
        except WeightsAbsent as error:
            raise ConfigError(f"{error}; or measure with --random-weights") from error
        adapters[role.stage] = adapter
    return VisionModels(config, {role.stage: role for role in roles}, adapters)
