"""Decoding ahead: order, bounds, errors, and threads that end."""

import io
import sys
import threading
import time
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tasks.runtime import images
from tasks.runtime.images import (
    DECODED_BYTES,
    WINDOW,
    ahead,
    batched,
    choose_decoder,
    decode_rgb,
    decode_with,
    frame_images,
)


def threads() -> list[str]:
    """Names of the threads that decode ahead."""
    return [t.name for t in threading.enumerate() if t.name.startswith("ahead")]


@given(st.lists(st.integers(), max_size=60), st.integers(1, 3), st.integers(1, 20))
def test_ahead_is_map_in_order(items: list[int], workers: int, window: int) -> None:
    assert list(ahead(lambda n: n * n, items, workers, window)) == [n * n for n in items]
    assert threads() == []


def test_ahead_keeps_order_when_the_first_is_slowest() -> None:
    def work(n: int) -> int:
        time.sleep(0.02 if n == 0 else 0)
        return n

    assert list(ahead(work, range(8), workers=4)) == list(range(8))


def test_ahead_draws_no_more_than_its_window() -> None:
    drawn = 0

    def draw() -> Iterator[int]:
        nonlocal drawn
        for n in range(100):
            drawn += 1
            yield n

    results = ahead(lambda n: n, draw(), window=4)
    for taken in range(1, 20):
        next(results)
        assert drawn <= taken + 4
    results.close()  # type: ignore[attr-defined]


def test_ahead_passes_an_error_on_in_its_place_and_ends_its_threads() -> None:
    def work(n: int) -> int:
        if n == 3:
            raise ZeroDivisionError
        return n

    results = ahead(work, range(10))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert threads() == []


def test_ahead_ends_its_threads_when_nobody_asks_for_more() -> None:
    results = ahead(lambda n: n, range(1000), workers=2)
    next(results)
    assert threads()
    results.close()  # type: ignore[attr-defined]
    assert threads() == []


def test_ahead_of_a_failing_source() -> None:
    def draw() -> Iterator[int]:
        yield 1
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(ahead(lambda n: n, draw()))
    assert threads() == []


@given(st.lists(st.integers(), max_size=40), st.integers(1, 10))
def test_batches_are_full_but_for_the_last(items: list[int], size: int) -> None:
    batches = list(batched(items, size))
    assert [n for batch in batches for n in batch] == items
    assert all(len(batch) == size for batch in batches[:-1])
    assert all(0 < len(batch) <= size for batch in batches)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_decoded_pixels_are_rgb(mode: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (7, 11) if mode == "L" else (7, 11, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    decoded = decode_rgb(buffer.getvalue())
    assert decoded.shape == (7, 11, 3)
    assert decoded.dtype == np.uint8
    expected = pixels if mode == "RGB" else np.repeat(pixels[:, :, None], 3, axis=2)
    assert np.array_equal(decoded, expected)


@given(st.lists(st.integers(0, 50), max_size=40), st.integers(1, 4), st.integers(1, 20), st.integers(1, 100), st.data())
def test_no_more_lies_ready_than_the_budget_or_one(
    weights: list[int], workers: int, window: int, budget: int, data: st.DataObject
) -> None:
    """Counted from outside: what was begun less what was handed over is never heavier than the budget, one item aside."""
    begun: list[int] = []
    lock = threading.Lock()

    def work(k: int) -> int:
        with lock:
            begun.append(k)
        return k

    results = ahead(work, range(len(weights)), workers, window, weights.__getitem__, budget)
    taken: list[int] = []
    while len(taken) < len(weights):
        taken.append(next(results))
        with lock:
            waiting = [weights[k] for k in begun if k not in taken]
        assert sum(waiting) <= budget or len(waiting) == 1
        assert len(waiting) <= window
    assert taken == list(range(len(weights)))
    with pytest.raises(StopIteration):
        next(results)


def test_a_budget_bounds_what_is_under_way_before_the_first_is_taken() -> None:
    begun: list[int] = []
    results = ahead(begun.append, range(100), 4, 50, lambda _: 10, 35)
    next(results)
    time.sleep(0.05)
    assert 1 <= len(begun) <= 3
    results.close()  # type: ignore[attr-defined]


class Frames:
    """As much of a shard of frames as is read."""

    def __init__(self, rows: list[dict[str, object]]) -> None:
        self.rows = rows
        self.columns: list[str] = []

    def select(self, columns: list[str]) -> Iterator[dict[str, object]]:
        """The rows."""
        self.columns = columns
        yield from self.rows


def stored(count: int, width: int, height: int) -> Frames:
    """Frames whose pixels all are the number of the frame."""
    rows = []
    for k in range(count):
        buffer = io.BytesIO()
        Image.new("RGB", (width, height), (k, k, k)).save(buffer, "PNG")
        rows.append({"frame_id": f"f{k}", "width": width, "height": height, "image": buffer.getvalue()})
    return Frames(rows)


@pytest.mark.parametrize("on_gpu", [False, True])
def test_frames_come_in_order_and_only_the_wanted(on_gpu: bool) -> None:
    frames = stored(30, 16, 9)
    wanted = [f"f{k}" for k in range(30) if k % 3]
    found = list(frame_images(frames, set(wanted), on_gpu=on_gpu))  # type: ignore[arg-type]
    assert [name for name, _ in found] == wanted
    for name, pixels in found:
        assert pixels.shape == (9, 16, 3)
        assert (pixels == int(name[1:])).all()
    assert set(frames.columns) == {"frame_id", "width", "height", "image"}
    assert threads() == []


def test_frames_decoded_in_groups_keep_their_order_and_what_is_not_known_is_decoded_as_ever() -> None:
    frames = stored(40, 16, 9)
    wanted = [f"f{k}" for k in range(40) if k % 5]
    sizes: list[int] = []

    def decode(contents: Sequence[bytes]) -> list[np.ndarray | None]:
        sizes.append(len(contents))
        numbers = [int(decode_rgb(content)[0, 0, 0]) for content in contents]
        return [None if number % 2 else np.full((9, 16, 3), 100 + number, np.uint8) for number in numbers]

    found = list(frame_images(frames, set(wanted), decode_batch=decode))  # type: ignore[arg-type]
    assert [name for name, _ in found] == wanted
    for name, pixels in found:
        number = int(name[1:])
        assert (pixels == (number if number % 2 else 100 + number)).all()
    assert sum(sizes) == len(wanted)
    assert max(sizes) == WINDOW
    assert threads() == []


def test_large_frames_are_bounded_by_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The budget for frames of 4000 x 4000 is five of them, however many threads decode: counted by a decoder that is not
    asked for pixels."""
    decoded = 0

    def decode(_: bytes) -> object:
        nonlocal decoded
        decoded += 1
        return np.zeros((1, 1, 3), np.uint8)

    monkeypatch.setattr(images, "choose_decoder", lambda *, on_gpu: (decode, 8))
    rows = [{"frame_id": str(k), "width": 4000, "height": 4000, "image": b""} for k in range(60)]
    results = frame_images(Frames(rows), {str(k) for k in range(60)}, on_gpu=True)  # type: ignore[arg-type]
    for taken in range(1, 20):
        next(results)
        time.sleep(0.005)
        assert decoded - taken <= DECODED_BYTES // (3 * 4000 * 4000) == 5
    results.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(("cores", "on_gpu", "workers"), [(8, False, 1), (8, True, 7), (1, True, 1), (96, True, 16)])
def test_threads_are_chosen_by_cores_and_by_where_the_model_runs(
    cores: int, on_gpu: bool, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)))
    assert choose_decoder(on_gpu=on_gpu)[1] == workers


def test_without_opencv_pillow_decodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert choose_decoder(on_gpu=True)[0] is decode_rgb


def encoded(kind: str, width: int, height: int, **options: object) -> bytes:
    """A picture with edges and noise in every colour."""
    rng = np.random.default_rng(width)
    pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    pixels[height // 3 :, : width // 2] = [250, 10, 128]
    image = Image.fromarray(pixels).convert("L" if options.pop("grey", False) else "RGB")
    if orientation := options.pop("orientation", None):
        tags = Image.Exif()
        tags[0x0112] = orientation
        options["exif"] = tags
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("width", [64, 61, 17, 1])
@pytest.mark.parametrize(
    "options",
    [
        {"quality": 95, "subsampling": 0},
        {"quality": 90, "subsampling": 1},
        {"quality": 75, "subsampling": 2},
        {"quality": 30, "subsampling": 2, "progressive": True},
        {"quality": 90, "grey": True},
        {"quality": 90, "keep_rgb": True},
        {"quality": 90, "orientation": 6},
        {"quality": 85, "optimize": True, "restart_marker_rows": 1},
    ],
    ids=str,
)
def test_opencv_decodes_to_the_same_pixels(options: dict[str, object], width: int) -> None:
    """To the bit: else what a build finds would depend on what is installed."""
    cv2 = pytest.importorskip("cv2")
    content = encoded("JPEG", width, 48, **options)
    ours, other = decode_rgb(content), decode_with(cv2, content)
    assert other.shape == (48, width, 3)
    assert other.dtype == np.uint8
    assert np.array_equal(ours, other)


@pytest.mark.parametrize("kind", ["PNG", "WebP"])
def test_what_is_no_jpeg_is_left_to_pillow(kind: str) -> None:
    cv2 = pytest.importorskip("cv2")
    content = encoded(kind, 33, 20)
    assert np.array_equal(decode_rgb(content), decode_with(cv2, content))


def test_what_opencv_cannot_read_pillow_reports() -> None:
    cv2 = pytest.importorskip("cv2")
    with pytest.raises(OSError, match="cannot identify image file"):
        decode_with(cv2, b"\xff\xd8\xff nothing more")
