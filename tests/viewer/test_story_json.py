from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from schemas.chain_of_thought import render_chain_of_thought
from schemas.story import render_story
from tests.viewer.datasets import HEIGHT, WIDTH, Sample, analysis, box, telling
from viewer.story_json import entity_order, story_json

TABLES = render_chain_of_thought(analysis(3, ("Ines", "Marko")))
STORY = render_story(telling(3, ("Ines", "Marko")))
SIZES = [(WIDTH, HEIGHT)] * 3


def test_blocks_say_who_is_meant() -> None:
    story = story_json(TABLES, STORY, frame_sizes=SIZES)
    first = story["blocks"][0]["parts"]
    assert [(p["text"], p["kind"], p["ids"]) for p in first if "kind" in p] == [
        ("Ines", "gdo", ["char1"]),
        ("Marko", "gdo", ["char2"]),
        ("They", "gdo", ["char1", "char2"]),
        ("waited", "gda", ["char1", "char2"]),
        ("the lamp", "gdo", ["obj1"]),
        ("the wall", "gdl", ["bg1"]),
    ]
    assert (
        "".join(part["text"] for part in first)
        == "Ines and Marko met on the quay. They waited by the lamp below the wall."
    )
    for block in story["blocks"]:
        for part in block["parts"]:
            assert part["text"] in STORY[part["start"] : part["end"]]
    assert story["faults"] == []


def test_ids_that_the_tables_of_the_image_lack_are_unresolved() -> None:
    second = "<gdi image2>\n<gdo char1 char2>They</gdo> saw <gdo obj9>it</gdo>\n</gdi>"
    told = f"<gdi image1>\n<gdo char1>Ines</gdo>\n</gdi>\n\n{second}"
    story = story_json(TABLES, told, frame_sizes=SIZES)
    tags = [part for block in story["blocks"] for part in block["parts"] if "kind" in part]
    # char2 is in image 1 only, obj9 nowhere.
    assert [part["unresolved"] for part in tags] == [[], ["char2"], ["obj9"]]
    known = {one["id"]: one["known"] for one in story["entities"]}
    assert known == {"char1": True, "char2": True, "obj1": True, "bg1": True, "obj9": False}


def test_tables_keep_what_is_written() -> None:
    story = story_json(TABLES, STORY)
    image = story["images"][0]
    assert image["characters"][1]["cells"] == [
        "char2",
        "Marko",
        "Person 2 in image 1",
        "Calm",
        "Walks",
        "Central figure",
        "150,40,250,240",
    ]
    assert image["characters"][1]["box"] == [150, 40, 250, 240]
    assert [row["id"] for row in image["objects"]] == ["obj1", "bg1"]
    assert image["setting"][0]["cells"][:2] == ["Location", "Harbour"]
    assert story["narrative"][4]["images"] == [3]
    row = image["characters"][0]
    assert TABLES[row["start"] : row["end"]].startswith("| char1 | Ines |")


def test_a_row_whose_box_cannot_be_read_is_shown_without() -> None:
    story = story_json(TABLES.replace("150,40,250,240", "somewhere"), "")
    row = story["images"][0]["characters"][1]
    assert (row["id"], row["box"], row["cells"][6]) == ("char2", None, "somewhere")
    assert "box" in " ".join(fault["code"] for fault in story["faults"])


def test_entities_with_their_appearances_and_confidence() -> None:
    story = story_json(TABLES, STORY, grounding=Sample("1", frames=3, confidence=0.9).grounding())
    ines, marko, lamp, wall = story["entities"]
    assert [one["id"] for one in story["entities"]] == ["char1", "char2", "obj1", "bg1"]
    assert (ines["name"], ines["kind"], ines["label"], ines["confidence"]) == ("Ines", "char", "person", 0.9)
    assert [(seen["frame"], seen["box"]) for seen in ines["appearances"]] == [
        (n, list(box("char1", n))) for n in (1, 2, 3)
    ]
    assert [round(seen["confidence"], 2) for seen in ines["appearances"]] == [0.89, 0.88, 0.87]
    assert [seen["emotions"] for seen in ines["appearances"]] == ["Calm", "Calm", "Wary"]
    # Image 1 names her alone once, in "They" and in "waited"; images 2 and 3 name her and her walk.
    assert ines["mentions"] == 3 + 2 + 2
    assert marko["mentions"] == 3
    assert lamp["name"] == "Brass lamp"
    assert wall["kind"] == "bg"


def test_faults_stand_where_they_are() -> None:
    bad = STORY.replace("<gdo obj1>", "<gdo obj7>")
    (fault,) = story_json(TABLES, bad, frame_sizes=SIZES)["faults"]
    assert fault["part"] == "story" and fault["level"] == "compatible"
    assert "obj7" in bad[fault["start"] : fault["end"]]
    assert fault["rule"] and fault["hint"]


def test_boxes_are_held_against_the_frames() -> None:
    codes = {fault["code"] for fault in story_json(TABLES, STORY, frame_sizes=[(100, 100)] * 3)["faults"]}
    assert any("box" in code for code in codes)
    assert story_json(TABLES, STORY, frame_sizes=[None] * 3)["faults"] == []


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_two_texts_can_be_shown(tables: str, told: str) -> None:
    story = story_json(tables, told)
    assert {"blocks", "images", "narrative", "entities", "faults"} <= set(story)


PIECES = st.lists(
    st.sampled_from(
        [
            "<gdi image1>",
            "</gdi>",
            "<gdo char1>",
            "<gdo char1 obj2>",
            "</gdo>",
            "<gda char1>",
            "x",
            " ",
            "\n",
            "<",
            "</gdl>",
            "<b>",
            "&lt;",
        ]
    ),
    max_size=30,
).map("".join)


@given(PIECES)
def test_no_word_of_a_block_is_lost_or_told_twice(told: str) -> None:
    story = story_json(TABLES, told)
    for block in story["blocks"]:
        edges = [(part["text_start"], part["text_end"]) for part in block["parts"]]
        assert all(left[1] <= right[0] for left, right in pairwise(edges))
        assert all(block["start"] <= start <= end <= block["end"] for start, end in edges)


def test_order_of_entities() -> None:
    ids = ["bg1", "obj10", "char2", "lm1", "obj2", "char10", "char1"]
    assert sorted(ids, key=entity_order) == ["char1", "char2", "char10", "obj2", "obj10", "lm1", "bg1"]
