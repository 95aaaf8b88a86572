import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codecs.edits import Edit, apply_edits, delete_line, normalise_breaks
from schemas.faults import FaultList, Span, quote


@given(st.text(st.sampled_from("a\n\r\u2028\U0001f600")), st.data())
def test_lines_and_columns(text: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    lines = text[:offset].split("\n")
    assert FaultList("story", text).locate(offset) == (len(lines), len(lines[-1]) + 1)


def test_faults_come_in_the_order_of_the_text() -> None:
    faults = FaultList("story", "a\nbc")
    faults.add("tag-form", 3, 4, "second")
    faults.add("tag-empty", 0, 1, "first")
    first, second = faults.sorted()
    assert (first.message, second.message, second.span, second.line, second.column) == (
        "first",
        "second",
        Span(3, 4),
        2,
        2,
    )
    assert first.rule.code == "tag-empty"
    with pytest.raises(KeyError):
        faults.add("no-such-rule", 0, 1, "")


def test_quotes_are_short_and_on_one_line() -> None:
    assert quote("a\nb") == '"a b"'
    assert quote("x" * 1_000_000, 10) == '"xxxxxxx..."'


def test_edits_are_made_at_once() -> None:
    assert apply_edits("abcdef", [Edit(4, 5, ""), Edit(1, 2, "XY"), Edit(4, 4, "+"), Edit(4, 4, "-")]) == "aXYcd+-f"
    with pytest.raises(ValueError, match="overlap"):
        apply_edits("abc", [Edit(0, 2, ""), Edit(1, 3, "")])


def test_a_line_goes_with_its_newline() -> None:
    assert apply_edits("a\nb\nc", [delete_line("a\nb\nc", 2, 3)]) == "a\nc"
    assert apply_edits("a\nb", [delete_line("a\nb", 2, 3)]) == "a\n"


def test_breaks() -> None:
    assert normalise_breaks("a\r\nb\rc\u2028d") == "a\nb c d"
    assert normalise_breaks("a\rb") == "a\nb"
