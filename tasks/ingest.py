"""``ingest``: bytes of unknown origin become usable frames.

In: the plan. Out: ``FRAMES``, one row a usable frame with its stored bytes, perceptual hash and light.
Invariants: a stored frame decodes, is upright, RGB or grey, 8 bit, JPEG, PNG or WebP; bytes that were so already are
kept as they came; every other file is converted, and the row says why, or rejected with a reason.
"""

import hashlib
import io
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from schemas.arrow import FRAMES
from schemas.config import IngestConfig
from schemas.errors import SampleError, ShardError
from tasks.models.colour import measure_light
from tasks.runtime.images import ahead
from tasks.runtime.stage import Inputs, Kept, Outcome, Rejected, Row, Stage
from tasks.sources.shared import shared_reader

KEPT_FORMATS = {"JPEG": "jpeg", "MPO": "jpeg", "PNG": "png", "WEBP": "webp"}
DECODED_FORMATS = (
    "JPEG", "PNG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "PPM", "JPEG2000", "AVIF", "TGA", "ICO"
)  # fmt: skip
"""Formats that are tried (MPO is a JPEG there); of the others that Pillow knows, one hands files to Ghostscript."""
LOSSY_FORMATS = frozenset({"JPEG", "MPO", "AVIF", "HEIF", "JPEG2000"})
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What turns an image upright, by EXIF orientation. Pillow's own way rewrites all tags and fails on damaged ones."""
_HASH_SIDE = 32
_LIGHT_SIDE = 128

# The size of every frame is checked against the configuration before its pixels are touched.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A frame as it is kept: its bytes, their format, size in pixels, pixels, and why it was re-encoded (or empty)."""

    content: bytes
    format: str
    pixels: Image.Image
    reencoded: str


def store_image(content: bytes, params: IngestConfig) -> StoredImage:
    """Check, decode and where needed convert the bytes of one file.

    Raises:
        SampleError: the file is no usable frame; the message is ``<reason>: <detail>``.
    """
    if not content:
        raise SampleError("empty: the file has no bytes")
    if len(content) > params.max_bytes:
        raise SampleError(f"too large: {len(content)} bytes, the limit is {params.max_bytes}")
    try:
        image = Image.open(io.BytesIO(content), formats=DECODED_FORMATS)
        _check_header(image, params)
        deep = any(_is_deep(tile[3]) for tile in image.tile)
        image.load()
    except SampleError:
        raise
    except UnidentifiedImageError as error:
        raise SampleError("not an image: no known format") from error
    except Image.DecompressionBombError as error:
        raise SampleError(f"too many pixels: {error}") from error
    except Exception as error:  # decoders of damaged bytes raise what they like: each such file is one dead letter
        kind = "truncated" if "truncated" in str(error).lower() or isinstance(error, EOFError) else "broken"
        raise SampleError(f"{kind}: {type(error).__name__}: {error}") from error
    return _normalise(image, content, deep)


def _check_header(image: Image.Image, params: IngestConfig) -> None:
    width, height = image.size
    if width * height > params.max_pixels:
        raise SampleError(f"too many pixels: {width}x{height}, the limit is {params.max_pixels}")
    if min(width, height) < params.min_side:
        raise SampleError(f"too small: {width}x{height}, the shorter side must be at least {params.min_side}")
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":
        raise SampleError(f"animated: {frames} pictures in one file; extract the frames")
    if image.mode == "F":
        raise SampleError("unusual pixels: floating-point values without a known range")


def _is_deep(arguments: object) -> bool:
    """Whether a decoder is asked for 16 bits a channel, as ``RGB;16B`` says; ``BGR;16`` is 16 bits for all of them."""
    raw = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return isinstance(raw, str) and ";16" in raw and not raw.startswith("BGR")


def _orientation(image: Image.Image) -> int:
    """How the camera was held, by EXIF; 1 (upright) where that says nothing or is damaged."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except (
        Exception
    ):  # readers of damaged bytes raise what they like; pixels that decode are worth more than their tags
        return 1


def _normalise(image: Image.Image, content: bytes, deep: bool) -> StoredImage:
    source_format = image.format or ""
    reasons = []
    orientation = _orientation(image)
    if orientation in _UPRIGHT:
        image = image.transpose(_UPRIGHT[orientation])
        image.info.pop("exif", None)
        reasons.append("turned upright")
    if image.mode.startswith("I"):
        wide = np.asarray(image).astype(np.float64)
        image = Image.fromarray(np.clip(np.rint(wide / 257.0), 0, 255).astype(np.uint8), "L")
        deep = True
    if deep:
        reasons.append("16 bit")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, rgba).convert("RGB")
        reasons.append("alpha over white")
    elif image.mode not in ("RGB", "L"):
        reasons.append(f"mode {image.mode}")
        image = image.convert("L" if image.mode == "1" else "RGB")
    if source_format not in KEPT_FORMATS:
        reasons.append(f"format {source_format.lower()}")
    if not reasons:
        return StoredImage(content, KEPT_FORMATS[source_format], image, "")
    buffer = io.BytesIO()
    if source_format in LOSSY_FORMATS:
        image.save(buffer, "JPEG", quality=95, subsampling=0)
        return StoredImage(buffer.getvalue(), "jpeg", image, ", ".join(reasons))
    image.save(buffer, "PNG")
    return StoredImage(buffer.getvalue(), "png", image, ", ".join(reasons))


def _dct_matrix(size: int, rows: int) -> NDArray[np.float64]:
    """First rows of the orthonormal DCT-II."""
    k, n = np.arange(rows)[:, None], np.arange(size)[None, :]
    matrix: NDArray[np.float64] = np.sqrt(2.0 / size) * np.cos(np.pi * (2 * n + 1) * k / (2 * size))
    matrix[0] /= np.sqrt(2.0)
    return matrix


_DCT = _dct_matrix(_HASH_SIDE, 8)


def perceptual_hash(image: Image.Image) -> int:
    """64-bit pHash: signs of the 8x8 lowest DCT coefficients of a 32x32 grey thumbnail against their median.

    The constant coefficient is left out of the median. Source: Zauner, "Implementation and benchmarking of perceptual
    image hash functions" (2010), section 3.2.
    """
    grey = image.convert("L").resize((_HASH_SIDE, _HASH_SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    low = (_DCT @ np.asarray(grey, dtype=np.float64) @ _DCT.T).ravel()
    bits = low > np.median(low[1:])
    return int(np.packbits(bits).view(">u8")[0])


def ingest_row(planned: Row, content: bytes, params: IngestConfig) -> Outcome:
    """One file: a row of ``FRAMES``, or its rejection."""
    try:
        stored = store_image(content, params)
    except SampleError as error:
        reason, _, detail = str(error).partition(": ")
        return Rejected(planned["frame_id"], reason, f"{planned['item']}: {detail}")
    small = stored.pixels.convert("RGB")
    small.thumbnail((_LIGHT_SIDE, _LIGHT_SIDE), Image.Resampling.BOX)
    light = measure_light(np.asarray(small))
    width, height = stored.pixels.size
    return Kept(
        {
            "frame_id": planned["frame_id"],
            "film": planned["film"],
            "scene": planned["scene"],
            "source": planned["item"],
            "source_sha256": planned["sha256"],
            "format": stored.format,
            "reencoded": stored.reencoded,
            "width": width,
            "height": height,
            "phash": perceptual_hash(stored.pixels),
            "luma": light.luma,
            "contrast": light.contrast,
            "saturation": light.saturation,
            "warmth": light.warmth,
            "image": stored.content,
        }
    )


def ingest_shard(plan: Iterable[Row], read: Callable[[str], bytes], params: IngestConfig) -> Iterator[Outcome]:
    """Frames of a plan, in order; ``read`` gives the bytes of an item or raises ``SampleError``.

    Raises:
        ShardError: a file is no longer what was planned. That is no fact of the content, which alone the shard's key stands
            for, so nothing of it may be kept.
    """

    def ingest_one(planned: Row) -> Outcome:
        limit = params.max_bytes
        if planned["bytes"] > limit:  # before anything is read: it may not fit into memory
            detail = f"{planned['item']}: {planned['bytes']} bytes, the limit is {limit}"
            return Rejected(planned["frame_id"], "too large", detail)
        try:
            content = read(planned["item"])
        except SampleError as error:
            if planned["sha256"]:
                raise ShardError(f"{error}, but it could be read when the build began: run again") from error
            return Rejected(planned["frame_id"], "unreadable", str(error))
        if planned["sha256"] and hashlib.sha256(content).hexdigest() != planned["sha256"]:
            raise ShardError(f"{planned['item']} changed while the build ran: run again")
        return ingest_row(planned, content, params)

    return ahead(ingest_one, plan, workers=2)


def _run(inputs: Inputs) -> Iterator[Outcome]:
    run = inputs.run
    plan = list(inputs["plan"])
    hashes = {row["item"]: row["sha256"] for row in plan if row["bytes"] <= run.config.ingest.max_bytes}
    return ingest_shard(plan, shared_reader(run.source, run.config.video, hashes), run.config.ingest)


STAGE = Stage(name="ingest", version=1, unit="frame", schema=FRAMES, inputs=("plan",), section="ingest", run=_run)
