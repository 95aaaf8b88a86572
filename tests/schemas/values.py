"""Any valid chain of thought and story, for property tests."""

from hypothesis import strategies as st

from schemas.codecs.tables import LINE_BREAKS, is_clean_cell
from schemas.text import (
    NARRATIVE_PHASES,
    SETTING_ELEMENTS,
    TAG_KINDS,
    ChainOfThought,
    CharacterRow,
    ImageAnalysis,
    ImageBlock,
    ObjectRow,
    PhaseRow,
    SettingRow,
    Story,
    Tag,
    TagKind,
)

_CHARACTERS = st.characters(exclude_categories=["Cs"])
# Plain letters are too tame: cells are drawn from what the formats are made of as well.
_MARKS = st.sampled_from(
    ["#", "## Image 2", "-", "---", "`", "```", "\\", "1,2,3,4", "char1", "\u00a0", "\u201c", "None", ","]
)
cells = st.lists(st.one_of(_MARKS, st.text(_CHARACTERS, max_size=8)), max_size=4).map("".join).filter(is_clean_cell)
numbers = st.integers(1, 9999)
edges = st.integers(-999_999_999, 999_999_999)
boxes = st.tuples(edges, edges, edges, edges)


def ids(*prefixes: str) -> st.SearchStrategy[str]:
    return st.builds(lambda prefix, number: f"{prefix}{number}", st.sampled_from(prefixes), st.integers(1, 999_999_999))


characters = st.builds(CharacterRow, ids("char"), cells, cells, cells, cells, cells, boxes)
objects = st.builds(ObjectRow, ids("obj", "lm", "bg"), cells, cells, cells, cells, boxes)
settings = st.builds(SettingRow, st.sampled_from(SETTING_ELEMENTS), cells, cells, cells, cells)
phases = st.builds(
    PhaseRow, st.sampled_from(NARRATIVE_PHASES), cells, cells, st.lists(numbers, min_size=1, max_size=6).map(tuple)
)


def _few(rows: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(rows, max_size=3).map(tuple)


images = st.builds(ImageAnalysis, numbers, _few(characters), _few(objects), _few(settings))
chains_of_thought = st.builds(ChainOfThought, _few(images), _few(phases))

texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="<>" + LINE_BREAKS), min_size=1, max_size=12
)
kinds: st.SearchStrategy[TagKind] = st.sampled_from(TAG_KINDS)
tags = st.builds(
    Tag,
    kinds,
    st.lists(ids("char", "obj", "lm", "bg"), min_size=1, max_size=3, unique=True).map(tuple),
    texts.filter(lambda text: bool(text.strip())),
)


def _join(parts: list[str | Tag]) -> tuple[str | Tag, ...]:
    """Parts as a reader gives them: no two texts side by side."""
    joined: list[str | Tag] = []
    for part in parts:
        if joined and isinstance(part, str) and isinstance(joined[-1], str):
            joined[-1] += part
        else:
            joined.append(part)
    return tuple(joined)


blocks = st.builds(ImageBlock, numbers, st.lists(st.one_of(texts, tags), max_size=6).map(_join))
stories = st.builds(Story, st.lists(blocks, max_size=4).map(tuple))
