"""The ``[landmarks]`` section: who recognises places by name. Off by default: the drafter may name them as well."""

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from schemas.section import KeyVariable, Section


class LandmarksConfig(Section):
    """Buildings and places with a name."""

    model: Literal["", "google-vision", "classifier"] = Field(
        "", description="google-vision: Google Cloud Vision; classifier: an image classifier; empty: nobody"
    )
    score: float = Field(0.5, ge=0, le=1, description="score from which a landmark counts")
    max_per_frame: int = Field(3, ge=1, le=10, description="most landmarks of a frame, best first")
    batch: int = Field(8, ge=1, le=16, description="frames in one call")
    endpoint: str = Field(
        "https://vision.googleapis.com/v1/images:annotate", description="where Google Cloud Vision is asked"
    )
    api_key_env: KeyVariable = Field(
        "GOOGLE_VISION_API_KEY", description="environment variable with the key of Google Cloud"
    )
    timeout_s: float = Field(60.0, gt=0, description="longest wait for an answer, in seconds")
    weights: str = Field(
        "", description="folder of the classifier in the Hub's layout (config.json, preprocessor_config.json, weights)"
    )
    weights_sha256: str = Field("", description="sha256 that its weight file must have", pattern=r"^([0-9a-f]{64})?$")
    device: str = Field("auto", description="auto, cpu, cuda or cuda:<number>", pattern=r"^(auto|cpu|cuda(:\d+)?)$")

    @field_validator("endpoint")
    @classmethod
    def _address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.query:
            raise ValueError("endpoint must be an http(s) address without credentials and without a query")
        return url

    @model_validator(mode="after")
    def _classifier_has_weights(self) -> Self:
        if self.model == "classifier" and not self.weights:
            raise ValueError("model classifier needs weights: the folder of an image classifier in the Hub's layout")
        return self
