"""What the page asks of live mode, checked value by value; which server it goes to is chosen from a list, never named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.errors import ConfigError
from viewer.state import Endpoint
from viewer.uploads import Upload

MAX_PROMPT = 20_000
MAX_MODEL_NAME = 300
BOUNDS: dict[str, tuple[float, float]] = {"temperature": (0.0, 2.0), "top_p": (0.0, 1.0), "max_tokens": (1, 65_536)}
MAX_SEED = 2**31 - 1


@dataclass(frozen=True, slots=True)
class LiveRequest:
    """One request, whole; ``endpoint`` counts those that the server was started with."""

    endpoint: int
    model: str
    system: str
    prompt: str
    temperature: float
    top_p: float
    max_tokens: int
    seed: int | None

    def payload(self, uploads: Sequence[Upload]) -> dict[str, Any]:
        """The body of the completion request: images first, then the text, as the model was taught."""
        content: list[dict[str, Any]] = [{"type": "image_url", "image_url": {"url": one.data_uri}} for one in uploads]
        content.append({"type": "text", "text": self.prompt})
        messages: list[dict[str, Any]] = [{"role": "system", "content": self.system}] if self.system else []
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [*messages, {"role": "user", "content": content}],
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        return body if self.seed is None else {**body, "seed": self.seed}


def read_request(value: Mapping[str, Any], endpoints: Sequence[Endpoint]) -> LiveRequest:
    """A checked request.

    Raises:
        ConfigError: an endpoint that is not on the list, or a value out of its bounds.
    """
    endpoint = choose_endpoint(value.get("endpoint", 0), endpoints)
    model = _read_text(value, "model", MAX_MODEL_NAME) or endpoints[endpoint].model
    if not model:
        raise ConfigError("no model is chosen: take one from the list or type its name")
    prompt = _read_text(value, "prompt", MAX_PROMPT)
    if not prompt.strip():
        raise ConfigError("the prompt is empty: say what to tell about the images")
    seed = value.get("seed")
    if seed is not None and (not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed <= MAX_SEED):
        raise ConfigError(f"seed is a whole number from 0 to {MAX_SEED:,}, or empty")
    return LiveRequest(
        endpoint=endpoint,
        model=model,
        system=_read_text(value, "system", MAX_PROMPT),
        prompt=prompt,
        temperature=_read_number(value, "temperature"),
        top_p=_read_number(value, "top_p"),
        max_tokens=int(_read_number(value, "max_tokens")),
        seed=seed,
    )


def choose_endpoint(value: object, endpoints: Sequence[Endpoint]) -> int:
    """The place of an endpoint on the list of those that the server was started with.

    Raises:
        ConfigError: there are none, or not this one.
    """
    if not endpoints:
        raise ConfigError(
            "no endpoint is set up: start with 'storyreasoning view --endpoint http://127.0.0.1:8000/v1 --model NAME'"
        )
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < len(endpoints):
        raise ConfigError(f"endpoint is a number from 0 to {len(endpoints) - 1}: choose one from the list")
    return value


def _read_text(value: Mapping[str, Any], name: str, longest: int) -> str:
    text = value.get(name, "")
    if not isinstance(text, str):
        raise ConfigError(f"{name} must be text")
    if len(text) > longest:
        raise ConfigError(f"{name} has {len(text):,} characters and may have {longest:,}")
    # Lone surrogates, which JSON can carry, cannot be sent on.
    return text.encode("utf-8", "replace").decode()


def _read_number(value: Mapping[str, Any], name: str) -> float:
    number = value.get(name)
    least, most = BOUNDS[name]
    whole = name == "max_tokens"
    kind = "a whole number" if whole else "a number"
    if isinstance(number, bool) or not isinstance(number, int if whole else int | float) or not least <= number <= most:
        raise ConfigError(f"{name} is {kind} from {least:g} to {most:,g}")
    return float(number)
