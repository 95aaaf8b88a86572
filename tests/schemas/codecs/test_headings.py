import pytest

from schemas.codecs.headings import read_heading


@pytest.mark.parametrize(
    ("line", "image", "kind", "exact", "title"),
    [
        ("## Image 1", 1, None, True, ""),
        ("## Image 1  ", 1, None, True, ""),
        ("### Characters", 0, "characters", True, ""),
        ("## Narrative Structure", 0, "narrative", True, ""),
        ("## Image 01", 1, None, False, ""),
        ("##Image 12:", 12, None, False, ""),
        ("###### frame 3 \u2014 The Gate", 3, None, False, "The Gate"),
        ("**Image #4**", 4, None, False, ""),
        ("### 2. **Objects** (all)", 0, "objects", False, "(all)"),
        ("# NARRATIVE  PHASES", 0, "narrative", False, ""),
        ("Setting:", 0, "setting", False, ""),
        ("image 7", 7, None, False, ""),
        ("## Conclusion", 0, None, False, "Conclusion"),
        ("## Image 99999", 0, None, False, "Image 99999"),
        ("## Image 1a", 0, None, False, "Image 1a"),
    ],
)
def test_headings(line: str, image: int, kind: str | None, exact: bool, title: str) -> None:
    assert read_heading(line) == (image, kind, exact, title)


@pytest.mark.parametrize(
    "line", ["", "Image 1 shows a garden", "Characters are few", "**Mood**", "a ## Image 1", "Image", "settings matter"]
)
def test_prose_is_no_heading(line: str) -> None:
    assert read_heading(line) is None
