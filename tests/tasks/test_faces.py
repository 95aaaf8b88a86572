"""``faces``: whose face is whose; the matching is held against trying every way."""

import math
from collections.abc import Sequence
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.config import DetectConfig, FacesConfig
from schemas.geometry import Box
from tasks.detect import detect_shard
from tasks.faces import affinity, choose_faces, faces_shard, mask_shares, match_faces, person_around, tie_faces
from tasks.models.protocols import RawFace
from tasks.models.rle import encode_mask
from tasks.rows import Detection, read_detection, read_face
from tasks.runtime.stage import Kept
from tests.fakes import PaintedDetector, PaintedFaceEmbedder, PaintedFaces
from tests.painted_films import paint

POINTS = ((0.0, 0.0),) * 5


def face(box: Box, score: float = 0.9) -> RawFace:
    """A face without landmarks of its own."""
    return RawFace(box, score, POINTS)


def person(name: str, box: Box) -> Detection:
    """A person that the detector found."""
    return Detection(name, "person", 0.9, "detector", box)


HEAD = Box(45, 10, 55, 24)
BODY = Box(30, 5, 70, 100)


def test_a_face_at_the_top_middle_fits_best() -> None:
    assert affinity(HEAD, BODY) == pytest.approx(1.0)
    assert affinity(Box(60, 10, 70, 24), BODY) == pytest.approx(1 - 0.8 * 15 / 40)
    assert affinity(Box(45, 80, 55, 94), BODY) == pytest.approx(1 - ((87 - 5) / 95 - 0.5))
    assert affinity(Box(48, 10, 52, 16), BODY) == pytest.approx(1 - 0.2 * (1 - 4 / 10))


def test_a_face_outside_or_without_area_fits_nobody() -> None:
    assert affinity(Box(0, 10, 10, 24), BODY) == 0
    assert affinity(Box(25, 10, 35, 24), BODY) == 0, "half inside is not enough"
    assert affinity(Box(50, 10, 50, 24), BODY) == 0
    assert affinity(HEAD, Box(50, 5, 40, 100)) == 0


def test_of_two_people_one_behind_the_other_the_nearer_head_wins() -> None:
    front, behind = Box(20, 40, 120, 300), Box(60, 20, 100, 280)
    assert match_faces([Box(72, 26, 88, 48)], [front, behind]) == [1]


def total(faces: Sequence[Box], people: Sequence[Box], matched: Sequence[int | None]) -> float:
    """Affinity of a matching."""
    return sum(max(0.0, affinity(f, people[m])) for f, m in zip(faces, matched, strict=True) if m is not None)


def best_total(faces: Sequence[Box], people: Sequence[Box]) -> float:
    """The largest affinity over every matching there is."""
    slots: list[int | None] = [*range(len(people)), *[None] * len(faces)]
    return max((total(faces, people, way) for way in permutations(slots, len(faces))), default=0.0)


SIDE = st.integers(5, 60)
PLACE = st.integers(0, 60)
PEOPLE = st.builds(lambda x, y, w, h: Box(x, y, x + w, y + 2 * h), PLACE, PLACE, SIDE, SIDE)
FACES = st.builds(lambda x, y, s: Box(x, y, x + s, y + s), PLACE, PLACE, st.integers(4, 20))


@settings(max_examples=60, deadline=None)
@given(st.lists(FACES, max_size=4), st.lists(PEOPLE, max_size=4))
def test_no_matching_is_better(faces: list[Box], people: list[Box]) -> None:
    matched = match_faces(faces, people)
    assert len(matched) == len(faces)
    owners = [m for m in matched if m is not None]
    assert len(set(owners)) == len(owners), "a person has one face at most"
    assert all(m is None or affinity(f, people[m]) > 0 for f, m in zip(faces, matched, strict=True))
    assert math.isclose(total(faces, people, matched), best_total(faces, people), abs_tol=1e-9)


def test_first_come_would_be_wrong_here() -> None:
    """The first face fits both people, the second only the first one: taking turns would leave it without a body."""
    people = [Box(0, 0, 60, 120), Box(20, 0, 70, 120)]
    faces = [Box(30, 5, 42, 20), Box(2, 5, 14, 20)]
    assert match_faces(faces, people) == [1, 0]


SIZE = 200  # of the frames with masks


def rectangle(box: Box, *without: Box) -> bytes:
    """The mask of a box less others, in a frame of 200 x 200."""
    mask = np.zeros((SIZE, SIZE), bool)
    mask[int(box.y1) : int(box.y2), int(box.x1) : int(box.x2)] = True
    for hole in without:
        mask[int(hole.y1) : int(hole.y2), int(hole.x1) : int(hole.x2)] = False
    return encode_mask(mask)


def seen(box: Box) -> RawFace:
    """A face whose landmarks lie where eyes, nose and mouth do: at a third, half and two thirds of its box."""
    places = ((1, 1), (2, 1), (1.5, 1.5), (1, 2), (2, 2))
    return RawFace(box, 0.9, tuple((box.x1 + box.width * x / 3, box.y1 + box.height * y / 3) for x, y in places))


FRONT, BEHIND = Box(20, 40, 120, 200), Box(60, 20, 160, 200)
OVERLAP_FACE = Box(84, 45, 100, 65)


def owners_of(people: Sequence[Detection], *boxes: Box) -> list[str]:
    """Whose the faces are, by name; f0, f1 for people made for a face."""
    return tie_faces(people, [seen(box) for box in boxes], SIZE, SIZE)[1]


def masked(name: str, box: Box, *without: Box) -> Detection:
    """A person that the detector found with pixels."""
    return Detection(name, "person", 0.9, "detector", box, rectangle(box, *without))


def test_a_face_where_two_boxes_overlap_is_of_the_one_whose_pixels_it_shows() -> None:
    """The face lies nearer to the middle of the box behind (0.784 against 0.752), but it covers the front one's pixels."""
    assert affinity(OVERLAP_FACE, FRONT) == pytest.approx(0.752)
    assert affinity(OVERLAP_FACE, BEHIND) == pytest.approx(0.784)
    assert owners_of([person("front", FRONT), person("behind", BEHIND)], OVERLAP_FACE) == ["behind"]
    assert owners_of([masked("front", FRONT), masked("behind", BEHIND, FRONT)], OVERLAP_FACE) == ["front"]
    assert owners_of([masked("front", FRONT, BEHIND), masked("behind", BEHIND)], OVERLAP_FACE) == ["behind"]


def test_pixels_count_where_the_box_says_no() -> None:
    """Someone lies on the floor: the face is at the far end of the box, where no face of a standing person would be."""
    lying = Box(0, 150, 190, 190)
    head = Box(170, 155, 189, 180)
    standing = Box(150, 100, 200, 200)
    assert affinity(head, lying) < affinity(head, standing)
    assert owners_of([person("a", lying), person("b", standing)], head) == ["b"]
    assert owners_of([masked("a", lying), masked("b", standing, lying)], head) == ["a"]


def test_one_person_of_two_without_a_mask() -> None:
    """A mask that holds the face wins; one that holds nothing of it leaves the face to the other's box, or to nobody."""
    held, denied = masked("front", FRONT), masked("front", FRONT, OVERLAP_FACE)
    assert owners_of([held, person("behind", BEHIND)], OVERLAP_FACE) == ["front"]
    assert owners_of([denied, person("behind", BEHIND)], OVERLAP_FACE) == ["behind"]
    assert owners_of([denied], OVERLAP_FACE) == ["f0"]


def test_shares_of_a_mask_by_hand() -> None:
    """A mask of the left half of the frame; around each landmark are 25 points in columns at -0.1 to 0.1 face widths.

    Face of 30 at 85: landmarks at columns 95, 105 and 100. The two at 95 lie left of 100 with all five columns (92 to 98),
    the nose at 100 with two of five (97, 98.5), those at 105 with none: (2 * 25 + 10) / 125.
    """
    left = rectangle(Box(0, 0, 100, 200))
    shares = mask_shares([seen(Box(85, 40, 115, 70)), seen(Box(-60, 0, -30, 30))], [left, None], SIZE, SIZE)
    assert shares[:, 0] == pytest.approx([60 / 125, 0.0])
    assert np.isnan(shares[:, 1]).all()


def test_a_mask_that_holds_a_part_of_a_face_leaves_it_to_the_boxes() -> None:
    part = masked("front", FRONT, Box(92, 0, 200, 200))
    share = mask_shares([seen(OVERLAP_FACE)], [part.mask], SIZE, SIZE)[0, 0]
    assert 0.1 < share < 0.5
    assert owners_of([part, person("behind", BEHIND)], OVERLAP_FACE) == ["behind"]
    assert owners_of([part], OVERLAP_FACE) == ["front"]


def test_two_faces_in_one_mask() -> None:
    """The one that lies in it wholly has it; the other makes a person of its own."""
    whole, part = Box(40, 60, 60, 85), Box(95, 60, 135, 100)
    one = masked("d0", FRONT)
    shares = mask_shares([seen(part), seen(whole)], [one.mask], SIZE, SIZE)
    assert 0.5 < shares[0, 0] < shares[1, 0] == 1
    assert owners_of([one], part, whole) == ["f0", "d0"]


def random_scene(seed: int) -> tuple[list[Box], list[Box], np.ndarray]:
    """Up to four faces and people, and shares of each in each; some people have no mask."""
    rng = np.random.default_rng(seed)
    faces = [Box(x, y, x + s, y + s) for x, y, s in rng.uniform(5, 40, (rng.integers(0, 5), 3))]
    people = [Box(x, y, x + w, y + 2 * w) for x, y, w in rng.uniform(10, 60, (rng.integers(0, 5), 3)) - [10, 10, 0]]
    shares = np.clip(rng.uniform(-0.5, 1.5, (len(faces), len(people))), 0, 1 - rng.uniform(0, 1e-3))
    shares += rng.uniform(0, 1e-4, shares.shape)
    shares[:, rng.random(len(people)) < 0.3] = np.nan
    return faces, people, shares


@pytest.mark.parametrize("seed", range(60))
def test_matching_by_masks_is_one_to_one_best_and_the_same_in_any_order(seed: int) -> None:
    faces, people, shares = random_scene(seed)
    matched = match_faces(faces, people, shares)
    owners = [m for m in matched if m is not None]
    assert len(set(owners)) == len(owners)
    worth = np.where(shares >= 0.5, shares, 0.0)  # not a number compares as false

    def by_mask(way: Sequence[int | None]) -> float:
        return sum(float(worth[k, m]) for k, m in enumerate(way) if m is not None)

    slots: list[int | None] = [*range(len(people)), *[None] * len(faces)]
    best = max((by_mask(way) for way in permutations(slots, len(faces))), default=0.0)
    assert best - by_mask(matched) <= 4e-3, "affinity decides between shares that are as good as equal"
    for k, m in enumerate(matched):
        if m is not None and not worth[k, m]:
            assert affinity(faces[k], people[m]) > 0
            assert not shares[k, m] < 0.1
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(len(faces)), rng.permutation(len(people))
    mixed = match_faces([faces[k] for k in rows], [people[k] for k in columns], shares[np.ix_(rows, columns)])
    assert [None if m is None else columns[m] for m in mixed] == [matched[k] for k in rows]


@given(st.lists(FACES, max_size=4), st.lists(PEOPLE, max_size=4))
def test_without_masks_the_boxes_decide_as_if_there_were_no_such_thing(faces: list[Box], people: list[Box]) -> None:
    unknown = np.full((len(faces), len(people)), np.nan)
    assert match_faces(faces, people, unknown) == match_faces(faces, people)


@given(FACES, st.integers(60, 200), st.integers(60, 200))
def test_a_person_around_a_face_holds_the_face_and_lies_in_the_frame(box: Box, width: int, height: int) -> None:
    around = person_around(box, width, height)
    assert around == around.clamp(width, height)
    inside = box.clamp(width, height)
    assert around.intersection(inside) == pytest.approx(inside.area)


def test_a_person_around_a_face_by_hand() -> None:
    assert person_around(Box(100, 50, 120, 80), 400, 400) == Box(80, 35, 140, 230)


def test_faces_count_by_score_and_size_largest_first() -> None:
    params = FacesConfig(score=0.7, min_side=10, max_per_frame=2)
    found = [
        face(Box(0, 0, 10, 10)),
        face(Box(0, 0, 30, 30), 0.69),
        face(Box(0, 0, 9, 30)),
        face(Box(0, 0, 20, 20), 0.7),
        face(Box(5, 0, 15, 10)),
        face(Box(20, 0, 10, 10)),
    ]
    assert [f.box for f in choose_faces(found, params)] == [Box(0, 0, 20, 20), Box(0, 0, 10, 10)]
    assert choose_faces(found[::-1], params) == choose_faces(found, params)


def test_a_face_without_a_person_makes_one() -> None:
    chair = Detection("d1", "chair", 0.8, "detector", Box(0, 0, 100, 100))
    faces = [face(HEAD), face(Box(150, 20, 170, 45), 0.77), face(Box(200, 20, 220, 45))]
    complete, owners = tie_faces([person("d0", BODY), chair], faces, 300, 200)
    assert owners == ["d0", "f0", "f1"]
    assert [(d.det_id, d.label, d.origin) for d in complete[2:]] == [("f0", "person", "face"), ("f1", "person", "face")]
    assert complete[2].score == 0.77
    assert complete[:2] == [person("d0", BODY), chair]


def test_a_second_face_in_one_body_makes_a_second_person() -> None:
    complete, owners = tie_faces([person("d0", BODY)], [face(HEAD), face(Box(46, 12, 56, 26))], 300, 200)
    assert sorted(owners) == ["d0", "f0"]
    assert len(complete) == 2


def test_nobody_and_nothing() -> None:
    assert tie_faces([], [], 10, 10) == ([], [])
    assert match_faces([], [BODY]) == []
    assert match_faces([HEAD], []) == [None]


FRAMES = [(f"f{k}", paint(f"s{k}", [k % 4, (k + 1) % 4], ["chair"])[0]) for k in range(5)]
FOUND = {
    o.row["frame_id"]: [read_detection(d) for d in o.row["detections"]]
    for o in detect_shard(iter(FRAMES), DetectConfig(), PaintedDetector())
    if isinstance(o, Kept)
}


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_rows_do_not_depend_on_the_batch(batch: int) -> None:
    scenes = {name: "0001" for name, _ in FRAMES}
    params = FacesConfig(batch=batch)
    outcomes = list(faces_shard(iter(FRAMES), FOUND, scenes, params, PaintedFaces(), PaintedFaceEmbedder()))
    rows = [o.row for o in outcomes if isinstance(o, Kept)]
    assert [row["frame_id"] for row in rows] == [name for name, _ in FRAMES]
    for row in rows:
        people = {d["det_id"] for d in row["detections"] if d["label"] == "person"}
        owners = [f["det_id"] for f in row["faces"]]
        assert set(owners) <= people
        assert len(set(owners)) == len(owners) == 2
        for found in map(read_face, row["faces"]):
            assert np.linalg.norm(found.embedding) == pytest.approx(1, abs=1e-5)
            assert 0 <= found.quality <= 1
        assert row["scene"] == "0001"
    if batch > 1:
        single = list(
            faces_shard(iter(FRAMES), FOUND, scenes, FacesConfig(batch=1), PaintedFaces(), PaintedFaceEmbedder())
        )
        assert outcomes == single


def test_a_person_who_was_not_detected_is_known_by_the_face() -> None:
    scenes = {"f0": "0001"}
    (outcome,) = faces_shard(FRAMES[:1], {"f0": []}, scenes, FacesConfig(), PaintedFaces(), PaintedFaceEmbedder())
    assert isinstance(outcome, Kept)
    assert [d["origin"] for d in outcome.row["detections"]] == ["face", "face"]
