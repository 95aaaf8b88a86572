"""One story of the report: cast, frames with text, contact sheet, tables."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from schemas.chain_of_thought import render_box, render_images
from schemas.codecs.tables import CHARACTERS, NARRATIVE, OBJECTS, SETTING, Table
from schemas.text import ChainOfThought, Story
from tasks.assembly import AssembledStory
from tasks.report.board import draw_board
from tasks.report.contact import draw_sheet, sheet_rows, wanted_crops
from tasks.report.markup import Markup, element, join, table
from tasks.report.palette import assign_colours
from tasks.report.pictures import draw_pictures
from tasks.report.stages import plural

_NAME_LENGTH = 40


@dataclass(frozen=True, slots=True)
class StoryLine:
    """A story in the list of all stories; ``story_id`` is the published one, ``split`` where it was published."""

    key: str
    story_id: str
    film: str
    split: str
    scenes: tuple[str, ...]
    frames: int
    people: int
    things: int
    words: int


def anchor(line: StoryLine) -> str:
    """Where a story stands in the page."""
    return f"story-{line.story_id}"


def entity_names(analysis: ChainOfThought) -> dict[str, str]:
    """A short name for each entity: a person's name, what a thing is first described as."""
    names: dict[str, str] = {}
    for image in analysis.images:
        for person in image.characters:
            names.setdefault(person.entity_id, _short(person.name))
        for thing in image.objects:
            names.setdefault(thing.entity_id, _short(thing.description.split(",")[0]))
    return names


def _short(text: str) -> str:
    return text if len(text) <= _NAME_LENGTH else text[: _NAME_LENGTH - 1].rstrip() + "\u2026"


def draw_story(
    line: StoryLine, story: AssembledStory, analysis: ChainOfThought, told: Story, allowance: int
) -> tuple[Markup, int]:
    """A story whose pictures take at most ``allowance`` characters.

    Returns:
        the section, and how many characters its pictures took.
    """
    rows = sheet_rows(story.evidence)
    colours = assign_colours({row.entity_id: len(row.views) for row in rows})
    names = entity_names(analysis)
    pictures = draw_pictures(story, wanted_crops(rows), allowance)
    blocks = {block.number: block for block in told.blocks}
    facts = f"{plural(line.frames, 'frame')}, {plural(line.people, 'person')}".replace("persons", "people")
    facts += f", {plural(line.things, 'thing')}, {line.words:,} words, scenes {', '.join(line.scenes)}"
    head = element(
        "header",
        None,
        element("h3", {"class": "data"}, line.film),
        element("span", {"class": "split"}, line.split),
        element("span", {"class": "sub"}, facts),
        element("code", None, f"story_id {line.story_id}"),
    )
    section = element(
        "section",
        {"class": "story", "id": anchor(line), "aria-label": f"Story {line.story_id} of {line.film}"},
        head,
        _draw_cast([row.entity_id for row in rows], colours, names),
        draw_board(story.evidence.frames, blocks, pictures, colours, names),
        draw_sheet(rows, pictures, colours, names),
        draw_tables(analysis, colours),
    )
    return section, pictures.spent


def _draw_cast(entity_ids: Iterable[str], colours: Mapping[str, str], names: Mapping[str, str]) -> Markup:
    chips = []
    for entity_id in entity_ids:
        mark = element("span", {"class": f"id {colours[entity_id]}"}, entity_id)
        name = element("span", {"class": "name"}, names.get(entity_id, ""))
        button = {"class": "chip", "type": "button", "data-e": entity_id, "aria-pressed": "false"}
        chips.append(element("li", None, element("button", button, mark, name)))
    return element("ul", {"class": "cast"}, chips)


def draw_tables(analysis: ChainOfThought, colours: Mapping[str, str]) -> Markup:
    """The chain of thought as the tables it is, folded in."""

    def mark(entity_id: str) -> Markup:
        return element("span", {"class": f"id {colours.get(entity_id, '')}".rstrip()}, entity_id)

    parts: list[Markup] = []
    for image in analysis.images:
        parts.append(element("h4", None, f"Image {image.number}"))
        people = [
            (mark(r.entity_id), r.name, r.description, r.emotions, r.actions, r.narrative_function, render_box(r.box))
            for r in image.characters
        ]
        things = [
            (mark(r.entity_id), r.description, r.function, r.interaction, r.narrative_function, render_box(r.box))
            for r in image.objects
        ]
        places = [(r.element, r.description, r.mood, r.time, r.narrative_function) for r in image.settings]
        parts += _tables(((CHARACTERS, people), (OBJECTS, things), (SETTING, places)))
    parts.append(element("h4", None, NARRATIVE.title))
    phases = [(r.phase, r.description, r.key_events, render_images(r.images)) for r in analysis.narrative]
    parts += _tables(((NARRATIVE, phases),))
    count = element("span", {"class": "sub"}, "characters, objects and setting of every image, narrative structure")
    return element("details", None, element("summary", None, join("Chain of thought ", count)), parts)


def _tables(kinds: Iterable[tuple[Table, Sequence[Iterable[str]]]]) -> list[Markup]:
    return [table(kind.columns, rows) for kind, rows in kinds if rows]
