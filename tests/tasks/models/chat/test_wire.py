"""The body of a request in every dialect."""

import base64

import pytest

from schemas.chat import ChatRequest, Picture, Turn
from tasks.models.chat.wire import Dialect, make_body
from tests.chat_requests import SCHEMA, request

PICTURED = request(turns=(Turn("user", ("look", Picture(b"\xff\xd8jpeg"))), Turn("assistant", ("a", "b"))), seed=3)


def test_a_strict_schema() -> None:
    assert make_body(request(1), "m", Dialect("json_schema"), stream=False) == {
        "model": "m",
        "messages": [{"role": "system", "content": "Tell."}, {"role": "user", "content": "story 1"}],
        "max_tokens": 100,
        "temperature": 0.7,
        "top_p": 1.0,
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True}},
    }


def test_pictures_and_turns() -> None:
    body = make_body(PICTURED, "m", Dialect(), stream=False)
    url = "data:image/jpeg;base64," + base64.b64encode(b"\xff\xd8jpeg").decode()
    assert body["messages"][1:] == [
        {
            "role": "user",
            "content": [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": url}}],
        },
        {"role": "assistant", "content": "a\nb"},
    ]
    assert body["seed"] == 3


@pytest.mark.parametrize(
    ("dialect", "held"),
    [
        (Dialect("guided"), {"structured_outputs": {"json": SCHEMA}}),
        (Dialect("guided", guided_field="guided_json"), {"guided_json": SCHEMA}),
        (Dialect("json_object"), {"response_format": {"type": "json_object"}}),
        (Dialect("none"), {}),
    ],
)
def test_other_ways(dialect: Dialect, held: dict[str, object]) -> None:
    body = make_body(request(), "m", dialect, stream=False)
    rest = {
        key: value for key, value in body.items() if key in ("response_format", "structured_outputs", "guided_json")
    }
    assert rest == held
    told = '"enum": ["Rain", "Snow"]' in body["messages"][0]["content"]
    assert told == (dialect.way in ("json_object", "none")), "the prompt holds the schema where the server does not"


def test_free_text_is_held_to_nothing() -> None:
    body = make_body(request(schema=None), "m", Dialect("json_object"), stream=False)
    assert "response_format" not in body
    assert body["messages"][0]["content"] == "Tell."


def test_streams_ask_for_usage() -> None:
    body = make_body(request(), "m", Dialect(), stream=True)
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})


@pytest.mark.parametrize(
    ("complaint", "param", "adapted"),
    [
        (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            "max_tokens",
            Dialect(limit_field="max_completion_tokens"),
        ),
        (
            "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value is supported.",
            "temperature",
            Dialect(dropped=("temperature",)),
        ),
        ("seed is not supported by this server", None, Dialect(dropped=("seed",))),
        ("Extra inputs are not permitted: stream_options", None, Dialect(dropped=("stream_options",))),
        ("I do not like you", None, None),
        ("messages must alternate", "messages", None),
    ],
)
def test_a_complaint_is_learnt_from(complaint: str, param: str | None, adapted: Dialect | None) -> None:
    assert Dialect().adapted(complaint, param) == adapted


def test_what_was_dropped_is_not_sent_and_not_dropped_twice() -> None:
    dialect = Dialect(limit_field="max_completion_tokens", dropped=("temperature", "top_p"))
    body = make_body(request(), "m", dialect, stream=False)
    assert body["max_completion_tokens"] == 100
    assert not {"max_tokens", "temperature", "top_p"} & set(body)
    assert dialect.adapted("temperature is not supported", "temperature") is None


def test_an_empty_system_message_is_left_out() -> None:
    plain = ChatRequest("p", "i", "v", "", (Turn("user", ("hi",)),))
    assert [m["role"] for m in make_body(plain, "m", Dialect("none"), stream=False)["messages"]] == ["user"]
