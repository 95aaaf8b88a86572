from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.composer.draw import Draw


def test_same_key_same_numbers() -> None:
    assert [Draw(1, "s").number() for _ in range(2)] == [Draw(1, "s").number()] * 2
    first, second = Draw(7, "story", 3), Draw(7, "story", 3)
    assert [first.number() for _ in range(5)] == [second.number() for _ in range(5)]


def test_numbers_are_those_of_splitmix64() -> None:
    draw = Draw("k")
    draw._state = 1234567
    # the first outputs of the reference implementation for seed 1234567
    assert [draw.number() for _ in range(3)] == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_keys_do_not_run_together() -> None:
    assert Draw("a", "bc").number() != Draw("ab", "c").number()
    assert Draw("a").at("b").number() == Draw("a", "b").number()


def test_a_place_does_not_depend_on_what_was_drawn_before() -> None:
    draw = Draw(0)
    before = draw.at("x").number()
    draw.number()
    assert draw.at("x").number() == before


def test_picks_are_even() -> None:
    draw = Draw("even")
    counts = Counter(draw.pick("abcd") for _ in range(4000))
    assert set(counts) == set("abcd")
    assert min(counts.values()) > 880


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_chance_comes_true_in_its_share(share: float) -> None:
    draw = Draw("chance", share)
    assert sum(draw.chance(share) for _ in range(4000)) / 4000 == pytest.approx(share, abs=0.03)


@given(st.lists(st.integers()), st.integers())
def test_an_order_keeps_every_item(items: list[int], key: int) -> None:
    assert sorted(Draw(key).order(items)) == sorted(items)
