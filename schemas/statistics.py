"""The numbers reported for a dataset of grounded stories, gathered story by story in constant memory."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from schemas.chain_of_thought import ParsedChainOfThought
from schemas.pronouns import PRONOUNS, PronounUse, find_pronouns, find_quotations, is_inside
from schemas.story import ParsedBlock, ParsedStory
from schemas.text import NARRATIVE_PHASES, TAG_KINDS, Tag

_WORD = re.compile(r"\w+(?:['\u2019-]\w+)*+")
_CONTRACTIONS = frozenset(("s", "m", "d", "re", "ve", "ll"))
_KINDS = ("char", "obj", "lm", "bg")
_PLACES = {word: place for place, word in enumerate(PRONOUNS)}
_PronounKey = tuple[str, str, int]  # word, role, person
_Group = TypeVar("_Group", str, int)
PERSISTENCE = (2, 5)
"""Numbers of frames for which the share of entities that are in at least so many is reported."""


@dataclass(frozen=True, slots=True)
class Share:
    """``part`` of ``whole``."""

    part: int
    whole: int

    @property
    def percent(self) -> float:
        """From 0 to 100; 0 of an empty whole."""
        return 100 * self.part / self.whole if self.whole else 0.0


@dataclass(frozen=True, slots=True)
class Summary:
    """The numbers of a dataset.

    ``persistence[kind][k]`` are the entities of a kind that are in the tables of at least ``k`` frames of their story, of all
    of that kind; kinds are ``char``, ``obj``, ``lm``, ``bg``. Tags are counted by what they are (``gdo``, ``gda``, ``gdl``),
    references by whom they name: a group mention is one tag and a reference to each of its entities. ``ungrounded`` are the
    pronouns in no ``gdo`` tag, of all pronouns, by role, by person and by word. ``tags_by_phase`` are the mean tags of
    a block in the frames of a narrative phase.
    """

    stories: int
    frames: int
    frames_mean: float
    frames_max: int
    frames_histogram: Mapping[int, int]
    persistence: Mapping[str, Mapping[int, Share]]
    tags_mean: Mapping[str, float]
    references_mean: Mapping[str, float]
    group_mentions_mean: float
    pronoun_references: Share
    ungrounded: Share
    ungrounded_by_role: Mapping[str, Share]
    ungrounded_by_person: Mapping[int, Share]
    ungrounded_by_word: Mapping[str, Share]
    entities_per_image: Mapping[str, float]
    settings_per_image: float
    words_mean: float
    characters_mean: float
    actions_mean: float
    phase_images: Mapping[str, int]
    tags_by_phase: Mapping[str, float]


@dataclass(slots=True)
class DatasetStatistics:
    """Running counts: :meth:`add` takes a story, :meth:`merge` another part's counts, :meth:`summarise` gives the numbers."""

    stories: int = 0
    images: int = 0
    settings: int = 0
    words: int = 0
    group_mentions: int = 0
    character_mentions: int = 0
    pronoun_mentions: int = 0
    frames: Counter[int] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    spans: Counter[tuple[str, int]] = field(default_factory=Counter)
    tags: Counter[str] = field(default_factory=Counter)
    references: Counter[str] = field(default_factory=Counter)
    pronouns: Counter[_PronounKey] = field(default_factory=Counter)
    untagged: Counter[_PronounKey] = field(default_factory=Counter)
    phase_images: Counter[str] = field(default_factory=Counter)
    phase_tags: Counter[str] = field(default_factory=Counter)

    def add(self, cot: ParsedChainOfThought, story: ParsedStory, frame_count: int | None = None) -> None:
        """Count one story; ``frame_count`` is the number of its images in the tables unless given."""
        self.stories += 1
        self.frames[len(cot.images) if frame_count is None else frame_count] += 1
        self._add_tables(cot)
        tags_of: Counter[int] = Counter()
        for block in story.blocks:
            self._add_block(story.text, block)
            tags_of[block.number] += sum(piece.tag is not None for piece in block.pieces)
        for row in cot.value.narrative:
            numbers = set(row.images) if row.phase in NARRATIVE_PHASES else set()
            self.phase_images[row.phase] += len(numbers)
            self.phase_tags[row.phase] += sum(tags_of[number] for number in numbers)

    def merge(self, other: "DatasetStatistics") -> None:
        """Take in the counts of another part of the dataset."""
        for name in self.__slots__:
            mine, theirs = getattr(self, name), getattr(other, name)
            if isinstance(mine, Counter):
                mine.update(theirs)
            else:
                setattr(self, name, mine + theirs)

    def _add_tables(self, cot: ParsedChainOfThought) -> None:
        seen: Counter[str] = Counter()
        for rows in cot.entity_rows().values():
            seen.update(rows.keys())
        for image in cot.value.images:
            self.images += 1
            self.settings += len(image.settings)
        for entity_id, count in seen.items():
            self.spans[_kind(entity_id), count] += 1
            self.rows[_kind(entity_id)] += count

    def _add_block(self, text: str, block: ParsedBlock) -> None:
        quotations = find_quotations(text, block.body.start, block.body.end)
        for piece in block.pieces:
            tag = piece.tag
            words = tag.text if tag is not None else text[piece.text_start : piece.text_end]
            self.words += len(_WORD.findall(words))
            if tag is not None:
                self._add_tag(tag)
            for use in find_pronouns(text, piece.text_start, piece.text_end):
                tagged = tag is not None and tag.kind == "gdo"
                if use.person != 2 or tagged or is_inside(use.start, quotations):
                    self._add_pronoun(use, tagged)

    def _add_tag(self, tag: Tag) -> None:
        self.tags[tag.kind] += 1
        self.group_mentions += len(tag.ids) > 1
        for entity_id in tag.ids:
            self.references[_kind(entity_id)] += 1
        if tag.kind == "gdo" and any(_kind(entity_id) == "char" for entity_id in tag.ids):
            self.character_mentions += 1
            self.pronoun_mentions += is_pronoun(tag.text)

    def _add_pronoun(self, use: PronounUse, tagged: bool) -> None:
        key = (use.word, use.role, use.person)
        self.pronouns[key] += 1
        if not tagged:
            self.untagged[key] += 1

    def summarise(self) -> Summary:
        """The numbers so far; means over no story are 0."""
        total = sum(count * frames for frames, count in self.frames.items())
        return Summary(
            stories=self.stories,
            frames=total,
            frames_mean=self._mean(total),
            frames_max=max(self.frames, default=0),
            frames_histogram=dict(sorted(self.frames.items())),
            persistence={kind: self._persistence(kind) for kind in _KINDS},
            tags_mean={kind: self._mean(self.tags[kind]) for kind in TAG_KINDS},
            references_mean={kind: self._mean(self.references[kind]) for kind in _KINDS},
            group_mentions_mean=self._mean(self.group_mentions),
            pronoun_references=Share(self.pronoun_mentions, self.character_mentions),
            ungrounded=Share(self.untagged.total(), self.pronouns.total()),
            ungrounded_by_role=self._ungrounded(lambda key: key[1]),
            ungrounded_by_person=self._ungrounded(lambda key: key[2]),
            ungrounded_by_word=self._ungrounded(lambda key: key[0]),
            entities_per_image={kind: _ratio(self.rows[kind], self.images) for kind in _KINDS},
            settings_per_image=_ratio(self.settings, self.images),
            words_mean=self._mean(self.words),
            characters_mean=self._mean(sum(count for (kind, _), count in self.spans.items() if kind == "char")),
            actions_mean=self._mean(self.tags["gda"]),
            phase_images={phase: self.phase_images[phase] for phase in NARRATIVE_PHASES},
            tags_by_phase={
                phase: _ratio(self.phase_tags[phase], self.phase_images[phase]) for phase in NARRATIVE_PHASES
            },
        )

    def _mean(self, count: int) -> float:
        return _ratio(count, self.stories)

    def _persistence(self, kind: str) -> dict[int, Share]:
        counts = {frames: count for (of, frames), count in self.spans.items() if of == kind}
        whole = sum(counts.values())
        longest = max((*counts, *PERSISTENCE))
        return {
            least: Share(sum(count for frames, count in counts.items() if frames >= least), whole)
            for least in range(1, longest + 1)
        }

    def _ungrounded(self, group: Callable[[_PronounKey], _Group]) -> dict[_Group, Share]:
        """Pronouns in no gdo tag by group, in the order of :data:`schemas.pronouns.PRONOUNS`."""
        parts: Counter[_Group] = Counter()
        wholes: Counter[_Group] = Counter()
        for key in sorted(self.pronouns, key=lambda key: (_PLACES[key[0]], key[1])):
            parts[group(key)] += self.untagged[key]
            wholes[group(key)] += self.pronouns[key]
        return {name: Share(parts[name], whole) for name, whole in wholes.items()}


def is_pronoun(text: str) -> bool:
    """Whether a mention is a pronoun and nothing else: ``She``, ``they``, ``I'm``; not ``her coat``."""
    words = _WORD.findall(text)
    if len(words) != 1:
        return False
    rest = re.split("['\u2019]", words[0].lower())[1:]
    return bool(find_pronouns(text)) and all(part in _CONTRACTIONS for part in rest)


def _kind(entity_id: str) -> str:
    return entity_id.rstrip("0123456789")


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
