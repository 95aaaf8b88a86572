"""Nouns, numbers and places in words: detector labels, classifier tags, plurals, articles."""

from tasks.composer.chronicle import clean_words

_COUNTING = """
no one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen
twenty
"""
_NUMBERS = tuple(_COUNTING.split())

_PLURALS = {
    "person": "people",
    "mouse": "computer mice",
    "sheep": "sheep",
    "knife": "knives",
    "bus": "buses",
    "wine glass": "wine glasses",
    "couch": "couches",
    "bench": "benches",
    "toothbrush": "toothbrushes",
    "sandwich": "sandwiches",
    "broccoli": "heads of broccoli",
    "scissors": "pairs of scissors",
    "skis": "pairs of skis",
}
_SINGULARS = {
    "mouse": "a computer mouse",
    "scissors": "a pair of scissors",
    "skis": "a pair of skis",
    "broccoli": "some broccoli",
    "tv": "a screen",
    "remote": "a remote control",
}
_NAMES = {
    "tv": "screen",
    "cell phone": "phone",
    "potted plant": "potted plant",
    "remote": "remote control",
    "mouse": "computer mouse",
}

_USES: dict[str, tuple[str, ...]] = {
    "Vehicle": ("bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat"),
    "Seat": ("bench", "chair", "couch"),
    "Surface": ("dining table", "desk", "table"),
    "Place to sleep": ("bed",),
    "Animal": ("bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe"),
    "For carrying things": ("backpack", "handbag", "suitcase"),
    "Street fixture": ("traffic light", "fire hydrant", "stop sign", "parking meter"),
    "For drinking": ("bottle", "wine glass", "cup"),
    "For eating": ("fork", "knife", "spoon", "bowl"),
    "Food": ("banana", "apple", "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake"),
    "Screen or device": ("tv", "laptop", "mouse", "remote", "keyboard", "cell phone"),
    "Kitchen or bathroom fixture": ("microwave", "oven", "toaster", "sink", "refrigerator", "toilet"),
    "For grooming": ("toothbrush", "hair drier"),
    "For cutting": ("scissors",),
    "For sport": (
        *("frisbee", "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard"),
        *("surfboard", "tennis racket"),
    ),
    "Toy": ("teddy bear",),
    "Shelter from rain or sun": ("umbrella",),
    "For reading": ("book",),
    "Shows the time": ("clock",),
    "Decoration": ("vase", "potted plant"),
    "Clothing": ("tie",),
}

_PLACE_TAGS = """
bakery;barbershop;barn;beach;boathouse;bookshop;butcher shop;castle;church;cinema;cliff;confectionery;
coral reef;dock;greenhouse;grocery shop;grocery store;harbour;home theater;lake;lakeside;library;living room;
maze;monastery;mosque;mountain;palace;patio;pier;planetarium;prison;promontory;restaurant;sandbar;seashore;
shoe shop;shop;stage;tobacco shop;toyshop;valley;vault;viaduct;volcano
"""
PLACES = frozenset(tag.strip() for tag in _PLACE_TAGS.split(";"))
"""Tags that name a kind of place."""

_FEATURE_TAGS = """
altar;banister;bannister;bathtub;bed;bookcase;bookshelf;breakwater;bridge;bus;cab;car;carousel;cash machine;
chainlink fence;china cabinet;clock;crane;curtain;desk;desktop computer;dining table;entertainment center;
fence;file;fireplace;flagpole;flower pot;folding chair;fountain;grille;lamp;lampshade;lorry;loudspeaker;
minibus;monitor;organ;park bench;parking meter;photocopier;piano;picket fence;pole;projector;refrigerator;
rocking chair;scoreboard;screen;ship;shoji;sliding door;slot machine;spotlight;steel arch bridge;stone wall;
stove;street sign;streetcar;studio couch;suspension bridge;swing;table;table lamp;telephone;television;tent;
theater curtain;throne;tile roof;traffic light;train;tram;triumphal arch;trolleybus;turnstile;vending machine;
wardrobe;washbasin;window screen;window shade
"""
FEATURES = frozenset(tag.strip() for tag in _FEATURE_TAGS.split(";"))
"""Tags that name a part of a place; a score that is enough for these is not enough for other tags."""

_TAG_NAMES = {
    "file": "a filing cabinet",
    "window shade": "a window blind",
    "grille": "a grille",
    "library": "a library",
    "screen": "a screen",
    "home theater": "a room with a large screen",
    "stage": "a stage",
    "seashore": "a shore",
    "lakeside": "the side of a lake",
    "pole": "a pole",
    "cab": "a taxi",
    "streetcar": "a tram",
    "entertainment center": "a television stand",
    "beer": "a glass of beer",
    "bread": "some bread",
    "drums": "a set of drums",
    "dumbbells": "a pair of dumbbells",
    "flowers": "some flowers",
    "ice cream": "some ice cream",
    "plate of food": "a plate of food",
    "skis": "a pair of skis",
    "wine": "a bottle of wine",
}


def number_word(count: int) -> str:
    """``count`` in words up to twenty, in figures above."""
    return _NUMBERS[count] if 1 <= count < len(_NUMBERS) else str(count)


def with_article(noun: str) -> str:
    """``noun`` with the indefinite article that its spelling asks for."""
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def thing_name(label: str) -> str:
    """A label as a noun without article; ``thing`` when nothing of it can be written."""
    name = clean_words(label)
    return _NAMES.get(name, name) or "thing"


def a_thing(label: str) -> str:
    """A label as a noun with the indefinite article."""
    return _SINGULARS.get(clean_words(label)) or with_article(thing_name(label))


def things_plural(label: str) -> str:
    """The plural of a label."""
    name = thing_name(label)
    if label in _PLURALS:
        return _PLURALS[label]
    if name.endswith(("s", "x", "ch", "sh")):
        return name + "es"
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return name[:-1] + "ies"
    return name + "s"


def use_of(label: str) -> str:
    """What a thing of this label is for, as far as the word itself says."""
    name = clean_words(label)
    return next((use for use, labels in _USES.items() if name in labels), "Not known from the frame")


def tag_phrase(tag: str) -> str:
    """A classifier's tag as a noun phrase with its article."""
    name = clean_words(tag)
    return _TAG_NAMES.get(name) or with_article(name or "thing")


def join_words(words: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
