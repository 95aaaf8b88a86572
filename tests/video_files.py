"""Videos made on the spot: shots of painted pictures that a cut tells apart."""

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def painted(seed: int, width: int = 96, height: int = 64) -> Pixels:
    """A picture of coloured blocks that differs from those of other seeds; shape ``(height, width, 3)``."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    return blocks.repeat(8, axis=0).repeat(8, axis=1)


def blurred(pixels: Pixels) -> Pixels:
    """The same without edges."""
    soft = pixels.astype(np.float64)
    for axis in (0, 1):
        for _ in range(12):
            soft = (np.roll(soft, 1, axis) + soft + np.roll(soft, -1, axis)) / 3
    return np.rint(soft).astype(np.uint8)


def write_video(
    path: Path,
    frames: Sequence[Pixels],
    times: Sequence[float] | None = None,
    fps: int = 10,
    codec: str = "mpeg4",
    options: dict[str, str] | None = None,
    aspect: Fraction | None = None,
    size: tuple[int, int] | None = None,
) -> Path:
    """A video of these frames, shown at ``times`` (seconds) or at an even rate; milliseconds are kept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(codec, rate=fps)
        stream.width, stream.height = size or frames[0].shape[1::-1]
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 4_000_000
        stream.gop_size = 12
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        container.start_encoding()
        for k, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = round(1000 * (times[k] if times is not None else k / fps))
            frame.time_base = Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def shots(lengths: Sequence[int], first_seed: int = 0) -> list[Pixels]:
    """Frames of shots of these lengths, each a still picture of its own."""
    return [painted(first_seed + seed) for seed, length in enumerate(lengths) for _ in range(length)]


def write_sound(path: Path) -> Path:
    """A second of silence in a container of videos."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000, layout="mono")
        for k in range(8):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1000), dtype=np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 8000, 1000 * k
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def turn_by_90(path: Path) -> None:
    """Mark an MP4 as filmed with the camera on its side: the matrix of the track header says a quarter turn clockwise."""
    content = bytearray(path.read_bytes())
    place = content.index(b"tkhd") + 4
    matrix = place + (40 if content[place] == 0 else 52)
    one, down = 1 << 16, 1 << 30
    content[matrix : matrix + 36] = struct.pack(">9i", 0, one, 0, -one, 0, 0, 0, 0, down)
    path.write_bytes(bytes(content))
