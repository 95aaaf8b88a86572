"""Which endpoints the viewer may ask, and with which keys."""

import pytest

from cli.view import read_endpoints
from schemas.errors import ConfigError

ONE, TWO = "http://127.0.0.1:8000/v1", "https://models.example.org/v1/"


def test_each_endpoint_has_its_model_and_its_key_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-usual")
    monkeypatch.setenv("KEY_A", "sk-a")
    (only,) = read_endpoints([ONE], [], [])
    assert (only.url, only.model, only.api_key) == (ONE, "", "sk-usual")
    first, second = read_endpoints([ONE, TWO], ["m"], ["KEY_A"])
    assert (first.model, first.api_key) == ("m", "sk-a")
    assert (second.url, second.model, second.api_key) == ("https://models.example.org/v1", "", "")
    assert [one.api_key for one in read_endpoints([ONE, TWO], [], [])] == ["", ""], "nobody gets a key by accident"
    assert read_endpoints([], [], []) == ()


@pytest.mark.parametrize(
    ("urls", "models", "keys", "told"),
    [
        ([], ["m"], [], "--model names a model of an endpoint"),
        ([ONE], ["m", "n"], [], "--model names a model of an endpoint"),
        ([ONE], [], ["A", "B"], "--api-key-env names a key of an endpoint"),
        ([ONE], [], ["NOT_SET_ANYWHERE"], "this variable is not set"),
        (["file:///etc/passwd"], [], [], "no address of a server"),
        (["http://user:secret@host/v1"], [], [], "no address of a server"),
        (["http://host/v1?x=1"], [], [], "no address of a server"),
        (["http://host:99999/v1"], [], [], "no address of a server"),
        (["localhost:8000"], [], [], "no address of a server"),
    ],
)
def test_wrong_use(urls: list[str], models: list[str], keys: list[str], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        read_endpoints(urls, models, keys)
