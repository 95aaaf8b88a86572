"""What the code behind the published dataset gets wrong when it reads and checks; each test fails on its behaviour."""

import pytest

from schemas.chain_of_thought import parse_chain_of_thought
from schemas.model_output import split_output
from schemas.story import parse_story
from schemas.text import CharacterRow, ObjectRow
from schemas.validation import check_texts
from tests.schemas.documented_rules import make_pair, read_blocks
from tests.schemas.test_chain_of_thought import INES, KEY, TEXT, VALUE, WALL

PAIR = make_pair(read_blocks())


def codes(story: str) -> set[str]:
    return {fault.code for fault in check_texts(PAIR.chain_of_thought, story, frame_sizes=PAIR.sizes)}


def test_an_empty_section_does_not_swallow_the_next() -> None:
    """There, the rows of Objects became characters."""
    start, end = TEXT.index("| char1"), TEXT.index("\n\n### Objects")
    for emptied in (TEXT[:start] + TEXT[end + 1 :], TEXT.replace(TEXT[TEXT.index("| Character ID") : end], "")):
        parsed = parse_chain_of_thought(emptied)
        assert parsed.value.images[0].characters == ()
        assert parsed.value.images[0].objects == (KEY, WALL)
        assert parsed.value.images[1:] == VALUE.images[1:]


def test_the_last_row_needs_no_newline() -> None:
    """There, it was lost."""
    parsed = parse_chain_of_thought(TEXT.removesuffix("\n"))
    assert parsed.value == VALUE
    assert parsed.faults == ()


def test_a_gap_in_the_numbering_hides_no_image() -> None:
    """There, images 1 and 3 were read as 1 alone."""
    text = TEXT.replace("## Image 2", "## Image 3")
    assert [image.number for image in parse_chain_of_thought(text).value.images] == [1, 3]
    faults = [fault for fault in check_texts(text, None, frame_count=3) if fault.code == "image-missing"]
    assert [fault.message for fault in faults] == ["missing: 2"]


@pytest.mark.parametrize("pipe", ["|", "\\|"])
def test_a_pipe_in_a_cell_does_not_shift_the_columns(pipe: str) -> None:
    """There, the box was read from the cell before it."""
    text = TEXT.replace("Woman in a grey coat", f"Woman {pipe} coat").replace("Brass key", f"Brass {pipe} key")
    image = parse_chain_of_thought(text).value.images[0]
    assert image.characters == (
        CharacterRow("char1", "Ines", "Woman | coat", *_rest(INES), INES.narrative_function, INES.box),
    )
    expected = ObjectRow("obj1", "Brass | key", KEY.function, KEY.interaction, KEY.narrative_function, KEY.box)
    assert image.objects == (expected, WALL)


def _rest(row: CharacterRow) -> tuple[str, str]:
    return row.emotions, row.actions


def test_a_story_right_after_think_keeps_its_first_character() -> None:
    """There, the story began with ``gdi``."""
    _, story = split_output("<think>\na\n</think><gdi image1>\nb\n</gdi>")
    assert story == "<gdi image1>\nb\n</gdi>"
    assert parse_story(story).faults == ()


@pytest.mark.parametrize(
    ("right", "wrong", "code"),
    [
        ("</gdo>", "", "tag-unclosed"),
        ("</gda>", "", "tag-unclosed"),
        ("</gdl>", "", "tag-unclosed"),
        ("\n</gdi>", "", "tag-unclosed"),
        ("<gdi image2>", "<gdi image1>", "block-duplicate"),
        ("<gdi image2>", "<gdi image1>", "block-missing"),
        ("<gdi image2>", "<gdi image3>", "block-unknown"),
        ("<gdi image1>", "<gdi image0>", "block-unknown"),
        ("<gdi image1>", "Once upon a time\n<gdi image1>", "text-outside"),
        ("\n\n<gdi", " and then \n\n<gdi", "text-outside"),
        ("<gdl bg2>", "<gdl bg77>", "id-unknown"),
        ("<gdl bg2>", "<gdl lm1>", "id-elsewhere"),
    ],
)
def test_invalid_stories_are_not_accepted(right: str, wrong: str, code: str) -> None:
    assert codes(PAIR.story) == set()
    assert right in PAIR.story
    assert code in codes(PAIR.story.replace(right, wrong, 1))


@pytest.mark.parametrize(("word", "nearest"), [("Whether", "Weather"), ("Mood Lighting", "Lighting")])
def test_an_unknown_setting_does_not_become_location(word: str, nearest: str) -> None:
    parsed = parse_chain_of_thought(TEXT.replace("| Location |", f"| {word} |"))
    assert parsed.value.images[0].settings[0].element == word
    assert [(fault.code, nearest in fault.message) for fault in parsed.faults] == [("word-unknown", True)]


def test_an_unknown_phase_does_not_become_introduction() -> None:
    parsed = parse_chain_of_thought(TEXT.replace("| Conflict |", "| Conclusions |"))
    assert parsed.value.narrative[1].phase == "Conclusions"
    assert [(fault.code, '"Conclusion"' in fault.message) for fault in parsed.faults] == [("word-unknown", True)]
