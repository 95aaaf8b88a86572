import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.composer.draw import Draw
from tasks.composer.grammar import Action, Slot, cut, expand, parse, readings


def test_expansion_takes_one_of_each_choice() -> None:
    pattern = "a (b|c(d|)) (|e)"
    seen = {expand(pattern, Draw(key)) for key in range(200)}
    assert seen == {"a b ", "a b e", "a cd ", "a cd e", "a c ", "a c e"}
    assert readings(pattern) == len(seen)


def test_pieces() -> None:
    assert cut("{a} [came closer] to {b:o}, [b: who moved]") == (
        Slot("a", ""),
        " ",
        Action("a", "came closer"),
        " to ",
        Slot("b", "o"),
        ", ",
        Action("b", "who moved"),
    )


@pytest.mark.parametrize("pattern", ["(a", "a)", "a|b", "((a)"])
def test_parentheses_must_match(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"stray|open"):
        parse(pattern)


@pytest.mark.parametrize("text", ["[a", "a]", "[]", "[went {b}]", "[a [b] c]"])
def test_actions_hold_words_only(text: str) -> None:
    with pytest.raises(ValueError, match="action"):
        cut(text)


@given(st.text(alphabet="ab{}[]: ", max_size=20))
def test_cutting_loses_no_letter(text: str) -> None:
    try:
        pieces = cut(text)
    except ValueError:
        return
    letters = "".join(
        piece if isinstance(piece, str) else piece.text if isinstance(piece, Action) else piece.name + piece.form
        for piece in pieces
    )
    marks = sum(isinstance(piece, Action) and f"[{piece.name}: " in text for piece in pieces)
    assert len(letters.replace(" ", "")) <= len(text.replace(" ", "")) and marks >= 0
    assert (
        [one for one in letters if one == "a"] == [one for one in text if one == "a"]
        or "[a: " in text
        or "[b: " in text
    )
