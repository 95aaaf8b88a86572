from collections.abc import Sequence

import pytest

from schemas.evidence import EntityView, StoryEvidence
from tasks.composer.chronicle import Chronicle, read_evidence
from tasks.composer.company import company, count_views
from tests.tasks.composer.films import make_frame, make_person

Cast = Sequence[int]


def film(*frames: tuple[str, Cast]) -> Chronicle:
    """Frames given as scene and who is there, from left to right."""
    return read_evidence(
        StoryEvidence(
            "k",
            "film",
            tuple(
                make_frame(number, scene, *(make_person(f"char{who}", 0.04 * who, face_height=0.05) for who in cast))
                for number, (scene, cast) in enumerate(frames, start=1)
            ),
        )
    )


def told(*frames: tuple[str, Cast]) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    chronicle = film(*frames)
    return [(fact.kind, fact.who, fact.other) for fact in company(chronicle, len(frames) - 1)]


@pytest.mark.parametrize(
    ("cast", "kind"),
    [((), "open_none"), ((1,), "open_one"), ((1, 2), "open_many"), (range(1, 6), "open_crowd")],
)
def test_the_first_frame(cast: Cast, kind: str) -> None:
    assert told(("s", cast)) == [(kind, tuple(f"char{who}" for who in cast), ())]


@pytest.mark.parametrize(
    ("frames", "facts"),
    [
        ([("s", (1, 2)), ("t", (1, 2))], [("stays_many", ("char1", "char2"), ())]),
        ([("s", (1, 2)), ("t", (1,))], [("stays_alone", ("char1",), ())]),
        ([("s", (1,)), ("t", (1, 2))], [("stays/appear", ("char1",), ("char2",))]),
        ([("s", (1,)), ("t", (2, 3))], [("appear_many", ("char2", "char3"), ())]),
        ([("s", (1,)), ("t", (2,)), ("u", (1,))], [("back_one", ("char1",), ())]),
        ([("s", (1, 3)), ("t", (2,)), ("u", (1,))], [("back_alone", ("char1",), ())]),
        ([("s", (1,)), ("t", (2,)), ("u", (1, 2))], [("stays/back", ("char2",), ("char1",))]),
        ([("s", (1,)), ("t", (2,)), ("u", (1, 3))], [("back/appear", ("char1",), ("char3",))]),
        ([("s", (1,)), ("t", ())], [("none_cut", (), ())]),
    ],
)
def test_a_new_scene(frames: list[tuple[str, Cast]], facts: list[tuple[str, tuple[str, ...], tuple[str, ...]]]) -> None:
    assert told(*frames) == facts


@pytest.mark.parametrize(
    ("frames", "facts"),
    [
        ([("s", (1, 2)), ("s", (1, 2))], []),
        ([("s", (1, 2)), ("s", (1,))], [("left_alone", ("char1",), ())]),
        ([("s", (1, 2, 3)), ("s", (1, 2))], [("thinned", ("char1", "char2"), ())]),
        ([("s", (1,)), ("s", (1, 2))], [("enter_one", ("char2",), ())]),
        ([("s", (1, 2)), ("s", (1,)), ("s", (1, 2))], [("reenter_one", ("char2",), ())]),
        ([("s", (1,)), ("s", ())], [("none_now", (), ())]),
        ([("s", ()), ("s", ())], [("none_still", (), ())]),
    ],
)
def test_within_a_scene(
    frames: list[tuple[str, Cast]], facts: list[tuple[str, tuple[str, ...], tuple[str, ...]]]
) -> None:
    assert told(*frames) == facts


def test_how_long_somebody_was_away() -> None:
    chronicle = film(("s", (1,)), ("t", (2,)), ("t", (2,)), ("u", (1,)))
    (fact,) = company(chronicle, 3)
    assert fact.words == (("gap", "two views"),)
    assert count_views(1) == "one view"


def test_nobody_is_called_new_whose_identity_is_not_sure() -> None:
    def vague(entity_id: str) -> EntityView:
        view = make_person(entity_id, 0.5)
        return EntityView(view.entity_id, "char", "person", "d", view.box, 0.8, 0.2, (), view.face)

    def second(scene: str, before: EntityView, now: EntityView) -> list[str]:
        frames = (make_frame(1, "s", before), make_frame(2, scene, now))
        return [fact.kind for fact in company(read_evidence(StoryEvidence("k", "film", frames)), 1)]

    sure = make_person("char1", 0.5)
    assert second("t", sure, vague("char2")) == ["shows_one"]
    assert second("s", sure, vague("char2")) == ["shows_one"]
    # somebody vague has gone: the one who came may be the same person
    assert second("s", vague("char2"), sure) == ["shows_one"]
    assert second("s", sure, make_person("char2", 0.5)) == ["enter_one"]
