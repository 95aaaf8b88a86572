"""The text of the tables: what is written, and what is read."""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from schemas.chain_of_thought import parse_chain_of_thought, render_chain_of_thought, render_images
from schemas.errors import SampleError
from schemas.text import ChainOfThought, CharacterRow, ImageAnalysis, ObjectRow, PhaseRow, SettingRow
from tests.schemas.values import chains_of_thought

INES = CharacterRow("char1", "Ines", "Woman in a grey coat", "Wary", "Opens a gate", "Protagonist", (52, 30, 190, 239))
KEY = ObjectRow("obj1", "Brass key", "Opens the gate", "Held by Ines", "Plot device", (140, 120, 160, 138))
WALL = ObjectRow("bg2", "Stone wall", "Enclosure", "None", "Confines the scene", (200, 0, 425, 239))
GARDEN = SettingRow("Location", "Walled garden", "Tense", "Dusk", "Opens the story")
LAMPS = SettingRow("Lighting", "Street lamps", "Calm", "Night", "Closes the story")
START = PhaseRow("Introduction", "Ines stands at a wall", "She looks around", (1, 2))
VALUE = ChainOfThought(
    (ImageAnalysis(1, (INES,), (KEY, WALL), (GARDEN,)), ImageAnalysis(2, (), (), (LAMPS,))),
    (START, PhaseRow("Conflict", "Nobody may see her", "Ines waits", (1, 2, 3, 5))),
)
# Written out by hand from the description of the published dataset, uneven dashes and blank lines included.
TEXT = """\
## Image 1

### Characters
| Character ID | Name | Description | Emotions | Actions | Narrative Function | Bounding Box |
|--------------|------|-------------|----------|---------|-------------------|--------------|
| char1 | Ines | Woman in a grey coat | Wary | Opens a gate | Protagonist | 52,30,190,239 |

### Objects
| Object ID | Description | Function | Interaction | Narrative Function | Bounding Box |
|-----------|-------------|----------|------------|-------------------|--------------|
| obj1 | Brass key | Opens the gate | Held by Ines | Plot device | 140,120,160,138 |
| bg2 | Stone wall | Enclosure | None | Confines the scene | 200,0,425,239 |

### Setting
| Setting Element | Description | Mood | Time | Narrative Function |
|-----------------|-------------|------|------|-------------------|
| Location | Walled garden | Tense | Dusk | Opens the story |


## Image 2

### Setting
| Setting Element | Description | Mood | Time | Narrative Function |
|-----------------|-------------|------|------|-------------------|
| Lighting | Street lamps | Calm | Night | Closes the story |


## Narrative Structure

| Narrative Phase | Description | Key Events | Images |
|-----------------|-------------|------------|--------|
| Introduction | Ines stands at a wall | She looks around | 1, 2 |
| Conflict | Nobody may see her | Ines waits | 1-3, 5 |
"""


def codes(text: str) -> list[str]:
    return [fault.code for fault in parse_chain_of_thought(text).faults]


def test_canonical_text_is_written() -> None:
    assert render_chain_of_thought(VALUE) == TEXT


def test_canonical_text_is_read() -> None:
    parsed = parse_chain_of_thought(TEXT)
    assert parsed.value == VALUE
    assert parsed.faults == ()


@given(chains_of_thought)
@settings(max_examples=100, deadline=None)
def test_what_is_written_is_read_again(value: ChainOfThought) -> None:
    text = render_chain_of_thought(value)
    parsed = parse_chain_of_thought(text)
    assert parsed.value == value
    assert parsed.faults == ()
    assert render_chain_of_thought(parsed.value) == text


@pytest.mark.parametrize(
    "row",
    [
        replace(INES, name="a|b"),
        replace(INES, name="a\nb"),
        replace(INES, name="a\u2028b"),
        replace(INES, name=" a"),
        replace(INES, entity_id="obj1"),
        replace(INES, entity_id="char01"),
        replace(INES, entity_id="char0"),
        replace(INES, box=(0, 0, 1_000_000_000, 1)),
    ],
)
def test_what_no_reader_carries_is_refused(row: CharacterRow) -> None:
    with pytest.raises(SampleError, match="chain of thought"):
        render_chain_of_thought(ChainOfThought((ImageAnalysis(1, (row,), (), ()),), ()))


@pytest.mark.parametrize(
    "value",
    [
        ChainOfThought((ImageAnalysis(0, (), (), ()),), ()),
        ChainOfThought((ImageAnalysis(1, (), (replace(KEY, entity_id="char1"),), ()),), ()),
        ChainOfThought((ImageAnalysis(1, (), (), (replace(GARDEN, element="Street"),)),), ()),
        ChainOfThought((), (replace(START, phase="Climax"),)),
        ChainOfThought((), (replace(START, images=()),)),
        ChainOfThought((), (replace(START, images=(0,)),)),
    ],
)
def test_values_outside_the_format_are_refused(value: ChainOfThought) -> None:
    with pytest.raises(SampleError, match="chain of thought"):
        render_chain_of_thought(value)


@pytest.mark.parametrize(
    ("images", "text"),
    [((1,), "1"), ((1, 2), "1, 2"), ((1, 2, 3), "1-3"), ((4, 1, 2, 3, 9), "4, 1-3, 9"), ((2, 2), "2, 2")],
)
def test_image_lists(images: tuple[int, ...], text: str) -> None:
    assert render_images(images) == text


# What models write: the text that is changed, what it becomes, and the faults that are told.
WRITTEN = [
    ("## Image 1", "# IMAGE 1", ["heading-form"]),
    ("## Image 1", "#### image 1: The Garden", ["heading-form"]),
    ("## Image 1", "**Image 1**", ["heading-form"]),
    ("## Image 1", "Image 1:", ["heading-form"]),
    ("## Image 1", "## Frame 1 - At the gate", ["heading-form"]),
    ("## Image 1", "```markdown\n## Image 1", ["code-fence"]),
    ("### Characters", "## CHARACTERS:", ["heading-form"]),
    ("### Characters", "**Characters:**", ["heading-form"]),
    ("### Characters", "1. Characters".replace("1. ", "### 1. "), ["heading-form"]),
    ("### Objects\n", "", ["heading-missing"]),
    ("## Narrative Structure\n\n", "", ["heading-missing"]),
    ("\n\n\n## Image 2", "\n## Image 2", []),
    ("### Characters\n", "### Characters \n\n", []),
    ("| char1 | Ines |", "|char1|Ines|", []),
    ("| char1 | Ines |", "  |  char1  |\tInes |", []),
    ("| char1 | Ines |", "char1 | Ines |", ["row-bounds"]),
    ("52,30,190,239 |", "52,30,190,239", ["row-bounds"]),
    ("| Object ID | Description |", "| ID | description |", ["table-header"]),
    ("| char1 |", "| Char 01 |", ["id-form"]),
    ("| char1 |", "| **char1** |", ["id-form"]),
    ("52,30,190,239", "[52, 30, 190, 239]", ["box-form"]),
    ("52,30,190,239", "(52,30), (190,239)", ["box-form"]),
    ("52,30,190,239", "51.6,30.2,190.4,239.0", ["box-form"]),
    ("52,30,190,239", "x1=52, y1=30, x2=190, y2=239", ["box-form"]),
    ("| Location |", "| location |", ["word-form"]),
    ("| Introduction |", "| **Introduction** |", ["word-form"]),
    ("| 1, 2 |", "| 1,2 |", ["phase-images"]),
    ("| 1, 2 |", "| Images 1 and 2 |", ["phase-images"]),
    ("| 1, 2 |", "| 1-2 |", []),
    ("| 1, 2 |", "| Image 1 \u2013 Image 2 |", ["phase-images"]),
    ("| obj1 |", "\n| obj1 |", ["table-gap"]),
    ("\n| obj1 |", "\nHere they are:\n| obj1 |", ["stray-text"]),
    ("| bg2 |", "|---|---|---|---|---|---|\n| bg2 |", ["table-header"]),
]


@pytest.mark.parametrize(("right", "written", "expected"), WRITTEN)
def test_what_models_write_is_read_and_told(right: str, written: str, expected: list[str]) -> None:
    assert right in TEXT
    text = TEXT.replace(right, written, 1)
    parsed = parse_chain_of_thought(text)
    assert parsed.value == VALUE
    assert [fault.code for fault in parsed.faults] == expected


def test_carriage_returns_are_read_and_told_once() -> None:
    parsed = parse_chain_of_thought(TEXT.replace("\n", "\r\n"))
    assert parsed.value == VALUE
    assert [fault.code for fault in parsed.faults] == ["line-break"]


def test_separator_is_no_row_and_its_absence_is_told() -> None:
    lines = TEXT.splitlines(keepends=True)
    del lines[4]
    parsed = parse_chain_of_thought("".join(lines))
    assert parsed.value == VALUE
    assert [fault.code for fault in parsed.faults] == ["table-separator"]


def test_columns_in_another_order_go_to_their_places() -> None:
    text = TEXT.replace("| Mood | Time |", "| Time | Mood |", 1)
    assert parse_chain_of_thought(text).value.images[0].settings == (replace(GARDEN, mood="Dusk", time="Tense"),)
    assert codes(text) == ["table-columns"]


def test_missing_column_is_empty() -> None:
    text = TEXT.replace("| Mood | Time | Narrative", "| Mood | Narrative", 1).replace(
        "| Tense | Dusk |", "| Tense |", 1
    )
    assert parse_chain_of_thought(text).value.images[0].settings == (replace(GARDEN, time=""),)
    assert codes(text) == ["table-columns"]


def test_sections_in_another_order_are_read() -> None:
    head, characters, objects, rest = TEXT.partition("### Characters")[0], *_split_first_image()
    parsed = parse_chain_of_thought(f"{head}{objects}{characters}{rest}")
    assert parsed.value == VALUE


def _split_first_image() -> tuple[str, str, str]:
    characters = TEXT[TEXT.index("### Characters") : TEXT.index("### Objects")]
    objects = TEXT[TEXT.index("### Objects") : TEXT.index("### Setting")]
    return characters, objects, TEXT[TEXT.index("### Setting") :]


def test_escaped_pipe_is_a_pipe_in_its_cell() -> None:
    parsed = parse_chain_of_thought(TEXT.replace("Walled garden", "Walled \\| garden"))
    assert parsed.value.images[0].settings == (replace(GARDEN, description="Walled | garden"),)
    assert [(fault.code, fault.line, fault.column) for fault in parsed.faults] == [("pipe-escaped", 17, 21)]


def test_unescaped_pipe_goes_to_the_description_and_the_box_stays() -> None:
    parsed = parse_chain_of_thought(TEXT.replace("| Brass key |", "| Brass | iron key |"))
    assert parsed.value.images[0].objects[0] == replace(KEY, description="Brass | iron key")
    assert [fault.code for fault in parsed.faults] == ["row-long"]


def test_short_row_keeps_its_box() -> None:
    parsed = parse_chain_of_thought(TEXT.replace("| Held by Ines | Plot device |", "|"))
    assert parsed.value.images[0].objects[0] == replace(KEY, interaction="", narrative_function="")
    assert [fault.code for fault in parsed.faults] == ["row-short"]


def test_row_without_a_box_has_an_id_and_no_value() -> None:
    parsed = parse_chain_of_thought(TEXT.replace("| 140,120,160,138 |", "| not visible |"))
    assert parsed.value.images[0].objects == (WALL,)
    assert sorted(parsed.entity_rows()[1]) == ["bg2", "char1", "obj1"]
    assert [fault.code for fault in parsed.faults] == ["box-unreadable"]


def test_shares_of_the_frame_are_not_taken_for_pixels() -> None:
    parsed = parse_chain_of_thought(TEXT.replace("140,120,160,138", "0.33,0.5,0.38,0.58"))
    assert parsed.value.images[0].objects == (WALL,)
    assert [fault.code for fault in parsed.faults] == ["box-normalised"]


def test_unknown_word_stays_and_the_nearest_is_named() -> None:
    parsed = parse_chain_of_thought(TEXT.replace("| Lighting |", "| Lightning |"))
    assert parsed.value.images[1].settings[0].element == "Lightning"
    assert [fault.code for fault in parsed.faults] == ["word-unknown"]
    assert '"Lighting"' in parsed.faults[0].message


def test_places_of_rows_and_cells() -> None:
    parsed = parse_chain_of_thought(TEXT)
    table = parsed.images[0].tables[0]
    row = table.rows[0]
    assert TEXT[row.start : row.end].startswith("| char1 | Ines |")
    cells = [TEXT[span.start : span.end] for span in parsed.cell_spans(table, row)]
    expected = ["char1", "Ines", "Woman in a grey coat", "Wary", "Opens a gate", "Protagonist", "52,30,190,239"]
    assert cells == expected
    assert table.heading is not None
    assert TEXT[table.heading.start : table.heading.end] == "### Characters"
    assert TEXT[table.span.start : table.span.end].endswith("52,30,190,239 |")
    image = TEXT[parsed.images[0].span.start : parsed.images[0].span.end]
    assert image.startswith("## Image 1\n") and image.endswith("Opens the story |\n\n\n")


def test_place_of_a_fault() -> None:
    text = TEXT.replace("| bg2 |", "| bg 2 |")
    fault = parse_chain_of_thought(text).faults[0]
    assert (fault.line, fault.column, text[fault.span.start : fault.span.end]) == (12, 3, "bg 2")
    assert str(fault) == 'chain_of_thought:12:3 id-form: "bg 2" should read "bg2"'


def test_huge_ranges_do_not_fill_memory() -> None:
    for cell in ("1-999999999", ", ".join(["1-9999"] * 2000), "9" * 5000):
        parsed = parse_chain_of_thought(TEXT.replace("| 1, 2 |", f"| {cell} |"))
        assert len(parsed.value.narrative[0].images) <= 9999
        assert "phase-images" in [fault.code for fault in parsed.faults]
