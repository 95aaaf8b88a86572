"""Prices."""

from pathlib import Path

import pytest

from schemas.errors import ConfigError
from tasks.models.chat.prices import Price, find_price, load_prices


def test_what_tokens_cost() -> None:
    price = Price(input=2.0, output=8.0, batch_factor=0.5)
    assert price.cost(1_000_000, 250_000) == 4.0
    assert price.cost(1_000_000, 250_000, batch=True) == 2.0


def test_the_listed_prices_can_be_read_and_say_where_they_are_from() -> None:
    import json

    from tasks.models.chat.prices import PRICES_FILE

    prices = load_prices()
    assert prices
    listed = json.loads(PRICES_FILE.read_text())["models"]
    assert all(value["source"].startswith("https://") and value["date"] for value in listed.values())


def test_names_with_a_date() -> None:
    prices = {"gpt-x": Price(1, 2), "gpt-x-mini": Price(3, 4)}
    assert find_price(prices, "gpt-x-2026-01-31") == prices["gpt-x"]
    assert find_price(prices, "gpt-x-mini") == prices["gpt-x-mini"]
    assert find_price(prices, "gpt-x-large") is None


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"models": {"m": {"input": 1}}}', '{"models": {"m": {"input": -1, "output": 1}}}',
     '{"models": {"m": {"input": 1e999, "output": 1}}}', '{"models": {"m": 3}}', '{"models": []}'],
)  # fmt: skip
def test_a_wrong_file_is_one_line(text: str, tmp_path: Path) -> None:
    file = tmp_path / "p.json"
    file.write_text(text)
    with pytest.raises(ConfigError, match="are not of the form") as caught:
        load_prices(str(file))
    assert "\n" not in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the prices"):
        load_prices(str(tmp_path / "none.json"))
