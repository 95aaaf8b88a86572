"""Texts that once were read wrongly."""

import pytest

from schemas.chain_of_thought import parse_chain_of_thought
from schemas.codecs.headings import read_heading
from schemas.story import parse_story


@pytest.mark.parametrize("line", ["### Character\u017f", "### narrat\u0131ve structure", "## \u017fetting"])
def test_letters_that_look_alike_make_no_heading(line: str) -> None:
    heading = read_heading(line)
    assert heading is not None
    assert (heading.image, heading.kind) == (0, None)


def test_a_long_text_with_an_odd_line_break_has_no_gaps_of_its_own() -> None:
    rows = "".join(f"| obj{k} | A thing | Stands | None | Prop | 1,1,9,9 |\n" for k in range(1, 900))
    head = "| Object ID | Description | Function | Interaction | Narrative Function | Bounding Box |\n|---|---|---|---|---|---|\n"
    text = f"## Image 1\n\n### Objects\n{head}{rows}\u2028\n"
    assert len(text) > 3 * 16_000
    found = parse_chain_of_thought(text)
    assert "table-gap" not in {fault.code for fault in found.faults}
    assert len(found.value.images[0].objects) == 899


def test_a_tag_cut_up_by_unknown_ones_keeps_its_words_apart_from_them() -> None:
    story = "<gdi image1>\n<gdo char1>, <b>a <gda char1>x</gda> b</k>, c</gdo> d\n</gdi>"
    pieces = [
        (piece.tag.text if piece.tag else None, story[piece.start : piece.end])
        for piece in parse_story(story).blocks[0].pieces
    ]
    assert pieces == [
        (None, ", "),
        ("a", "a"),
        (None, " "),
        ("x", "<gda char1>x</gda>"),
        (None, " "),
        ("b, c", "b</k>, c"),
        (None, " d"),
    ]
