"""Whether a value keeps to a schema, held against another implementation of JSON schema."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemas.draft_config import AnalysisConfig, StoryConfig
from schemas.text import CharacterRow, ImageAnalysis, ObjectRow
from tasks.drafting.analysis_schema import analysis_schema
from tasks.drafting.shape import find_departures, record, refer
from tasks.drafting.story_schema import story_schema
from tests.chat_scribe import fill
from tests.tasks.drafting.stories import SIMPLE

BOX = (1, 2, 30, 40)
IMAGE = ImageAnalysis(
    1,
    (CharacterRow("char1", "Ines", "d", "e", "a", "n", BOX),),
    (ObjectRow("obj1", "d", "f", "i", "n", BOX), ObjectRow("bg1", "d", "f", "i", "n", BOX)),
    (),
)
SCHEMAS = {
    "analysis": analysis_schema(SIMPLE.frames, AnalysisConfig()),
    "bare analysis": analysis_schema(SIMPLE.frames, AnalysisConfig(corrections=False, landmarks=False)),
    "story": story_schema([IMAGE], StoryConfig()),
}


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(found for key, one in inner for found in places(one, (*at, key)))]


def put(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    """The value with ``new`` at a place; ``...`` takes away what stands there."""
    if not at:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    if len(at) == 1 and new is ...:
        del copy[at[0]]
    else:
        copy[at[0]] = put(copy[at[0]], at[1:], new)
    return copy


@pytest.mark.parametrize("name", SCHEMAS)
@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10**6),
    change=st.sampled_from([..., None, 7, True, 1.5, "x", "char9", [], {}, {"text": "x"}, ["char1"]]),
)
def test_departures_are_those_that_jsonschema_sees(name: str, seed: int, change: Any) -> None:
    schema = SCHEMAS[name]
    judge = Draft202012Validator(schema)
    draw = random.Random(seed)
    good = fill(schema, draw)
    assert find_departures(good, schema) == []
    assert judge.is_valid(good)
    changed = put(good, draw.choice(places(good)[1:]), change)
    departures = find_departures(changed, schema)
    assert bool(departures) == (not judge.is_valid(changed)), departures


def test_departures_are_told_in_words() -> None:
    schema = {
        **record(
            {"a": refer("word"), "b": {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 2}}
        ),
        "$defs": {"word": {"type": "string", "enum": ["x", "y"]}},
    }
    assert find_departures({"a": "z", "c": 1}, schema) == [
        "a is 'z'; it must be one of: x, y",
        "b is missing",
        "the answer has no place for 'c'",
    ]
    assert find_departures({"a": "x", "b": [1, True, "w" * 100]}, schema) == [
        "b must have at most 2",
        "b[1] must be an integer, not True",
        f"b[2] must be an integer, not '{'w' * 36}...",
    ]
    assert find_departures([], schema) == ["the answer must be an object, not []"]
    either = {
        "anyOf": [
            record({"text": {"type": "string"}}),
            record({"mention": {"type": "string"}, "of": {"type": "string"}}),
        ]
    }
    assert find_departures({"thought": "x"}, either) == [
        "the answer must have text or mention and of, each as described"
    ]
