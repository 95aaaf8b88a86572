import base64
import io
from pathlib import Path

import pytest
from PIL import Image

from schemas.geometry import Box
from tasks.assembly import AssembledStory, assemble_shard
from tasks.report.contact import sheet_rows, wanted_crops
from tasks.report.pictures import SIZES, draw_pictures
from tests.tasks.report import films
from tests.tasks.report.films import Film, make_run

ROOMY = 10_000_000


def story_of(root: Path, film: Film) -> AssembledStory:
    run, refs, _ = make_run(root, [film])
    return next(iter(assemble_shard(run, refs[0])))


def decode(uri: str) -> Image.Image:
    kind, _, content = uri.partition(",")
    assert kind == "data:image/jpeg;base64"
    image = Image.open(io.BytesIO(base64.b64decode(content, validate=True)))
    image.load()
    return image


def crops_of(story: AssembledStory) -> list[tuple[int, str]]:
    return wanted_crops(sheet_rows(story.evidence))


def test_thumbnails_keep_the_shape_and_never_grow(tmp_path: Path) -> None:
    story = story_of(tmp_path, Film(stories=1, width=480, height=270))
    drawn = draw_pictures(story, [], ROOMY)
    assert set(drawn.frames) == {1, 2, 3, 4, 5}
    assert {decode(uri).size for uri in drawn.frames.values()} == {(320, 180)}
    small = draw_pictures(story_of(tmp_path / "small", Film(stories=1)), [], ROOMY)
    assert {decode(uri).size for uri in small.frames.values()} == {(96, 54)}


def test_a_frame_that_is_much_larger_is_drawn_right(tmp_path: Path) -> None:
    """JPEG is decoded at a fraction of its size there; the crop must still be of the right place."""
    story = story_of(tmp_path, Film(stories=1, frames=1, width=1920, height=1080))
    drawn = draw_pictures(story, [(1, "char1")], ROOMY)
    assert decode(drawn.frames[1]).size == (320, 180)
    # The film's picture is a gradient: red grows from left to right, green from top to bottom.
    box = story.evidence.frames[0].entities[0].box
    assert box == films.BOXES["char1"]
    red, green, _ = decode(drawn.crops[1, "char1"]).convert("RGB").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))  # type: ignore[misc]
    assert red == pytest.approx(255 * 25 / 1920, abs=6)
    assert green == pytest.approx(255 * 28 / 1080, abs=8)


def test_the_crop_of_a_tall_box_is_its_upper_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(films.BOXES, "char1", Box(40, 0, 100, 540))
    story = story_of(tmp_path, Film(stories=1, frames=1, width=960, height=540))
    crop = decode(draw_pictures(story, [(1, "char1")], ROOMY).crops[1, "char1"]).convert("RGB")
    # 60 wide: 80 high are shown, of 540; green would reach 255 at the bottom of the whole box.
    assert crop.width / crop.height == pytest.approx(0.75, abs=0.03)
    assert crop.getpixel((0, crop.height - 1))[1] < 60  # type: ignore[index]


def test_a_box_beyond_the_frame_is_cropped_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(films.BOXES, "char1", Box(90, 50, 400, 400))
    story = story_of(tmp_path, Film(stories=1, frames=1))
    assert decode(draw_pictures(story, [(1, "char1")], ROOMY).crops[1, "char1"]).size == (6, 4)


def test_pictures_shrink_to_the_allowance(tmp_path: Path) -> None:
    story = story_of(tmp_path, Film(stories=1, width=480, height=270, noise=True))
    whole = draw_pictures(story, crops_of(story), ROOMY)
    assert whole.spent == sum(map(len, [*whole.frames.values(), *whole.crops.values()]))
    tight = draw_pictures(story, crops_of(story), whole.spent // 2)
    assert tight.spent <= whole.spent // 2
    assert set(tight.frames) == {1, 2, 3, 4, 5}
    assert set(tight.crops) == set(whole.crops)
    assert decode(tight.frames[1]).width < decode(whole.frames[1]).width


@pytest.mark.parametrize("allowance", [0, 1_000, 9_000, 20_000, 60_000])
def test_the_allowance_is_never_exceeded(tmp_path: Path, allowance: int) -> None:
    story = story_of(tmp_path, Film(stories=1, width=480, height=270, noise=True))
    drawn = draw_pictures(story, crops_of(story), allowance)
    assert drawn.spent <= allowance
    assert drawn.spent == sum(map(len, [*drawn.frames.values(), *drawn.crops.values()]))
    if not allowance:
        assert not drawn.frames


def test_without_room_frames_go_before_crops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.report.pictures.SIZES", SIZES[-1:])
    story = story_of(tmp_path, Film(stories=1, width=480, height=270, noise=True))
    frames_alone = draw_pictures(story, [], ROOMY).spent
    drawn = draw_pictures(story, crops_of(story), frames_alone)
    assert set(drawn.frames) == {1, 2, 3, 4, 5}
    assert not drawn.crops


def test_the_same_story_gives_the_same_pictures(tmp_path: Path) -> None:
    story = story_of(tmp_path, Film(stories=1))
    assert draw_pictures(story, crops_of(story), ROOMY) == draw_pictures(story, crops_of(story), ROOMY)
