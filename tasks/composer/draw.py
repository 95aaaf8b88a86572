"""Choices that look random and follow from a seed, a story and a place in the text, and from nothing else."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")

_MASK = (1 << 64) - 1


class Draw:
    """A stream of choices for one place of one story.

    Its numbers are those of SplitMix64 (Steele, Lea, Flood 2014) from a BLAKE2b digest of the key, so they are the same on
    every machine, in every process and under every ``PYTHONHASHSEED``.
    """

    __slots__ = ("_key", "_state")

    def __init__(self, *key: object) -> None:
        self._key = key
        self._state = int.from_bytes(blake2b("\x1f".join(map(str, key)).encode(), digest_size=8).digest(), "big")

    def at(self, *place: object) -> "Draw":
        """A stream of its own for ``place``, whatever was drawn from this one so far."""
        return Draw(*self._key, *place)

    def number(self) -> int:
        """The next number, from 0 to 2**64 - 1."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return mixed ^ (mixed >> 31)

    def chance(self, share: float) -> bool:
        """True in ``share`` of all draws."""
        return self.number() < share * (_MASK + 1)

    def pick(self, options: Sequence[T]) -> T:
        """One of ``options``, each as likely."""
        return options[self.number() % len(options)]

    def order(self, options: Sequence[T]) -> list[T]:
        """All of ``options`` in a drawn order (Fisher-Yates)."""
        items = list(options)
        for last in range(len(items) - 1, 0, -1):
            other = self.number() % (last + 1)
            items[last], items[other] = items[other], items[last]
        return items
