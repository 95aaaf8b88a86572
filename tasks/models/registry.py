"""Names of models to adapters. Nothing heavy is imported before an adapter is created, nothing loaded before it is used.

Embedded models (``data/models/models.json``) are made anew each time; they share their sessions. Production models
(``data/models/production.json``) stay: one adapter a process for the same settings, its weights loaded once.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, Literal

from schemas.config import AppearanceConfig, BuildConfig, DetectConfig, FacesConfig, nearest
from schemas.errors import ConfigError
from tasks.models.device import choose_device
from tasks.models.options import Options
from tasks.models.production import ProductionModel, find_production, pin, production_names, require_installed
from tasks.models.protocols import AppearanceModel, Detector, FaceDetector, FaceEmbedder, Image
from tasks.models.weights import ModelRecord, find_model, locate_weights, read_model_list

Stage = Literal["detector", "face_detector", "face_embedder", "appearance"]

_DEFAULT = Options()

BatchDecoder = Callable[[Sequence[bytes]], list[Image | None]]
"""Pixels of encoded frames, None for what it does not know."""


def create_detector(
    name: str, weights: str = "", *, nms_iou: float = 0.6, threads: int = 0, options: Options = _DEFAULT
) -> Detector:
    """The detector called ``name``.

    Args:
        name: a name in ``data/models/models.json`` or ``data/models/production.json``.
        weights: another weight file for the same network; empty takes the listed one.
        nms_iou: overlap from which two boxes of a label are one.
        threads: images worked on at once by an embedded model; 0 takes every core.
        options: settings of a production model.

    Raises:
        ConfigError: the name is not listed, its extra is not installed, or it cannot do what the options ask.
        ModelError: ``weights`` names a file that is missing.
    """
    if find_production(name, "detector"):
        detector: Detector = _resident(name, "detector", options)
        return detector
    from tasks.models.nanodet import NanoDet

    record = _embedded(name, "detector", options)
    return NanoDet(record.name, locate_weights(record, weights), nms_iou=nms_iou, threads=threads)


def create_face_detector(
    name: str, weights: str = "", *, threads: int = 0, options: Options = _DEFAULT
) -> FaceDetector:
    """The face detector called ``name``; arguments and errors as for :func:`create_detector`."""
    if find_production(name, "face_detector"):
        detector: FaceDetector = _resident(name, "face_detector", options)
        return detector
    from tasks.models.yunet import YuNet

    record = _embedded(name, "face_detector", options)
    return YuNet(record.name, locate_weights(record, weights), locate_weights(_closeup(record)), threads=threads)


def create_face_embedder(
    name: str, weights: str = "", *, threads: int = 0, options: Options = _DEFAULT
) -> FaceEmbedder:
    """The face embedder called ``name``; arguments and errors as for :func:`create_detector`."""
    if find_production(name, "face_embedder"):
        embedder: FaceEmbedder = _resident(name, "face_embedder", options)
        return embedder
    from tasks.models.face_embedder import AlignedFaceEmbedder

    record = _embedded(name, "face_embedder", options)
    return AlignedFaceEmbedder(record.name, locate_weights(record, weights), threads=threads)


def create_appearance(
    name: str, weights: str = "", *, threads: int = 0, options: Options = _DEFAULT
) -> AppearanceModel:
    """The appearance model called ``name``; arguments and errors as for :func:`create_detector`."""
    if find_production(name, "appearance"):
        model: AppearanceModel = _resident(name, "appearance", options)
        return model
    from tasks.models.efficientnet import EfficientNet

    record = _embedded(name, "appearance", options)
    return EfficientNet(record.name, locate_weights(record, weights), threads=threads)


def model_digest(name: str, stage: Stage, weights: str = "", options: Options = _DEFAULT) -> str:
    """What identifies the weights of a model, without loading or fetching them: a sha256, or a commit of a hub repository.

    Raises:
        ConfigError: the name is not listed, or the model cannot do what the options ask.
        ModelError: ``weights`` names a file that is missing or is not the pinned one.
    """
    model = find_production(name, stage)
    return pin(model, options) if model else locate_weights(_embedded(name, stage, options), weights).sha256


def face_detector_digests(name: str, options: Options = _DEFAULT) -> dict[str, str]:
    """:func:`model_digest` of a face detector, and of the network with which it looks at faces again, by their names."""
    digests = {name: model_digest(name, "face_detector", options=options)}
    if find_production(name, "face_detector") is None:
        closeup = _closeup(find_model(name, "face_detector"))
        digests[closeup.name] = locate_weights(closeup).sha256
    return digests


def detector_options(params: DetectConfig) -> Options:
    """Settings of the detector in a configuration."""
    return Options(
        weights=params.weights,
        sha256=params.weights_sha256,
        revision=params.revision,
        device=params.device,
        precision=params.precision,
        batch=params.batch,
        image_side=params.image_side,
        masks=params.masks,
        score=min(params.person_score, params.object_score),
        nms_iou=params.nms_iou,
    )


def face_options(params: FacesConfig) -> Options:
    """Settings of the face detector and embedder in a configuration."""
    return Options(device=params.device, batch=params.batch, sides=params.sides, score=params.score)


def appearance_options(params: AppearanceConfig) -> Options:
    """Settings of the appearance model in a configuration."""
    return Options(
        weights=params.weights,
        sha256=params.weights_sha256,
        revision=params.revision,
        device=params.device,
        precision=params.precision,
        batch=params.batch,
    )


def check_models(config: BuildConfig) -> None:
    """Check that the models of a configuration are listed and their weights pinned, without loading or fetching any.

    Raises:
        ConfigError: an unknown name, or a model that cannot do what is asked.
        ModelError: weights of the user's are missing or are not the pinned ones.
    """
    for name, stage, weights, options in _roles(config):
        model_digest(name, stage, weights, options)


def prepare_models(config: BuildConfig) -> None:
    """Check before any work that the models of a configuration can be used here: fetch and load the production ones.

    Raises:
        ConfigError: an unknown name, a missing extra or device, or a model that cannot do what is asked.
        ModelError: weights are missing and cannot be fetched, are not the pinned ones, or are damaged.
    """
    for name, stage, weights, options in _roles(config):
        model_digest(name, stage, weights, options)
        if find_production(name, stage):
            _resident(name, stage, options).load()
    for decode, options in (
        (config.detect.decode, detector_options(config.detect)),
        (config.faces.decode, face_options(config.faces)),
        (config.appearance.decode, appearance_options(config.appearance)),
    ):
        frame_decoder(decode, options)


def runs_on_gpu(name: str, stage: Stage, options: Options = _DEFAULT) -> bool:
    """Whether a model would run on a GPU here; embedded ones never do.

    Raises:
        ConfigError: its extra is not installed, or the GPU that was asked for is absent.
    """
    model = find_production(name, stage)
    if model is None:
        return False
    require_installed(model)
    if model.family in ("scrfd", "arcface"):
        from tasks.models.insightface_faces import onnx_device

        return onnx_device(options).on_gpu
    return choose_device(options.device, options.precision).on_gpu


def frame_decoder(decode: str, options: Options) -> BatchDecoder | None:
    """What decodes frames for a model on the GPU that it runs on; None where the processor is to do it.

    Raises:
        ConfigError: it cannot be used here.
    """
    return _open_decoder(options.device, options.precision) if decode == "nvjpeg" else None


@cache
def _open_decoder(device: str, precision: str) -> BatchDecoder:
    from tasks.models.nvjpeg import open_nvjpeg

    return open_nvjpeg(Options(device=device, precision=precision)).decode


def drop_models() -> None:
    """Forget the production adapters of this process; their memory goes when nobody uses them any more."""
    _resident.cache_clear()


def _roles(config: BuildConfig) -> Iterator[tuple[str, Stage, str, Options]]:
    detect, faces, appearance = config.detect, config.faces, config.appearance
    yield detect.model, "detector", detect.weights, detector_options(detect)
    yield faces.detector, "face_detector", "", face_options(faces)
    yield faces.embedder, "face_embedder", "", face_options(faces)
    yield appearance.model, "appearance", appearance.weights, appearance_options(appearance)


def _embedded(name: str, stage: Stage, options: Options) -> ModelRecord:
    names = {alias for r in read_model_list() if r.stage == stage for alias in (r.name, *r.aliases)}
    if name not in names:
        known = [*names, *production_names(stage)]
        raise ConfigError(f"unknown {stage.replace('_', ' ')} '{name}'{nearest(name, known)}")
    if options.masks:
        raise ConfigError(f"model {name} gives no masks: set masks to false, or take one of {_with_masks(stage)}")
    if options.device.startswith("cuda") or options.precision == "float16":
        raise ConfigError(f"model {name} runs on the CPU in 32 bits: leave device and precision at auto")
    return find_model(name, stage)


def _closeup(record: ModelRecord) -> ModelRecord:
    return find_model(record.closeup, "face_closeup")


def _with_masks(stage: Stage) -> str:
    models = (find_production(name, stage) for name in production_names(stage))
    return ", ".join(model.name for model in models if model and model.gives_masks)


@cache
def _resident(name: str, stage: Stage, options: Options) -> Any:
    """The one adapter of this process for these settings."""
    model = find_production(name, stage)
    assert model is not None  # noqa: S101 - callers have looked
    require_installed(model)
    return _create(model, options)


def _create(model: ProductionModel, options: Options) -> Any:
    if model.family == "ultralytics":
        from tasks.models.ultralytics_detector import UltralyticsDetector

        return UltralyticsDetector(model, options)
    if model.family == "mask2former":
        from tasks.models.mask2former import Mask2Former

        return Mask2Former(model, options)
    if model.family in ("scrfd", "arcface"):
        from tasks.models.insightface_faces import ArcFace, Scrfd

        return (Scrfd if model.family == "scrfd" else ArcFace)(model, options)
    if model.family == "open_clip":
        from tasks.models.open_clip_model import create_open_clip

        return create_open_clip(model, options)
    from tasks.models.transformers_encoder import create_dinov2, create_siglip

    return (create_siglip if model.family == "siglip" else create_dinov2)(model, options)
