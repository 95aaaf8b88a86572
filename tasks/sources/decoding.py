"""Video files decoded by PyAV: frames in order with their times, one frame at a time, and one turned into a stored image."""

import contextlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from schemas.errors import ConfigError, SampleError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,asf,flv,ogg"
"""Containers that are read. Playlists are not among them: they name other files and addresses, which nobody asked for."""
JPEG_QUALITY = 95
_LARGE_HEIGHT = 720
_MICROSECOND = Fraction(1, 1_000_000)
_MAX_DAMAGED = 1000


def _flags() -> int:
    """Conversion with the same result on every processor: no shortcuts that differ between instruction sets."""
    from av.video.reformatter import Interpolation

    exact = Interpolation.ACCURATE_RND | Interpolation.BITEXACT
    return int(Interpolation.BICUBIC | Interpolation.FULL_CHR_H_INT | exact)


@dataclass(slots=True)
class OpenVideo:
    """A video under way; ``damaged`` counts packets that gave no frame.

    Times are in seconds from the first frame of the stream, taken from presentation times, so that frame rates may vary.
    """

    container: "InputContainer"
    stream: "VideoStream"
    damaged: int = 0
    position: float = field(default=-1.0)

    def frames(self) -> Iterator[tuple[float, "VideoFrame"]]:
        """Time and frame, in order of presentation; what cannot be decoded is passed over and counted.

        Raises:
            SampleError: too much is damaged for it to be a video.
        """
        from av.error import EOFError as EndOfFile
        from av.error import FFmpegError

        start = self._start()
        last = -1.0
        packets = self.container.demux(self.stream)
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                decoded = packet.decode()
            except EndOfFile:
                return
            except FFmpegError as error:
                self.damaged += 1
                if self.damaged > _MAX_DAMAGED:
                    raise SampleError(f"broken: more than {_MAX_DAMAGED} damaged packets") from error
                continue
            for frame in decoded:
                if frame.pts is None:
                    self.damaged += 1
                    continue
                seconds = max(0.0, float((frame.pts - start) * self._base()))
                if seconds > last:  # a stream that jumps back is a broken one: time goes forward
                    last = self.position = seconds
                    yield seconds, frame

    def seek(self, seconds: float) -> None:
        """Go to the last key frame at or before a time."""
        from av.error import FFmpegError

        target = self._start() + int(seconds / self._base())
        with contextlib.suppress(FFmpegError):  # where there is no seeking, decoding goes on from where it stands
            self.container.seek(max(target, self._start()), stream=self.stream, backward=True, any_frame=False)
        self.position = -1.0

    def declared_s(self) -> float:
        """How long the file says that it is, in seconds; 0 where it does not say."""
        if self.stream.duration:
            return float(self.stream.duration * self._base())
        return self.container.duration / 1e6 if self.container.duration else 0.0

    def _start(self) -> int:
        return self.stream.start_time or 0

    def _base(self) -> Fraction:
        return self.stream.time_base or _MICROSECOND


@contextmanager
def open_video(file: BinaryIO, name: str, repeatable: bool = False) -> Iterator[OpenVideo]:
    """Open a video for decoding; it is read through ``file`` alone, so nothing in it can name another file.

    ``repeatable`` decodes on one thread, which gives the same pictures of damaged data each time.

    Raises:
        SampleError: it is no video, or holds no video stream; the message is ``<reason>: <detail>``.
        ConfigError: PyAV is not installed.
    """
    try:
        import av
        from av.error import FFmpegError
    except ImportError as error:
        raise ConfigError("videos need PyAV: pip install 'storyreasoning[video]'") from error
    av.logging.set_level(None)
    try:
        container = av.open(
            file,
            mode="r",
            options={"format_whitelist": CONTAINERS, "protocol_whitelist": "none"},
            metadata_errors="replace",
        )
    except (FFmpegError, OSError, ValueError) as error:
        raise SampleError(f"not a video: {name} cannot be opened ({_short(error)})") from error
    with container:
        streams = [s for s in container.streams.video if not s.disposition & s.disposition.attached_pic]
        if not streams:
            kinds = ", ".join(sorted({s.type for s in container.streams})) or "nothing"
            raise SampleError(f"no video stream: {name} holds {kinds}")
        if streams[0].codec_context is None:
            raise SampleError(f"not a video: nothing here decodes the pictures of {name}")
        if repeatable:
            streams[0].codec_context.thread_count = 1
        else:
            streams[0].thread_type = "AUTO"
        yield OpenVideo(container, streams[0])


def _short(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())


def _colourspace(frame: "VideoFrame") -> int:
    """The matrix of a frame's colours; where the file does not say, that of its size, as players take it."""
    from av.video.reformatter import Colorspace

    known = {1: Colorspace.ITU709, 4: Colorspace.FCC, 5: Colorspace.ITU601, 6: Colorspace.ITU601,
             7: Colorspace.SMPTE240M, 9: Colorspace.BT2020}  # fmt: skip
    by_size = Colorspace.ITU709 if frame.height >= _LARGE_HEIGHT else Colorspace.ITU601
    return int(known.get(int(frame.colorspace), by_size))


def upright_image(frame: "VideoFrame", stream: "VideoStream", max_side: int) -> Image.Image:
    """A frame as it is meant to be seen: square pixels, turned upright, its longer side at most ``max_side`` (0: any)."""
    width, height = frame.width, frame.height
    aspect = stream.sample_aspect_ratio
    if aspect and aspect > 0 and aspect != 1:
        width = max(1, round(width * float(aspect)))
    if max_side and max(width, height) > max_side:
        scale = max_side / max(width, height)
        width, height = max(1, round(width * scale)), max(1, round(height * scale))
    space = _colourspace(frame)
    converted = frame.reformat(
        width, height, format="rgb24", src_colorspace=space, dst_colorspace=space, interpolation=_flags()
    )
    image = Image.fromarray(converted.to_ndarray())
    turns = round(frame.rotation / 90) % 4  # counterclockwise, which is how PIL counts
    if turns:
        ways = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
        image = image.transpose(ways[turns - 1])
    return image


def encode_image(image: Image.Image, kind: Literal["jpeg", "png"]) -> bytes:
    """The bytes of a frame that is kept."""
    buffer = io.BytesIO()
    if kind == "jpeg":
        image.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    else:
        image.save(buffer, "PNG")
    return buffer.getvalue()


def small_pixels(frame: "VideoFrame", width: int, height: int, pixels: str) -> NDArray[np.uint8]:
    """A frame reduced for analysis, in a pixel format of ffmpeg's."""
    from av.video.reformatter import Interpolation

    flags = int(Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.BITEXACT)
    return np.asarray(frame.reformat(width, height, format=pixels, interpolation=flags).to_ndarray(), dtype=np.uint8)
