"""What an answer tells that is not there: mentions without a box to stand on, and things nobody saw.

Counted in the manner of CHAIR (Rohrbach et al., 2018): a story's words that name one of COCO's things count as hallucinated
where the reference knows no such thing, be it from its detections, its tables or its own story. Beside it stand tagged
mentions: one is unfounded where none of its entities has a box that matches the reference's in that frame.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from schemas.text import SettingRow
from tasks.evaluation.grounding import StoryBoxes
from tasks.evaluation.reading import KINDS, ReadSample, Told

_NAMES = """
person: man woman boy girl child kid baby lady gentleman guy people adult teenager somebody
bicycle: bike cycle
car: automobile sedan taxi cab
motorcycle: motorbike scooter moped
airplane: plane aeroplane jet aircraft
bus: coach minibus
train: locomotive tram
truck: lorry pickup van
boat: ship canoe ferry sailboat rowboat yacht
traffic light: traffic signal stoplight
fire hydrant: hydrant
stop sign:
parking meter:
bench:
bird: pigeon duck gull seagull owl crow sparrow swan goose parrot
cat: kitten
dog: puppy hound
horse: pony mare stallion foal
sheep: lamb
cow: cattle bull calf
elephant:
bear:
zebra:
giraffe:
backpack: rucksack knapsack
umbrella: parasol
handbag: purse
tie: necktie
suitcase: luggage briefcase
frisbee:
skis: ski
snowboard:
sports ball: football basketball soccer ball tennis ball baseball
kite:
baseball bat:
baseball glove: mitt
skateboard:
surfboard:
tennis racket: racket racquet
bottle:
wine glass: goblet
cup: mug teacup
fork:
knife: dagger
spoon:
bowl:
banana:
apple:
sandwich: burger hamburger
orange:
broccoli:
carrot:
hot dog: hotdog
pizza:
donut: doughnut
cake: cupcake
chair: armchair stool
couch: sofa settee
potted plant: houseplant flowerpot
bed:
dining table: table desk
toilet:
tv: television telly monitor
laptop: notebook computer
mouse:
remote: remote control
keyboard:
cell phone: phone telephone cellphone smartphone mobile
microwave:
oven: stove
toaster:
sink: basin
refrigerator: fridge
book: novel
clock:
vase:
scissors:
teddy bear: teddy
hair drier: hair dryer hairdryer
toothbrush:
"""
_TWO_WORDS = frozenset(
    ("traffic signal", "soccer ball", "tennis ball", "notebook computer", "remote control", "hair dryer")
)
_IRREGULAR = {"man": "men", "woman": "women", "child": "children", "knife": "knives", "calf": "calves", "mouse": "mice"}
_IRREGULAR |= {"gentleman": "gentlemen", "goose": "geese", "sheep": "sheep", "aircraft": "aircraft", "people": "people"}
_AMBIGUOUS = frozenset(
    ["orange", "mouse", "remote", "tie", "kite", "bear", "mobile", "coach", "monitor", "cycle", "novel", "calf"]
)
"""Words that more often mean something else in a story; they count for the reference but not against an answer."""


def _plural(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    return word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")


def _spell(name: str) -> list[tuple[str, ...]]:
    *first, last = name.split()
    return [(*first, last), (*first, _plural(last))]


def _read_names() -> dict[tuple[str, ...], str]:
    known: dict[tuple[str, ...], str] = {}
    for line in _NAMES.strip().splitlines():
        thing, _, rest = line.partition(":")
        words = rest.split()
        names = [thing]
        at = 0
        while at < len(words):
            pair = " ".join(words[at : at + 2])
            names.append(pair if pair in _TWO_WORDS else words[at])
            at += 2 if pair in _TWO_WORDS else 1
        for name in names:
            for spelling in _spell(name):
                known.setdefault(spelling, thing)
    return known


THINGS: Mapping[tuple[str, ...], str] = _read_names()
"""The COCO label that a word or pair of words names, singular and plural."""


@dataclass(frozen=True, slots=True)
class StoryHallucinations:
    """One story.

    ``things`` are words that name a COCO thing, ``invented`` those of them that the reference does not know;
    ``mentions`` are tags around characters and objects, ``unfounded`` those without a matching box in their frame;
    ``named`` are the words that were invented, in order.
    """

    things: int
    invented: int
    mentions: int
    unfounded: int
    named: tuple[str, ...]


_BEGINNINGS = frozenset(spelling[0] for spelling in THINGS)
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


def find_things(words: Sequence[str]) -> list[tuple[str, str]]:
    """The labels that a text names, each with the word that named it, in order; a longer name goes before a shorter one."""
    found = []
    free = 0
    for at, word in enumerate(words):
        if at < free or word not in _BEGINNINGS:
            continue
        for length in (2, 1):
            spelling = tuple(words[at : at + length])
            if len(spelling) == length and spelling in THINGS:
                found.append((THINGS[spelling], " ".join(spelling)))
                free = at + length
                break
    return found


def known_things(truth: Told, words: Sequence[str], labels: Iterable[str]) -> frozenset[str]:
    """Labels that a reference knows: of its detections, in its tables, in the words of its story."""
    cells: list[str] = []
    for image in truth.cot.value.images:
        cells += [f"{row.name}. {row.description}. {row.actions}" for row in image.characters]
        cells += [f"{row.description}. {row.function}. {row.interaction}" for row in image.objects]
        settings: Sequence[SettingRow] = image.settings
        cells += [row.description for row in settings]
    # Names of things are plain words: the full tokeniser would cost more than all the rest.
    known = {thing for thing, _ in find_things([*_WORD.findall(". ".join(cells).lower()), *words])}
    if any(table.ids for table in truth.tables["char"]):
        known.add("person")
    return frozenset(known | set(labels))


def count_hallucinations(
    sample: ReadSample, boxes: StoryBoxes, told: Sequence[str], truth: Sequence[str]
) -> StoryHallucinations:
    """What one answer made up.

    Args:
        sample: reference and answer.
        boxes: how the boxes of the two match.
        told: words of the answer's story.
        truth: words of the reference's story.
    """
    named = [(thing, word) for thing, word in find_things(told) if word not in _AMBIGUOUS]
    known = known_things(sample.truth, truth, sample.reference.labels)
    invented = [word for thing, word in named if thing not in known]
    founded = {(match.frame, match.told) for kind in KINDS for match in boxes.matches[kind]}
    mentions = unfounded = 0
    if sample.told is not None:
        for block in sample.told.story.blocks:
            for piece in block.pieces:
                if piece.tag is not None and piece.tag.kind == "gdo":
                    mentions += 1
                    unfounded += not any((block.number, entity) in founded for entity in piece.tag.ids)
    return StoryHallucinations(len(named), len(invented), mentions, unfounded, tuple(invented))
