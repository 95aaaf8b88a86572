"""Image files as the world has them: sound, unusual and broken ones, made by hand."""

import io
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

WIDTH, HEIGHT = 80, 48


def pixels(seed: int = 0, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """A smooth picture with structure, different for each seed; shape ``(height, width, 3)``."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(20, 236, (6, 8, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def picture(seed: int = 0, width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """:func:`pixels` as an image."""
    return Image.fromarray(pixels(seed, width, height))


def encode(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """The bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_chunk(name: bytes, content: bytes) -> bytes:
    """One chunk of a PNG file with its checksum."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png_header(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    """Signature and header of a PNG file; ``colour`` is 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGBA."""
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


def png_16_bit(samples: NDArray[np.uint16]) -> bytes:
    """A 16-bit PNG of shape ``(height, width)`` or ``(height, width, channels)``, written by hand."""
    height, width = samples.shape[:2]
    colour = 0 if samples.ndim == 2 else {2: 4, 3: 2, 4: 6}[samples.shape[2]]
    rows = b"".join(b"\x00" + samples[y].astype(">u2").tobytes() for y in range(height))
    return png_header(width, height, 16, colour) + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")


def animation(kind: str) -> bytes:
    """Three pictures in one file."""
    first, *rest = (picture(seed) for seed in range(3))
    return encode(first, kind, save_all=True, append_images=rest)


def turned(orientation: int, image: Image.Image | None = None, kind: str = "JPEG") -> bytes:
    """A file whose EXIF says how the camera was held."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    options = {"quality": 95} if kind == "JPEG" else {}
    return encode(image or picture(), kind, exif=exif, **options)


def with_alpha(kind: str = "PNG") -> bytes:
    """Left half opaque, right half see-through."""
    rgba = np.dstack([pixels(), np.full((HEIGHT, WIDTH), 255, np.uint8)])
    rgba[:, WIDTH // 2 :, 3] = 0
    return encode(Image.fromarray(rgba), kind, **({"lossless": True} if kind == "WEBP" else {}))


def png_with_broken_exif() -> bytes:
    """A sound PNG whose EXIF chunk is noise."""
    content = encode(picture(), "PNG")
    end = content.rindex(b"IEND") - 4
    return content[:33] + png_chunk(b"eXIf", b"\xde\xad\xbe\xef" * 8) + content[33:end] + content[end:]


def jpeg_with_broken_exif() -> bytes:
    """A sound JPEG whose EXIF block is noise."""
    content = encode(picture())
    block = b"Exif\x00\x00" + b"\xde\xad\xbe\xef" * 8
    return content[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + content[2:]


@dataclass(frozen=True, slots=True)
class Sample:
    """A file and what becomes of it.

    ``kept``: the format it is stored in and why its bytes are new (empty where they are not). ``rejected``: the reason.
    """

    name: str
    make: Callable[[], bytes]
    kept: tuple[str, str] | None = None
    rejected: str = ""


def _grey16() -> NDArray[np.uint16]:
    return (pixels()[:, :, 0].astype(np.uint16) * 257).astype(np.uint16)


def _bomb() -> bytes:
    return png_header(50_000, 50_000) + png_chunk(b"IDAT", zlib.compress(b"\x00" * 1000)) + png_chunk(b"IEND", b"")


def _many_pixels() -> bytes:
    """Really 1600 x 1400 pixels in some kilobytes: over the limit that the tests set."""
    return encode(Image.new("RGB", (1600, 1400), (90, 120, 30)), "PNG", optimize=True)


def _cmyk() -> bytes:
    return encode(picture().convert("CMYK"), "JPEG", quality=95)


def _palette(**options: Any) -> bytes:
    return encode(picture().quantize(64), "PNG", **options)


def _float_tiff() -> bytes:
    return encode(Image.fromarray(pixels()[:, :, 0].astype(np.float32) / 255), "TIFF")


def _postscript() -> bytes:
    return b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 80 48\n%%EndComments\n0 0 moveto showpage\n%%EOF\n"


MAX_PIXELS = 2_000_000

KEPT_AS_THEY_ARE: Sequence[Sample] = (
    Sample("rgb.jpg", lambda: encode(picture(1)), ("jpeg", "")),
    Sample("progressive.jpeg", lambda: encode(picture(2), progressive=True), ("jpeg", "")),
    Sample("grey.jpg", lambda: encode(picture(3).convert("L")), ("jpeg", "")),
    Sample("upright.jpg", lambda: turned(1), ("jpeg", "")),
    Sample("orientation_9.jpg", lambda: turned(9), ("jpeg", "")),
    Sample("broken_exif.jpg", jpeg_with_broken_exif, ("jpeg", "")),
    Sample("broken_exif.png", png_with_broken_exif, ("png", "")),
    Sample("rgb.png", lambda: encode(picture(4), "PNG"), ("png", "")),
    Sample("grey.png", lambda: encode(picture(5).convert("L"), "PNG"), ("png", "")),
    Sample("lossy.webp", lambda: encode(picture(6), "WEBP"), ("webp", "")),
    Sample("lossless.webp", lambda: encode(picture(7), "WEBP", lossless=True), ("webp", "")),
    Sample("two_views.jpg", lambda: animation("MPO"), ("jpeg", "")),
    Sample("png_named.jpg", lambda: encode(picture(8), "PNG"), ("png", "")),
)
CONVERTED: Sequence[Sample] = (
    Sample("turned.jpg", lambda: turned(6), ("jpeg", "turned upright")),
    Sample("turned.png", lambda: turned(6, kind="PNG"), ("png", "turned upright")),
    Sample("cmyk.jpg", _cmyk, ("jpeg", "mode CMYK")),
    Sample("grey16.png", lambda: png_16_bit(_grey16()), ("png", "16 bit")),
    Sample("rgb16.png", lambda: png_16_bit(pixels().astype(np.uint16) * 257), ("png", "16 bit")),
    Sample("alpha.png", with_alpha, ("png", "alpha over white")),
    Sample("alpha.webp", lambda: with_alpha("WEBP"), ("png", "alpha over white")),
    Sample("grey_alpha.png", lambda: encode(picture().convert("LA"), "PNG"), ("png", "alpha over white")),
    Sample("palette.png", _palette, ("png", "mode P")),
    Sample("palette_alpha.png", lambda: _palette(transparency=0), ("png", "alpha over white")),
    Sample("one_bit.png", lambda: encode(picture().convert("1"), "PNG"), ("png", "mode 1")),
    Sample("still.gif", lambda: encode(picture().quantize(64), "GIF"), ("png", "mode P, format gif")),
    Sample("rgb.bmp", lambda: encode(picture(), "BMP"), ("png", "format bmp")),
    Sample("stride_160.bmp", lambda: encode(picture(width=53), "BMP"), ("png", "format bmp")),
    Sample("rgb.tif", lambda: encode(picture(), "TIFF"), ("png", "format tiff")),
    Sample(
        "deflated.tiff", lambda: encode(picture(), "TIFF", compression="tiff_adobe_deflate"), ("png", "format tiff")
    ),
    Sample("rgb.ppm", lambda: encode(picture(), "PPM"), ("png", "format ppm")),
    Sample("rgb.tga", lambda: encode(picture(), "TGA"), ("png", "format tga")),
    Sample("rgb.jp2", lambda: encode(picture(), "JPEG2000"), ("jpeg", "format jpeg2000")),
    Sample("rgb.avif", lambda: encode(picture(), "AVIF"), ("jpeg", "format avif")),
)
REJECTED: Sequence[Sample] = (
    Sample("empty.jpg", lambda: b"", rejected="empty"),
    Sample("truncated.jpg", lambda: encode(picture(), quality=95)[:900], rejected="truncated"),
    Sample("truncated.png", lambda: encode(picture(), "PNG")[:-60], rejected="truncated"),
    Sample("truncated.webp", lambda: encode(picture(), "WEBP", lossless=True)[:-60], rejected="broken"),
    Sample("header_only.jpg", lambda: encode(picture())[:20], rejected="not an image"),
    Sample("text.jpg", lambda: b"Dear Sir,\nplease find no picture attached.\n" * 20, rejected="not an image"),
    Sample("zeros.png", lambda: bytes(5000), rejected="not an image"),
    Sample("page.jpg", lambda: b"<html><body>404 Not Found</body></html>", rejected="not an image"),
    Sample("postscript.jpg", _postscript, rejected="not an image"),
    Sample("vector.png", lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>', rejected="not an image"),
    Sample("bomb.png", _bomb, rejected="too many pixels"),
    Sample("many_pixels.png", _many_pixels, rejected="too many pixels"),
    Sample("tiny.png", lambda: encode(picture(width=200, height=8), "PNG"), rejected="too small"),
    Sample("animated.gif", lambda: animation("GIF"), rejected="animated"),
    Sample("animated.webp", lambda: animation("WEBP"), rejected="animated"),
    Sample("animated.png", lambda: animation("PNG"), rejected="animated"),
    Sample("pages.tiff", lambda: animation("TIFF"), rejected="animated"),
    Sample("float.tif", _float_tiff, rejected="unusual pixels"),
)
SAMPLES = (*KEPT_AS_THEY_ARE, *CONVERTED, *REJECTED)
