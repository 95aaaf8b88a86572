"""What error answers of real servers mean."""

import email.utils
import time
from typing import Any

import pytest

from schemas.chat import ContextOverflow, RequestRefused
from schemas.errors import BudgetExceeded, ConfigError, SampleError
from tasks.models.chat.failures import Failure, UnknownModel, Unsupported, classify_status, read_retry_after, redact
from tests.chat_state import OVERFLOWS

KEY = "sk-proj-abcdefghijkl"


def classify(status: int, body: Any, headers: dict[str, str] | None = None) -> Exception:
    return classify_status(status, body, headers or {}, "host/v1", "m", "MY_KEY", KEY)


def openai(message: str, code: str | None = None, param: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


@pytest.mark.parametrize("wording", OVERFLOWS)
def test_every_server_s_overflow_is_known(wording: str) -> None:
    assert isinstance(classify(*OVERFLOWS[wording]), ContextOverflow)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, openai(f"Incorrect API key provided: {KEY}"), ConfigError),
        (403, openai("Country, region, or territory not supported"), ConfigError),
        (404, openai("The model `m` does not exist or you do not have access to it.", "model_not_found"), UnknownModel),
        (404, {"detail": "Not Found"}, ConfigError),
        (402, openai("Insufficient credits"), BudgetExceeded),
        (429, openai("You exceeded your current quota", "insufficient_quota"), BudgetExceeded),
        (429, openai("Rate limit reached", "rate_limit_exceeded"), Failure),
        (500, "Internal Server Error", Failure),
        (503, None, Failure),
        (529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, Failure),
        (413, "Request Entity Too Large", ContextOverflow),
        (
            400,
            openai("Your request was rejected as a result of our safety system.", "content_policy_violation"),
            RequestRefused,
        ),
        (
            400,
            openai("The response was filtered due to the prompt triggering Azure's content management policy"),
            RequestRefused,
        ),
        (
            400,
            openai("You uploaded an unsupported image. Please make sure your image is valid.", "invalid_image"),
            RequestRefused,
        ),
        (400, {"message": "This model does not support multimodal input", "param": None}, RequestRefused),
        (400, openai("Unsupported value: 'temperature'", "unsupported_value", "temperature"), Unsupported),
        (400, openai("'response_format' of type json_schema is not supported"), Unsupported),
        (422, {"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]}, Unsupported),
        (400, openai("messages: roles must alternate"), SampleError),
    ],
)
def test_kinds(status: int, body: Any, kind: type[Exception]) -> None:
    error = classify(status, body)
    assert type(error) is kind
    assert KEY not in str(error)
    assert "\n" not in str(error)


def test_structured_output_that_is_not_known_is_told_from_other_parameters() -> None:
    known = classify(400, openai("'response_format' of type json_schema is not supported"))
    other = classify(400, openai("seed is not supported", param="seed"))
    assert isinstance(known, Unsupported)
    assert isinstance(other, Unsupported)
    assert (known.structured, other.structured, other.param) == (True, False, "seed")


def test_a_wrong_key_says_where_it_was_looked_for() -> None:
    assert "check the key in MY_KEY" in str(classify(401, None))
    unset = classify_status(401, None, {}, "host/v1", "m", "MY_KEY", "")
    assert "set the environment variable MY_KEY" in str(unset)
    assert "api_key_env" in str(classify_status(401, None, {}, "host/v1", "m", "", ""))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert read_retry_after(headers) == seconds


def test_retry_after_as_a_date() -> None:
    seconds = read_retry_after({"retry-after": email.utils.formatdate(time.time() + 30, usegmt=True)})
    assert seconds is not None
    assert 27 < seconds <= 30


def test_redacting() -> None:
    assert redact("key my-own-secret used", "my-own-secret") == "key [key] used"
    assert redact("Incorrect API key: sk-abc***wxyz") == "Incorrect API key: [key]"
    assert redact("a\nb\x00") == "a b\x00"
    assert len(redact("x" * 5000)) == 303
