"""JSON out of prose."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.models.chat.extract import read_json


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        (" \n[1, 2]\n", [1, 2]),
        ('Here it is:\n```json\n{"a": {"b": "```"}}\n```\nDone.', {"a": {"b": "```"}}),
        ('```\n{"a": 1}\n```', {"a": 1}),
        ('Sure! {"a": "}"} and {"b": 2}', {"a": "}"}),
        ('<think>maybe {"a": 0}?</think>{"a": 1}', {"a": 1}),
        ("{not json} then [1]", [1]),
        ("no value at all", None),
        ("", None),
        ('{"a": NaN}', None),
        ('{"a": 1', None),
        ("[" * 100_000, None),
    ],
)
def test_values(text: str, value: Any) -> None:
    assert read_json(text) == value


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_whatever_was_written_comes_back(value: dict[str, Any]) -> None:
    assert read_json(json.dumps(value)) == value
    assert read_json(f"Of course.\n```json\n{json.dumps(value, indent=2)}\n```\n") == value


@given(st.text(alphabet='{}[]",:`a1\n'))
def test_nothing_makes_it_fail(text: str) -> None:
    read_json(text)
