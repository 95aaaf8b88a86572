import re

from hypothesis import given
from hypothesis import strategies as st

from tasks.report.markup import Markup, element, escape, join, table
from tests.tasks.report.pages import read_page

FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
ANY_TEXT = st.text(st.characters() | st.sampled_from("<>&\"'`=/\x00\ud800;#x"))


def test_escapes_what_has_meaning() -> None:
    assert escape("<b a='1' c=\"2\">&amp;") == "&lt;b a=&#x27;1&#x27; c=&quot;2&quot;&gt;&amp;amp;"


def test_markup_passes_unchanged() -> None:
    assert escape(Markup("<b>")) == "<b>"
    assert join("<", Markup("<i></i>"), ["&", Markup("<br>")], None) == "&lt;<i></i>&amp;<br>"


def test_what_html_forbids_becomes_the_replacement_character() -> None:
    assert escape("a\x00b\ud800c\ufffed") == "a\ufffdb\ufffdc\ufffdd"


def test_attributes() -> None:
    attributes = {"class": None, "open": True, "hidden": False, "tabindex": 0, "x": 1.25, "title": 'a "b"'}
    assert element("p", attributes) == '<p open tabindex="0" x="1.25" title="a &quot;b&quot;"></p>'
    assert element("img", {"alt": ""}) == '<img alt="">'


def test_markup_in_an_attribute_is_text() -> None:
    node = read_page(element("p", {"title": Markup('"><script>')})).children[0]
    assert node.attributes == {"title": '"><script>'}


@given(ANY_TEXT, ANY_TEXT)
def test_any_text_comes_back_as_text(text: str, value: str) -> None:
    page = read_page(element("p", {"title": value}, text))
    assert [child.name for child in page.children] == ["p"]
    assert page.children[0].children == []
    # HTML reads a carriage return as a line feed; nothing else may change.
    assert page.text == FORBIDDEN.sub("\ufffd", text)
    assert page.children[0].attributes == {"title": FORBIDDEN.sub("\ufffd", value)}


def test_table_escapes_headings_and_cells() -> None:
    page = read_page(table(("a<b", "n"), [("<i>", "1"), (Markup("<b>x</b>"), "2")], (1,)))
    assert [cell.text for cell in page.all("th")] == ["a<b", "n"]
    assert [[cell.text for cell in row.all("td")] for row in page.all("tr")[1:]] == [["<i>", "1"], ["x", "2"]]
    assert [cell.attributes.get("class") for cell in page.all("td")] == [None, "n", None, "n"]
    assert len(page.all("b")) == 1
    assert not page.all("i")
