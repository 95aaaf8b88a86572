import pytest

from schemas.evidence import FaceView
from schemas.geometry import Box
from tasks.composer.view import facing, gap, scale_ratio, shot, side, tilt
from tests.tasks.composer.films import make_face, make_frame, make_person

FRAME = make_frame(1, "s")


@pytest.mark.parametrize(
    ("across", "word"),
    [(0.05, "far left"), (0.3, "left"), (0.5, "centre"), (0.7, "right"), (0.95, "far right")],
)
def test_side(across: float, word: str) -> None:
    x = across * FRAME.width
    assert side(Box(x - 5, 0, x + 5, 10), FRAME) == word


@pytest.mark.parametrize(
    ("yaw", "word"),
    [(0.0, "front"), (0.12, "front"), (0.18, None), (-0.18, None), (0.3, "right"), (-0.3, "left"), (-0.9, "left")],
)
def test_facing_follows_the_nose(yaw: float, word: str | None) -> None:
    assert facing(make_face(Box(100, 50, 160, 130), yaw, 0)) == word


def test_facing_is_silent_without_evidence() -> None:
    assert facing(None) is None
    assert facing(make_face(Box(0, 0, 12, 16), 0.5, 0)) is None
    assert facing(FaceView(Box(0, 0, 60, 80), 0.9, 0.5, ())) is None
    swapped = FaceView(
        Box(0, 0, 60, 80), 0.9, 0.5, ((40.0, 20.0), (20.0, 20.0), (30.0, 30.0), (35.0, 50.0), (25.0, 50.0))
    )
    assert facing(swapped) is None


@pytest.mark.parametrize(("roll", "word"), [(0, None), (5, None), (15, "right"), (-15, "left"), (40, "right")])
def test_tilt_follows_the_line_of_the_eyes(roll: float, word: str | None) -> None:
    # turned clockwise in the picture, the top of the head goes to the right
    assert tilt(make_face(Box(100, 50, 160, 130), 0, roll)) == word


@pytest.mark.parametrize(
    ("face_height", "heads", "word"),
    [(0.5, 2.5, "close"), (0.3, 3.0, "shoulders"), (0.2, 5.0, "waist"), (0.12, 7.0, "knees"), (0.09, 8.5, "full")],
)
def test_shot_counts_heads_down_to_the_edge(face_height: float, heads: float, word: str) -> None:
    person = make_person("char1", 0.5, face_height=face_height, heads=heads)
    assert person.face is not None
    box = Box(person.box.x1, 270 - heads * face_height * 270, person.box.x2, 270)
    face = make_face(Box(200, box.y1, 240, box.y1 + face_height * 270), 0, 0)
    view = type(person)("char1", "char", "person", "d", box, 0.9, 0.9, (), face)
    assert shot(view, FRAME) == word


def test_shot_without_a_face_goes_by_the_box() -> None:
    def seen(box: Box) -> str:
        return shot(type(whole)("char1", "char", "person", "d", box, 0.9, 0.9, (), None), FRAME)

    whole = make_person("char1", 0.5)
    assert seen(Box(200, 20, 270, 240)) == "full"
    assert seen(Box(200, 100, 220, 160)) == "small"
    assert seen(Box(200, 20, 400, 240)) == "part"
    assert seen(Box(200, 20, 270, 270)) == "part"
    assert seen(Box(200, 20, 200, 20)) in ("part", "small")


def test_scale_ratio_goes_by_faces_first() -> None:
    near = make_person("char1", 0.5, face_height=0.3)
    far = make_person("char1", 0.5, face_height=0.2)
    assert scale_ratio(near, FRAME, far, FRAME) == pytest.approx(1.5)
    assert scale_ratio(far, FRAME, near, FRAME) == pytest.approx(1 / 1.5)


def test_scale_ratio_of_boxes() -> None:
    def plain(box: Box) -> float:
        before = type(base)("char1", "char", "person", "d", Box(100, 50, 150, 150), 0.9, 0.9, (), None)
        return scale_ratio(type(base)("char1", "char", "person", "d", box, 0.9, 0.9, (), None), FRAME, before, FRAME)

    base = make_person("char1", 0.5)
    assert plain(Box(100, 50, 200, 250)) == pytest.approx(2.0)
    # the same area, but cut off below: half in the logarithm
    assert plain(Box(100, 70, 200, 270)) == pytest.approx(2.0**0.5)
    assert plain(Box(100, 70, 100, 270)) == 1.0


def test_gap() -> None:
    assert gap(Box(0, 0, 48, 10), Box(96, 0, 120, 10), FRAME) == pytest.approx(0.1)
    assert gap(Box(96, 0, 120, 10), Box(0, 0, 48, 10), FRAME) == pytest.approx(0.1)
    assert gap(Box(0, 0, 48, 10), Box(24, 0, 96, 10), FRAME) == pytest.approx(-0.05)
