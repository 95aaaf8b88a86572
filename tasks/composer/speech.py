"""From patterns to tagged text: who is named and how, when a pronoun will do, and which ids a word stands for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from schemas.evidence import EntityKind
from schemas.text import Tag
from tasks.composer.chronicle import Moment
from tasks.composer.draw import Draw
from tasks.composer.grammar import Action, cut, expand
from tasks.composer.nouns import a_thing, number_word, thing_name, things_plural

Part = str | Tag
Ids = tuple[str, ...]

SURE = 0.6
"""Score of a detection below which its label is said as a guess."""

_PRONOUNS = {"": "they", "o": "them", "poss": "their", "own": "theirs"}
_GROUP_NOUNS = ("people", "figures", "newcomers", "newcomer", "figure")

_JOINT = (" not", "{a:each}", "together", "between", "shared", "the same", "apart", "opposite", "side by side")
"""What a clause holds that is true of people only together, or of none."""
_SLIPS = (
    (" ,", ","),
    (",,", ","),
    (",.", "."),
    (",;", ";"),
    (",:", ":"),
    ("  ", " "),
    (" .", "."),
    ("..", "."),
    (" ;", ";"),
    (" :", ":"),
)
"""What can come of putting patterns together, and what it should read."""


@dataclass(slots=True)
class Discourse:
    """What a reader has in mind.

    ``named`` and ``dressed``: who was named in this block, and whose clothes were told with the name; ``focus``: whom the last
    clause was about; ``heard`` and ``current``: who is spoken of in the sentence before and in this one; ``met``: things told of
    anywhere before.
    """

    named: set[str] = field(default_factory=set)
    dressed: set[str] = field(default_factory=set)
    focus: Ids = ()
    heard: set[str] = field(default_factory=set)
    current: set[str] = field(default_factory=set)
    met: set[str] = field(default_factory=set)

    def copy(self) -> "Discourse":
        """A copy to try a sentence on."""
        sets = (set(one) for one in (self.heard, self.current, self.met))
        return Discourse(set(self.named), set(self.dressed), self.focus, *sets)

    def next_sentence(self) -> None:
        """Begin a sentence; one about nobody leaves in mind whom the sentence before it was about."""
        if self.current:
            self.heard, self.current = self.current, set()


@dataclass(frozen=True, slots=True)
class Speaker:
    """Puts patterns into words for one frame of a story.

    ``dress`` says whose clothes are worth a word when the name is first said, ``group_ids`` how many ids a group mention carries.
    """

    moment: Moment
    names: Mapping[str, str]
    dress: Mapping[str, str]
    group_ids: int

    def say(
        self, pattern: str, slots: Mapping[str, Ids | str], talk: Discourse, draw: Draw, *, first: bool
    ) -> list[Part]:
        """One clause of text; ``talk`` is brought up to date.

        ``first`` tells whether the clause opens a sentence or follows a conjunction, where a subject may be a pronoun.

        Raises:
            ValueError: the pattern has a slot that ``slots`` does not fill.
        """
        parts: list[Part] = []
        plural: dict[str, bool] = {}
        own: set[Ids] = set()
        inverted: set[str] = set()
        text = expand(pattern, draw)
        for name, value in slots.items():
            if isinstance(value, str):
                text = text.replace(f"{{{name}}}", value)
        # "both did not" could be read as "not both did", and "both faced each other" says it twice
        joint = any(word in text for word in _JOINT)
        for position, piece in enumerate(cut(text)):
            if isinstance(piece, str):
                parts.append(piece)
                continue
            ids = slots.get(piece.name)
            if not isinstance(ids, tuple):
                raise ValueError(f"slot {piece.name!r} of the pattern {pattern!r} is not filled with ids")
            if isinstance(piece, Action):
                parts.append(Tag("gda", self._limit(ids), piece.text) if ids else piece.text)
            elif piece.form == "was":
                if piece.name not in plural:
                    inverted.add(piece.name)
                parts.append("were" if plural.get(piece.name, len(ids) > 1) else "was")
            else:
                free = first and position == 0 and piece.name not in inverted
                said, many = self._mention(ids, piece.form, talk, draw, free=free, known=ids in own, joint=joint)
                parts.extend(said)
                if many is not None:
                    plural[piece.name] = many
                    own.add(ids)
                    talk.current.update(ids)
        subject = slots.get("a", ())
        if isinstance(subject, tuple) and subject:
            talk.focus = subject
        return parts

    def _limit(self, ids: Ids) -> Ids:
        if len(ids) <= self.group_ids:
            return ids
        largest = sorted(ids, key=lambda one: (-self.moment.views[one].box.area, one))[: self.group_ids]
        return tuple(one for one in ids if one in largest)

    def _tag(self, ids: Ids, text: str) -> Tag:
        return Tag("gdl" if ids[0].startswith(("lm", "bg")) else "gdo", self._limit(ids), text)

    def _mention(
        self, ids: Ids, form: str, talk: Discourse, draw: Draw, *, free: bool, known: bool, joint: bool
    ) -> tuple[list[Part], bool | None]:
        """What is said for a slot, and whether it takes a plural verb (``None`` when it is not a mention)."""
        if not ids or form == "n":
            return [number_word(len(ids))], None
        if form == "s":
            return ["s" if len(ids) > 1 else ""], None
        if form == "were":
            return ["were" if len(ids) > 1 else "was"], None
        if not ids[0].startswith("char"):
            return self._things(ids, talk), len(ids) > 1
        if form in ("their", "them", "they", "themselves"):
            if known or talk.focus == ids:
                return [self._tag(ids, form)], True
            form = {"their": "poss", "them": "o"}.get(form, "")
        if form == "others":
            return [self._tag(ids, "the other" if len(ids) == 2 else "the others")], True
        if form == "each":
            return [self._tag(ids, draw.pick(("each other", "one another")))], True
        if form == "none":
            return self._none(ids, talk, known=known), len(ids) > 2
        if form in _GROUP_NOUNS:
            number = "one" if form == "figure" else "a" if form == "newcomer" else number_word(len(ids))
            talk.named.update(ids)
            return [self._tag(ids, f"{number} {form}")], len(ids) > 1
        clear = talk.focus == ids and talk.heard | talk.current <= set(ids)
        pronoun = _PRONOUNS.get(form)
        if pronoun is not None:
            sure = form in ("poss", "own") and (known or clear)
            likely = (clear and free and draw.chance(0.8)) if form == "" else known or (clear and draw.chance(0.5))
            if sure or (likely and form in ("", "o")):
                return [self._tag(ids, pronoun)], True
        return self._people(ids, form, talk, draw, joint=joint), len(ids) > 1

    def _none(self, ids: Ids, talk: Discourse, *, known: bool) -> list[Part]:
        word = "neither" if len(ids) == 2 else "none"
        if known or set(ids) <= talk.named:
            return [self._tag(ids, f"{word} of them")]
        if len(ids) != 2:
            return [self._tag(ids, f"none of the {number_word(len(ids))}")]
        names = [self._name(one, talk) for one in ids]
        return ["neither ", names[0], " nor ", names[1]]

    def _people(self, ids: Ids, form: str, talk: Discourse, draw: Draw, *, joint: bool) -> list[Part]:
        everyone = len(ids) == len(self.moment.people)
        if len(ids) > 1 and form != "list" and everyone and set(ids) <= talk.named:
            return [self._tag(ids, self._together(len(ids), form, draw, joint=joint))]
        if len(ids) > 4:
            talk.named.update(ids)
            word = number_word(len(ids))
            text = f"all {word}" if everyone else f"{word} of the {number_word(len(self.moment.people))}"
            if form == "poss":
                text = "their"
            elif form == "own":
                text = "theirs"
            elif everyone and form != "list" and draw.chance(0.4):
                text = f"the {word} of them"
            return [self._tag(ids, text)]
        parts: list[Part] = []
        undressed = set(ids) & (talk.named | talk.dressed) or not set(ids) <= set(self.dress)
        for position, one in enumerate(ids):
            if position:
                parts.append(" and " if position == len(ids) - 1 else ", ")
            # a list in which only some are told with a colour could be read as if all wore it
            colour = None if undressed else self.dress[one]
            name = self._name(one, talk)
            if form in ("poss", "own"):
                last = position == len(ids) - 1
                parts.append(Tag("gdo", name.ids, name.text + "'s") if last else name)
                continue
            parts.append(name)
            if colour is not None:
                talk.dressed.add(one)
                if len(ids) == 1:
                    parts.append(f", in {colour},")
                elif len({self._first_colour(other) for other in ids}) > 1:
                    parts.append(f" in {self._first_colour(one)}")
                elif position == len(ids) - 1:
                    parts.append(f", {'both' if len(ids) == 2 else 'all'} in {self._first_colour(one)},")
        return parts

    def _first_colour(self, who: str) -> str:
        """The colour told of somebody in a list, where "in grey and black and" would be too much."""
        return self.dress[who].split(" and ")[0]

    def _name(self, one: str, talk: Discourse) -> Tag:
        talk.named.add(one)
        return self._tag((one,), self.names[one])

    def _together(self, count: int, form: str, draw: Draw, *, joint: bool) -> str:
        word = number_word(count)
        if form in ("poss", "own"):
            return _PRONOUNS[form]
        options = [f"the {word}", f"the {word} of them"]
        if not joint and form != "o":
            options += ["both of them", "the pair"] if count == 2 else [f"all {word}", f"all {word} of them"]
        return draw.pick(options)

    def _things(self, ids: Ids, talk: Discourse) -> list[Part]:
        groups: dict[tuple[EntityKind, str], list[str]] = {}
        for one in ids:
            view = self.moment.views[one]
            groups.setdefault((view.kind, view.label), []).append(one)
        parts: list[Part] = []
        for position, members in enumerate(groups.values()):
            if position:
                parts.append(" and " if position == len(groups) - 1 else ", ")
            parts.append(self._tag(tuple(members), self._thing_text(members, talk)))
        talk.met.update(ids)
        return parts

    def _thing_text(self, members: list[str], talk: Discourse) -> str:
        view = self.moment.views[members[0]]
        label = view.label
        alike = [one for one, other in self.moment.views.items() if (other.kind, other.label) == (view.kind, label)]
        known = all(one in talk.met for one in members)
        if view.kind != "obj" and len(members) == 1:
            return f"the {thing_name(label)}"
        if len(members) > 1:
            whole = known and len(members) == len(alike)
            return f"the {things_plural(label)}" if whole else f"{number_word(len(members))} {things_plural(label)}"
        if known and len(alike) == 1:
            return f"the {thing_name(label)}"
        if len(alike) > 1:
            return f"one of the {things_plural(label)}"
        return f"what looked like {a_thing(label)}" if view.score < SURE else a_thing(label)


def join_parts(parts: Iterable[Part]) -> tuple[Part, ...]:
    """The same text with neighbouring strings joined and without empty ones."""
    joined: list[Part] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif part != "":
            joined.append(part)
    return tuple(joined)


def tidy(parts: Iterable[Part]) -> tuple[Part, ...]:
    """The same text with neighbouring strings joined, no doubled comma or blank, and a capital at the start of each sentence."""
    joined = join_parts(parts)
    tidied: list[Part] = []
    begin = True
    for part in joined:
        text = part if isinstance(part, str) else part.text
        if isinstance(part, str):
            for wrong, right in _SLIPS:
                while wrong in text:
                    text = text.replace(wrong, right)
        text, begin = _capitals(text, begin=begin)
        tidied.append(text if isinstance(part, str) else Tag(part.kind, part.ids, text))
    return tuple(tidied)


def _capitals(text: str, *, begin: bool) -> tuple[str, bool]:
    letters = list(text)
    for position, letter in enumerate(letters):
        if letter in ".!?":
            begin = True
        elif begin and letter.isalnum():
            letters[position] = letter.upper()
            begin = False
    return "".join(letters), begin


def plain(parts: Iterable[Part]) -> str:
    """The text without its tags."""
    return "".join(part if isinstance(part, str) else part.text for part in parts)
