import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codecs.tables import (
    CHARACTERS,
    LINE_BREAKS,
    NARRATIVE,
    SETTING,
    arrange_cells,
    clean_cell,
    find_line_break,
    is_clean_cell,
    is_separator,
    match_header,
    render_row,
    split_row,
)


def cut(line: str) -> list[str]:
    return [line[start:end] for start, end in split_row(line)]


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ("| a | b |", ["a", "b"]),
        ("|a|b|", ["a", "b"]),
        ("a | b", ["a", "b"]),
        ("  | a || b |\t", ["a", "", "b"]),
        ("| a \\| b | c |", ["a \\| b", "c"]),
        ("||", [""]),
        ("|", [""]),
        ("", [""]),
    ],
)
def test_rows_are_split(line: str, cells: list[str]) -> None:
    assert cut(line) == cells


@given(st.lists(st.text().map(clean_cell), min_size=1))
def test_cleaned_cells_come_back(cells: list[str]) -> None:
    assert all(map(is_clean_cell, cells))
    assert cut(render_row(cells)) == cells


@given(st.text())
def test_line_breaks_are_those_of_python_and_no_newline(text: str) -> None:
    at = find_line_break(text)
    assert at == next((place for place, letter in enumerate(text) if letter in LINE_BREAKS), -1)
    assert (at < 0) == (len(f"{text}.".splitlines()) == f"{text}.".count("\n") + 1 and "\r" not in text)


def test_cleaning() -> None:
    assert clean_cell(" a|b \\| c\n d\u2028e ") == "a/b / c d e"


@pytest.mark.parametrize(
    ("line", "expected"),
    [("|---|---|", True), ("| :-: | --- |", True), ("| - | a |", False), ("---", False), ("||", False)],
)
def test_separators(line: str, expected: bool) -> None:
    assert is_separator(line) == expected


def test_headers() -> None:
    assert match_header(SETTING.header, SETTING) == (0, 1, 2, 3, 4)
    assert match_header("|Element|description|MOOD|When|Narrative function|", SETTING) == (0, 1, 2, 3, 4)
    assert match_header("| Mood | Time | Description | Setting Element | Narrative Function |", SETTING) == (
        3,
        2,
        0,
        1,
        4,
    )
    assert match_header("| Setting Element | Description | Narrative Function |", SETTING) == (0, 1, -1, -1, 2)
    assert match_header("| Location | Walled garden | Tense | Dusk | Opens the story |", SETTING) is None
    assert match_header(CHARACTERS.header, NARRATIVE) is None


def test_cells_are_arranged() -> None:
    def arrange(line: str) -> tuple[list[str], str]:
        spans, problem = arrange_cells(line, NARRATIVE, None)
        return [line[start:end] for start, end in spans], problem

    assert arrange("| a | b | c | 1 |") == (["a", "b", "c", "1"], "")
    assert arrange("| a | b | 1 |") == (["a", "b", "", "1"], "row-short")
    assert arrange("| a | b |") == (["a", "b", "", ""], "row-short")
    assert arrange("| a | b | x | c | 1 |") == (["a", "b | x", "c", "1"], "row-long")
    assert arrange("| a | b | c | 1 | | |") == (["a", "b", "c", "1"], "row-long")
