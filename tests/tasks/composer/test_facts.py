import pytest

from schemas.evidence import EntityView, FrameView, StoryEvidence
from tasks.composer.chronicle import Chronicle, read_evidence
from tasks.composer.combine import combine
from tasks.composer.facts import Fact, grouped, merge
from tests.tasks.composer.films import make_frame, make_person


def read(*frames: FrameView) -> Chronicle:
    return read_evidence(StoryEvidence("k", "film", frames))


def kinds(chronicle: Chronicle, index: int) -> dict[str, Fact]:
    return {fact.kind: fact for fact in grouped(chronicle, index)}


def then_now(before: EntityView, now: EntityView, *, same_scene: bool = True) -> dict[str, Fact]:
    return kinds(read(make_frame(1, "s", before), make_frame(2, "s" if same_scene else "t", now)), 1)


def test_coming_nearer_and_moving_off() -> None:
    far, near = make_person("char1", 0.5, face_height=0.2), make_person("char1", 0.5, face_height=0.25)
    assert "nearer" in then_now(far, near)
    assert "farther" in then_now(near, far)
    assert "nearer_much" in then_now(far, make_person("char1", 0.5, face_height=0.4))
    assert not {"nearer", "farther"} & then_now(far, make_person("char1", 0.5, face_height=0.21)).keys()


def test_moving_across() -> None:
    facts = then_now(make_person("char1", 0.3), make_person("char1", 0.42))
    assert facts["sideways"].words == (("way", "right"),)
    assert facts["sideways"].who == ("char1",)
    assert then_now(make_person("char1", 0.42), make_person("char1", 0.3))["sideways"].words == (("way", "left"),)
    assert then_now(make_person("char1", 0.2), make_person("char1", 0.8))["crossed"].words == (("way", "right"),)


def test_what_nearness_does_to_a_place_is_not_told_as_a_move() -> None:
    facts = then_now(make_person("char1", 0.7, face_height=0.2), make_person("char1", 0.76, face_height=0.26))
    assert "nearer" in facts
    assert "sideways" not in facts
    inward = then_now(make_person("char1", 0.7, face_height=0.2), make_person("char1", 0.6, face_height=0.26))
    assert inward["sideways"].words == (("way", "left"),)


def test_stillness() -> None:
    same = make_person("char1", 0.5)
    assert "still" in then_now(same, same)
    assert "still" not in then_now(same, make_person("char1", 0.53))
    assert "still" not in then_now(same, make_person("char1", 0.5, yaw=0.4))


def test_nothing_moves_across_a_cut() -> None:
    facts = then_now(
        make_person("char1", 0.2, face_height=0.2), make_person("char1", 0.8, face_height=0.4), same_scene=False
    )
    assert not {"nearer", "nearer_much", "sideways", "crossed", "still", "turned_front"} & facts.keys()


def test_turning_heads() -> None:
    front, left = make_person("char1", 0.5), make_person("char1", 0.5, yaw=-0.4)
    aside = then_now(front, left)
    assert aside["turned_aside"].words == (("way", "left"),)
    assert "faces_aside" not in aside
    assert "turned_front" in then_now(left, front)
    assert "keeps_aside" in then_now(left, left)
    assert "keeps_front" in then_now(front, front)
    assert "faces_front" in then_now(front, front, same_scene=False)


def test_a_face_that_goes_or_comes() -> None:
    front, none = make_person("char1", 0.5), make_person("char1", 0.5, yaw=None)
    assert "face_lost" in then_now(front, none)
    assert "face_shown" in then_now(none, front)
    assert not {"faces_front", "keeps_front", "faces_aside"} & then_now(front, none).keys()


def test_a_leaning_head_is_not_also_turned() -> None:
    leaning = make_person("char1", 0.5, yaw=0.5, roll=-20)
    facts = kinds(read(make_frame(1, "s", leaning)), 0)
    assert facts["tilts"].words == (("way", "left"),)
    assert not {"faces_aside", "faces_front"} & facts.keys()


@pytest.mark.parametrize(
    ("left", "right", "kind"),
    [(0.4, -0.4, "face_each_other"), (-0.4, 0.4, "face_apart"), (0.4, 0.0, "faces_toward"), (0.0, 0.0, "faces_front")],
)
def test_how_two_heads_go_together(left: float, right: float, kind: str) -> None:
    facts = kinds(
        read(make_frame(1, "s", make_person("char1", 0.25, yaw=left), make_person("char2", 0.75, yaw=right))), 0
    )
    assert kind in facts
    others = {"face_each_other", "face_apart", "faces_toward"} - {kind}
    assert not others & facts.keys()


def test_looking_where_nobody_is() -> None:
    people = make_person("char1", 0.25, yaw=-0.4), make_person("char2", 0.75, yaw=-0.4)
    facts = kinds(read(make_frame(1, "s", *people)), 0)
    assert facts["faces_nobody"].who == ("char1",)
    assert facts["faces_toward"].who == ("char2",)
    assert facts["faces_toward"].other == ("char1",)


def test_distance_between_two() -> None:
    def two(left: float, right: float) -> dict[str, Fact]:
        return kinds(read(make_frame(1, "s", make_person("char1", left), make_person("char2", right))), 0)

    assert "apart" in two(0.1, 0.9)
    assert "side_by_side" in two(0.36, 0.6)
    assert not {"apart", "side_by_side"} & two(0.2, 0.6).keys()
    assert two(0.3, 0.7)["sides"].who == ("char1",)
    assert "sides" not in two(0.3, 0.5)


def test_who_is_in_front() -> None:
    near, far = make_person("char1", 0.25, face_height=0.3), make_person("char2", 0.75, face_height=0.15)
    fact = kinds(read(make_frame(1, "s", near, far)), 0)["before"]
    assert (fact.who, fact.other) == (("char1",), ("char2",))


def test_three_in_a_row() -> None:
    three = [make_person(f"char{k}", 0.25 * k, face_height=0.1) for k in (1, 2, 3)]
    fact = kinds(read(make_frame(1, "s", *three)), 0)["between"]
    assert (fact.who, fact.other) == (("char2",), ("char1", "char3"))


def test_facts_of_a_kind_are_told_of_all() -> None:
    frames = [
        make_frame(n, "s", make_person("char1", 0.25, face_height=size), make_person("char2", 0.75, face_height=larger))
        for n, size, larger in ((1, 0.15, 0.15), (2, 0.18, 0.25))
    ]
    fact = kinds(read(*frames), 1)["nearer"]
    assert fact.who == ("char1", "char2")
    combined = {one.kind: one for one in combine(list(grouped(read(*frames), 1)), read(*frames).moments[1])}
    assert fact in combined["nearer_all"].covers


def test_merging_keeps_words_apart() -> None:
    left, right = ((("way", "left"),), (("way", "right"),))
    facts = [Fact("sideways", "motion", (who,), words=words) for who, words in (("a", left), ("b", right), ("c", left))]
    assert [(fact.who, fact.words) for fact in merge(facts)] == [(("a", "c"), left), (("b",), right)]


def test_two_facts_in_one() -> None:
    frames = [
        make_frame(n, "s", make_person("char1", 0.25), make_person("char2", across, yaw=0.0))
        for n, across in ((1, 0.6), (2, 0.72))
    ]
    chronicle = read(*frames)
    combined = {one.kind: one for one in combine(list(grouped(chronicle, 1)), chronicle.moments[1])}
    only = combined["still/sideways"]
    assert (only.who, only.other, only.words) == (("char1",), ("char2",), (("way2", "right"),))
