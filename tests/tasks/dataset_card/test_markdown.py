import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tasks.dataset_card.markdown import code, escape_markdown, markdown_table, paragraphs

UNSHOWN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
TRICKY = st.text(st.sampled_from("\\`*_[]()|~$:@#!<>&-+=.19aw \n\t\"'{}\x00") | st.characters())
READER = MarkdownIt("gfm-like", {"html": True, "linkify": False})


class Taken(HTMLParser):
    """Elements and text of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[str] = []
        self.cells: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.cells:
            self.cells[-1] += data


def shown(text: str) -> str:
    return " ".join(UNSHOWN.sub("\ufffd", text).split())


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain words, 5.0 and 12-3", "plain words, 5.0 and 12-3"),
        ("a|b", "a\\|b"),
        ("<script>&", "&lt;script&gt;&amp;"),
        ("two\nlines\r\n\tand more", "two lines and more"),
        ("https://evil @you $x$ www.evil", "https\\://evil \\@you \\$x\\$ www\\.evil"),
        ("1. list", "1\\. list"),
        ("- list", "\\- list"),
        ("research: only", "research: only"),
        ("---", "\\---"),
        ("-5 degrees", "-5 degrees"),
        ("", ""),
    ],
)
def test_escape_by_hand(text: str, escaped: str) -> None:
    assert escape_markdown(text) == escaped


@given(TRICKY)
def test_any_text_in_a_cell_shows_as_itself(text: str) -> None:
    table = markdown_table(("a", "b"), [(escape_markdown(text), "end")])
    taken = Taken(READER.render(table))
    assert set(taken.elements) <= {"table", "thead", "tbody", "tr", "th", "td"}
    assert [cell.strip() for cell in taken.cells] == ["a", "b", shown(text).strip(), "end"]


@given(TRICKY)
def test_any_text_as_a_paragraph_shows_as_itself(text: str) -> None:
    taken = Taken(READER.render(escape_markdown(text)))
    assert set(taken.elements) <= {"p"}
    assert taken.text.strip() == shown(text).strip()


@given(st.text(st.sampled_from("`|\\a b<>*\n")))
def test_any_text_as_code_in_a_cell(text: str) -> None:
    taken = Taken(READER.render(markdown_table(("a", "b"), [(code(text), "end")])))
    assert set(taken.elements) <= {"table", "thead", "tbody", "tr", "th", "td", "code"}
    assert [cell.strip() for cell in taken.cells] == ["a", "b", shown(text).strip(), "end"]


def test_numeric_columns_are_set_to_the_right() -> None:
    assert markdown_table(("a", "n"), [("x", "1")], (1,)) == "| a | n |\n| --- | ---: |\n| x | 1 |"


def test_paragraphs_become_one_quotation() -> None:
    assert paragraphs("First\nline.\n\n \n# Second <b>.\n") == "> First line.\n>\n> \\# Second &lt;b&gt;."
    assert paragraphs("  \n ") == ""
