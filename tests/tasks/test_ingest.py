"""``ingest``: whatever a file holds, it becomes a sound frame or a dead letter with a reason."""

import hashlib
import io
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageOps
from scipy.fft import dctn

from schemas.arrow import FRAMES
from schemas.config import IngestConfig
from schemas.errors import SampleError, ShardError
from tasks.ingest import ingest_row, ingest_shard, perceptual_hash, store_image
from tasks.runtime.stage import Kept, Outcome, Rejected, Row
from tests.tasks.image_files import (
    CONVERTED,
    HEIGHT,
    KEPT_AS_THEY_ARE,
    MAX_PIXELS,
    REJECTED,
    SAMPLES,
    WIDTH,
    Sample,
    encode,
    picture,
    pixels,
    png_16_bit,
    turned,
    with_alpha,
)

PARAMS = IngestConfig(max_pixels=MAX_PIXELS)


def planned(name: str, content: bytes, sha256: str | None = None) -> Row:
    """The plan's row of a file."""
    digest = hashlib.sha256(content).hexdigest() if sha256 is None else sha256
    return {
        "item": name,
        "film": "film",
        "scene": "0001",
        "frame_id": f"film_{name}",
        "sha256": digest,
        "bytes": len(content),
    }


def decoded(content: bytes) -> Image.Image:
    """A stored frame, read back."""
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def outcomes(files: dict[str, bytes], params: IngestConfig = PARAMS) -> list[Outcome]:
    """What becomes of these files."""
    return list(ingest_shard([planned(n, c) for n, c in files.items()], files.__getitem__, params))


def named(sample: Sample) -> str:
    """The name of a sample, for the test's."""
    return sample.name


@pytest.mark.parametrize("sample", KEPT_AS_THEY_ARE, ids=named)
def test_sound_files_are_kept_byte_for_byte(sample: Sample) -> None:
    content = sample.make()
    stored = store_image(content, PARAMS)
    assert (stored.format, stored.reencoded) == sample.kept
    assert stored.content == content


@pytest.mark.parametrize("sample", CONVERTED, ids=named)
def test_unusual_files_are_converted_and_say_why(sample: Sample) -> None:
    content = sample.make()
    stored = store_image(content, PARAMS)
    assert (stored.format, stored.reencoded) == sample.kept
    assert stored.content != content


@pytest.mark.parametrize("sample", REJECTED, ids=named)
def test_bad_files_are_rejected_with_a_reason(sample: Sample) -> None:
    with pytest.raises(SampleError) as caught:
        store_image(sample.make(), PARAMS)
    reason, colon, detail = str(caught.value).partition(": ")
    assert reason == sample.rejected
    assert colon
    assert detail
    assert "\n" not in detail


@pytest.mark.parametrize("sample", [*KEPT_AS_THEY_ARE, *CONVERTED], ids=named)
def test_stored_frames_hold_what_the_stage_promises(sample: Sample) -> None:
    stored = store_image(sample.make(), PARAMS)
    image = decoded(stored.content)
    assert image.mode in ("RGB", "L")
    assert image.mode == stored.pixels.mode
    assert image.size == stored.pixels.size
    assert (image.format or "").replace("MPO", "JPEG") == stored.format.upper()
    assert not image.has_transparency_data
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except SyntaxError:  # EXIF that is noise
        orientation = 1
    assert orientation not in range(2, 9)
    again = store_image(stored.content, PARAMS)
    assert again.content == stored.content
    assert np.array_equal(np.asarray(image), np.asarray(stored.pixels)) or stored.format == "jpeg"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_pixels_stand_upright(orientation: int, kind: str) -> None:
    content = turned(orientation, kind=kind)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    stored = store_image(content, PARAMS)
    assert stored.pixels.size == ((HEIGHT, WIDTH) if orientation >= 5 else (WIDTH, HEIGHT))
    assert np.array_equal(np.asarray(stored.pixels), np.asarray(upright))
    # The file as well: JPEG is written once more at high quality, PNG without loss.
    away = np.abs(np.asarray(decoded(stored.content), int) - np.asarray(upright, int))
    assert away.max() <= (12 if kind == "JPEG" else 0)


def test_a_row_of_a_turned_frame_has_the_upright_size() -> None:
    content = turned(6)
    outcome = ingest_row(planned("a.jpg", content), content, PARAMS)
    assert isinstance(outcome, Kept)
    assert (outcome.row["width"], outcome.row["height"]) == (HEIGHT, WIDTH)


def test_16_bits_become_8_by_scaling_and_not_by_cutting() -> None:
    levels = np.array([[0, 128, 129, 32767, 32896, 65407, 65535]], np.uint16)
    expected = np.rint(levels / 257).astype(np.uint8)
    samples = np.repeat(levels, 40, axis=0).repeat(6, axis=1)
    stored = store_image(png_16_bit(samples), PARAMS)
    assert stored.pixels.mode == "L"
    assert np.array_equal(np.asarray(stored.pixels)[0, ::6], expected[0])


def test_16_bit_colours_keep_their_colours() -> None:
    stored = store_image(png_16_bit(pixels().astype(np.uint16) * 257), PARAMS)
    assert np.array_equal(np.asarray(stored.pixels), pixels())


def test_see_through_pixels_become_white_and_the_others_stay() -> None:
    for kind in ("PNG", "WEBP"):
        values = np.asarray(store_image(with_alpha(kind), PARAMS).pixels)
        assert np.array_equal(values[:, : WIDTH // 2], pixels()[:, : WIDTH // 2])
        assert (values[:, WIDTH // 2 :] == 255).all()


def test_half_see_through_pixels_are_mixed_with_white() -> None:
    rgba = np.dstack([np.zeros((40, 40, 3), np.uint8), np.full((40, 40), 128, np.uint8)])
    values = np.asarray(store_image(encode(Image.fromarray(rgba), "PNG"), PARAMS).pixels)
    assert np.abs(values.astype(int) - 127).max() <= 1


def test_cmyk_colours_survive() -> None:
    stored = store_image(encode(picture().convert("CMYK"), quality=100, subsampling=0), PARAMS)
    assert stored.pixels.mode == "RGB"
    assert np.abs(np.asarray(stored.pixels, int) - pixels().astype(int)).mean() < 3


def test_palette_and_one_bit_colours_survive() -> None:
    small = picture().quantize(16)
    stored = store_image(encode(small, "PNG"), PARAMS)
    assert np.array_equal(np.asarray(stored.pixels), np.asarray(small.convert("RGB")))
    stored = store_image(encode(picture().convert("1"), "PNG"), PARAMS)
    assert stored.pixels.mode == "L"
    assert set(np.unique(np.asarray(stored.pixels))) == {0, 255}


def test_limits_are_those_of_the_configuration() -> None:
    content = encode(picture())
    store_image(content, IngestConfig(max_pixels=WIDTH * HEIGHT, max_bytes=len(content), min_side=HEIGHT))
    for params, reason in (
        (IngestConfig(max_pixels=WIDTH * HEIGHT - 1), "too many pixels"),
        (IngestConfig(max_bytes=len(content) - 1), "too large"),
        (IngestConfig(min_side=HEIGHT + 1), "too small"),
    ):
        with pytest.raises(SampleError, match=reason):
            store_image(content, params)


def test_a_file_that_is_too_large_is_never_read() -> None:
    def read(item: str) -> bytes:
        raise AssertionError("a file of 50 GB was read into memory")

    row = planned("film.jpg", b"") | {"bytes": 50_000_000_000}
    (outcome,) = ingest_shard([row], read, PARAMS)
    assert isinstance(outcome, Rejected)
    assert outcome.reason == "too large"


def test_a_bomb_is_found_by_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import ImageFile

    def load(self: ImageFile.ImageFile) -> None:
        raise AssertionError("pixels were decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    for sample in REJECTED:
        if sample.rejected == "too many pixels":
            with pytest.raises(SampleError, match="too many pixels"):
                store_image(sample.make(), PARAMS)


def test_files_of_unknown_origin_never_reach_ghostscript(monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import EpsImagePlugin

    def run(*_: object, **__: object) -> None:
        raise AssertionError("Ghostscript was called")

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", run)
    sample = next(sample for sample in REJECTED if sample.name == "postscript.jpg")
    with pytest.raises(SampleError, match="not an image"):
        store_image(sample.make(), PARAMS)


def test_every_sample_is_accounted_for() -> None:
    files = {sample.name: sample.make() for sample in SAMPLES}
    found = outcomes(files)
    assert len(found) == len(files)
    for sample, outcome in zip(SAMPLES, found, strict=True):
        if isinstance(outcome, Kept):
            assert outcome.items == 1
            assert outcome.row["frame_id"] == f"film_{sample.name}"
            assert (outcome.row["format"], outcome.row["reencoded"]) == sample.kept
        else:
            assert (outcome.item, outcome.reason) == (f"film_{sample.name}", sample.rejected)
            assert outcome.detail.startswith(f"{sample.name}: ")
    kept = sum(isinstance(outcome, Kept) for outcome in found)
    assert kept == len(KEPT_AS_THEY_ARE) + len(CONVERTED)
    assert len(found) - kept == len(REJECTED)


def test_rows_fit_their_schema_and_tell_what_was_measured() -> None:
    import pyarrow as pa

    content = encode(picture(3), "PNG")
    (outcome,) = outcomes({"a.png": content})
    assert isinstance(outcome, Kept)
    assert pa.Table.from_pylist([outcome.row], schema=FRAMES).to_pylist()[0]["image"] == content
    assert list(outcome.row) == FRAMES.names
    assert outcome.row["source"] == "a.png"
    assert outcome.row["source_sha256"] == hashlib.sha256(content).hexdigest()
    grey = np.asarray(picture(3), float) @ [0.299, 0.587, 0.114] / 255
    assert outcome.row["luma"] == pytest.approx(grey.mean(), abs=0.01)
    assert outcome.row["contrast"] == pytest.approx(grey.std(), abs=0.01)
    assert outcome.row["phash"] == perceptual_hash(picture(3))


def test_a_file_that_changed_since_it_was_planned_fails_the_shard() -> None:
    """A dead letter would be kept under the key of the old content, and be found again when that comes back."""
    old, new = encode(picture(1)), encode(picture(2))
    with pytest.raises(ShardError, match=r"a\.jpg changed while the build ran: run again"):
        list(ingest_shard([planned("a.jpg", old)], lambda _: new, PARAMS))


def test_a_file_that_could_not_be_hashed_but_can_be_read_is_taken() -> None:
    content = encode(picture())
    (outcome,) = ingest_shard([planned("a.jpg", content, sha256="")], lambda _: content, PARAMS)
    assert isinstance(outcome, Kept)


def test_a_file_that_could_be_hashed_but_cannot_be_read_fails_the_shard() -> None:
    def read(item: str) -> bytes:
        raise SampleError("a.jpg: Input/output error")

    with pytest.raises(ShardError, match=r"a\.jpg: Input/output error, but it could be read when the build began"):
        list(ingest_shard([planned("a.jpg", b"x")], read, PARAMS))


def test_a_file_that_cannot_be_read_is_rejected_and_the_others_are_taken() -> None:
    content = encode(picture())

    def read(item: str) -> bytes:
        if item == "b.jpg":
            raise SampleError("b.jpg: Input/output error")
        return content

    rows = [planned(name, content, "" if name == "b.jpg" else None) for name in ("a.jpg", "b.jpg", "c.jpg")]
    found = list(ingest_shard(rows, read, PARAMS))
    assert [type(outcome) for outcome in found] == [Kept, Rejected, Kept]
    assert isinstance(found[1], Rejected)
    assert (found[1].reason, found[1].detail) == ("unreadable", "b.jpg: Input/output error")


def test_frames_come_in_the_order_of_the_plan() -> None:
    files = {f"{n}.png": encode(picture(n % 3, width=40 + n * 3), "PNG") for n in range(40)}
    found = outcomes(files)
    assert [o.row["source"] for o in found if isinstance(o, Kept)] == list(files)


def mutate(content: bytes, rng: random.Random) -> bytes:
    """A file with some bytes changed, lost or added, most of them in its head."""
    damaged = bytearray(content or b"x")
    for _ in range(rng.choice([1, 1, 2, 5, 20])):
        place = rng.randrange(min(len(damaged), rng.choice([60, 300, len(damaged)])))
        kind = rng.random()
        if kind < 0.6:
            damaged[place] = rng.randrange(256)
        elif kind < 0.8:
            del damaged[place : place + rng.randrange(1, 40)]
        else:
            damaged[place:place] = rng.randbytes(rng.randrange(1, 10))
        damaged = damaged or bytearray(b"x")
    return bytes(damaged)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("sample", SAMPLES, ids=named)
def test_no_damage_does_more_than_reject_the_file(sample: Sample) -> None:
    rng = random.Random(sample.name)
    content = sample.make()
    for _ in range(40):
        damaged = mutate(content, rng)
        try:
            stored = store_image(damaged, PARAMS)
        except SampleError:
            continue
        assert stored.pixels.mode in ("RGB", "L")
        assert decoded(stored.content).size == stored.pixels.size


def reference_hash(image: Image.Image) -> int:
    """The perceptual hash by scipy's DCT, bit by bit."""
    grey = image.convert("L").resize((32, 32), Image.Resampling.BILINEAR, reducing_gap=2.0)
    low = dctn(np.asarray(grey, float), norm="ortho")[:8, :8].ravel()
    middle = np.median(low[1:])
    return sum(1 << (63 - place) for place, value in enumerate(low) if value > middle)


@given(st.integers(0, 10**6), st.integers(32, 200), st.integers(32, 200))
def test_the_hash_agrees_with_an_independent_one(seed: int, width: int, height: int) -> None:
    image = picture(seed, width, height)
    assert perceptual_hash(image) == reference_hash(image)
    assert perceptual_hash(image.convert("L")) == reference_hash(image.convert("L"))
    assert 0 <= perceptual_hash(image) < 2**64


SMALL_CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "brighter": lambda image: image.point(lambda v: min(255, round(v * 1.05 + 3))),
    "darker": lambda image: image.point(lambda v: round(v * 0.95)),
    "smaller": lambda image: image.resize((image.width * 3 // 4, image.height * 3 // 4), Image.Resampling.LANCZOS),
    "larger": lambda image: image.resize((image.width * 2, image.height * 2), Image.Resampling.BICUBIC),
    "recompressed": lambda image: Image.open(io.BytesIO(encode(image, quality=60))),
    "grey": lambda image: image.convert("L"),
}


@pytest.mark.parametrize("change", SMALL_CHANGES)
def test_the_hash_of_the_same_picture_hardly_moves_and_of_another_does(change: str) -> None:
    near, far = [], []
    for seed in range(40):
        image = picture(seed, 160, 96)
        own = perceptual_hash(image)
        near.append((own ^ perceptual_hash(SMALL_CHANGES[change](image))).bit_count())
        far.append((own ^ perceptual_hash(picture(seed + 1000, 160, 96))).bit_count())
    assert max(near) <= 10
    assert np.median(near) <= 2
    assert min(far) >= 14


def test_files_on_disk_that_are_no_files(tmp_path: Path) -> None:
    """Through the folder source: what is planned is what comes out or is rejected."""
    from tasks.sources.folder import FolderSource

    def write() -> Iterator[str]:
        for sample in SAMPLES:
            (tmp_path / sample.name).write_bytes(sample.make())
            yield sample.name
        (tmp_path / "loop.jpg").symlink_to("loop.jpg")
        yield "loop.jpg"
        (tmp_path / "dangling.jpg").symlink_to("nowhere.jpg")
        yield "dangling.jpg"

    names = set(write())
    source = FolderSource(tmp_path, None)
    items = list(source.scan())
    rows = [planned(i.item, b"", i.sha256) | {"bytes": i.bytes} for i in items]
    found = list(ingest_shard(rows, source.read, PARAMS))
    assert {item.item for item in items} == names
    assert len(found) == len(names)
    assert sum(isinstance(outcome, Kept) for outcome in found) == len(KEPT_AS_THEY_ARE) + len(CONVERTED)
    reasons = {o.item.removeprefix("film_"): o.reason for o in found if isinstance(o, Rejected)}
    assert reasons["loop.jpg"] == reasons["dangling.jpg"] == "unreadable"
    assert {n: r for n, r in reasons.items() if r != "unreadable"} == {s.name: s.rejected for s in REJECTED}
