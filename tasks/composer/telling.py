"""What a story has told so far, and the plan of one sentence."""

from collections import Counter
from dataclasses import dataclass, field

from tasks.composer.facts import Fact
from tasks.composer.rank import Echo

Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A plan of one sentence: patterns that may lead it, a first fact, perhaps a tail and a second clause.

    A sentence without a fact takes one of ``patterns``, with ``slots``.
    """

    leads: tuple[str, ...]
    fact: Fact | None
    tail: Fact | None = None
    second: Fact | None = None
    patterns: tuple[str, ...] = ()
    slots: tuple[tuple[str, tuple[str, ...] | str], ...] = ()

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The facts that it tells."""
        return tuple(fact for fact in (self.fact, self.tail, self.second) if fact is not None)

    @property
    def grounds(self) -> bool:
        """Whether it is about an entity of the frame."""
        return self.fact is None or any(fact.who or fact.other for fact in self.facts)


def key(fact: Fact) -> Key:
    """What makes two facts the same."""
    return fact.kind, fact.who, fact.other, fact.words


@dataclass(slots=True)
class Telling:
    """What has been told: each fact and whose clothes at which frame last, how often each kind, which things, in which words."""

    told: dict[Key, int] = field(default_factory=dict)
    dressed: dict[str, int] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)
    met: set[str] = field(default_factory=set)
    echo: Echo = field(default_factory=Echo)

    def note(self, sentence: Sentence, index: int) -> None:
        """Take in that ``sentence`` was told of frame ``index``."""
        for fact in sentence.facts:
            for one in (fact, *fact.covers):
                self.told[key(one)] = index
                self.kinds[one.kind] += 1
