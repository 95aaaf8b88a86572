"""What one line of a batch's files means."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from schemas.chat import ContextOverflow, Finish
from schemas.chat_call import Outcome
from schemas.errors import ConfigError
from tasks.models.chat.batch_files import Errand
from tasks.models.chat.endpoint import FINISHES, Endpoint
from tasks.models.chat.failures import Failure, redact


@dataclass(frozen=True, slots=True)
class Judged:
    """An answer, or the ``error`` in its place."""

    outcome: Outcome
    text: str
    finish: Finish | Literal[""] = ""
    input_tokens: int = 0
    output_tokens: int = 0
    error: Exception | None = None


def judge_line(line: Mapping[str, Any], endpoint: Endpoint, errand: Errand) -> Judged:
    """What became of a request of a batch."""
    response = line.get("response") or {}
    status, body = response.get("status_code"), response.get("body")
    if status != 200 or not isinstance(body, Mapping):
        return _failed(line, status, body, endpoint)
    usage = body.get("usage") or {}
    given, came = usage.get("prompt_tokens"), usage.get("completion_tokens")
    choice = (body.get("choices") or [{}])[0]
    message = choice.get("message") or {}
    text, refusal = message.get("content") or "", message.get("refusal") or ""
    finish = FINISHES.get(choice.get("finish_reason") or "")
    input_tokens = errand.input_tokens if given is None else int(given)
    output_tokens = -(-len(text) // 4) if came is None else int(came)
    if finish is None:
        told = f"{endpoint.place} ended its answer without a finish_reason that can be trusted"
        return Judged("garbled", told, "", input_tokens, output_tokens, Failure("garbled", told, alive=True))
    if refusal and not text:
        finish, text = "refusal", refusal
    return Judged("answered", text, finish, input_tokens, output_tokens)


def _failed(line: Mapping[str, Any], status: object, body: object, endpoint: Endpoint) -> Judged:
    if isinstance(status, int) and status >= 400:
        error = endpoint.classify_answer(status, body, {})
    else:
        fault = line.get("error") or {}
        told = redact(str(fault.get("message") or fault.get("code") or "no answer"))
        error = Failure("unavailable", f"{endpoint.place}: {told}", alive=True)
    if isinstance(error, Failure):
        outcome: Outcome = error.kind
    elif isinstance(error, ContextOverflow):
        outcome = "overflow"
    else:
        outcome = "misconfigured" if isinstance(error, ConfigError) else "refused"
    return Judged(outcome, str(error), error=error)
