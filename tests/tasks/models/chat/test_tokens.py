"""Token estimates against figures worked out by hand."""

import io

import pytest
from PIL import Image

from schemas.chat import Picture, Turn
from tasks.models.chat.tokens import count_picture_tokens, estimate_tokens, picture_size
from tests.chat_requests import request


@pytest.mark.parametrize(
    ("width", "height", "tokens"),
    [
        (512, 512, 361),  # OpenAI: 1 tile 255; Qwen: 19 x 19
        (1024, 1024, 1369),  # OpenAI shrinks to 768: 4 tiles, 765; Qwen: 37 x 37
        (100, 100, 255),  # 1 tile
        (4096, 256, 1470),  # Qwen: 147 x 10; OpenAI: 2048 x 128, 4 tiles, 765
    ],
)
def test_pictures(width: int, height: int, tokens: int) -> None:
    assert count_picture_tokens(width, height) == tokens


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"lossless": True}, {"exif": b"Exif\0\0" + b"x" * 300}])
def test_sizes_are_those_that_pillow_reads(form: str, options: dict[str, object]) -> None:
    out = io.BytesIO()
    Image.new("RGB", (321, 123), "teal").save(out, form, **options)
    assert picture_size(out.getvalue()) == (321, 123)


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", b"GIF89a", b"RIFF0000WEBP", b"\xff\xd8\xff\xe0\xff\xff" + b"x" * 20]
)
def test_a_picture_without_a_size_counts_as_a_large_one(data: bytes) -> None:
    assert picture_size(data) is None
    with_picture = request(turns=(Turn("user", ("story 0", Picture(data))),))
    assert estimate_tokens(with_picture) == estimate_tokens(request()) + 1600


def test_text() -> None:
    plain = request(schema=None, system="a" * 40, turns=(Turn("user", ("b" * 60, "é" * 10)),))
    assert estimate_tokens(plain) == 120 // 4 + 16
    assert estimate_tokens(plain, worst=True) == 120 // 2 + 16
