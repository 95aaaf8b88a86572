import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.model_output import join_output, locate_output, split_output


@given(st.text(), st.text())
def test_what_is_joined_is_split_again(chain_of_thought: str, story: str) -> None:
    assert split_output(join_output(chain_of_thought, story)) == (chain_of_thought, story)


@pytest.mark.parametrize(
    ("text", "chain_of_thought", "story"),
    [
        # The published parser lost the first character of the story here.
        ("<think>\na\n</think><gdi image1>b</gdi>", "a", "<gdi image1>b</gdi>"),
        ("<think>a</think>b", "a", "b"),
        ("<THINK>\na\n</Think >\nb", "a", "b"),
        ("\n  <think>\na\n</think>\nb", "a", "b"),
        ("```\n<think>\na\n</think>\nb", "a", "b"),
        ("## Image 1\n</think>\nb", "## Image 1", "b"),
        ("Sure!\n<think>\na\n</think>\nb", "Sure!\n<think>\na", "b"),
        ("<think>\n## Image 1\n<gdi image1>b</gdi>", "## Image 1\n", "<gdi image1>b</gdi>"),
        ("## Image 1\n\n<GDI image1>b</gdi>", "## Image 1\n\n", "<GDI image1>b</gdi>"),
        ("<gdi image1>b</gdi>", "", "<gdi image1>b</gdi>"),
        ("<think>\n## Image 1\n| cut off", "## Image 1\n| cut off", ""),
        ("## Image 1\n| cut off", "## Image 1\n| cut off", ""),
        ("once upon a time", "", "once upon a time"),
        ("<think>\n</think>\n", "", ""),
        ("", "", ""),
    ],
)
def test_what_models_answer(text: str, chain_of_thought: str, story: str) -> None:
    assert split_output(text) == (chain_of_thought, story)


@given(
    st.text() | st.lists(st.sampled_from(["<think>", "</think>", "<gdi image1>", "\n", "a", "# Image 1"])).map("".join)
)
def test_nothing_but_marks_is_lost(text: str) -> None:
    before, after = locate_output(text)
    assert 0 <= before.start <= before.end <= after.start <= after.end == len(text)
    left = text[: before.start] + text[before.end : after.start]
    assert not left.lower().replace("<think>", "").replace("</think>", "").strip(" \n\t`")
