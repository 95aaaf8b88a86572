"""What a similarity is worth: the curves that turn measurements into log-odds of "the same entity"."""

import json
import re
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from schemas.errors import ConfigError
from schemas.evidence import EntityKind
from tasks.runtime.resources import DATA

FORMAT = 1
"""Version of the calibration file layout."""

Array = NDArray[np.float64]


class _Part(BaseModel):
    """Base of the parts of a calibration: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Curve(_Part):
    """Log-odds for a measurement ``x``: ``slope * (x - centre)``, held between ``lowest`` and ``highest``.

    The line is the log-odds of a logistic regression on balanced pairs. The bounds say what the tails of the pairs bear
    out: a line goes on for ever where data do not.
    """

    slope: float = Field(gt=0, description="log-odds for each unit of the measurement")
    centre: float = Field(description="measurement at which same and different are equally likely")
    lowest: float = Field(le=0, description="log-odds at least")
    highest: float = Field(ge=0, description="log-odds at most")
    reference: float | None = Field(None, description="mean of pairs of one frame, thus different, where it was fitted")

    def log_odds(self, measurement: Array) -> Array:
        """Log-odds of each measurement, same shape."""
        return np.clip(self.slope * (measurement - self.centre), self.lowest, self.highest)

    def moved(self, by: float) -> "Curve":
        """The curve for measurements that are larger by ``by``."""
        return self.model_copy(update={"centre": self.centre + by})


class FaceCurve(_Part):
    """Log-odds for the cosine ``c`` of two faces of reliability ``r``, the geometric mean of their qualities.

    ``(slope + slope_r r) c + offset + offset_r r + offset_rr r**2``: the better the faces, the more a cosine tells, and the
    larger it must be. Every term is a product of something of the one face and something of the other, so sums over
    all pairs of two groups follow from sums over each group.
    """

    slope: float = Field(ge=0, description="log-odds for each unit of cosine between faces of no quality")
    slope_r: float = Field(description="what reliability adds to the slope")
    offset: float = Field(description="log-odds at cosine 0 between faces of no quality")
    offset_r: float = Field(description="what reliability adds to the offset")
    offset_rr: float = Field(description="what squared reliability adds to the offset")
    lowest: float = Field(le=0, description="mean log-odds of a pair at least")
    highest: float = Field(ge=0, description="mean log-odds of a pair at most")
    reference: float | None = Field(None, description="mean of pairs of one frame, thus different, where it was fitted")

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.slope + self.slope_r <= 0:
            raise ValueError("more alike faces must not count against being one person")
        return self

    def line(self, cosine: Array, reliability: Array) -> Array:
        """Log-odds without bounds, same shape."""
        rising = (self.slope + self.slope_r * reliability) * cosine
        return rising + self.offset + (self.offset_r + self.offset_rr * reliability) * reliability

    def moved(self, by: float) -> "FaceCurve":
        """The curve for cosines that are larger by ``by``."""
        return self.model_copy(
            update={"offset": self.offset - self.slope * by, "offset_r": self.offset_r - self.slope_r * by}
        )


class KindCalibration(_Part):
    """The curves of one kind of entity. All are in natural log-odds and are added up."""

    face: FaceCurve | None = Field(None, description="cosine of face embeddings")
    appearance_scene: Curve = Field(description="cosine of crop embeddings within one scene")
    appearance_across: Curve = Field(description="cosine of crop embeddings of different scenes")
    continuity: Curve = Field(description="overlap (IoU) of boxes in consecutive, nearly identical frames")
    tags: Curve | None = Field(
        None, description="agreement of the tags of frames of different scenes, 0 to 1; None where it tells nothing"
    )
    prior_scene: float = Field(description="log-odds before any evidence for two views in one scene")
    prior_across: float = Field(description="log-odds before any evidence for two views in different scenes")
    repetition: float = Field(
        0.3, gt=0, le=1, description="share of the evidence of a view that further views of the same entity repeat"
    )


class LabelEvidence(_Part):
    """What the detector's labels tell, and which of them it takes for one another."""

    groups: tuple[tuple[str, ...], ...] = Field((), description="labels that are confused with one another")
    same: float = Field(1.5, ge=0, description="log-odds for the same label")
    confused: float = Field(0.0, description="log-odds for two different labels of one group")
    different: float = Field(-6.0, le=0, description="log-odds for any other two different labels")


class Calibration(_Part):
    """A calibration file: curves for each kind, made for one set of models."""

    format: int = Field(FORMAT, description="version of the file layout")
    name: str = Field(description="name and version, as configuration gives it")
    face_model: str = Field(description="face embedder the face curves were fitted on")
    appearance_model: str = Field(description="appearance model the appearance curves were fitted on")
    kinds: dict[EntityKind, KindCalibration] = Field(description="curves of each kind of entity")
    labels: LabelEvidence = Field(default=LabelEvidence(), description="what labels tell")
    provenance: dict[str, Any] = Field(
        default_factory=dict, description="data, split and fit quality, for people to read"
    )

    @model_validator(mode="after")
    def _known_format(self) -> Self:
        if self.format != FORMAT:
            raise ValueError(f"format {self.format} is not {FORMAT}, the one this version reads")
        return self


def check_name(name: str) -> None:
    """Refuse the name of a new calibration that does not end in a version, or is more than a name.

    Raises:
        ConfigError: it is not like ``films-v1``.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*-v[0-9]+", name):
        raise ConfigError(f"{name!r} is no name for a calibration: give one that ends in a version, such as films-v1")


def calibration_path(name: str) -> Path:
    """Where the calibration of that name lies; a name that ends in ``.json`` is the path of a file."""
    return Path(name) if name.endswith(".json") else DATA / "calibration" / f"{name}.json"


def load_calibration(name: str) -> Calibration:
    """Read a calibration file by its name.

    Raises:
        ConfigError: there is no such file, or it is not a valid calibration.
    """
    path = calibration_path(name)
    try:
        return Calibration.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        known = ", ".join(sorted(file.stem for file in (DATA / "calibration").glob("*.json"))) or "none"
        raise ConfigError(f"no calibration {name!r}: known are {known}, and files that end in .json") from error
    except (OSError, ValueError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"calibration {path} cannot be read: {reason}") from error
