"""Landmarks by Google Cloud Vision (``images:annotate``, feature ``LANDMARK_DETECTION``), with an API key."""

import base64
import hashlib
import http.client
import io
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any

from schemas.errors import ConfigError, ShardError
from schemas.geometry import Box
from schemas.landmarks_config import LandmarksConfig
from tasks.models.landmarks.landmark import RawLandmark
from tasks.models.protocols import Image

MOST_ATTEMPTS = 6
LONGEST_WAIT_S = 30.0
LARGEST_ANSWER = 20_000_000
WORTH_REPEATING = (408, 429, 500, 502, 503, 504)


class VisionLandmarks:
    """Asks the service; keeps nothing between calls."""

    def __init__(self, config: LandmarksConfig) -> None:
        """Nothing is sent, and no key is read, before the first image."""
        self._config = config

    @property
    def name(self) -> str:
        """As written in manifests."""
        return "google-vision"

    @property
    def digest(self) -> str:
        """Hash of the address: the service tells no version of its model."""
        return hashlib.sha256(self._config.endpoint.encode()).hexdigest()

    def recognise(self, images: Sequence[Image]) -> list[list[RawLandmark]]:
        """Landmarks of each image, best first; an image that the service cannot take has none.

        Raises:
            ConfigError: there is no key, or it is refused.
            ShardError: the service does not answer, or not in its format.
        """
        if not images:
            return []
        feature = {"type": "LANDMARK_DETECTION", "maxResults": self._config.max_per_frame}
        body = {"requests": [{"image": {"content": _encode(image)}, "features": [feature]} for image in images]}
        answer = self._ask(json.dumps(body).encode())
        try:
            responses = answer["responses"]
            if len(responses) != len(images):
                raise ValueError(f"{len(responses)} answers for {len(images)} images")
            return [_read(response, image) for response, image in zip(responses, images, strict=True)]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ShardError(f"{self._place} answered in another format ({error}): run again") from error

    @property
    def _place(self) -> str:
        return self._config.endpoint.partition("://")[2]

    def _ask(self, body: bytes) -> Any:
        variable = self._config.api_key_env
        key = os.environ.get(variable, "").strip() if variable else ""
        if variable and not key:
            raise ConfigError(f"landmarks by google-vision need a key: set the environment variable {variable}")
        headers = {"Content-Type": "application/json", **({"X-Goog-Api-Key": key} if key else {})}
        told = ""
        for attempt in range(1, MOST_ATTEMPTS + 1):
            request = urllib.request.Request(self._config.endpoint, body, headers, method="POST")  # noqa: S310 - see config
            wait = min(LONGEST_WAIT_S, 0.5 * 2.0 ** (attempt - 1))
            try:
                with urllib.request.urlopen(request, timeout=self._config.timeout_s) as response:  # noqa: S310
                    return json.loads(response.read(LARGEST_ANSWER))
            except urllib.error.HTTPError as error:
                told = f"HTTP {error.code}"
                if error.code in (401, 403):
                    raise ConfigError(f"{self._place} refuses the key in {variable} ({told})") from None
                if error.code not in WORTH_REPEATING:
                    raise ShardError(f"{self._place} does not take the request ({told})") from None
                wait = _retry_after(error.headers.get("Retry-After"), wait)
            except (OSError, http.client.HTTPException, ValueError) as error:
                told = type(error).__name__
            if attempt < MOST_ATTEMPTS:
                time.sleep(wait)
        raise ShardError(f"{self._place} does not answer ({told}, {MOST_ATTEMPTS} attempts): run again to go on")


def _retry_after(header: str | None, otherwise: float) -> float:
    try:
        return min(LONGEST_WAIT_S, max(0.0, float(header or "")))
    except ValueError:
        return otherwise


def _encode(image: Image) -> str:
    from PIL import Image as Pictures

    out = io.BytesIO()
    Pictures.fromarray(image).save(out, "JPEG", quality=90)
    return base64.b64encode(out.getvalue()).decode("ascii")


def _read(response: Any, image: Image) -> list[RawLandmark]:
    """The landmarks of one image; a vertex leaves out a coordinate that is 0."""
    height, width = image.shape[:2]
    found = []
    for one in response.get("landmarkAnnotations", ()):
        corners = [(float(v.get("x", 0)), float(v.get("y", 0))) for v in one["boundingPoly"]["vertices"]]
        across, down = zip(*corners, strict=True)
        box = Box(min(across), min(down), max(across), max(down)).clamp(width, height)
        name = str(one.get("description", "")).strip()
        if name and box.area > 0:
            found.append(RawLandmark(name, float(one.get("score", 0.0)), box))
    return sorted(found, key=lambda landmark: (-landmark.score, landmark.name))
