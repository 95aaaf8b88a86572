"""The text of the story: what is written, and what is read."""

import pytest
from hypothesis import given, settings

from schemas.errors import SampleError
from schemas.story import clean_text, parse_story, plain_text, render_story, strip_tags
from schemas.text import ImageBlock, Story, Tag
from tests.schemas.values import stories

INES = Tag("gdo", ("char1",), "Ines")
TURNED = Tag("gda", ("char1",), "turned")
KEY = Tag("gdo", ("obj1",), "the key")
WALL = Tag("gdl", ("bg2",), "the old wall")
THEY = Tag("gdo", ("char1", "char2"), "They")
VALUE = Story(
    (
        ImageBlock(1, (INES, " ", TURNED, " ", KEY, " and waited beside ", WALL, ".")),
        ImageBlock(2, (THEY, " ran.\n\nIt rained.")),
    )
)
TEXT = """\
<gdi image1>
<gdo char1>Ines</gdo> <gda char1>turned</gda> <gdo obj1>the key</gdo> and waited beside <gdl bg2>the old wall</gdl>.
</gdi>

<gdi image2>
<gdo char1 char2>They</gdo> ran.

It rained.
</gdi>"""


def read(text: str) -> tuple[tuple[str | Tag, ...], list[str]]:
    """The parts of the only block, and the codes of the faults."""
    parsed = parse_story(text)
    (block,) = parsed.value.blocks
    return block.parts, [fault.code for fault in parsed.faults]


def test_canonical_text_is_written() -> None:
    assert render_story(VALUE) == TEXT


def test_canonical_text_is_read() -> None:
    parsed = parse_story(TEXT)
    assert parsed.value == VALUE
    assert parsed.faults == ()


@given(stories)
@settings(max_examples=100, deadline=None)
def test_what_is_written_is_read_again(value: Story) -> None:
    text = render_story(value)
    parsed = parse_story(text)
    assert parsed.value == value
    assert parsed.faults == ()
    assert render_story(parsed.value) == text


@given(stories)
@settings(max_examples=50, deadline=None)
def test_places_are_those_of_the_text(value: Story) -> None:
    text = render_story(value)
    for block in parse_story(text).blocks:
        position = block.body.start
        for piece in block.pieces:
            assert piece.start == position
            position = piece.end
            if piece.tag is not None:
                assert text[piece.text_start : piece.text_end] == piece.tag.text
                assert text[piece.start : piece.end].endswith(f"{piece.tag.text}</{piece.tag.kind}>")
        assert position == block.body.end


@pytest.mark.parametrize(
    "block",
    [
        ImageBlock(0, ("a",)),
        ImageBlock(10_000, ("a",)),
        ImageBlock(1, ("a < b",)),
        ImageBlock(1, ("a > b",)),
        ImageBlock(1, ("a\u2028b",)),
        ImageBlock(1, (Tag("gdo", (), "a"),)),
        ImageBlock(1, (Tag("gdo", ("char1", "char1"), "a"),)),
        ImageBlock(1, (Tag("gdo", ("char01",), "a"),)),
        ImageBlock(1, (Tag("gdo", ("char1",), " "),)),
        ImageBlock(1, (Tag("gdo", ("char1",), "<b>a</b>"),)),
    ],
)
def test_what_no_reader_carries_is_refused(block: ImageBlock) -> None:
    with pytest.raises(SampleError, match="story"):
        render_story(Story((block,)))


def test_cleaned_text_is_carried() -> None:
    text = clean_text("a <b> c\u2028d\re")
    assert text == "a \u2039b\u203a c d e"
    assert parse_story(render_story(Story((ImageBlock(1, (text,)),)))).faults == ()


HE = Tag("gdo", ("char1",), "He")
RAN = Tag("gda", ("char1",), "ran")
# What models write in a block: the text, the parts, the faults.
WRITTEN: list[tuple[str, tuple[str | Tag, ...], list[str]]] = [
    ("<gdi image1><gdo char1>He</gdo></gdi>", (HE,), []),
    ("<GDI Image1><gdo char1>He</gdo></GDI>", (HE,), ["tag-form", "tag-form"]),
    ('<gdi image="1"><gdo char1>He</gdo></gdi>', (HE,), ["tag-form"]),
    ("<gdi 1><gdo char1>He</gdo></gdi>", (HE,), ["tag-form"]),
    ("<gdi image1><gdo  char1>He</gdo></gdi>", (HE,), ["tag-form"]),
    ("<gdi image1><gdo char1,char2>They</gdo></gdi>", (THEY,), ["tag-form"]),
    ("<gdi image1><gdo char1, char2>They</gdo></gdi>", (THEY,), ["tag-form"]),
    ("<gdi image1><gdo char1 and char2>They</gdo></gdi>", (THEY,), ["tag-form"]),
    ('<gdi image1><gdo id="char1">He</gdo></gdi>', (HE,), ["tag-form"]),
    ("<gdi image1><gdo char1 char1>He</gdo></gdi>", (HE,), ["tag-form"]),
    ("<gdi image1><gdo Char_01>He</gdo></gdi>", (HE,), ["tag-form"]),
    ("<gdi image1><gdo char1>He</gdo >.</gdi>", (HE, "."), ["tag-form"]),
    ("<gdi image1><gdo Bob>He</gdo></gdi>", ("He",), ["id-unknown"]),
    ("<gdi image1><gdo char1 Bob>He</gdo></gdi>", (HE,), ["id-unknown"]),
    ("<gdi image1><gdo>He</gdo></gdi>", ("He",), ["tag-empty"]),
    ("<gdi image1>a<gdo char1></gdo>b</gdi>", ("ab",), ["tag-empty"]),
    ("<gdi image1>a<gdo char1/>b</gdi>", ("ab",), ["tag-empty"]),
    ("<gdi image1>a<gdo char1> </gdo>b</gdi>", ("a b",), ["tag-empty"]),
    ("<gdi image1><b>He</b></gdi>", ("He",), ["tag-unknown", "tag-unknown"]),
    ("<gdi image1><gdo char1><b>He</b></gdo></gdi>", (HE,), ["tag-unknown", "tag-unknown"]),
    ("<gdi image1>1 < 2 > 1</gdi>", ("1 < 2 > 1",), ["angle-bracket", "angle-bracket"]),
    ("<gdi image1>a <3 <gdo char1>He</gdo></gdi>", ("a <3 ", HE), ["angle-bracket"]),
    ("<gdi image1><gdo char1>...</gdo> <b>", (Tag("gdo", ("char1",), "..."), " "), ["tag-unclosed", "tag-unknown"]),
    # Not closed: the mention right after it.
    ("<gdi image1><gdo char1>He ran off.</gdi>", (HE, " ran off."), ["tag-unclosed"]),
    ("<gdi image1><gdo char1>the man ran.</gdi>", (Tag("gdo", ("char1",), "the man"), " ran."), ["tag-unclosed"]),
    (
        "<gdi image1><gdo char1>Ines Moreau ran.</gdi>",
        (Tag("gdo", ("char1",), "Ines Moreau"), " ran."),
        ["tag-unclosed"],
    ),
    ("<gdi image1><gdo char1>He <gda char1>ran</gda>.</gdi>", (HE, " ", RAN, "."), ["tag-unclosed"]),
    ("<gdi image1><gdo char1><gda char1>ran</gda>.</gdi>", (RAN, "."), ["tag-unclosed"]),
    ("<gdi image1>\n<gdo char1>He</gdo>\n", (HE,), ["tag-unclosed"]),
    # Closing tags that close something else, or nothing.
    ("<gdi image1><gdo char1>He</gda>.</gdi>", (HE, "."), ["tag-mismatch"]),
    ("<gdi image1><gdo char1>He</gda></gdo>.</gdi>", (HE, "."), ["tag-unopened"]),
    ("<gdi image1><gdo char1>He</gdo></gdo>.</gdi>", (HE, "."), ["tag-unopened"]),
    ("<gdi image1><gdo char1>He</gdo></gdl>", (HE,), ["tag-mismatch"]),
    ("<gdi image1><gdo char1>He</gdi> ran</gdi>", (HE, " ran"), ["tag-mismatch"]),
    # Nested and crossed: the tag that was opened last.
    ("<gdi image1><gdo char1><gdo char1>He</gdo></gdo></gdi>", (HE,), ["tag-nested"]),
    (
        "<gdi image1><gdo char1>He with <gdo obj1>the key</gdo></gdo> ran</gdi>",
        (Tag("gdo", ("char1",), "He with"), " ", KEY, " ran"),
        ["tag-nested"],
    ),
    (
        "<gdi image1><gdo char1>He <gdl bg2>here</gdl> waits</gdo></gdi>",
        (HE, " ", Tag("gdl", ("bg2",), "here"), " ", Tag("gdo", ("char1",), "waits")),
        ["tag-nested"],
    ),
    ("<gdi image1><gdo char1>He <gda char1>ra</gdo>n</gda>.</gdi>", (HE, " ", RAN, "."), ["tag-crossed"]),
]


@pytest.mark.parametrize(("text", "parts", "expected"), WRITTEN)
def test_what_models_write_is_read_and_told(text: str, parts: tuple[str | Tag, ...], expected: list[str]) -> None:
    assert read(text) == (parts, expected)


def test_gdl_that_closes_a_block_before_the_next() -> None:
    parsed = parse_story("<gdi image1>a</gdl>\n<gdi image2>b</gdl>")
    assert [(block.number, block.parts) for block in parsed.value.blocks] == [(1, ("a",)), (2, ("b",))]
    assert [fault.code for fault in parsed.faults] == ["tag-mismatch", "tag-mismatch"]


def test_block_that_is_not_closed_ends_before_the_next() -> None:
    parsed = parse_story("<gdi image1>\na\n\n<gdi image2>\nb\n</gdi>")
    assert [block.parts for block in parsed.value.blocks] == [("a",), ("b",)]
    assert [fault.code for fault in parsed.faults] == ["tag-unclosed"]


def test_block_without_a_number_is_kept_apart() -> None:
    parsed = parse_story("<gdi picture>a</gdi> <gdi image2>b</gdi>")
    assert [block.number for block in parsed.blocks] == [0, 2]
    assert [block.number for block in parsed.value.blocks] == [2]
    assert [fault.code for fault in parsed.faults] == ["block-unknown"]


def test_text_outside_blocks_is_told_with_its_place() -> None:
    text = "A Story\n\n<gdi image1>a</gdi> and <gdo char1>so</gdo> on\n```\n"
    parsed = parse_story(text)
    assert [text[span.start : span.end] for span in parsed.outside] == ["A Story", "and <gdo char1>so</gdo> on"]
    told = [(fault.code, fault.line, fault.column) for fault in parsed.faults]
    assert told == [("text-outside", 1, 1), ("text-outside", 3, 21), ("code-fence", 4, 1)]


def test_plain_text_and_stripped_text() -> None:
    words = "Ines turned the key and waited beside the old wall.\n\nThey ran.\n\nIt rained."
    assert plain_text(VALUE) == words
    assert strip_tags(TEXT) == words
    assert strip_tags("<gdi image1>a <b>c</gdo> 1 < 2</gdi>") == "a c 1 < 2"
