import pytest

from tasks.dataset_card.body import body, size_text
from tests.tasks.dataset_card.samples import make_facts


def test_headings_in_order() -> None:
    headings = [line for line in body(make_facts()).splitlines() if line.startswith("#")]
    assert headings == [
        "# Harbour stories",
        "## What is in it",
        "## Format",
        "## How it was made",
        "## Statistics",
        "### Stories",
        "### Entities",
        "### Grounding",
        "### Narrative",
        "### Identity",
        "### Ties to the frames",
        "### Charts",
        "## Films",
        "## Limits",
        "## Citation",
    ]


def test_what_was_measured_is_said() -> None:
    text = body(make_facts())
    assert "> All frames are synthetic.\n>\n> They show no real people." in text
    assert "6 stories told over frames of 2 films" in text
    assert "| `default` | train | 5 | 4 kB |" in text
    assert "| `select` | frame | 70 | 60 | 8 near-duplicate, 2 black |" in text
    assert "| composer | none | composer-1 | 6 | 0 | 0 | 0.00 |" in text
    assert f"| `detect` | nanodet | Apache-2.0 | by harbour | `{'ab12' * 16}` |" in text
    assert "- nanodet: People are found well." in text
    assert "| `select.black_luma` | `0.1` |" in text
    assert "| harbour | train | 5 | 50 |" in text
    assert "| links with a confidence below 0.7 | 14.3 % of 42 |" in text


def test_without_notice_and_changes_there_is_no_word_of_them() -> None:
    text = body(make_facts(notice=" \n"))
    assert "\n> " not in text


def test_an_empty_split_is_named() -> None:
    assert "Without rows, and so not to be loaded: `test`." in body(make_facts(test=0))
    assert "Without rows" not in body(make_facts())


def test_without_stories_the_reasons_stand_there() -> None:
    text = body(make_facts(0, 0))
    assert "**No story came out.**" in text
    assert "- 8 frame at select: near-duplicate" in text
    assert "## Statistics" not in text


def test_names_from_outside_are_escaped() -> None:
    evil = "a|b <img src=x> [x](http://evil) `c`"
    text = body(make_facts(title=evil, notice=evil, film=evil, reason=evil))
    assert "<img" not in text
    assert "[x](" not in text
    assert text.count("a\\|b &lt;img src=x&gt; \\[x\\](http\\://evil) \\`c\\`") == 6


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (31_345, "31.3 kB"), (999_600, "1 MB"), (727_000_000, "727 MB")],
)
def test_sizes(count: int, text: str) -> None:
    assert size_text(count) == text
