"""The ``[chat]`` section: addresses, and keys that must not be in it."""

from typing import Any

import pytest
from pydantic import ValidationError

from schemas.chat_config import ChatConfig
from schemas.config import make_config
from schemas.errors import ConfigError


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"endpoints": ["http://user:S3cret@host/v1"], "model": "m"}, "carries credentials"),
        ({"endpoints": ["http://S3cret@host/v1"], "model": "m"}, "carries credentials"),
        ({"endpoints": ["file:///S3cret"], "model": "m"}, "must begin with http:// or https://"),
        ({"endpoints": ["S3cret:8000/v1"], "model": "m"}, "must begin with http"),
        ({"endpoints": ["http:///S3cret"], "model": "m"}, "has no host"),
        ({"endpoints": ["http://host:S3cret/v1"], "model": "m"}, "no web address"),
        ({"endpoints": ["http://host/v1?key=S3cret"], "model": "m"}, "must end with its path"),
        ({"endpoints": ["http://host/v1", "http://host/v1/"], "model": "m"}, "named twice"),
        ({"endpoints": ["http://host/v1"]}, "endpoints without a model"),
        ({"api_key_env": "sk-S3cret"}, "not the key"),
        ({"api_key_env": "S3cretS3cret"}, "not the key"),
        ({"api_key": "S3cret"}, "unknown key 'chat.api_key'"),
        ({"max_usd": "S3cret"}, "valid number"),
    ],
)
def test_what_is_refused_is_not_repeated(values: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        make_config({"chat": values}, "my.toml")
    assert "S3cret" not in str(caught.value)
    assert caught.value.__cause__ is None
    with pytest.raises(ValidationError) as raised:
        ChatConfig.model_validate(values)
    assert "S3cret" not in str(raised.value)


def test_addresses_are_kept_without_their_last_slash() -> None:
    config = ChatConfig(endpoints=("http://[::1]:8000/v1/", "https://api.openai.com/v1"), model="m")
    assert config.endpoints == ("http://[::1]:8000/v1", "https://api.openai.com/v1")


def test_the_key_of_openai_goes_to_openai_alone() -> None:
    config = ChatConfig(endpoints=("https://api.openai.com/v1",), model="m")
    assert config.key_variable("https://api.openai.com/v1") == "OPENAI_API_KEY"
    assert config.key_variable("https://api.openai.com.example.org/v1") == ""
    assert config.key_variable("http://127.0.0.1:8000/v1") == ""
    named = ChatConfig(api_key_env="MY_KEY")
    assert named.key_variable("http://127.0.0.1:8000/v1") == "MY_KEY"
