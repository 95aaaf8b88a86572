"""Keys of requests, and the bytes that they and bodies are made of."""

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from schemas.chat import ChatRequest, Picture, Turn
from schemas.chat_call import compact_json, request_key
from tests.chat_requests import request

_texts = st.text(st.characters(codec="utf-8"))
_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
)


@given(_values)
def test_what_is_written_is_read_back_with_its_order(value: object) -> None:
    content = compact_json(value)
    assert json.loads(content) == value
    assert json.dumps(json.loads(content)) == json.dumps(value)


def test_half_a_character_is_escaped() -> None:
    assert compact_json({"text": "a\ud83d"}) == b'{"text":"a\\ud83d"}'


def test_the_same_request_has_the_same_key_and_another_has_another() -> None:
    pictured = request(turns=(Turn("user", ("look", Picture(b"one"))),))
    assert request_key("m", pictured) == request_key("m", replace(pictured)) == "4bae094a0ff964958a5668cda859f449"
    others: list[ChatRequest] = [
        replace(pictured, system="Tell more."),
        replace(pictured, seed=1),
        replace(pictured, max_tokens=101),
        replace(pictured, item="s1"),
        replace(pictured, turns=(Turn("user", ("look", Picture(b"two"))),)),
        replace(pictured, turns=(Turn("user", (Picture(b"one"), "look")),)),
        replace(pictured, schema={"b": 1, "a": 2}),
        replace(pictured, schema={"a": 2, "b": 1}),
    ]
    keys = {request_key("m", one) for one in others} | {request_key("n", pictured), request_key("m", pictured)}
    assert len(keys) == len(others) + 2
