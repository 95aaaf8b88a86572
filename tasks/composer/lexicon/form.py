"""How a fact can be put into words: whole clauses, and tails that hang on a clause about the same people."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Forms:
    """Patterns of one kind of fact (see ``tasks/composer/grammar.py``).

    ``clauses`` stand alone, without a capital and a full stop; ``tails`` follow a comma ("drifting to the left", "in dark
    green") and say the fact of the subject of the clause before.
    """

    clauses: tuple[str, ...]
    tails: tuple[str, ...] = ()
