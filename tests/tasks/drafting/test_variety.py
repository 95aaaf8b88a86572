"""Variety: what counts as worn, and that what a story is told depends on its place in the shard alone."""

import asyncio
import random

import pytest

from schemas.text import ImageBlock, Story, Tag
from tasks.drafting.variety import Advice, PhraseBook, VarietyWindow, find_phrases, way_to_begin


def told(*blocks: str) -> Story:
    return Story(tuple(ImageBlock(n, (text,)) for n, text in enumerate(blocks, start=1)))


def test_phrases_say_something_and_do_not_reach_over_mentions() -> None:
    block = ImageBlock(1, ("The tension of the ", Tag("gdo", ("obj1",), "old clock"), " grew. In the end, rain"))
    assert list(find_phrases(block)) == [
        "the tension",
        "tension of",
        "the tension of",
        "tension of the",
        "the end",
        "in the end",
    ]


def test_a_phrase_is_worn_from_its_share_of_image_texts_on() -> None:
    book = PhraseBook(0.5)
    for number in range(4):
        book.add(told(f"the tension rose {'abcd'[number]}", f"nothing {'efgh'[number]}"))
    assert book.advise().phrases == (("the tension rose", 0.5),)
    book.add(told("quiet", "calm"))
    assert book.advise().phrases == (), "4 of 10 is below half"


def test_openings_are_counted_once_a_story() -> None:
    book = PhraseBook(0.5)
    for text in ("The rain fell hard", "The rain fell again", "A dog barked twice", "No"):
        book.add(told(text, "The rain fell too"))
    assert book.advise().openings == ("The rain fell", "A dog barked")
    assert book.advise().describe().splitlines()[0] == '- do not begin with "The rain fell"'


def test_a_longer_phrase_that_says_the_same_is_left_out() -> None:
    book = PhraseBook(0.2)
    for _ in range(5):
        book.add(told("velvet night came"))
    phrases = [phrase for phrase, _ in book.advise().phrases]
    assert phrases == ["velvet night came"]


@pytest.mark.parametrize("seed", range(5))
def test_what_a_story_is_told_does_not_depend_on_who_is_first(seed: int) -> None:
    draw = random.Random(seed)
    delays = [draw.random() / 100 for _ in range(12)]

    async def run() -> list[Advice]:
        window = VarietyWindow(0.2, 3)
        heard: list[Advice] = [Advice()] * 12

        async def one(index: int) -> None:
            heard[index] = await window.advice(index)
            await asyncio.sleep(delays[index])
            window.report(index, None if index % 5 == 4 else told(f"Story number {'x' * (index + 1)} begins"))

        await asyncio.gather(*(one(index) for index in range(12)))
        return heard

    heard = asyncio.run(run())
    assert [len(advice.openings) for advice in heard] == [0, 0, 0, 1, 2, 3, 4, 4, 5, 6, 7, 8], "4 was given up"
    assert heard[5].phrases == (), "three texts are too few to tell"
    assert heard[6].phrases == (("story number", 1.0),)


def test_ways_to_begin_are_drawn_by_the_story_and_vary() -> None:
    ways = [way_to_begin(f"{n:032x}", 0) for n in range(200)]
    assert ways == [way_to_begin(f"{n:032x}", 0) for n in range(200)]
    assert len(set(ways)) == 8
    assert ways != [way_to_begin(f"{n:032x}", 1) for n in range(200)]
