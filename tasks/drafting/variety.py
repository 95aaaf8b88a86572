"""Keeping stories from reading alike: what earlier ones of the shard began with and said too often is told to later ones.

Story ``i`` hears of the stories up to ``i - lag``, so that ``lag`` of them can be at work at once and what each is told does not
depend on which is done first. A story that was given up counts for nothing, then and later.
"""

import asyncio
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from schemas.text import ImageBlock, Story, Tag

OPENING_WORDS = 3
PHRASE_WORDS = (2, 3)
LEAST_BLOCKS = 4
"""Texts of images in which a phrase must stand before it can be called worn."""
MOST_ADVICE = 20

WAYS_TO_BEGIN = (
    "with a line of dialogue",
    "in the middle of an action",
    "with a sound",
    "with a thought of the main character",
    "with a small thing that matters later",
    "with a question that somebody asks",
    "with what somebody wants and cannot have",
    "with the place, as one of the people in it sees it",
)

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_COMMON_WORDS = """
a an the and or but nor so yet of in on at to from by with for as into onto over under out up down off than then that this these
those there here it its he she they him her them his hers their theirs i we you me us my our your is are was were be been being
had has have do did does not no if while when where who which what how all one
"""
_COMMON = frozenset(_COMMON_WORDS.split())


@dataclass(frozen=True, slots=True)
class Advice:
    """What a story should not do again: beginnings of stories, and phrases with the share of image texts they stand in."""

    openings: tuple[str, ...] = ()
    phrases: tuple[tuple[str, float], ...] = ()

    def describe(self) -> str:
        """As lines for a prompt; empty when there is nothing to say."""
        lines = [f'- do not begin with "{opening}"' for opening in self.openings]
        lines += [f'- do not use "{phrase}"' for phrase, _ in self.phrases]
        return "\n".join(lines)


class PhraseBook:
    """Counts how stories begin, and in how many image texts each phrase of two or three words stands."""

    def __init__(self, worn_share: float) -> None:
        """``worn_share`` is the share of image texts from which a phrase is worn."""
        self._worn_share = worn_share
        self._openings: Counter[str] = Counter()
        self._phrases: Counter[str] = Counter()
        self._often: set[str] = set()
        self._blocks = 0

    def add(self, story: Story) -> None:
        """Count a story in."""
        for block in story.blocks:
            self._blocks += 1
            phrases = set(find_phrases(block))
            self._phrases.update(phrases)
            self._often.update(phrase for phrase in phrases if self._phrases[phrase] >= LEAST_BLOCKS)
        if story.blocks:
            words = _WORD.findall(_plain(story.blocks[0]))[:OPENING_WORDS]
            if len(words) == OPENING_WORDS:
                self._openings[" ".join(words)] += 1

    def advise(self) -> Advice:
        """Openings met, most used first, and worn phrases, most worn first; ties stand by the alphabet."""
        openings = sorted(self._openings, key=lambda opening: (-self._openings[opening], opening))
        least = max(LEAST_BLOCKS, self._worn_share * self._blocks)
        counts = ((phrase, self._phrases[phrase]) for phrase in self._often)
        worn = [(phrase, count) for phrase, count in counts if count >= least]
        worn.sort(key=lambda item: (-item[1], -len(item[0]), item[0]))
        kept: list[tuple[str, float]] = []
        for phrase, count in worn:
            # "the air was" says nothing that "the air" has not said.
            if not any(f" {other} " in f" {phrase} " or f" {phrase} " in f" {other} " for other, _ in kept):
                kept.append((phrase, count / self._blocks))
                if len(kept) == MOST_ADVICE:
                    break
        return Advice(tuple(openings[:MOST_ADVICE]), tuple(kept))


def find_phrases(block: ImageBlock) -> Iterator[str]:
    """Runs of words in lower case with at least one that says something; they do not reach over mentions and sentences."""
    text = "".join(
        (part.text if part.kind == "gda" else " | ") if isinstance(part, Tag) else part for part in block.parts
    )
    for stretch in re.split(r"[|.,;:!?\"\u201c\u201d\u2014()\n]", text.lower()):
        words = _WORD.findall(stretch)
        telling = [word not in _COMMON for word in words]
        for length in PHRASE_WORDS:
            for start in range(len(words) - length + 1):
                if True in telling[start : start + length]:
                    yield " ".join(words[start : start + length])


def _plain(block: ImageBlock) -> str:
    return "".join(part.text if isinstance(part, Tag) else part for part in block.parts)


def way_to_begin(story_key: str, seed: int) -> str:
    """How a story is to begin, drawn by its key."""
    digest = hashlib.sha256(f"{seed} {story_key} begin".encode()).digest()
    return WAYS_TO_BEGIN[digest[0] % len(WAYS_TO_BEGIN)]


class VarietyWindow:
    """Hands each story of a shard the advice of those that lie far enough before it. For use within one event loop."""

    def __init__(self, worn_share: float, lag: int) -> None:
        """``lag`` stories may be at work at once."""
        self._book = PhraseBook(worn_share)
        self._lag = lag
        self._told: dict[int, Story | None] = {}
        self._next = 0
        self._advice: dict[int, asyncio.Future[Advice]] = {}

    async def advice(self, index: int) -> Advice:
        """What story ``index`` (from 0) is told; waits for story ``index - lag`` and those before it."""
        if index < self._lag:
            return Advice()
        return await self._future(index - self._lag)

    def report(self, index: int, story: Story | None) -> None:
        """Story ``index`` is told, or was given up (None). To be called once for each, in any order."""
        self._told[index] = story
        while self._next in self._told:
            told = self._told.pop(self._next)
            if told is not None:
                self._book.add(told)
            future = self._future(self._next)
            if not future.done():
                future.set_result(self._book.advise())
            self._advice.pop(self._next - 2 * self._lag - 1, None)
            self._next += 1

    def _future(self, index: int) -> "asyncio.Future[Advice]":
        if index not in self._advice:
            self._advice[index] = asyncio.get_running_loop().create_future()
        return self._advice[index]
