"""The ``[chat]`` section: where the chat model is served, and how hard it may be driven. Only ``model`` changes an answer."""

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, field_validator, model_validator

from schemas.section import KeyVariable, Section

OPENAI_HOST = "api.openai.com"

StructuredWay = Literal["json_schema", "guided", "json_object", "none"]
"""How a server is held to a schema, best first: by itself, by vLLM's guided decoding, to JSON only, not at all."""


class ChatConfig(Section):
    """Where the chat model is, and how it is asked. A change of ``model`` redoes drafting, of the rest nothing."""

    model_config = ConfigDict(hide_input_in_errors=True)

    endpoints: tuple[str, ...] = Field(
        (), description="base URLs of OpenAI-compatible servers, as http://127.0.0.1:8000/v1; shared by least load"
    )
    model: str = Field("", max_length=256, description="the model's name, as the servers know it")
    api_key_env: KeyVariable = Field(
        "", description="environment variable with the key; empty: OPENAI_API_KEY for api.openai.com, else none"
    )
    max_concurrency: int = Field(64, ge=1, le=4096, description="most requests at once at one endpoint")
    timeout_s: float = Field(
        300.0, gt=0, description="longest wait for an answer, from sending to its last byte, in seconds"
    )
    connect_timeout_s: float = Field(10.0, gt=0, description="longest wait for a connection, in seconds")
    request_retries: int = Field(
        6, ge=0, le=50, description="times a request is sent again after a failure that may pass"
    )
    retry_after_cap_s: float = Field(
        60.0, ge=0, description="longest wait that a server's Retry-After is granted, in seconds"
    )
    rest_s: float = Field(
        5.0, gt=0, description="first rest of an endpoint that fails again and again, in seconds; doubles"
    )
    structured: Literal["auto", "json_schema", "guided", "json_object", "none"] = Field(
        "auto", description="how answers are held to their schema; auto finds the best way once and remembers it"
    )
    stream: bool = Field(
        False, description="take answers as streams, so that proxies with short time-outs do not cut them"
    )
    max_usd: float | None = Field(None, ge=0, description="stop before the workspace's calls cost more, in US dollars")
    max_tokens: int | None = Field(
        None, ge=0, description="stop before the workspace's calls use more tokens, in and out"
    )
    prices: str = Field("", description="file of prices in place of data/prices.json")
    batch: bool = Field(False, description="send requests through the provider's Batch API: cheaper, within a day")
    batch_requests: int = Field(5_000, ge=1, le=50_000, description="most requests of one batch")
    batch_bytes: int = Field(150_000_000, ge=1, description="most bytes of one batch; OpenAI takes 200 MB")
    batch_linger_s: float = Field(
        5.0, gt=0, description="a batch goes when no request has joined it for so long, in seconds"
    )
    batch_poll_s: float = Field(30.0, gt=0, description="time between two looks at a batch, in seconds")

    @field_validator("endpoints")
    @classmethod
    def _addresses(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        # The address itself is not repeated in what is raised: it may hold a password.
        for url in urls:
            try:
                parts = urlsplit(url)
                port_holds = parts.port is None or parts.port > 0
            except ValueError:
                raise ValueError("an endpoint is no web address") from None
            if parts.username is not None or parts.password is not None or "@" in parts.netloc:
                raise ValueError("an endpoint carries credentials: name the key's environment variable in api_key_env")
            if parts.scheme not in ("http", "https"):
                raise ValueError("an endpoint must begin with http:// or https://")
            if not parts.hostname or not port_holds:
                raise ValueError("an endpoint has no host")
            if parts.query or parts.fragment:
                raise ValueError("an endpoint must end with its path, without '?' and '#'")
        cleaned = tuple(url.rstrip("/") for url in urls)
        if len(set(cleaned)) < len(cleaned):
            raise ValueError("an endpoint is named twice")
        return cleaned

    @model_validator(mode="after")
    def _model_with_endpoints(self) -> Self:
        if self.endpoints and not self.model:
            raise ValueError("endpoints without a model: name the model, as the servers know it")
        return self

    def key_variable(self, endpoint: str) -> str:
        """The environment variable that holds the key of an endpoint; empty for one that is asked without."""
        if self.api_key_env:
            return self.api_key_env
        return "OPENAI_API_KEY" if urlsplit(endpoint).hostname == OPENAI_HOST else ""
