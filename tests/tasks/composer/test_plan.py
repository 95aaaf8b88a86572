import itertools

import pytest

from schemas.evidence import Light, StoryEvidence
from tasks.composer.chronicle import Chronicle, read_evidence
from tasks.composer.plan import _BEGINNINGS, _SHARES, _STRETCH, Change, measure_change, plan_phases
from tasks.composer.theme import find_theme, shows
from tests.tasks.composer.films import make_frame, make_person, simulate


def read(evidence: StoryEvidence) -> Chronicle:
    return read_evidence(evidence)


@pytest.mark.parametrize("seed", range(40))
def test_phases_divide_the_frames_in_order(seed: int) -> None:
    phases = plan_phases(read(simulate(seed)))
    assert len(phases) == 5
    assert all(phases)
    flat = [number for phase in phases for number in phase]
    assert flat == list(range(1, len(flat) + 1))


@pytest.mark.parametrize(
    ("count", "numbers"), [(1, [1] * 5), (2, [1, 1, 1, 2, 2]), (3, [1, 1, 2, 2, 3]), (4, [1, 1, 2, 3, 4])]
)
def test_few_frames_are_shared(count: int, numbers: list[int]) -> None:
    phases = plan_phases(read(simulate(1, frames=count)))
    assert [phase[0] for phase in phases] == numbers
    assert all(len(phase) == 1 for phase in phases)


@pytest.mark.parametrize("seed", range(12))
def test_the_cuts_are_the_best_of_all(seed: int) -> None:
    """Against trying every division of the frames."""
    chronicle = read(simulate(seed, frames=9))
    changes = [measure_change(chronicle, index).total for index in range(9)]

    def worth(bounds: tuple[int, ...]) -> float:
        edges = (0, *bounds, 9)
        return sum(
            _BEGINNINGS[phase] * changes[edges[phase]]
            - _STRETCH * abs(edges[phase + 1] - edges[phase] - _SHARES[phase] * 9) / (_SHARES[phase] * 9)
            for phase in range(5)
        )

    best = max(worth(bounds) for bounds in itertools.combinations(range(1, 9), 4))
    phases = plan_phases(chronicle)
    assert worth(tuple(phase[0] - 1 for phase in phases[1:])) == pytest.approx(best)


def test_the_turning_point_begins_at_the_one_great_change() -> None:
    a, b = make_person("char1", 0.3), make_person("char2", 0.7)
    frames = [make_frame(n, "s", a, light=Light(0.2, 0.2, 0.2, 0.0)) for n in range(1, 8)]
    frames += [make_frame(n, "t", b, light=Light(0.8, 0.2, 0.2, 0.0)) for n in range(8, 11)]
    assert plan_phases(read(StoryEvidence("k", "f", tuple(frames))))[3][0] == 8


def test_parts_of_a_change() -> None:
    a, b = make_person("char1", 0.3, face_height=0.2), make_person("char2", 0.7)
    frames = (
        make_frame(1, "s", a, light=Light(0.3, 0.2, 0.2, 0.0)),
        make_frame(2, "t", make_person("char1", 0.3, face_height=0.3, yaw=0.4), b, light=Light(0.45, 0.2, 0.2, 0.03)),
    )
    change = measure_change(read(StoryEvidence("k", "f", frames)), 1)
    assert change.scene == 1
    assert change.company == 0.5
    assert change.light == pytest.approx(0.15 / 0.3 + 0.03 / 0.3)
    assert change.scale == pytest.approx(0.5)
    assert change.heads == 1
    assert change.part("heads") == 1
    assert change.part("weather") == 0
    assert measure_change(read(StoryEvidence("k", "f", frames)), 0) == Change()


def test_the_largest_part() -> None:
    assert Change().largest == "nothing"
    assert Change(scene=1).largest == "scene"
    assert Change(scene=1, light=0.5).largest == "light"
    assert Change(scene=1, light=0.5, company=0.5).largest == "company"


def test_theme_is_what_changes_most() -> None:
    def themed(*people: tuple[float, float], light: tuple[float, ...] = (0.4,) * 5) -> str:
        frames = (
            make_frame(n, "s", make_person("char1", 0.5, face_height=size, yaw=yaw), light=Light(luma, 0.2, 0.2, 0.0))
            for n, ((size, yaw), luma) in enumerate(zip(people, light, strict=True), start=1)
        )
        return find_theme(read(StoryEvidence("k", "f", tuple(frames))))

    still = (0.2, 0.0)
    assert themed(*[still] * 5) == "stillness"
    assert themed((0.1, 0.0), (0.2, 0.0), (0.1, 0.0), (0.2, 0.0), (0.1, 0.0)) == "distance"
    assert themed((0.2, 0.0), (0.2, 0.4), (0.2, 0.0), (0.2, -0.4), (0.2, 0.0)) == "attention"
    assert themed(*[still] * 5, light=(0.1, 0.8, 0.1, 0.8, 0.1)) == "light"


def test_a_theme_shows_where_it_changes() -> None:
    frames = (make_frame(n, "s", make_person("char1", 0.5, face_height=h)) for n, h in ((1, 0.1), (2, 0.3), (3, 0.3)))
    chronicle = read(StoryEvidence("k", "f", tuple(frames)))
    assert shows("distance", chronicle, 0, 2)
    assert not shows("distance", chronicle, 2, 3)
    assert shows("stillness", chronicle, 2, 3)
