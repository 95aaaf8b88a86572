"""What went wrong with a call: something that may pass, or an error of the request, the set-up or the budget.

Nothing that a server wrote is passed on unshortened, and nothing in which the key stands.
"""

import json
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from schemas.chat import ContextOverflow, RequestRefused
from schemas.errors import BudgetExceeded, ConfigError, SampleError, StoryReasoningError

FailureKind = Literal["rate_limited", "timed_out", "unavailable", "garbled"]

_OVERFLOW = re.compile(
    r"context_length_exceeded|exceed_context_size|maximum context length|context window|context size|context length"
    r"|maximum model length|prompt is too long|input is too long|too large for model"
    r"|input token count .{0,60}exceeds|must be <= \d+\. given|reduce the length of the (?:messages|prompt|input)",
    re.IGNORECASE,
)
_POLICY = re.compile(
    r"content_policy|content_filter|safety|moderation|responsible.?ai|policy_violation|data_inspection|content management policy",
    re.IGNORECASE,
)
_IMAGE = re.compile(r"\bimages?\b|image_url|image_parse|\bmultimodal\b|\bpictures?\b|\bvision\b", re.IGNORECASE)
_STRUCTURED = re.compile(
    r"response_format|json_schema|json_object|guided_json|structured.?output|grammar", re.IGNORECASE
)
_QUOTA = re.compile(r"insufficient_quota|billing_hard_limit|credit balance|exceeded your current quota", re.IGNORECASE)
_SECRET = re.compile(r"\b(?:sk|pk|hf|gsk|xai|AIza)[-_A-Za-z0-9*]{6,}")
_LONGEST = 300


class Failure(Exception):
    """A call failed in a way that may pass.

    Attributes:
        kind: how.
        told: one line on it.
        retry_after: seconds that the server asks to be left alone; None where it does not say.
        refused: nobody listens at the address.
        alive: whether a server has said something, not a gateway before it.
        input_tokens, output_tokens: what the endpoint counted all the same.
    """

    def __init__(
        self,
        kind: FailureKind,
        told: str,
        retry_after: float | None = None,
        refused: bool = False,
        alive: bool = False,
        input_tokens: int = 0,
        output_tokens: int = 0,
    ) -> None:
        """See the class."""
        super().__init__(told)
        self.kind: FailureKind = kind
        self.told = told
        self.retry_after = retry_after
        self.refused = refused
        self.alive = alive
        self.input_tokens = input_tokens
        self.output_tokens = output_tokens


class UnknownModel(ConfigError):
    """The server does not have the model."""


class Unsupported(Exception):
    """The server does not know a parameter of the request, or the way in which it asks for structured output."""

    def __init__(self, told: str, param: str | None, structured: bool) -> None:
        """``param`` as the server names it; ``structured`` whether it is about structured output."""
        super().__init__(told)
        self.told = told
        self.param = param
        self.structured = structured


def redact(text: str, secret: str = "") -> str:
    """One short line without the key, and without anything that looks like one."""
    if len(secret) >= 4:
        text = text.replace(secret, "[key]")
    line = " ".join(_SECRET.sub("[key]", text).split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."


def classify_status(
    status: int, body: object, headers: Mapping[str, str], place: str, model: str, variable: str, secret: str
) -> Exception:
    """What an answer with an error's status means.

    Args:
        status: of HTTP.
        body: as parsed, or as text.
        headers: of the answer, in small letters.
        place: the endpoint without credentials.
        model: that was asked for.
        variable: the environment variable of the key; empty without one.
        secret: the key, which is left out of every message.
    """
    code, kind, param, message = _error_fields(body)
    told = redact(message or f"status {status}", secret)
    whole = f"{code} {kind} {message}"
    if status == 401 or (status == 403 and not _POLICY.search(whole)):
        # What the server says is left out: some repeat parts of the key.
        if not variable:
            wants = "it wants a key: name its environment variable in [chat] api_key_env"
        elif not secret:
            wants = f"it wants a key: set the environment variable {variable}"
        else:
            wants = f"check the key in {variable}, and what it may do"
        return ConfigError(f"{place} does not let us in ({status}): {wants}")
    if status == 402 or (status == 429 and _QUOTA.search(whole)):
        return BudgetExceeded(f"{place} says that the account has nothing left ({told}); everything finished is kept")
    if status == 429:
        return Failure("rate_limited", f"{place} is asked too much (429: {told})", read_retry_after(headers))
    if status in (408, 409, 425) or status >= 500:
        alive = status not in (502, 503, 504)
        return Failure("unavailable", f"{place} fails ({status}: {told})", read_retry_after(headers), alive=alive)
    if status == 404 and ("model" in whole.lower() or code == "model_not_found"):
        return UnknownModel(f"{place} has no model '{model}' (404: {told})")
    if status == 404:
        return ConfigError(f"{place} knows no chat completions (404: {told}): does the address need /v1 at its end?")
    return _classify_request(status, f"{code} {kind} {param} {message}", told, param, place)


def _classify_request(
    status: int, whole: str, told: str, param: str | None, place: str
) -> StoryReasoningError | Unsupported:
    if _OVERFLOW.search(whole) or status == 413:
        return ContextOverflow(f"longer than the model takes ({place}: {told})")
    if _POLICY.search(whole):
        return RequestRefused(f"refused by the provider's policy ({place}: {told})")
    structured = bool(_STRUCTURED.search(whole))
    if structured or param is not None or "support" in told or "Extra inputs" in told:
        return _image_or(Unsupported(told, param, structured), whole, told, place)
    return _image_or(SampleError(f"{place} does not take the request ({status}: {told})"), whole, told, place)


def _image_or(error: SampleError | Unsupported, whole: str, told: str, place: str) -> StoryReasoningError | Unsupported:
    if _IMAGE.search(whole) and not (isinstance(error, Unsupported) and error.structured):
        return RequestRefused(f"an image is refused ({place}: {told})")
    return error


def _error_fields(body: object) -> tuple[str, str, str | None, str]:
    """Code, type, parameter and message of an error, in the several forms that servers give it."""
    if isinstance(body, list) and body:
        body = body[0]
    if isinstance(body, Mapping) and "error" in body:
        inner = body["error"]
        body = {"message": inner} if isinstance(inner, str) else inner
    if isinstance(body, Mapping):
        message = body.get("message") or body.get("detail") or json.dumps(dict(body), default=str)
        param = body.get("param")
        code, kind = body.get("code") or "", body.get("type") or ""
        text = message if isinstance(message, str) else json.dumps(message, default=str)
        return str(code), str(kind), param if isinstance(param, str) else None, text
    return "", "", None, str(body or "")


def read_retry_after(headers: Mapping[str, Any]) -> float | None:
    """Seconds of ``retry-after-ms`` or ``Retry-After``, which may be a number or a date (RFC 9110, 10.2.3)."""
    millis = headers.get("retry-after-ms")
    text = headers.get("retry-after")
    try:
        if millis is not None:
            return max(0.0, float(millis) / 1000)
        if text is None:
            return None
        try:
            seconds = float(text)
        except ValueError:
            seconds = parsedate_to_datetime(text).timestamp() - time.time()
        return max(0.0, seconds) if seconds == seconds else None
    except (TypeError, ValueError, OverflowError):
        return None
