import pytest

from tasks.composer.nouns import a_thing, join_words, number_word, tag_phrase, thing_name, things_plural, use_of


@pytest.mark.parametrize(("count", "word"), [(0, "0"), (1, "one"), (12, "twelve"), (20, "twenty"), (21, "21")])
def test_number_word(count: int, word: str) -> None:
    assert number_word(count) == word


@pytest.mark.parametrize(
    ("label", "single", "plural"),
    [
        ("chair", "a chair", "chairs"),
        ("umbrella", "an umbrella", "umbrellas"),
        ("bus", "a bus", "buses"),
        ("scissors", "a pair of scissors", "pairs of scissors"),
        ("tv", "a screen", "screens"),
        ("mouse", "a computer mouse", "computer mice"),
        ("knife", "a knife", "knives"),
        ("teddy bear", "a teddy bear", "teddy bears"),
        ("toothbrush", "a toothbrush", "toothbrushes"),
        ("key|hole", "a key hole", "key holes"),
        ("<>", "a thing", "things"),
    ],
)
def test_labels_as_nouns(label: str, single: str, plural: str) -> None:
    assert a_thing(label) == single
    assert things_plural(label) == plural


def test_uses_are_whole_labels() -> None:
    assert use_of("chair") == "Seat"
    assert use_of("bear") == "Animal"
    assert use_of("teddy bear") == "Toy"
    assert use_of("quasar") == "Not known from the frame"


def test_tags_and_lists() -> None:
    assert tag_phrase("library") == "a library"
    assert tag_phrase("seashore") == "a shore"
    assert tag_phrase("|") == "a thing"
    assert thing_name("potted plant") == "potted plant"
    assert join_words([]) == ""
    assert join_words(["a"]) == "a"
    assert join_words(["a", "b", "c"]) == "a, b and c"
