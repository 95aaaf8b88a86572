from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.config import DriftConfig
from tasks.publishing.drift import measure_drift

BEFORE: dict[str, Any] = {
    "stories": 100,
    "frames_mean": 10.0,
    "words_mean": 400.0,
    "entities_per_image": {"char": 2.0, "obj": 1.0, "lm": 0.0},
    "identity": {"mean_confidence": 0.95, "doubtful": 0.02},
    "losses": 0.01,
    "labels": {"person": 0.8, "lamp": 0.2},
}


def shifts(now: dict[str, Any], before: dict[str, Any] | None = None) -> dict[str, tuple[Any, bool]]:
    found = measure_drift(BEFORE if before is None else before, now, DriftConfig())
    return {shift.what: (pytest.approx(shift.change), shift.beyond) for shift in found}


def test_the_same_numbers_have_not_moved() -> None:
    found = measure_drift(BEFORE, BEFORE, DriftConfig())
    assert len(found) == 9
    assert {shift.change for shift in found} == {0.0}


@pytest.mark.parametrize(
    ("change", "what", "by", "beyond"),
    [
        ({"stories": 80}, "stories", 0.2, False),
        ({"stories": 79}, "stories", 0.21, True),
        ({"stories": 900}, "stories", 0.0, False),
        ({"frames_mean": 7.0}, "frames in a story", 0.3, True),
        ({"words_mean": 480.0}, "words in a story", 0.2, False),
        ({"entities_per_image": {"char": 3.0, "obj": 1.0}}, "entities 'char' in an image", 0.5, True),
        ({"entities_per_image": {"lm": 0.1}}, "entities 'lm' in an image", 1.0, True),
        ({"identity": {"mean_confidence": 0.89, "doubtful": 0.02}}, "mean confidence of identities", 0.06, True),
        ({"identity": {"mean_confidence": 0.99, "doubtful": 0.2}}, "share of doubtful links", 0.18, True),
        ({"losses": 0.3}, "share of stories left out", 0.29, True),
        ({"labels": {"person": 0.5, "lamp": 0.3, "car": 0.2}}, "labels of detections", 0.3, True),
    ],
)
def test_by_hand(change: dict[str, Any], what: str, by: float, beyond: bool) -> None:
    assert shifts({**BEFORE, **change})[what] == (by, beyond)


def test_numbers_that_one_side_has_not_are_left_out() -> None:
    assert shifts({}) == {}
    assert shifts(BEFORE, {"stories": 100}) == {"stories": (0.0, False)}


SHARES = st.dictionaries(st.sampled_from("abcd"), st.floats(0.01, 1), min_size=1)


@given(SHARES, SHARES)
def test_the_label_mix_moves_by_a_distance(one: dict[str, float], two: dict[str, float]) -> None:
    a = {"labels": {k: v / sum(one.values()) for k, v in one.items()}}
    b = {"labels": {k: v / sum(two.values()) for k, v in two.items()}}
    (forth,), (back,) = measure_drift(a, b, DriftConfig()), measure_drift(b, a, DriftConfig())
    assert forth.change == pytest.approx(back.change)
    assert -1e-9 <= forth.change <= 1 + 1e-9


def test_a_shift_says_itself_in_one_line() -> None:
    (shift,) = measure_drift({"stories": 10}, {"stories": 5}, DriftConfig())
    assert str(shift) == "stories: 10 before, 5 now (change 0.50, limit 0.2)"
