from pathlib import Path

from schemas.chain_of_thought import parse_chain_of_thought
from schemas.codecs.story_parser import parse_story
from tasks.assembly import assemble_shard
from tasks.report.story import StoryLine, anchor, draw_story, draw_tables, entity_names
from tests.tasks.report.films import Film, make_run, tell
from tests.tasks.report.pages import Node, read_page

LINE = StoryLine("k", "1000", "harbour", "train", ("0001",), 5, 2, 1, 24)


def section(root: Path, film: Film) -> Node:
    run, refs, _ = make_run(root, [film])
    (story,) = assemble_shard(run, refs[0])
    analysis = parse_chain_of_thought(story.grounded["chain_of_thought"]).value
    told = parse_story(story.grounded["story"]).value
    markup, spent = draw_story(LINE, story, analysis, told, 1_000_000)
    page = read_page(markup)
    assert spent == sum(len(image.attributes["src"] or "") for image in page.all("img"))
    return page


def test_names_are_those_of_the_tables() -> None:
    analysis = parse_chain_of_thought(tell(Film(cast=("Ines", "M" * 60, "Brass lamp")))[0]).value
    assert entity_names(analysis) == {"char1": "Ines", "char2": "M" * 39 + "\u2026", "obj1": "Brass lamp"}


def test_a_story_has_cast_frames_sheet_and_tables(tmp_path: Path) -> None:
    page = section(tmp_path, Film(stories=1))
    (whole,) = page.all("section", "story")
    assert whole.attributes["id"] == anchor(LINE) == "story-1000"
    assert "5 frames, 2 people, 1 thing, 24 words, scenes 0001" in whole.text
    assert [chip.text for chip in page.all("button", "chip")] == ["char1Ines", "char2Marko", "obj1Brass lamp"]
    assert len(page.all("article", "card")) == 5
    assert len(page.all("img")) == 5 + 8
    assert [summary.text[:11] for summary in page.all("summary")] == ["Who is who ", "Chain of th"]


def test_every_tag_lights_a_box_of_its_own_frame(tmp_path: Path) -> None:
    for card in section(tmp_path, Film(stories=1)).all("article", "card"):
        boxes = {group.attributes["data-e"] for group in card.all("g")}
        mentioned = {i for tag in card.all("span", "tag") for i in (tag.attributes["data-e"] or "").split()}
        assert mentioned
        assert mentioned <= boxes


def test_one_entity_has_one_colour_everywhere(tmp_path: Path) -> None:
    page = section(tmp_path, Film(stories=1))
    for entity_id, colour in (("char1", "e0"), ("char2", "e1"), ("obj1", "e2")):
        marks = [
            node for node in page.all() if node.attributes.get("data-e") == entity_id and node.name in ("g", "span")
        ]
        assert marks
        assert all(colour in (mark.attributes["class"] or "").split() for mark in marks)


def test_tables_say_what_the_chain_of_thought_says() -> None:
    page = read_page(draw_tables(parse_chain_of_thought(tell(Film())[0]).value, {"char1": "e0"}))
    assert [h.text for h in page.all("h4")] == [*(f"Image {i}" for i in range(1, 6)), "Narrative Structure"]
    people, things, places, *_ = page.all("table")
    assert [cell.text for cell in people.all("td")][:7] == [
        "char1",
        "Ines",
        "Someone in a grey coat",
        "Calm",
        "Waits",
        "Protagonist",
        "10,8,40,50",
    ]
    assert [cell.text for cell in things.all("td")] == [
        "obj1",
        "Brass lamp",
        "Gives light",
        "None",
        "Prop",
        "70,4,94,20",
    ]
    assert places.all("td")[0].text == "Location"
    assert len(page.all("table")[-1].all("tr")) == 6
    assert people.all("span", "id")[0].attributes["class"] == "id e0"
