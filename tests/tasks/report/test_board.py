from schemas.evidence import EntityView, FrameView, Light
from schemas.geometry import Box
from schemas.text import ImageBlock, Tag
from tasks.report.board import draw_board, draw_frame, draw_text, place_plates
from tasks.report.palette import assign_colours
from tasks.report.pictures import StoryPictures
from tests.tasks.report.pages import read_page

NAMES = {"char1": "Ines", "char2": "Marko"}
COLOURS = assign_colours({"char1": 1, "char2": 1, "obj1": 1})
NO_PICTURES = StoryPictures({}, {}, 0)


def see(entity_id: str, box: Box, label: str = "person") -> EntityView:
    kind = "char" if entity_id.startswith("char") else "obj"
    return EntityView(entity_id, kind, label, "d0", box, 0.91, 0.87, (), None)  # type: ignore[arg-type]


def frame(*entities: EntityView, width: int = 300, height: int = 200) -> FrameView:
    return FrameView(1, "film_1", "1", width, height, Light(0.5, 0.2, 0.3, 0.0), entities, ())


def test_a_box_stands_in_pixels_of_the_frame() -> None:
    page = read_page(draw_frame(frame(see("char1", Box(10.5, 20, 110.5, 180))), None, COLOURS, NAMES))
    overlay = page.all("svg", "boxes")[0]
    assert overlay.attributes["viewbox"] == "0 0 300 200"
    edge = overlay.all("rect", "edge")[0]
    assert [edge.attributes[name] for name in ("x", "y", "width", "height")] == ["10.5", "20", "100", "160"]
    assert overlay.all("title")[0].text == "char1 Ines: person 0.91, identity 0.87"


def test_small_boxes_lie_over_large_ones_and_ids_over_all() -> None:
    small, large = see("char1", Box(50, 50, 60, 60)), see("char2", Box(0, 0, 300, 200))
    groups = read_page(draw_frame(frame(small, large), None, COLOURS, NAMES)).all("g")
    assert [group.attributes["data-e"] for group in groups] == ["char2", "char1", "char2", "char1"]
    assert [bool(group.all("rect", "plate")) for group in groups] == [False, False, True, True]


def test_ids_of_boxes_in_one_corner_do_not_cover_each_other() -> None:
    entities = [see(f"char{i}", Box(10, 10, 100 - i, 150)) for i in range(1, 6)]
    plates = place_plates(frame(*entities), entities)
    for i, one in enumerate(plates):
        for other in plates[:i]:
            assert one[1] >= other[1] + other[3] or other[1] >= one[1] + one[3]


def test_ids_stay_within_the_frame() -> None:
    entities = [
        see("char1", Box(295, 195, 300, 200)),
        see("char2", Box(-5, -5, 20, 20)),
        see("obj1", Box(295, 196, 300, 200)),
    ]
    for left, top, width, height in place_plates(frame(*entities), entities):
        assert left >= 0
        assert top >= 0
        assert left + width <= 300
        assert top + height <= 200


def test_picture_or_blank() -> None:
    with_picture = read_page(
        draw_frame(frame(see("char1", Box(0, 0, 9, 9))), "data:image/jpeg;base64,AA", COLOURS, NAMES)
    )
    image = with_picture.all("img")[0]
    assert image.attributes["alt"] == "Frame 1: char1 Ines"
    assert (image.attributes["width"], image.attributes["height"]) == ("300", "200")
    assert read_page(draw_frame(frame(), None, COLOURS, NAMES)).all("svg", "blank")


def test_narrow_frames_stand_closer() -> None:
    for width, kind in ((160, "board"), (100, "board narrow"), (60, "board narrow")):
        page = read_page(draw_board([frame(width=width, height=100)], {}, NO_PICTURES, COLOURS, NAMES))
        assert page.children[0].attributes["class"] == kind


def test_upright_frames_are_shown_upright() -> None:
    assert read_page(draw_frame(frame(width=90, height=160), None, COLOURS, NAMES)).all("div", "tall")
    assert read_page(draw_frame(frame(), None, COLOURS, NAMES)).all("div", "wide")


def test_tags_carry_their_entities_and_the_first_of_each_its_id() -> None:
    parts = (
        Tag("gdo", ("char1",), "Ines"),
        " ran. ",
        Tag("gda", ("char1",), "She"),
        Tag("gdo", ("char1", "char2"), "They"),
    )
    page = read_page(draw_text(ImageBlock(1, parts), COLOURS, NAMES))
    tags = page.all("span", "tag")
    assert [tag.attributes["data-e"] for tag in tags] == ["char1", "char1", "char1 char2"]
    assert [tag.attributes["class"] for tag in tags] == ["tag gdo e0", "tag gda e0", "tag gdo e0"]
    assert [tag.attributes["title"] for tag in tags] == [
        "mention: char1 Ines",
        "action: char1 Ines",
        "mention: char1 Ines, char2 Marko",
    ]
    assert [sup.text for tag in tags for sup in tag.all("sup")] == ["char1", "char1 char2"]
    assert page.text == "Ineschar1 ran. SheTheychar1 char2"
    assert all(tag.attributes["tabindex"] == "0" and tag.attributes["role"] == "button" for tag in tags)


def test_a_group_met_again_has_a_spot_for_each() -> None:
    they = Tag("gdo", ("char1", "char2"), "they")
    spots = read_page(draw_text(ImageBlock(1, (they, they)), COLOURS, NAMES)).all("i", "spot")
    assert [spot.attributes["class"] for spot in spots] == ["spot e0", "spot e1"]


def test_text_of_tags_and_names_is_only_text() -> None:
    evil = '"><script>alert(1)</script>'
    block = ImageBlock(1, (evil, Tag("gdl", (evil,), evil)))
    page = read_page(draw_text(block, {}, {evil: evil}))
    assert {node.name for node in page.all()} == {"span", "sup"}
    assert page.all("span")[0].attributes["data-e"] == evil
    drawn = read_page(draw_frame(frame(see("char1", Box(0, 0, 9, 9), evil)), None, COLOURS, {"char1": evil}))
    assert evil in drawn.all("title")[0].text
    assert not drawn.all("script")


def test_each_frame_has_its_card_also_untold() -> None:
    page = read_page(draw_board([frame(see("char1", Box(0, 0, 9, 9)))], {}, NO_PICTURES, COLOURS, NAMES))
    (card,) = page.all("article", "card")
    assert "Image 1" in card.text
    assert "film_1" in card.text
    assert "nothing is told of it" in card.text
