"""Every knob of the pipeline, one line a field. Presets in ``data/presets/`` are files of these values."""

import difflib
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, ValidationError, model_validator

from schemas.chat_config import ChatConfig
from schemas.draft_config import DraftConfig
from schemas.errors import ConfigError
from schemas.landmarks_config import LandmarksConfig
from schemas.review_config import ReviewConfig
from schemas.section import Section

Engine = Literal["plain", "threads", "dask"]


class IngestConfig(Section):
    """Reading frames. A change redoes everything."""

    max_pixels: int = Field(
        80_000_000, ge=1, description="largest frame that is decoded, in pixels (decompression bombs)"
    )
    max_bytes: int = Field(64_000_000, ge=1, description="largest file that is read, in bytes")
    min_side: int = Field(32, ge=1, description="smallest width or height of a usable frame, in pixels")
    shard_frames: int = Field(512, ge=1, description="frames a shard aims at; whole scenes are kept together")


class SelectConfig(Section):
    """Leaving out frames that add nothing."""

    duplicate_bits: int = Field(
        2,
        ge=-1,
        le=64,
        description="bits of a 64-bit perceptual hash up to which two frames are the same; -1 keeps all",
    )
    duplicate_window: int = Field(3, ge=1, description="how many kept frames back, within a scene, are compared")
    black_luma: float = Field(0.06, ge=0, le=1, description="mean luma below which a frame is black")
    flat_contrast: float = Field(0.015, ge=0, le=1, description="luma deviation below which a frame is empty")


def _optional(default: Any, description: str, **bounds: Any) -> Any:
    """A field that only some models use: left out of keys and records while at its default, so that others' shards stand."""
    return Field(default, description=description, exclude_if=lambda value: value == default, **bounds)


class VideoConfig(Section):
    """Which frames of a video are taken, and how they are kept. A change redoes films that are videos, and no others."""

    frames: Literal["shot", "every"] = Field("shot", description="one sharp frame a shot, or one every so many seconds")
    every_s: float = Field(2.0, gt=0, description="seconds between frames taken with frames = every")
    detector: Literal["adaptive", "transnetv2"] = Field(
        "adaptive", description="finds the cuts: PySceneDetect's adaptive detector, or TransNetV2 (needs torch)"
    )
    cut: float = Field(
        0.0, ge=0, description="what a cut must reach: ratio for adaptive, probability for transnetv2; 0 takes its own"
    )
    min_shot_s: float = Field(0.5, ge=0, description="shortest shot, in seconds; cuts that come sooner are passed over")
    candidates: int = Field(5, ge=1, description="frames of a shot of which the sharpest is taken")
    scene_s: float = Field(
        0.0, ge=0, description="seconds after which a new scene begins at the next cut; 0 makes the video one scene"
    )
    max_side: int = Field(0, ge=0, description="longer side that frames are reduced to, in pixels; 0 keeps their size")
    format: Literal["jpeg", "png"] = Field("jpeg", description="how frames are kept; JPEG of quality 95, 4:4:4")


DEVICE = r"^(auto|cpu|cuda(:\d+)?)$"
Precision = Literal["auto", "float32", "float16"]
Decode = Literal["libjpeg", "nvjpeg"]


class DetectConfig(Section):
    """People and objects."""

    model: str = Field("nanodet-g-416", description="name of the detector in the model list")
    weights: str = Field("", description="file of other weights for the same network; empty takes the listed ones")
    batch: int = Field(8, ge=1, description="frames in one call of the model")
    person_score: float = Field(0.40, ge=0, le=1, description="score from which a person counts")
    object_score: float = Field(0.50, ge=0, le=1, description="score from which any other thing counts")
    nms_iou: float = Field(0.60, ge=0, le=1, description="overlap from which two boxes of a label are one")
    max_per_frame: int = Field(40, ge=1, description="most detections kept of a frame, best first")
    weights_sha256: str = _optional("", "sha256 that other weights must have; a .pt file is not read without it")
    revision: str = _optional("", "commit of the model's hub repository; empty takes the listed one")
    device: str = _optional(
        "auto", "auto, cpu, cuda or cuda:<number>; auto takes a GPU where there is one", pattern=DEVICE
    )
    precision: Precision = _optional("auto", "floats of the network; auto is float16 on a GPU, float32 on the CPU")
    image_side: int = _optional(0, "longer side of the network's input, in pixels; 0 takes the model's own", ge=0)
    masks: bool = _optional(False, "keep which pixels belong to each detection, where the model tells")
    decode: Decode = _optional(
        "libjpeg", "what reads JPEG frames: libjpeg, or nvjpeg on a GPU, whose pixels differ by rounding"
    )


class FacesConfig(Section):
    """Faces, and whose they are."""

    detector: str = Field("yunet-2023mar", description="name of the face detector in the model list")
    embedder: str = Field("sface", description="name of the face embedder in the model list")
    batch: int = Field(16, ge=1, description="frames in one call of the detector")
    score: float = Field(0.70, ge=0, le=1, description="score from which a face counts")
    min_side: float = Field(8, ge=1, description="smallest width of a face, in pixels of its frame")
    max_per_frame: int = Field(20, ge=1, description="most faces kept of a frame, largest first")
    faceless_score: float = Field(
        0.55, ge=0, le=1, description="detection score from which a person counts in whom no face was found"
    )
    device: str = _optional(
        "auto", "auto, cpu, cuda or cuda:<number>; auto takes a GPU where there is one", pattern=DEVICE
    )
    sides: tuple[int, ...] = _optional(
        (128, 640), "sides of the square inputs that SCRFD searches, in pixels", min_length=1
    )
    decode: Decode = _optional(
        "libjpeg", "what reads JPEG frames: libjpeg, or nvjpeg on a GPU, whose pixels differ by rounding"
    )


class SequenceConfig(Section):
    """Which frames make a story."""

    min_frames: int = Field(5, ge=1, description="fewest frames of a story")
    max_frames: int = Field(22, ge=1, description="most frames of a story; longer scenes are divided evenly")
    target_frames: int = Field(8, ge=1, description="frames a story aims at, between the two bounds")
    require_person: bool = Field(True, description="leave out stories in which no person was found")

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if self.max_frames < 2 * self.min_frames - 1:
            raise ValueError(f"max_frames must be at least {2 * self.min_frames - 1} (twice min_frames less one)")
        return self


class AppearanceConfig(Section):
    """What people, things and places look like."""

    model: str = Field("efficientnet-lite0", description="name of the appearance model in the model list")
    batch: int = Field(16, ge=1, description="crops or frames in one call of the model")
    tag_score: float = Field(0.15, ge=0, le=1, description="score from which a tag of a frame is kept")
    max_tags: int = Field(3, ge=0, description="most tags kept of a frame")
    weights: str = _optional("", "file or folder of other weights; empty takes the listed ones")
    weights_sha256: str = _optional("", "sha256 that other weights must have")
    revision: str = _optional("", "commit of the model's hub repository; empty takes the listed one")
    device: str = _optional(
        "auto", "auto, cpu, cuda or cuda:<number>; auto takes a GPU where there is one", pattern=DEVICE
    )
    precision: Precision = _optional("auto", "floats of the network; auto is float16 on a GPU, float32 on the CPU")
    masked: bool = _optional(False, "paint what is not the detection white before its crop is embedded")
    decode: Decode = _optional(
        "libjpeg", "what reads JPEG frames: libjpeg, or nvjpeg on a GPU, whose pixels differ by rounding"
    )


class ReidentifyConfig(Section):
    """Who is who across the frames of a story."""

    calibration: str = Field(
        "embedded-v2", description="name of a shipped calibration, or path of one that ends in .json"
    )
    threshold: float = Field(0.0, description="log-odds from which two groups are one entity; higher splits more")
    margin: float = Field(
        0.5, ge=0, description="log-odds by which the best group must lead before a faceless view joins"
    )
    leftover: float = Field(
        2.5, ge=0, description="log-odds that a view may lack to join the only group of its scene that it could be"
    )
    repeat_iou: float = Field(
        0.75, gt=0, le=1, description="overlap from which two boxes of a frame are one detection twice"
    )
    shot_bits: int = Field(
        12,
        ge=0,
        le=64,
        description="bits of the 64-bit frame hash up to which consecutive frames of a scene are one shot",
    )
    shot_iou: float = Field(0.70, gt=0, le=1, description="overlap from which boxes of one shot must be one entity")
    veto: float = Field(
        3.0, ge=0, description="log-odds of faces and crops against one entity at which they overrule what boxes say"
    )
    dense_limit: int = Field(500, ge=0, description="views of a kind up to which all pairs are compared in memory")
    neighbours: int = Field(24, ge=1, description="nearest neighbours that are compared of each view beyond that")


class GroundConfig(Section):
    """What a story must satisfy to be kept."""

    level: Literal["compatible", "strict"] = Field("strict", description="rules a story is checked against")


class ExportConfig(Section):
    """The dataset that comes out."""

    test_ratio: float = Field(0.15, ge=0, lt=1, description="share of films in the test split")
    split_seed: int = Field(0, ge=0, description="seed of the split; a film keeps its side when others are added")
    rows_per_group: int = Field(100, ge=1, description="stories in one Parquet row group")
    shard_bytes: int = Field(500_000_000, ge=1, description="size a Parquet file aims at, in bytes")
    licence: str = _optional(
        "",
        "licence of the dataset as the Hub names it (cc-by-4.0), for films without one of their own; empty for none",
        pattern=r"^([a-z0-9][a-z0-9.-]{0,63})?$",
    )
    split_like: Literal["ratio", "paper"] = _optional(
        "ratio", "ratio draws each film for itself; paper gives the test split the share of stories of StoryReasoning's"
    )
    leak_cosine: float = _optional(
        0.92, "cosine of the looks of two frames from which they are the same across splits; above 1 never", ge=0, le=2
    )
    image_format: Literal["keep", "jpeg", "webp"] = _optional("keep", "keep images as they came, or encode them anew")
    image_quality: int = _optional(90, "quality of images that are encoded anew", ge=1, le=100)
    coco: bool = _optional(False, "also write the detections as COCO JSON, into coco/")
    webdataset: bool = _optional(False, "also write the stories as tar files for WebDataset, into webdataset/")


class DriftConfig(Section):
    """How far a dataset may be from the last release before publishing asks. Shares are of the earlier value."""

    stories: float = Field(0.2, ge=0, description="share of the stories that may be gone")
    story_length: float = Field(0.25, ge=0, description="change of the mean frames and the mean words of a story")
    entities: float = Field(0.35, ge=0, description="change of the mean entities of an image, by kind")
    identity: float = Field(0.05, ge=0, le=1, description="loss of mean confidence of the links of identities")
    doubtful: float = Field(0.1, ge=0, le=1, description="rise of the share of links that are doubtful")
    losses: float = Field(0.1, ge=0, le=1, description="rise of the share of stories left out for a fault")
    labels: float = Field(0.2, ge=0, le=1, description="change of the detector's label mix, as total variation")


class BuildConfig(Section):
    """One build, whole."""

    ingest: IngestConfig = IngestConfig()
    video: VideoConfig = _optional(VideoConfig(), "frames of videos")
    select: SelectConfig = SelectConfig()
    detect: DetectConfig = DetectConfig()
    faces: FacesConfig = FacesConfig()
    sequence: SequenceConfig = SequenceConfig()
    appearance: AppearanceConfig = AppearanceConfig()
    reidentify: ReidentifyConfig = ReidentifyConfig()
    landmarks: LandmarksConfig = Field(
        LandmarksConfig(), description="places with a name", exclude_if=lambda value: value == LandmarksConfig()
    )
    draft: DraftConfig = DraftConfig()
    chat: ChatConfig = ChatConfig()
    ground: GroundConfig = GroundConfig()
    review: ReviewConfig = _optional(ReviewConfig(), "what people corrected, from the workspace's reviews.parquet")
    export: ExportConfig = ExportConfig()
    drift: DriftConfig = DriftConfig()


def merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """``base`` with the values of ``changes`` laid over it, section by section; neither is altered."""
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def read_toml(path: Path) -> dict[str, Any]:
    """The values of a configuration file.

    Raises:
        ConfigError: it is missing or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the configuration {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the configuration {path} is not valid TOML: {error}") from error


def make_config(values: dict[str, Any], origin: str) -> BuildConfig:
    """A checked configuration.

    Args:
        values: as read from TOML, one table a section.
        origin: where they come from, for the message.

    Raises:
        ConfigError: an unknown key (the nearest is named) or a value out of bounds.
    """
    try:
        return BuildConfig.model_validate(values)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in fault["loc"]) or "configuration"
        secretive = fault["loc"][:1] == ("chat",)  # what stands there by mistake may be a key: neither told nor chained
        if fault["type"] == "extra_forbidden":
            *sections, key = [str(part) for part in fault["loc"]]
            told = f"unknown key '{where}' in {origin}{_nearest_key(sections, key)}"
        elif secretive:
            told = f"{where} in {origin}: {fault['msg'].removeprefix('Value error, ')}"
        else:
            told = f"{where} in {origin}: {fault['msg'].lower()}, got {fault['input']!r}"
        raise ConfigError(told) from (None if secretive else error)


def _nearest_key(sections: list[str], key: str) -> str:
    model: type[BaseModel] = BuildConfig
    for section in sections:
        kind = model.model_fields[section].annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            model = kind
    return nearest(key, model.model_fields)


def nearest(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'? (known: ...)`` for a word that is not among the known ones."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    hint = f"; did you mean '{close[0]}'?" if close else ";"
    return f"{hint} known: {', '.join(names)}"
