"""What a stand-in for a chat endpoint is asked, what it says, how it may fail, and what it remembers. Knows no HTTP server."""

import base64
import hashlib
import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Way = Literal["json_schema", "json_object", "guided", "none"]
FaultKind = Literal[
    "rate_limit",  # 429 with Retry-After
    "error",  # 500
    "hang",  # nothing comes
    "reset",  # the connection breaks in the middle of the answer
    "cut",  # the answer ends in its middle, politely, without a finish_reason
    "truncated",  # the first half of the answer with finish_reason "length"
    "broken",  # the first half of the answer with finish_reason "stop": JSON that does not parse
    "refusal",  # the model declines
    "filter",  # finish_reason "content_filter"
    "policy",  # 400 content_policy_violation
    "image",  # 400: an image that cannot be read
    "overflow",  # 400 in one of the providers' wordings
    "empty",  # choices: []
    "malformed",  # 200 whose body is no JSON
    "status",  # `status` with `message`
]
PROBE_MARK = "capability probe"
"""In the system message of requests that find out what a server can do; they never reach the handler."""

OVERFLOWS: Mapping[str, tuple[int, Any]] = {
    "openai": (
        400,
        {
            "error": {
                "message": "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 "
                "tokens. Please reduce the length of the messages.",
                "type": "invalid_request_error",
                "param": "messages",
                "code": "context_length_exceeded",
            }
        },
    ),
    "openai-window": (
        400,
        {
            "error": {
                "message": "Your input exceeds the context window of this model. Please adjust your input and try again.",
                "type": "invalid_request_error",
                "param": "input",
                "code": "context_length_exceeded",
            }
        },
    ),
    "vllm": (
        400,
        {
            "error": {
                "message": "This model's maximum context length is 4096 tokens. However, you requested 5120 tokens (4608 in "
                "the messages, 512 in the completion). Please reduce the length of the messages or completion.",
                "type": "BadRequestError",
                "param": None,
                "code": 400,
            }
        },
    ),
    "vllm-decoder": (
        400,
        {
            "object": "error",
            "message": "The decoder prompt (length 9001) is longer than the maximum model length of 8192. Make sure that "
            "`max_model_len` is no smaller than the number of text tokens plus multimodal tokens.",
            "type": "BadRequestError",
            "param": None,
            "code": 400,
        },
    ),
    "llama.cpp": (
        400,
        {
            "error": {
                "code": 400,
                "message": "the request exceeds the available context size, try increasing it",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": 9001,
                "n_ctx": 8192,
            }
        },
    ),
    "gemini": (
        400,
        [
            {
                "error": {
                    "code": 400,
                    "message": "The input token count (1100000) exceeds the maximum number of tokens allowed (1048576).",
                    "status": "INVALID_ARGUMENT",
                }
            }
        ],
    ),
    "anthropic": (
        400,
        {"error": {"type": "invalid_request_error", "message": "prompt is too long: 210000 tokens > 200000 maximum"}},
    ),
    "tgi": (
        422,
        {
            "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000 `inputs` tokens "
            "and 512 `max_new_tokens`",
            "error_type": "validation",
        },
    ),
    "sglang": (
        400,
        {
            "object": "error",
            "message": "The input (9001 tokens) is longer than the model's context length (8192 tokens).",
            "type": "BadRequest",
            "param": None,
            "code": 400,
        },
    ),
    "ollama": (
        400,
        {"error": {"message": "the input length exceeds the context length", "type": "api_error", "code": None}},
    ),
}


@dataclass(frozen=True)
class Asked:
    """A request as the server sees it.

    Attributes:
        body: all of it.
        authorization: the bearer token, empty without one.
        batched: whether it came as a line of a batch.
    """

    body: dict[str, Any]
    authorization: str = ""
    batched: bool = False

    @property
    def key(self) -> str:
        """The same for the same request, streamed or not."""
        rest = {name: value for name, value in self.body.items() if name not in ("stream", "stream_options")}
        return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def system(self) -> str:
        """The system messages."""
        return "\n".join(m["content"] for m in self.body["messages"] if m["role"] == "system")

    @property
    def turns(self) -> list[tuple[str, str]]:
        """Role and text of the other messages."""
        return [(m["role"], _text(m["content"])) for m in self.body["messages"] if m["role"] != "system"]

    @property
    def text(self) -> str:
        """The text of the last message."""
        return _text(self.body["messages"][-1]["content"])

    @property
    def pictures(self) -> list[bytes]:
        """The images of all messages, decoded from their data URLs."""
        return [
            base64.b64decode(part["image_url"]["url"].partition(",")[2])
            for message in self.body["messages"]
            if not isinstance(message["content"], str)
            for part in message["content"]
            if part["type"] == "image_url"
        ]

    @property
    def way(self) -> Way:
        """How structured output is asked for."""
        kind = (self.body.get("response_format") or {}).get("type")
        if kind in ("json_schema", "json_object"):
            return kind  # type: ignore[no-any-return]
        return "guided" if "guided_json" in self.body or "structured_outputs" in self.body else "none"

    @property
    def schema(self) -> dict[str, Any] | None:
        """The JSON schema that the server is to hold the answer to."""
        if self.way == "json_schema":
            return self.body["response_format"]["json_schema"]["schema"]  # type: ignore[no-any-return]
        if self.way == "guided":
            return self.body.get("guided_json") or self.body["structured_outputs"]["json"]  # type: ignore[no-any-return]
        return None

    @property
    def is_probe(self) -> bool:
        """Whether it only finds out what the server can do."""
        return PROBE_MARK in self.system.lower()


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content if part["type"] == "text")


@dataclass(frozen=True)
class Says:
    """An answer; tokens are a quarter of the letters where not given. A ``finish`` of None leaves it out."""

    text: str
    finish: str | None = "stop"
    refusal: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass(frozen=True)
class Fault:
    """A failure instead of an answer, or of it."""

    kind: FaultKind
    retry_after: str | None = "0"
    status: int = 500
    message: str = "out of order"
    wording: str = "openai"


Handler = Callable[[Asked], "str | Says | Fault"]


def sample(schema: Mapping[str, Any]) -> Any:
    """A small value that keeps to a schema: the first of every enum, arrays as short as they may be."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return sample(schema["anyOf"][0])
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {name: sample(value) for name, value in schema.get("properties", {}).items()}
    if kind == "array":
        return [sample(schema["items"]) for _ in range(schema.get("minItems", 0))]
    return {"string": "a", "integer": 1, "number": 1.0, "boolean": True, "null": None}[kind]


def answer_sample(asked: Asked) -> str:
    """The handler where none is given: a value of the schema, or a sentence."""
    return json.dumps(sample(asked.schema)) if asked.schema else "Once there was a frame."


@dataclass
class ChatServer:
    """One endpoint: how it behaves, and what it has seen. Set the fields before or while it runs.

    Attributes:
        answer: what it says to a request that nothing else stops.
        latency_s: between a request and its answer.
        slots: requests at work at once; 0 for any number.
        busy: what becomes of a request when all slots are taken.
        retry_after: what it says with 429, for busy slots.
        fault_share: share of requests, drawn by seed, request and attempt, that fail in one of the ``faults``.
        fault_times: after so many faults of one request the next attempt is spared; 0 for no such mercy.
        scripted: faults for the next requests, whatever they are, first to last; None lets one through.
        keys: tokens that are let in; empty lets in all.
        models: names that are served; empty serves any.
        supports: ways of structured output that hold.
        ignores: ways that are accepted without an effect; any other way is refused with 400.
        dead: whether connections are broken off at once.
        batch_polls: polls until a batch is done.
        batch_status: how batches end.
        remember: whether ``asked`` is kept.
        asked: every request to be answered, probes and refused ones apart, in order of arrival.
        probes: how many requests found out what it can do.
        accepted: requests that were answered in full, by key.
        attempts: requests that arrived, by key.
        active, peak: at work now, and most at once.
    """

    answer: Handler = answer_sample
    latency_s: float = 0.0
    slots: int = 0
    busy: Literal["wait", "refuse"] = "wait"
    retry_after: str | None = "0"
    fault_share: float = 0.0
    faults: tuple[Fault, ...] = (Fault("error"),)
    fault_times: int = 3
    seed: int = 0
    scripted: list[Fault | None] = field(default_factory=list)
    keys: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()
    supports: frozenset[Way] = frozenset({"json_schema", "json_object"})
    ignores: frozenset[Way] = frozenset()
    dead: bool = False
    batch_polls: int = 2
    batch_status: str = "completed"
    remember: bool = True
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    probes: int = 0
    accepted: Counter[str] = field(default_factory=Counter)
    attempts: Counter[str] = field(default_factory=Counter)
    active: int = 0
    peak: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    polls: Counter[str] = field(default_factory=Counter)
    closing: threading.Event = field(default_factory=threading.Event)
    _faulted: Counter[str] = field(default_factory=Counter)

    def judge(self, asked: Asked) -> Fault | None:
        """The fault of a request, if it is to have one: scripted, or drawn the same whatever the order of arrival."""
        if self.scripted:
            return self.scripted.pop(0)
        if not self.fault_share or (self.fault_times and self._faulted[asked.key] >= self.fault_times):
            return None
        draw = random.Random(f"{self.seed} {asked.key} {self.attempts[asked.key]}")
        if draw.random() >= self.fault_share:
            return None
        self._faulted[asked.key] += 1
        return draw.choice(self.faults)
