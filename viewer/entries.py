"""What is known of each story of a library without and after a look at its texts."""

from dataclasses import dataclass
from typing import Any

from schemas.chain_of_thought import parse_chain_of_thought
from schemas.story import parse_story, strip_tags
from schemas.validation import validate

SHOWN_NAMES = 6
OPENING = 160
"""Characters of a story's beginning on its card."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What a look at the texts of a story gives: who is in it, how long it is, what is wrong with it."""

    people: int
    things: int
    words: int
    faults: int
    breaking: int
    names: tuple[str, ...]
    opening: str

    def json(self) -> dict[str, Any]:
        """As the page takes it."""
        return {
            "people": self.people,
            "things": self.things,
            "words": self.words,
            "faults": self.faults,
            "breaking": self.breaking,
            "names": list(self.names),
            "opening": self.opening,
        }


def digest_texts(chain_of_thought: str, story: str, frame_count: int | None) -> Digest:
    """Read both texts of a story. ``breaking`` counts faults that readers of the published dataset trip over."""
    cot, told = parse_chain_of_thought(chain_of_thought), parse_story(story)
    faults = validate(cot, told, frame_count=frame_count)
    names: dict[str, str] = {}
    things: set[str] = set()
    for image in cot.value.images:
        for person in image.characters:
            names.setdefault(person.entity_id, person.name)
        things.update(row.entity_id for row in image.objects)
    words = strip_tags(story).split()
    opening = " ".join(words[: OPENING // 2])
    return Digest(
        people=len(names),
        things=len(things),
        words=len(words),
        faults=len(faults),
        breaking=sum(fault.level == "compatible" for fault in faults),
        names=tuple(name[:40] for name in names.values())[:SHOWN_NAMES],
        opening=opening if len(opening) <= OPENING else opening[: OPENING - 1].rsplit(" ", 1)[0] + "\u2026",
    )


@dataclass(frozen=True, slots=True)
class Query:
    """What of a library is asked for; empty fields ask for everything."""

    text: str = ""
    film: str = ""
    split: str = ""
    quality: str = ""
    sort: str = "order"
    descending: bool = False
    page: int = 1
    size: int = 24


SORTS = ("order", "film", "frames", "people", "words", "faults")
QUALITIES = ("sound", "faulty", "breaking")
NEED_DIGESTS = frozenset({"people", "words", "faults"})


def keeps_quality(digest: Digest | None, quality: str) -> bool:
    """Whether a story is of a quality; one that was not read yet is of none."""
    if not quality:
        return True
    if digest is None:
        return False
    return {"sound": not digest.faults, "faulty": digest.faults > 0, "breaking": digest.breaking > 0}[quality]
