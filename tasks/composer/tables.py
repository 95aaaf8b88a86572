"""The tables of a frame: every entity with what its box, face, colours and neighbours show, and the light of the frame."""

from collections.abc import Mapping

from schemas.draft_config import DraftConfig
from schemas.evidence import EntityView, FrameView
from schemas.text import CharacterRow, ImageAnalysis, ObjectRow, PhaseRow, SettingRow
from tasks.composer.chronicle import Chronicle, Figure, Moment
from tasks.composer.draw import Draw
from tasks.composer.facts import Fact, grouped
from tasks.composer.nouns import a_thing, join_words, number_word, tag_phrase, thing_name, use_of
from tasks.composer.plan import measure_change
from tasks.composer.scenery import light_band, near, place_tag
from tasks.composer.speech import SURE
from tasks.composer.view import side

_SIDES = {
    "far left": "at the left edge",
    "left": "left of centre",
    "centre": "in the middle",
    "right": "right of centre",
    "far right": "at the right edge",
}
_SHOTS = {
    "close": "seen in close-up",
    "shoulders": "seen from the shoulders up",
    "waist": "seen from the waist up",
    "knees": "seen from the knees up",
    "full": "seen from head to foot",
    "small": "seen small, at a distance",
    "part": "partly in view",
}
_LIGHTS = {
    "dark": "very dark",
    "low": "dim",
    "middling": "neither bright nor dark",
    "bright": "bright",
    "white": "very bright",
}
_ACTIONS = {
    "nearer": "comes nearer",
    "nearer_much": "comes much nearer",
    "farther": "moves farther off",
    "farther_much": "moves far back",
    "sideways": "moves to the {way}",
    "crossed": "crosses to the {way}",
    "still": "holds still",
    "turned_front": "turns to face forward",
    "turned_aside": "turns to the {way}",
    "tilted": "tilts the head to the {way}",
    "face_shown": "shows the face",
    "face_lost": "face no longer seen",
    "faces_front": "faces forward",
    "faces_aside": "looks to the {way}",
    "keeps_front": "still faces forward",
    "keeps_aside": "still looks to the {way}",
    "faces_toward": "faces {b}",
    "face_each_other": "faces {b}",
    "face_apart": "looks away from {b}",
    "gap_grew": "moves apart from {b}",
    "gap_shrank": "draws together with {b}",
}
"""What each kind of fact is as an action of a row."""


class TableWriter:
    """Writes the tables of one story."""

    def __init__(self, chronicle: Chronicle, names: Mapping[str, str], params: DraftConfig) -> None:
        self._chronicle = chronicle
        self._names = names
        self._params = params
        self._draw = Draw(params.seed, chronicle.story_key, "tables")

    def image(self, index: int) -> ImageAnalysis:
        """The three tables of frame ``index``."""
        moment = self._chronicle.moments[index]
        facts = sorted(grouped(self._chronicle, index), key=lambda fact: -fact.weight)
        return ImageAnalysis(
            number=moment.frame.number,
            characters=tuple(self._character(index, who, facts) for who in _by_id(moment.people)),
            objects=tuple(self._thing(index, thing) for thing in _by_id(moment.things)),
            settings=self._settings(index),
        )

    def phase(self, phase: str, numbers: tuple[int, ...]) -> PhaseRow:
        """The row of one narrative phase."""
        return PhaseRow(phase, self._phase_description(phase, numbers), self._key_events(numbers), numbers)

    # people --------------------------------------------------------------------------------------------------------

    def _character(self, index: int, who: str, facts: list[Fact]) -> CharacterRow:
        moment = self._chronicle.moments[index]
        figure = moment.figures[who]
        return CharacterRow(
            entity_id=who,
            name=self._names[who],
            description=self._description(moment, figure),
            emotions=_emotions(figure),
            actions=self._actions(index, who, facts),
            narrative_function=self._part(index, who),
            box=figure.view.box.rounded(moment.frame.width, moment.frame.height),
        )

    def _description(self, moment: Moment, figure: Figure) -> str:
        parts = ["Person" + (f" in {figure.colour}" if figure.colour else "")]
        parts += [_SHOTS[figure.shot], _SIDES[figure.side]]
        count = len(moment.people)
        if count > 2 and figure.view.entity_id in (moment.people[0], moment.people[-1]):
            end = "leftmost" if figure.view.entity_id == moment.people[0] else "rightmost"
            parts.append(f"{end} of {number_word(count)}")
        if figure.tilt is not None:
            parts.append(f"head tilted to the {figure.tilt}")
        elif figure.facing == "front":
            parts.append("face to the front")
        elif figure.facing is not None:
            parts.append(f"face turned to the {figure.facing}")
        elif figure.view.face is None:
            parts.append("face not seen")
        return ", ".join(parts)

    def _actions(self, index: int, who: str, facts: list[Fact]) -> str:
        chronicle = self._chronicle
        before = chronicle.before(who, index)
        said: list[str] = []
        if not before:
            said.append("appears for the first time")
        elif before[-1] < index - 1:
            said.append(f"comes back, last seen in image {before[-1] + 1}")
        for fact in facts:
            pattern = _ACTIONS.get(fact.kind)
            mutual = fact.kind in ("face_each_other", "face_apart", "gap_grew", "gap_shrank")
            if pattern is None or who not in fact.who or (fact.kind == "still" and said):
                continue
            others = [self._names[one] for one in (fact.who if mutual else fact.other) if one != who]
            words = {"b": join_words(others), **dict(fact.words)}
            text = pattern.format(**words)
            if text not in said:
                said.append(text)
        text = ", ".join(said[:3]) or "in view, nothing more to be told"
        return text[0].upper() + text[1:]

    def _part(self, index: int, who: str) -> str:
        chronicle = self._chronicle
        seen = chronicle.seen[who]
        count, total = len(seen), len(chronicle.moments)
        share = f"in {count} of {total} images"
        if who == chronicle.lead and count > 1:
            return f"Central figure, {share}"
        if count == 1:
            return "Seen in this image only" if total > 1 else "The only image"
        if seen[0] == index:
            return f"Introduced here, {share}"
        if index - 1 not in seen:
            return f"Returns here, {share}"
        return f"Carries on from image {index}, {share}"

    # things --------------------------------------------------------------------------------------------------------

    def _thing(self, index: int, thing: str) -> ObjectRow:
        moment = self._chronicle.moments[index]
        view = moment.views[thing]
        return ObjectRow(
            entity_id=thing,
            description=self._thing_description(view, moment.frame),
            function=use_of(view.label),
            interaction=self._interaction(moment, thing),
            narrative_function=self._thing_part(thing),
            box=view.box.rounded(moment.frame.width, moment.frame.height),
        )

    def _thing_description(self, view: EntityView, frame: FrameView) -> str:
        noun = thing_name(view.label)
        text = f"Possibly {a_thing(view.label)}" if view.score < SURE else noun[0].upper() + noun[1:]
        share = view.box.area / (frame.width * frame.height)
        size = "large in the frame" if share > 0.2 else "small in the frame" if share < 0.02 else "of middling size"
        return f"{text}, {size}, {_SIDES[side(view.box, frame)]}"

    def _interaction(self, moment: Moment, thing: str) -> str:
        who = near(moment, thing)
        if who is None:
            return "None seen"
        overlap = moment.views[thing].box.intersection(moment.views[who].box) > 0
        return (
            f"Within reach of {self._names[who]}, as far as the boxes tell"
            if overlap
            else f"Close to {self._names[who]}"
        )

    def _thing_part(self, thing: str) -> str:
        seen = self._chronicle.seen[thing]
        if len(seen) == 1:
            return "Part of this view only"
        return f"Part of {number_word(len(seen))} views, first in image {seen[0] + 1}"

    # setting -------------------------------------------------------------------------------------------------------

    def _settings(self, index: int) -> tuple[SettingRow, ...]:
        moment = self._chronicle.moments[index]
        mood = _mood(moment)
        first, last = self._chronicle.scene_span(index)
        tag = place_tag(moment, self._params.tag_score)
        scenes = sum(one.cut for one in self._chronicle.moments[: index + 1])
        span = f"images {first + 1} to {last + 1}" if last > first else f"image {first + 1}"
        if tag is not None and tag[2]:
            where = f"Possibly {tag_phrase(tag[0])} (a classifier's guess, score {tag[1]:.2f})"
        else:
            where = f"Not identified; scene {scenes} of the story, {span}"
        function = (
            "Opens the story" if index == 0 else "Begins a new scene" if moment.cut else f"Continues image {index}"
        )
        rows = [
            SettingRow("Location", where, mood, "Unspecified", function),
            SettingRow("Lighting", self._lighting(moment), mood, "Unspecified", self._light_part(index)),
        ]
        background = self._background(moment, tag)
        if background is not None:
            rows.append(SettingRow("Background", background, mood, "Unspecified", "Surroundings of what is told"))
        return tuple(rows)

    def _lighting(self, moment: Moment) -> str:
        light = moment.frame.light
        parts = [_LIGHTS[light_band(light)].capitalize()]
        if light.contrast >= 0.28:
            parts.append("hard contrast")
        elif light.contrast <= 0.08:
            parts.append("flat, with little contrast")
        if light.warmth >= 0.07:
            parts.append("warm in tone")
        elif light.warmth <= -0.045:
            parts.append("cold in tone")
        parts.append(
            "little colour" if light.saturation <= 0.1 else "strong colours" if light.saturation >= 0.5 else ""
        )
        return ", ".join(part for part in parts if part) + f" (mean luma {light.luma:.2f})"

    def _light_part(self, index: int) -> str:
        if index == 0:
            return "Sets the light that later images are measured against"
        step = self._chronicle.moments[index].frame.light.luma - self._chronicle.moments[index - 1].frame.light.luma
        if abs(step) < 0.03:
            return f"As in image {index}"
        much = "Much " if abs(step) > 0.2 else ""
        word = "brighter" if step > 0 else "darker"
        return f"{(much + word).capitalize()} than image {index}"

    def _background(self, moment: Moment, tag: tuple[str, float, bool] | None) -> str | None:
        parts: list[str] = []
        if tag is not None and not tag[2]:
            parts.append(f"possibly {tag_phrase(tag[0])} (a classifier's guess, score {tag[1]:.2f})")
        labels = list(dict.fromkeys(moment.views[thing].label for thing in moment.things))
        if labels:
            parts.append("with " + join_words([thing_name(label) for label in labels[:5]]))
        if not parts:
            return None
        text = "; ".join(parts)
        return text[0].upper() + text[1:]

    # phases --------------------------------------------------------------------------------------------------------

    def _phase_description(self, phase: str, numbers: tuple[int, ...]) -> str:
        people = list(dict.fromkeys(who for number in numbers for who in self._chronicle.moments[number - 1].people))
        who = join_words([self._names[one] for one in people[:4]]) if people else "nobody"
        if len(people) > 4:
            who = f"{number_word(len(people))} people"
        change = measure_change(self._chronicle, numbers[0] - 1)
        if phase == "Introduction":
            return f"Shows {who} first"
        if phase == "Development":
            return f"Goes on with {who}"
        if phase == "Conclusion":
            return f"Ends with {who}"
        what = {
            "company": "the company changes",
            "light": "the light changes",
            "scale": "the distance changes",
            "heads": "heads turn",
            "scene": "the scene changes",
            "nothing": "little changes",
        }[change.largest]
        return (
            f"Here {what}; in view: {who}"
            if phase == "Turning Point"
            else f"The balance is tried: {what}; in view: {who}"
        )

    def _key_events(self, numbers: tuple[int, ...]) -> str:
        events: list[str] = []
        for number in numbers:
            index = number - 1
            moment = self._chronicle.moments[index]
            new = [self._names[who] for who in moment.people if self._chronicle.seen[who][0] == index]
            if len(new) > 4:
                events.append(f"{number_word(len(new))} people appear in image {number}")
            elif new:
                events.append(f"{join_words(new)} {'appears' if len(new) == 1 else 'appear'} in image {number}")
            elif moment.cut and index:
                events.append(f"new scene in image {number}")
        text = "; ".join(events[:3]) or "no arrival and no cut"
        return text[0].upper() + text[1:]


def _by_id(ids: tuple[str, ...]) -> list[str]:
    order = {"char": 0, "obj": 1, "lm": 2, "bg": 3}
    split = {one: (one.rstrip("0123456789"), one) for one in ids}
    return sorted(ids, key=lambda one: (order[split[one][0]], int(one[len(split[one][0]) :])))


def _emotions(figure: Figure) -> str:
    if figure.view.face is None:
        return "Not shown; no face in view"
    if figure.facing == "front":
        return "Not stated; the face is turned to the front"
    if figure.facing is not None:
        return f"Not stated; the face is turned to the {figure.facing}"
    return "Not stated; a face is in view"


def _mood(moment: Moment) -> str:
    light = moment.frame.light
    tone = "warm" if light.warmth >= 0.07 else "cold" if light.warmth <= -0.045 else ""
    key = {"dark": "low-key", "low": "low-key", "bright": "high-key", "white": "high-key"}.get(light_band(light), "")
    words = [word for word in (key, tone) if word]
    return " and ".join(words).capitalize() if words else "Neutral"
