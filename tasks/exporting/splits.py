"""Which film is for training and which for testing.

By ``ratio`` every film is drawn for itself, so that it keeps its side when others are added. Like the ``paper`` the test split
has the share of stories that the published StoryReasoning has, as nearly as whole films allow.
"""

import hashlib
from collections.abc import Iterable, Mapping

from schemas.config import ExportConfig

SPLITS = ("train", "test")
PAPER_STORIES = {"train": 3552, "test": 626}
"""Stories of the published dataset (arXiv 2505.10292 and its data card)."""


def _places(films: Iterable[str], params: ExportConfig) -> dict[str, float]:
    """A number from 0 to 1 for each film, that depends on its name and the seed alone."""
    return {
        film: int.from_bytes(hashlib.sha256(f"{params.split_seed}\n{film}".encode()).digest()[:8], "big") / 2**64
        for film in films
    }


def split_films(films: Iterable[str], params: ExportConfig) -> dict[str, str]:
    """The split of each film: a film whose hash falls into the lowest ``test_ratio`` of all hashes is for testing.

    So a film keeps its side whatever others there are, with one exception: when every film would be for testing, the one
    with the highest hash is for training, as nobody can train on nothing.
    """
    places = _places(films, params)
    splits = {film: "test" if place < params.test_ratio else "train" for film, place in places.items()}
    if splits and "train" not in splits.values():
        splits[max(places, key=lambda film: (places[film], film))] = "train"
    return splits


def split_like_paper(stories: Mapping[str, int], params: ExportConfig) -> dict[str, str]:
    """The split of each film such that the share of stories in the test split comes near to the paper's 626 of 4,178.

    Films are gone through in the order of their hashes; one is for testing where that brings the number of test stories nearer
    to the paper's share of all. Here a film may change its side when others are added: the share is one of the whole.
    """
    places = _places(stories, params)
    aim = sum(stories.values()) * PAPER_STORIES["test"] / sum(PAPER_STORIES.values())
    splits, taken = {}, 0
    for film in sorted(stories, key=lambda film: (places[film], film)):
        nearer = abs(taken + stories[film] - aim) < abs(taken - aim)
        splits[film] = "test" if nearer else "train"
        taken += stories[film] if nearer else 0
    return splits


def draw_splits(stories: Mapping[str, int], params: ExportConfig) -> dict[str, str]:
    """The split of each film, by the number of its stories.

    Films without a story have a side too, but must not be what keeps the training split from being empty.
    """
    told = {film: count for film, count in stories.items() if count}
    others = split_films((film for film in stories if film not in told), params)
    return {**others, **(split_like_paper(told, params) if params.split_like == "paper" else split_films(told, params))}
