"""Videos as films: which frames are taken, that they are read again as the same bytes, and files that are no videos."""

import hashlib
import io
import resource
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from schemas.config import VideoConfig
from schemas.errors import ConfigError, SampleError, SourceError
from tasks.plan import order_frames
from tasks.runtime.progress import Event, listening
from tasks.sources.files import FilesSource
from tasks.sources.folder import FolderSource
from tasks.sources.shots import (
    TransNetCuts,
    _load_transnet,
    keep_apart,
    make_detector,
    measure_sharpness,
    pick_sharpest,
)
from tasks.sources.source import SourceItem, open_source
from tasks.sources.video import VideoFrames
from tests.video_files import blurred, painted, shots, turn_by_90, write_sound, write_video

EVERY = VideoConfig(frames="every", every_s=1.0)


def scan(path: Path, video: VideoConfig = VideoConfig(), index: Path | None = None) -> list[SourceItem]:  # noqa: B008
    """What a source of videos holds."""
    return list(open_source(str(path), index, video).scan())


def times(items: list[SourceItem]) -> list[float]:
    """Where the frames stand in their video."""
    return [float(item.item.rpartition("#t=")[2]) for item in items]


def image_of(path: Path, item: SourceItem, video: VideoConfig = VideoConfig()) -> Image.Image:  # noqa: B008
    """A frame as it would be stored."""
    source = open_source(str(path), video=video)
    return Image.open(io.BytesIO(source.reader([item.item])(item.item)))


def difference(image: Image.Image, pixels: Any) -> float:
    """Mean difference of two pictures."""
    return float(np.abs(np.asarray(image).astype(float) - pixels).mean())


def test_one_frame_a_shot(tmp_path: Path) -> None:
    path = write_video(tmp_path / "heat.mp4", shots([10, 20, 15, 30]))
    items = scan(path)
    bounds = [(0.0, 1.0), (1.0, 3.0), (3.0, 4.5), (4.5, 7.5)]
    assert len(items) == 4
    for k, (item, (first, end)) in enumerate(zip(items, bounds, strict=True)):
        assert first <= times([item])[0] < end
        assert (item.film, item.scene) == ("heat", "")
        assert difference(image_of(path, item), painted(k)) < 16 < difference(image_of(path, item), painted(k + 1))
    ids = [frame.frame_id for frame in order_frames(items, open_source(str(path)))]
    assert ids == [f"heat_scene_0001_{k:04d}" for k in (1, 2, 3, 4)], "the number of a frame is that of its shot"


def test_what_is_read_is_what_was_planned_in_any_order(tmp_path: Path) -> None:
    path = write_video(tmp_path / "heat.mp4", shots([10] * 6))
    items = scan(path)
    source = open_source(str(path))
    for order in (items, items[::-1], [items[3], items[0], items[5]]):
        read = source.reader([item.item for item in order])
        for item in order:
            content = read(item.item)
            assert hashlib.sha256(content).hexdigest() == item.sha256
            assert len(content) == item.bytes
    assert scan(path) == items


def test_the_sharpest_of_the_candidates_is_taken(tmp_path: Path) -> None:
    still = painted(1)
    frames = [blurred(still)] * 10
    frames[5] = still
    path = write_video(tmp_path / "a.mkv", frames)
    config = VideoConfig(candidates=5, cut=1000.0)  # candidates at 1/10, 3/10, ... of ten frames: 1, 3, 5, 7, 9
    assert times(scan(path, config)) == [0.5]
    assert times(scan(path, config.model_copy(update={"candidates": 1}))) == [0.5], "the middle"
    frames[5], frames[7] = frames[7], still
    assert times(scan(write_video(tmp_path / "b.mkv", frames), config)) == [0.7]


def test_every_so_many_seconds(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", shots([35]))
    assert times(scan(path, EVERY)) == [0.0, 1.0, 2.0, 3.0]
    assert times(scan(path, VideoConfig(frames="every", every_s=0.25))) == [
        0.0, 0.3, 0.5, 0.8, 1.0, 1.3, 1.5, 1.8, 2.0, 2.3, 2.5, 2.8, 3.0, 3.3,
    ]  # fmt: skip


def test_a_varying_frame_rate_is_taken_by_time(tmp_path: Path) -> None:
    at = [0.0, 0.04, 0.08, 1.5, 1.52, 4.0, 4.1, 9.0]
    path = write_video(tmp_path / "vfr.mkv", [painted(k) for k in range(8)], times=at)
    items = scan(path, EVERY)
    assert times(items) == [0.0, 1.5, 4.0, 9.0], "the first picture at or after each second, each once"
    for item, seed in zip(items, (0, 3, 5, 7), strict=True):
        assert difference(image_of(path, item, EVERY), painted(seed)) < 16


def test_a_frame_is_turned_upright_and_its_pixels_are_made_square(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", shots([5]))
    turn_by_90(path)
    (item,) = scan(path)
    assert difference(image_of(path, item), np.rot90(painted(0), -1)) < 16, "a quarter turn clockwise"
    wide = write_video(tmp_path / "b.mp4", shots([5]), aspect=Fraction(4, 3))
    (item,) = scan(wide)
    assert image_of(wide, item).size == (128, 64)
    small = VideoConfig(max_side=48, format="png")
    (item,) = scan(path, small)
    assert (image_of(path, item, small).size, image_of(path, item, small).format) == ((32, 48), "PNG")


def test_scenes_begin_at_cuts(tmp_path: Path) -> None:
    path = write_video(tmp_path / "heat.mp4", shots([10] * 6))
    assert [item.scene for item in scan(path, VideoConfig(scene_s=2.0))] == [
        "0001",
        "0001",
        "0002",
        "0002",
        "0003",
        "0003",
    ]


@pytest.mark.parametrize(
    ("name", "film", "scene"),
    [("heat.mp4", "heat", ""), ("heat_scene_3.mp4", "heat", "3"), ("heat/reel 2.mkv", "heat", "reel 2"),
     ("heat/disc 1/reel.mp4", "heat", "disc 1/reel"), ("A.B.MP4", "A.B", "")],
)  # fmt: skip
def test_where_a_video_lies_says_film_and_scene(tmp_path: Path, name: str, film: str, scene: str) -> None:
    write_video(tmp_path / name, shots([3]))
    (item,) = scan(tmp_path)
    assert (item.film, item.scene, item.item) == (film, scene, f"{name}#t={times([item])[0]:.3f}")


def test_a_folder_of_videos_and_images(tmp_path: Path) -> None:
    write_video(tmp_path / "heat.mp4", shots([10, 10]))
    (tmp_path / "ronin").mkdir()
    Image.fromarray(painted(5)).save(tmp_path / "ronin" / "1.png")
    write_sound(tmp_path / "sound.mp4")
    source = FolderSource(tmp_path, None)
    items = list(source.scan())
    assert [(item.film, bool(item.sha256)) for item in items] == [
        ("heat", True), ("heat", True), ("sound", False), ("ronin", True),
    ]  # fmt: skip
    read = source.reader([item.item for item in items])
    for item in items:
        if item.sha256:
            assert hashlib.sha256(read(item.item)).hexdigest() == item.sha256
    with pytest.raises(SampleError, match=r"^no video stream: sound\.mp4 holds audio$"):
        read("sound.mp4")


def test_an_image_with_the_name_of_a_frame_is_an_image(tmp_path: Path) -> None:
    (tmp_path / "a.mp4#t=1.000.jpg").write_bytes(b"x")
    source = FolderSource(tmp_path, None)
    (item,) = source.scan()
    assert source.read(item.item) == b"x"


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The videos that were looked through."""
    looked: list[str] = []
    find = VideoFrames._find_picks

    def count(self: VideoFrames, address: str) -> Any:
        looked.append(address)
        return find(self, address)

    monkeypatch.setattr(VideoFrames, "_find_picks", count)
    yield looked


def test_a_video_is_looked_through_once(tmp_path: Path, decoded: list[str]) -> None:
    index = tmp_path / "w" / "index.parquet"
    folder = tmp_path / "films"
    write_video(folder / "a.mp4", shots([5, 5]))
    first = scan(folder, index=index)
    assert scan(folder, index=index) == first
    assert decoded == ["a.mp4"]
    write_video(folder / "b.mp4", shots([5, 5], first_seed=9))
    both = scan(folder, index=index)
    assert [item for item in both if item.film == "a"] == first
    assert decoded == ["a.mp4", "b.mp4"], "a new film: only that film"
    (folder / "b.mp4").rename(folder / "c.mp4")
    scan(folder, index=index)
    assert decoded == ["a.mp4", "b.mp4"], "what is found in a video is known by its content"
    scan(folder, EVERY, index)
    assert decoded == ["a.mp4", "b.mp4", "a.mp4", "c.mp4"], "other parameters, other frames"


def test_what_is_remembered_and_damaged_is_found_anew(tmp_path: Path, decoded: list[str]) -> None:
    path = write_video(tmp_path / "a.mp4", shots([5, 5]))
    index = tmp_path / "w" / "index.parquet"
    first = scan(path, index=index)
    (found,) = (tmp_path / "w" / "videos").iterdir()
    found.write_bytes(found.read_bytes()[:-9])
    assert scan(path, index=index) == first
    assert len(decoded) == 2


BAD = {
    "sound.mp4": "no video stream: sound.mp4 holds audio",
    "noise.mp4": "not a video",
    "empty.mp4": "not a video",
    "text.mkv": "not a video",
    "headless.mp4": "not a video",
    "playlist.mp4": "not a video",
    "concat.mp4": "not a video",
    "frameless.avi": "no pictures",
}


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that are called videos and give no frame."""
    folder = tmp_path_factory.mktemp("bad")
    write_sound(folder / "sound.mp4")
    real = write_video(folder / "whole.mp4", shots([5])).read_bytes()
    (folder / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(5000))
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "text.mkv").write_bytes(b"this is no film\n" * 20)
    (folder / "headless.mp4").write_bytes(real[: len(real) // 2])
    (folder / "playlist.mp4").write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{folder / 'whole.mp4'}\n#EXT-X-ENDLIST\n"
    )
    (folder / "concat.mp4").write_text(f"ffconcat version 1.0\nfile '{folder / 'whole.mp4'}'\n")
    write_video(folder / "frameless.avi", [], size=(64, 48))
    return folder


@pytest.mark.parametrize("name", BAD)
def test_a_video_that_gives_nothing_is_said_in_one_line(bad: Path, name: str) -> None:
    with pytest.raises(SourceError, match=f"gives no frames: {BAD[name]}") as caught:
        scan(bad / name)
    assert "\n" not in str(caught.value)
    assert str(bad / name) in str(caught.value)


def test_such_videos_among_others_are_left_out_one_by_one(bad: Path) -> None:
    source = FolderSource(bad, None)
    told: list[Event] = []
    with listening(told.append):
        items = list(source.scan())
    assert "sound.mp4 gives no frames: no video stream: sound.mp4 holds audio" in [event.text for event in told]
    assert {item.item for item in items if not item.sha256} == set(BAD)
    assert {item.film for item in items if item.sha256} == {"whole"}
    for name, reason in BAD.items():
        with pytest.raises(SampleError, match=f"^{reason}"):
            source.read(name)


def test_a_video_that_is_cut_off_gives_what_it_holds_and_says_so(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole.mkv", shots([20] * 4))
    content = whole.read_bytes()
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(content[: len(content) * 6 // 10])
    told: list[Event] = []
    with listening(told.append):
        items = scan(cut)
    assert [(t, i.sha256) for t, i in zip(times(items), items, strict=True)][:2] == [
        (t, i.sha256) for t, i in zip(times(scan(whole)), scan(whole), strict=True)
    ][:2]
    assert 2 <= len(items) < 4
    (message,) = (event.text for event in told)
    assert message.startswith("cut.mkv is damaged or cut off")


@pytest.mark.parametrize("codec", ["mpeg4", "libx264"])
def test_damaged_pictures_are_the_same_bytes_each_time(tmp_path: Path, codec: str) -> None:
    """A decoder fills in what is missing from what it decoded before: that must not depend on what was read before."""
    path = write_video(tmp_path / "a.mkv", [painted(k // 12, 320, 240) for k in range(120)], codec=codec)
    content = bytearray(path.read_bytes())
    rng = np.random.default_rng(5)
    for place in rng.integers(len(content) // 5, len(content) * 4 // 5, 60):
        content[place] ^= 0x55
    path.write_bytes(content)
    video = VideoConfig(frames="every", every_s=0.5)
    items = scan(path, video)
    assert len(items) > 12
    for order in (items, items[::-1], items[::3]):
        read = open_source(str(path), video=video).reader([item.item for item in order])
        assert [hashlib.sha256(read(item.item)).hexdigest() for item in order] == [item.sha256 for item in order]


def test_one_picture(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", shots([1]))
    assert times(scan(path)) == [0.0]
    assert times(scan(path, EVERY)) == [0.0]


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_video(tmp_path / "a.mp4", shots([3]))
    (tmp_path / "b.jpg").write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "av", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'storyreasoning\[video\]'"):
        scan(path)
    source = FolderSource(tmp_path, None)
    assert [item.item for item in source.scan()] == ["b.jpg"]
    assert source.ignored() == {".mp4 without the extra 'video'": 1}


def test_transnet_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr("tasks.sources.shots._load_transnet", _load_transnet.__wrapped__)  # whatever was loaded before
    with pytest.raises(ConfigError, match="detector = transnetv2 needs torch"):
        make_detector(VideoConfig(detector="transnetv2"))


@pytest.mark.parametrize("length", [1, 20, 49, 50, 51, 99, 100, 101, 130, 250])
def test_every_frame_is_judged_once_with_its_neighbours(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The windows of TransNetV2: a model that gives a frame its own number back sees each once, in the middle half."""
    monkeypatch.setattr(
        "tasks.sources.shots.small_pixels", lambda frame, *_: np.full((27, 48, 3), frame, dtype=np.int64)
    )
    seen: list[int] = []
    windows: list[Any] = []

    def model(window: Any) -> Any:
        windows.append(window[:, 0, 0, 0])
        return np.where(np.isin(window[:, 0, 0, 0], (9, 10, 59)), 0.9, 0.1)

    detector = TransNetCuts(0.5, model)
    cuts = [cut for frame in range(length) for cut in detector.take(frame, frame)]  # type: ignore[arg-type]
    cuts += detector.end()
    for window in windows:
        assert len(window) == 100
        seen += window[25:75].tolist()
    assert seen[:length] == list(range(length))
    assert set(seen[length:]) <= {length - 1}, "filled up with the last frame"
    assert cuts == [cut for cut in (11, 60) if cut < length]


def test_sharpness_by_hand() -> None:
    """One white pixel in the middle of 5x5: of the 9 Laplacians one is -4, four are 1 and four are 0 times its grey."""
    small = np.zeros((5, 5, 3), dtype=np.uint8)
    assert measure_sharpness(small) == 0
    small[2, 2] = 255
    mean = (-4 + 4) / 9
    assert measure_sharpness(small) == pytest.approx(255**2 * (16 + 4) / 9 - mean)


def test_the_cuts_are_those_of_pyscenedetect_itself(tmp_path: Path) -> None:
    """Its own decoder, downscaling and loop over frames find the shots of a film with movement at the same frames."""
    from scenedetect import AdaptiveDetector, SceneManager, open_video

    rng = np.random.default_rng(3)
    frames = []
    for length in (17, 30, 12, 41, 25):
        large = rng.integers(0, 256, (30, 60, 3), dtype=np.uint8).repeat(16, axis=0).repeat(16, axis=1)
        frames += [large[k : k + 320, k : k + 480] for k in range(length)]
    path = write_video(tmp_path / "a.mkv", frames)
    manager = SceneManager()
    manager.add_detector(AdaptiveDetector(min_scene_len=1))
    manager.detect_scenes(open_video(str(path)))
    theirs = [round(first.seconds, 1) for first, _ in manager.get_scene_list()]
    picked = times(scan(path, VideoConfig(candidates=1, min_shot_s=0)))
    assert theirs == [0.0, 1.7, 4.7, 5.9, 10.0]
    middles = [(a + b) / 2 for a, b in zip(theirs, [*theirs[1:], 12.5], strict=True)]
    assert picked == pytest.approx(middles, abs=0.11)


def test_cuts_that_come_too_soon_are_passed_over() -> None:
    at = [0.0, 0.1, 0.2, 1.0, 1.1, 1.6, 2.5]
    assert keep_apart([3, 4, 5, 1], at, 0.5) == [0, 3, 5]
    assert keep_apart([1, 2, 3], at, 0.0) == [0, 1, 2, 3]
    assert keep_apart([0, 7, 9], at, 0.0) == [0]


@given(st.lists(st.floats(0, 100), min_size=1, max_size=60), st.sets(st.integers(1, 59)), st.integers(1, 8))
def test_one_frame_of_each_shot_is_picked(sharpness: list[float], cuts: set[int], candidates: int) -> None:
    starts = [0, *sorted(cut for cut in cuts if cut < len(sharpness))]
    picks = pick_sharpest(starts, sharpness, candidates)
    assert len(picks) == len(starts)
    for pick, first, end in zip(picks, starts, [*starts[1:], len(sharpness)], strict=True):
        assert first <= pick < end
        if candidates >= end - first:
            assert sharpness[pick] == max(sharpness[first:end])


@pytest.mark.slow
def test_four_hours(tmp_path: Path) -> None:
    """A long film: what is held of a frame are two numbers, so memory stays where it was."""
    frames = [painted(seed, 48, 32) for seed in range(20)]
    path = tmp_path / "long.mp4"
    write_video(path, [frames[k // 10 % 20] for k in range(4 * 3600)], fps=1)
    scan(write_video(tmp_path / "short.mp4", [frames[k // 10 % 20] for k in range(400)], fps=1))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    items = scan(path, VideoConfig(frames="every", every_s=600.0))
    assert times(items) == [600.0 * k for k in range(24)]
    found = scan(path)
    assert len(found) == 1440, "a cut every 10 seconds"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000, "kilobytes"


def test_a_source_is_one_of_files(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", shots([1]))
    source = open_source(str(tmp_path / "a.mp4"))
    assert isinstance(source, FilesSource)
    assert source.title == tmp_path.name
