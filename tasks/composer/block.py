"""The blocks of a story, one a frame: what is told, in which words, and a remark on the whole where the plan turns."""

from collections.abc import Mapping, Sequence

from schemas.draft_config import DraftConfig
from schemas.text import ImageBlock
from tasks.composer.chronicle import Chronicle
from tasks.composer.draw import Draw
from tasks.composer.lexicon.remarks import BEGINNINGS, CLOSINGS, CONFLICTS, ENDINGS, GREATEST, MIDDLES, TURNINGS
from tasks.composer.plan import measure_change
from tasks.composer.rank import words_of
from tasks.composer.selection import Selector
from tasks.composer.speech import Discourse, Part, Speaker, join_parts, plain
from tasks.composer.telling import Telling
from tasks.composer.theme import find_theme, shows
from tasks.composer.wording import word_remark, word_sentence

SHORT, ENOUGH, MOST = 30, 42, 84
"""Words up to which a block takes facts of any worth, from which it takes no more, and which it does not pass."""
REMARK = 12
"""Words kept free for a remark."""
LEAST = 0.0
"""Worth below which a fact is told only in a short block."""
LARGE = 0.4
"""Change from which the conflict is remarked on."""


class BlockWriter:
    """Writes the blocks of one story in order. ``phases`` tells the narrative phase of each frame number."""

    def __init__(
        self, chronicle: Chronicle, names: Mapping[str, str], phases: Mapping[int, str], params: DraftConfig
    ) -> None:
        self._chronicle = chronicle
        self._names = names
        self._phases = phases
        self._params = params
        self._draw = Draw(params.seed, chronicle.story_key, "story")
        self._telling = Telling()
        self._select = Selector(chronicle, self._telling, self._draw, params)
        self._theme = find_theme(chronicle)

    def write(self, index: int) -> ImageBlock:
        """The block of frame ``index``; call it for 0, 1, 2, ... in order."""
        moment = self._chronicle.moments[index]
        dress = self._dress(index)
        speaker = Speaker(moment, self._names, dress, self._params.group_ids)
        talk = Discourse(met=self._telling.met)
        parts: list[Part] = []
        count = 0
        needed, spare = self._select.sentences(index, dress)
        for position, sentence in enumerate((*needed, *spare)):
            stale = count >= SHORT and self._select.worth(sentence, index) < LEAST
            if position >= len(needed) and (count >= ENOUGH or stale):
                break
            said, after = word_sentence(sentence, speaker, talk, self._telling.echo, self._draw.at(index, position))
            length = len(plain(said).split())
            if parts and count + length > MOST:
                continue
            talk = after
            self._add(parts, said)
            self._telling.note(sentence, index)
            count += length
        remarks = self._remarks(index)
        if remarks and count < MOST - REMARK:
            self._add(parts, word_remark(remarks, speaker, self._telling.echo, self._draw.at("remark", index)))
        self._telling.met = talk.met
        self._telling.dressed.update(dict.fromkeys(talk.dressed, index))
        return ImageBlock(moment.frame.number, join_parts(parts))

    def _add(self, parts: list[Part], said: Sequence[Part]) -> None:
        parts.extend([" "] if parts else [])
        parts.extend(said)
        self._telling.echo.add(words_of(plain(said)))

    def _dress(self, index: int) -> dict[str, str]:
        """Whose clothes are told with the name: those of newcomers, and now and then of others in a new scene."""
        moment = self._chronicle.moments[index]
        dress: dict[str, str] = {}
        for who in moment.people if len(moment.people) <= self._params.named else ():
            colour = moment.figures[who].colour
            last = self._telling.dressed.get(who)
            again = (
                last is not None and moment.cut and index - last >= 4 and self._draw.at("dress", index, who).chance(0.5)
            )
            if colour is not None and (last is None or again):
                dress[who] = colour
        return dress

    def _remarks(self, index: int) -> tuple[str, ...]:
        """What may be said of the whole at the end of a block; nothing in most."""
        number, count = index + 1, len(self._chronicle.moments)
        phase = self._phases[number]
        begins = self._phases.get(number - 1) != phase
        ends = self._phases.get(number + 1) != phase
        change = measure_change(self._chronicle, index)
        if phase == "Introduction" and ends and shows(self._theme, self._chronicle, number, count):
            return BEGINNINGS[self._theme]
        if phase == "Development" and ends and shows(self._theme, self._chronicle, 0, number):
            return MIDDLES[self._theme]
        if phase == "Conflict" and begins and change.total >= LARGE:
            return CONFLICTS.get(change.largest, ())
        if phase == "Turning Point" and begins:
            return TURNINGS[change.largest] + (GREATEST.get(change.largest, ()) if self._greatest(index) else ())
        if number == count:
            return CLOSINGS[self._theme] if self._draw.at("closing").chance(0.4) else ENDINGS
        return ()

    def _greatest(self, index: int) -> bool:
        """Whether what changes most at ``index`` changes more than at any other frame."""
        part = measure_change(self._chronicle, index).largest
        changes = [measure_change(self._chronicle, at).part(part) for at in range(len(self._chronicle.moments))]
        return changes.count(max(changes)) == 1 and changes[index] == max(changes)
