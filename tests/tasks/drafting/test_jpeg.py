"""JPEGs without metadata: the pixels stay as they were, to the bit; what cannot be followed is left to a decoder."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tasks.drafting.jpeg import without_metadata


def paint(mode: str = "RGB") -> Image.Image:
    ramp = np.arange(48 * 32 * 3, dtype=np.uint32).reshape(32, 48, 3) % 251
    return Image.fromarray(ramp.astype(np.uint8)).convert(mode)


def jpeg(mode: str = "RGB", **options: object) -> bytes:
    out = io.BytesIO()
    paint(mode).save(out, "JPEG", quality=90, **options)  # type: ignore[arg-type]
    return out.getvalue()


def exif() -> bytes:
    tags = Image.Exif()
    tags[0x010E] = "taken at 12 Secret Street"
    return tags.tobytes()


def pixels(content: bytes) -> object:
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image).tolist()


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 2}, {"optimize": True}])
def test_camera_data_profiles_and_comments_go_and_no_pixel_changes(options: dict[str, object]) -> None:
    loud = jpeg(exif=exif(), icc_profile=b"profile" * 40, comment=b"a note to myself", **options)
    assert b"Secret Street" in loud
    bare = without_metadata(loud)
    assert bare is not None
    assert b"Secret" not in bare
    assert b"profile" not in bare
    assert b"note" not in bare
    assert pixels(bare) == pixels(loud)
    assert bare == jpeg(**options), "nothing but these segments is gone"
    assert without_metadata(bare) == bare


def test_grey_is_as_good() -> None:
    grey = jpeg("L")
    assert without_metadata(grey) == grey


@pytest.mark.parametrize("mode", ["CMYK"])
def test_other_colours_are_left_to_a_decoder(mode: str) -> None:
    assert without_metadata(jpeg(mode)) is None


def test_what_is_no_jpeg() -> None:
    out = io.BytesIO()
    paint().save(out, "PNG")
    assert without_metadata(out.getvalue()) is None
    assert without_metadata(b"") is None


@pytest.mark.parametrize("end", range(2, 120, 7))
def test_a_head_that_breaks_off(end: int) -> None:
    assert without_metadata(jpeg()[:end]) is None


def test_a_segment_that_says_it_is_shorter_than_its_length() -> None:
    whole = bytearray(jpeg())
    whole[4:6] = b"\x00\x01"
    assert without_metadata(bytes(whole)) is None


@given(st.binary(max_size=200))
def test_nothing_is_ever_raised(content: bytes) -> None:
    for data in (content, b"\xff\xd8" + content, jpeg()[:40] + content):
        found = without_metadata(data)
        assert found is None or found[:2] == b"\xff\xd8"
