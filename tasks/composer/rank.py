"""How much a wording repeats what a reader has just read."""

import re
from collections import Counter, deque

_WORD = re.compile(r"[^\W_]+(?:'\w+)?")


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text in lower case."""
    return tuple(_WORD.findall(text.lower()))


class Echo:
    """Remembers the sentences of a story: their triples of words, and how the last of them began."""

    __slots__ = ("_openings", "_triples")

    def __init__(self) -> None:
        self._triples: Counter[tuple[str, ...]] = Counter()
        self._openings: deque[tuple[str, ...]] = deque(maxlen=8)

    def add(self, words: tuple[str, ...]) -> None:
        """Take in a sentence."""
        self._triples.update(zip(words, words[1:], words[2:], strict=False))
        self._openings.append(words[:2])

    def cost(self, words: tuple[str, ...]) -> float:
        """How repetitive a sentence would be here; 0 for one that repeats nothing."""
        triples = list(zip(words, words[1:], words[2:], strict=False))
        repeated = sum(min(self._triples[triple], 3) for triple in triples)
        cost = repeated / (len(triples) + 2) * 3
        content = [word for word in words if len(word) > 4 or word == "now"]
        cost += 0.6 * (len(content) - len(set(content)))
        for back, opening in enumerate(reversed(self._openings)):
            if opening[:1] == words[:1]:
                cost += 0.6 / (1 + back)
            if opening == words[:2]:
                cost += 0.8 / (1 + back)
        return cost
