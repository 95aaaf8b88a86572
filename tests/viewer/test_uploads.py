"""Images from the page: told by content, bounded, upright."""

import base64
import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from schemas.errors import SampleError
from viewer import uploads
from viewer.uploads import MAX_IMAGES, read_uploads, upload_sizes


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def given(*contents: bytes) -> list[dict[str, str]]:
    return [{"name": f"{n}.jpg", "data": base64.b64encode(content).decode()} for n, content in enumerate(contents)]


def test_sound_images_stay_as_they_are_whatever_their_name_says() -> None:
    contents = [encoded(Image.new("RGB", (64, 32)), kind) for kind in ("PNG", "JPEG", "WEBP")]
    read = read_uploads(given(*contents))
    assert [one.content for one in read] == contents
    assert [one.media_type for one in read] == ["image/png", "image/jpeg", "image/webp"]
    assert [one.suffix for one in read] == ["png", "jpg", "webp"]
    assert upload_sizes(read) == [(64, 32)] * 3
    assert base64.b64decode(read[0].data_uri.partition(",")[2]) == contents[0]


def test_a_turned_photo_becomes_upright_and_boxes_count_in_its_upright_pixels() -> None:
    image = Image.new("RGB", (40, 20), "red")
    image.paste((0, 0, 255), (0, 0, 20, 20))
    exif = image.getexif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    upload = read_uploads(given(encoded(image, "JPEG", exif=exif, quality=95)))[0]
    assert (upload.width, upload.height) == (20, 40)
    with Image.open(io.BytesIO(upload.content)) as turned:
        assert turned.size == (20, 40)
        assert turned.getexif().get(0x0112, 1) == 1
        red, _, blue = turned.convert("RGB").getpixel((10, 5))  # type: ignore[misc]
        assert blue > 200 > red


def test_transparent_palette_and_moving_images_become_plain_ones() -> None:
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    moving = encoded(Image.new("P", (8, 8)), "GIF", save_all=True, append_images=[Image.new("P", (8, 8), 1)])
    read = read_uploads(given(encoded(clear), moving, encoded(Image.new("CMYK", (8, 8)), "JPEG")))
    assert {one.media_type for one in read} == {"image/jpeg"}
    with Image.open(io.BytesIO(read[0].content)) as image:
        assert image.getpixel((4, 4)) == (255, 255, 255)


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is huge."""

    def part(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", zlib.compress(b"\0")) + part(b"IEND", b"")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "list of objects"),
        ([], "no image was given"),
        (["x"], "list of objects"),
        ([{"name": "a.jpg"}], "image 1 .a.jpg. came without its bytes"),
        ([{"data": "***"}], "image 1 is not valid base64"),
        (given(b""), "not an image"),
        (given(b"%PDF-1.7 not an image"), "not an image"),
        (given(encoded(Image.new("RGB", (64, 64)), "JPEG")[:200]), "not an image"),
        (given(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"), "not an image"),
        (given(bomb(60_000, 60_000)), "million pixels"),
        (given(bomb(9_000, 9_000)), "million pixels"),
    ],
)
def test_what_is_no_usable_image_is_told(value: object, told: str) -> None:
    with pytest.raises(SampleError, match=told):
        read_uploads(value)


def test_too_many_and_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SampleError, match=f"200 images were given and at most {MAX_IMAGES}"):
        read_uploads([{"data": ""}] * 200)
    monkeypatch.setattr(uploads, "MAX_IMAGE_BYTES", 1_000)
    with pytest.raises(SampleError, match="larger than"):
        read_uploads(given(bytes(3_000)))


def test_none_at_all_may_be_allowed() -> None:
    assert read_uploads([], least=0) == ()
