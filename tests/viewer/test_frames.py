import io

import pytest
from PIL import Image

from schemas.errors import SampleError
from tests.viewer.datasets import picture
from viewer.frames import MAX_PIXELS, WIDTHS, inspect_image, shown_width, stored_picture, thumbnail


def encode(image: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize(("kind", "media"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")])
def test_kinds(kind: str, media: str) -> None:
    content = encode(Image.new("RGB", (50, 30), "red"), kind)
    assert inspect_image(content) == (media, (50, 30))
    assert stored_picture(content).content == content


@pytest.mark.parametrize(
    "content", [b"", b"GIF", b"<svg onload=alert(1)>", b"\xff\xd8\xff", encode(Image.new("L", (4, 4)), "BMP")]
)
def test_what_is_no_image_of_a_page(content: bytes) -> None:
    assert inspect_image(content) is None
    with pytest.raises(SampleError, match="no readable image"):
        stored_picture(content)


def test_a_thumbnail_keeps_the_shape() -> None:
    small = thumbnail(picture(1, 1000, 500), 320)
    with Image.open(io.BytesIO(small.content)) as image:
        assert image.size == (320, 160)
    assert small.media_type == "image/jpeg"
    content = picture(1, 100, 60)
    assert thumbnail(content, 320).content == content


def test_transparent_and_palette_pictures() -> None:
    for mode in ("RGBA", "P", "LA", "1"):
        small = thumbnail(encode(Image.new(mode, (500, 300)), "PNG"), 160)
        with Image.open(io.BytesIO(small.content)) as image:
            assert image.size == (160, 96)


def test_a_cut_off_picture() -> None:
    content = picture(1, 800, 600, noise=30)
    with pytest.raises(SampleError, match="damaged"):
        thumbnail(content[: len(content) // 2], 320)


def test_a_bomb_is_refused_by_its_header() -> None:
    header = encode(Image.new("1", (30_000, 3_000)), "PNG")
    assert MAX_PIXELS < 30_000 * 3_000
    assert inspect_image(header) is None


def test_widths_are_few() -> None:
    assert {shown_width(asked) for asked in range(1, 5000)} == set(WIDTHS)
    assert shown_width(97) == 160
