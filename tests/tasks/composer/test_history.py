from schemas.evidence import FrameView, Light, StoryEvidence
from tasks.composer.chronicle import read_evidence
from tasks.composer.facts import Fact
from tasks.composer.history import history
from tests.tasks.composer.films import make_frame, make_person


def last(*frames: FrameView) -> dict[str, Fact]:
    """Facts of the last frame by kind."""
    chronicle = read_evidence(StoryEvidence("k", "film", frames))
    return {fact.kind: fact for fact in history(chronicle, len(frames) - 1)}


def test_stillness_is_counted_from_three_views() -> None:
    still = [make_frame(number, "s", make_person("char1", 0.5)) for number in range(1, 5)]
    assert "still_again" not in last(*still[:2])
    assert dict(last(*still[:3])["still_again"].words) == {"count": "three", "ordinal": "third"}
    assert dict(last(*still)["still_again"].words)["count"] == "four"
    moved = make_frame(5, "s", make_person("char1", 0.6))
    assert "still_again" not in last(*still, moved)


def test_nothing_changed() -> None:
    same = make_frame(1, "s", make_person("char1", 0.5)), make_frame(2, "s", make_person("char1", 0.5))
    assert "all_same" in last(*same)
    turned = make_frame(2, "s", make_person("char1", 0.5, yaw=0.4))
    assert "all_same" not in last(same[0], turned)
    brighter = make_frame(2, "s", make_person("char1", 0.5), light=Light(0.6, 0.2, 0.2, 0.0))
    assert "all_same" not in last(same[0], brighter)
    cut = make_frame(2, "t", make_person("char1", 0.5))
    assert "all_same" not in last(same[0], cut)


def test_nearest_and_farthest_yet() -> None:
    def seen(*heights: float) -> dict[str, Fact]:
        return last(
            *(make_frame(n, "s", make_person("char1", 0.5, face_height=h)) for n, h in enumerate(heights, start=1))
        )

    assert "nearest_yet" in seen(0.2, 0.22, 0.3)
    assert "nearest_yet" not in seen(0.2, 0.32, 0.3)
    assert "nearest_yet" not in seen(0.2, 0.3)
    assert "farthest_yet" in seen(0.3, 0.25, 0.15)


def test_sides_against_the_last_time() -> None:
    frames = make_frame(1, "s", make_person("char1", 0.3)), make_frame(2, "t", make_person("char1", 0.7))
    assert last(*frames)["other_side"].words == (("then", "left"), ("now", "right"))
    again = make_frame(2, "t", make_person("char1", 0.25))
    assert last(frames[0], again)["same_side"].words == (("then", "left"), ("now", "left"))


def test_alone_and_in_company_for_the_first_time() -> None:
    a, b = make_person("char1", 0.2), make_person("char2", 0.8)
    pair = make_frame(1, "s", a, b), make_frame(2, "s", a, b)
    assert last(*pair, make_frame(3, "t", a))["alone_first"].who == ("char1",)
    assert "alone_first" not in last(pair[0], make_frame(2, "t", a))
    single = make_frame(1, "s", a), make_frame(2, "s", a)
    assert last(*single, make_frame(3, "t", a, b))["company_first"].who == ("char1",)


def test_meeting_again_and_for_the_first_time() -> None:
    a, b = make_person("char1", 0.2), make_person("char2", 0.8)
    apart = make_frame(1, "s", a), make_frame(2, "t", b)
    assert last(*apart, make_frame(3, "u", a, b))["first_together"].who == ("char1", "char2")
    again = last(make_frame(1, "s", a, b), make_frame(2, "t", a), make_frame(3, "u", a, b))
    assert again["reunion"].words == (("gap", "one view"),)


def test_the_fullest_view_so_far() -> None:
    def crowd(number: int, count: int) -> FrameView:
        return make_frame(
            number, f"s{number}", *(make_person(f"char{k}", k / 10, face_height=0.05) for k in range(1, count + 1))
        )

    assert "most_people" in last(crowd(1, 2), crowd(2, 3))
    assert "most_people" not in last(crowd(1, 3), crowd(2, 3))
    assert "most_people" not in last(crowd(1, 1), crowd(2, 2))


def test_order_against_the_last_time() -> None:
    def row(number: int, *places: float) -> FrameView:
        people = (make_person(f"char{k}", place, face_height=0.05) for k, place in enumerate(places, start=1))
        return make_frame(number, f"s{number}", *people)

    assert "same_order" in last(row(1, 0.2, 0.5, 0.8), row(2, 0.3, 0.5, 0.9))
    assert "other_order" in last(row(1, 0.2, 0.5, 0.8), row(2, 0.8, 0.5, 0.2))


def test_records_of_light() -> None:
    def lit(*lumas: float) -> dict[str, Fact]:
        person = make_person("char1", 0.5)
        return last(
            *(make_frame(n, f"s{n}", person, light=Light(luma, 0.2, 0.2, 0.0)) for n, luma in enumerate(lumas, start=1))
        )

    assert "brightest_yet" in lit(0.4, 0.5, 0.4, 0.6)
    assert "darkest_yet" in lit(0.4, 0.5, 0.4, 0.3)
    assert "light_of_first" in lit(0.4, 0.5, 0.6, 0.41)
    assert not {"brightest_yet", "darkest_yet"} & lit(0.4, 0.5, 0.4, 0.53).keys()


def test_the_end_is_held_against_the_beginning() -> None:
    a, b = make_person("char1", 0.2), make_person("char2", 0.8)
    frames = [make_frame(1, "s", a), make_frame(2, "t", b), make_frame(3, "u", a)]
    assert "as_at_first_one" in last(*frames)
    assert "as_at_first_one" not in last(make_frame(1, "s", a), make_frame(2, "t", a))


def test_the_lead_is_counted_late() -> None:
    a, b = make_person("char1", 0.2), make_person("char2", 0.8)
    frames = [make_frame(n, "s", a) for n in range(1, 7)]
    words = dict(last(make_frame(1, "r", b), *(make_frame(n, "s", a) for n in range(2, 8)))["share"].words)
    assert words == {"count": "six", "total": "seven"}
    assert "share" not in last(*frames)
