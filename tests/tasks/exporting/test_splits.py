from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.config import ExportConfig
from tasks.exporting.splits import PAPER_STORIES, SPLITS, draw_splits, split_films, split_like_paper

FILMS = st.lists(st.text(min_size=1, max_size=8), unique=True, max_size=30)
PARAMS = st.builds(ExportConfig, test_ratio=st.floats(0, 0.99), split_seed=st.integers(0, 20))


@given(FILMS, FILMS, PARAMS)
def test_a_film_keeps_its_side_when_others_are_added(films: list[str], others: list[str], params: ExportConfig) -> None:
    before, after = split_films(films, params), split_films([*films, *others], params)
    # One film may move: the one that had to be for training as there was no other.
    moved = {film for film in films if before[film] != after[film]}
    if moved:
        assert len(moved) == 1
        assert list(before.values()).count("train") == 1
        assert all(before[film] == "train" and after[film] == "test" for film in moved)
        assert any(after[film] == "train" for film in others)


@given(FILMS, PARAMS)
def test_training_is_never_empty(films: list[str], params: ExportConfig) -> None:
    splits = split_films(films, params)
    assert set(splits) == set(films)
    assert set(splits.values()) <= set(SPLITS)
    assert not films or "train" in splits.values()
    assert split_films(films[::-1], params) == splits


def test_the_share_of_test_films_is_about_the_ratio() -> None:
    for ratio in (0.0, 0.15, 0.5):
        splits = split_films([f"film {n}" for n in range(4000)], ExportConfig(test_ratio=ratio))
        assert Counter(splits.values())["test"] / 4000 == pytest.approx(ratio, abs=0.03)
    assert split_films(["only"], ExportConfig(test_ratio=0.99)) == {"only": "train"}
    assert split_films([], ExportConfig()) == {}


def test_a_seed_draws_anew() -> None:
    films = [f"film {n}" for n in range(100)]
    drawn = {tuple(split_films(films, ExportConfig(test_ratio=0.5, split_seed=s)).values()) for s in range(5)}
    assert len(drawn) == 5


COUNTS = st.dictionaries(st.text(min_size=1, max_size=8), st.integers(1, 200), max_size=30)


@given(COUNTS, st.integers(0, 20))
def test_like_the_paper_is_as_near_as_any_film_more_or_less_could_bring_it(stories: dict[str, int], seed: int) -> None:
    splits = split_like_paper(stories, ExportConfig(split_like="paper", split_seed=seed))
    assert set(splits) == set(stories)
    share = PAPER_STORIES["test"] / 4178
    aim = share * sum(stories.values())
    tested = sum(stories[film] for film, split in splits.items() if split == "test")
    # No film left in training would, if it came along, bring the number nearer to the aim.
    left = [stories[film] for film, split in splits.items() if split == "train"]
    assert all(abs(tested + count - aim) >= abs(tested - aim) for count in left)
    assert not stories or "train" in splits.values()


def test_like_the_paper_by_hand() -> None:
    # 626 of 4,178 are 15.0 %: of a hundred stories in films of five, three films are for testing.
    splits = split_like_paper({f"film {n}": 5 for n in range(20)}, ExportConfig(split_like="paper"))
    assert Counter(splits.values()) == {"train": 17, "test": 3}
    assert split_like_paper({"only": 9}, ExportConfig(split_like="paper")) == {"only": "train"}
    assert split_like_paper({}, ExportConfig()) == {}


def test_films_without_stories_have_a_side_but_take_no_part() -> None:
    params = ExportConfig(test_ratio=0.99)
    assert draw_splits({"told": 3, "bare": 0}, params)["told"] == "train"
    paper = ExportConfig(split_like="paper")
    told = {f"film {n}": 5 for n in range(20)}
    assert {k: v for k, v in draw_splits({**told, "bare": 0}, paper).items() if k != "bare"} == split_like_paper(
        told, paper
    )
