"""Two facts that belong in one sentence, and facts that hold for everyone in view."""

from collections.abc import Iterator, Sequence
from itertools import permutations

from tasks.composer.chronicle import Moment
from tasks.composer.facts import Fact
from tasks.composer.lexicon.together import TOGETHER

_BONUS = 0.1
"""What a sentence that says two things at once is worth more than the better of them."""


def combine(facts: Sequence[Fact], moment: Moment) -> Iterator[Fact]:
    """Facts made of ``facts``, each naming in ``covers`` what it says."""
    for fact in facts:
        kind = f"{_base(fact.kind)}_all"
        if kind in TOGETHER and len(fact.who) > 1 and len(fact.who) == len(moment.people):
            yield Fact(kind, fact.topic, fact.who, (), fact.words, fact.weight + _BONUS, (fact,))
    for first, second in permutations(facts, 2):
        if first.who == second.who and first.topic != second.topic and not first.other + second.other:
            kind = f"{_base(first.kind)}+{_base(second.kind)}"
        elif not set(first.who) & set(second.who) and not first.other + second.other:
            kind = f"{_base(first.kind)}/{_base(second.kind)}"
        else:
            continue
        if kind not in TOGETHER:
            continue
        if _base(first.kind) == _base(second.kind) and (first.words == second.words or first.who > second.who):
            continue
        words = (*first.words, *((name + "2", word) for name, word in second.words))
        other = second.who if "/" in kind else ()
        weight = max(first.weight, second.weight) + _BONUS
        yield Fact(kind, first.topic, first.who, other, words, weight, (first, second))


def _base(kind: str) -> str:
    return kind.removesuffix("_much").replace("keeps_", "faces_")
