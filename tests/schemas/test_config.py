"""The configuration: unknown keys, values out of bounds, files, merging."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from schemas.config import BuildConfig, SequenceConfig, make_config, merge, nearest, read_toml
from schemas.errors import ConfigError

TREE: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.sampled_from("abcd"),
    st.recursive(
        st.integers() | st.lists(st.integers(), max_size=2),
        lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)


def sections() -> list[tuple[str, type[BaseModel]]]:
    """Name and model of every section."""
    found = []
    for name, field in BuildConfig.model_fields.items():
        assert isinstance(field.annotation, type)
        assert issubclass(field.annotation, BaseModel)
        found.append((name, field.annotation))
    return found


def test_every_field_says_in_a_line_what_it_changes() -> None:
    for section, model in sections():
        for name, field in model.model_fields.items():
            told = field.description or ""
            assert 10 <= len(told) <= 120, f"{section}.{name}"
            assert "\n" not in told, f"{section}.{name}"


def test_defaults_are_a_valid_configuration() -> None:
    assert BuildConfig() == make_config({}, "nothing") == BuildConfig.model_validate(BuildConfig().model_dump())


def test_configuration_survives_json() -> None:
    config = make_config({"sequence": {"max_frames": 30}, "ground": {"level": "compatible"}}, "test")
    assert BuildConfig.model_validate_json(config.model_dump_json()) == config


def test_sections_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        BuildConfig().sequence.min_frames = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"sequense": {}}, "unknown key 'sequense' in my.toml; did you mean 'sequence'?"),
        ({"sequence": {"min_frame": 4}}, "unknown key 'sequence.min_frame' in my.toml; did you mean 'min_frames'?"),
        ({"detect": {"treshold": 1}}, "unknown key 'detect.treshold' in my.toml"),
        ({"zzz": 1}, "known: appearance, chat, detect, draft"),
        ({"sequence": {"min_frames": 0}}, "sequence.min_frames in my.toml: input should be greater than or equal to 1"),
        ({"sequence": {"min_frames": "five"}}, "sequence.min_frames in my.toml"),
        ({"export": {"test_ratio": 1.0}}, "export.test_ratio in my.toml: input should be less than 1, got 1.0"),
        ({"sequence": 5}, "sequence in my.toml"),
        ({"draft": {"drafter": "gpt"}}, "draft.drafter in my.toml: input should be 'composer' or 'llm'"),
        ({"draft": {"story": {"stile": "dry"}}}, "unknown key 'draft.story.stile' in my.toml; did you mean 'style'?"),
        ({"draft": {"story": {"words": [90, 10]}}}, "draft.story in my.toml: value error, words must be two numbers"),
        ({"sequence": {"min_frames": 12}}, "max_frames must be at least 23"),
        ({"detect": {"person_score": float("nan")}}, "detect.person_score in my.toml"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_it(values: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_config(values, "my.toml")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.integers(1, 40), st.integers(1, 80))
def test_bounds_of_a_story_leave_no_length_that_cannot_be_cut(low: int, high: int) -> None:
    """Whatever is longer than ``max_frames`` can be cut into parts of at least ``min_frames``: checked by trying."""
    try:
        SequenceConfig(min_frames=low, max_frames=high, target_frames=low)
    except ValidationError:
        allowed = False
    else:
        allowed = True
    lengths = range(high + 1, 6 * high + 1)
    divisible = all(any(parts * low <= n <= parts * high for parts in range(1, n + 1)) for n in lengths)
    if allowed:
        assert divisible
    elif high >= low:
        assert not divisible


@given(TREE, TREE)
def test_merge_lays_one_over_the_other_and_alters_neither(base: dict[str, Any], changes: dict[str, Any]) -> None:
    before = (repr(base), repr(changes))
    merged = merge(base, changes)
    assert (repr(base), repr(changes)) == before
    assert merge(merged, changes) == merged
    assert merge(base, {}) == base
    assert merge({}, changes) == changes
    assert merged.keys() == base.keys() | changes.keys()
    for key, value in changes.items():
        if not isinstance(value, dict) or not isinstance(base.get(key), dict):
            assert merged[key] == value


def test_merge_by_hand() -> None:
    base = {"a": {"x": 1, "y": 2}, "b": 3}
    assert merge(base, {"a": {"y": 5}}) == {"a": {"x": 1, "y": 5}, "b": 3}


@pytest.mark.parametrize(
    ("content", "told"), [(b"a = ", "not valid TOML"), (b"\xff\xfe", "not valid TOML"), (None, "No such file")]
)
def test_a_file_that_cannot_be_read(content: bytes | None, told: str, tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=told) as caught:
        read_toml(path)
    assert "my.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_as_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Is a directory"):
        read_toml(tmp_path)


def test_nearest_names_the_known_ones() -> None:
    assert nearest("embeded", ["gpu", "embedded"]) == "; did you mean 'embedded'? known: embedded, gpu"
    assert nearest("zzzzzz", ["gpu", "embedded"]) == "; known: embedded, gpu"
