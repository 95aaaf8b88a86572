"""What tokens cost: ``data/prices.json``, or a file of the user's in the same form."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.errors import ConfigError

PRICES_FILE = Path(__file__).resolve().parents[3] / "data" / "prices.json"
_DATED = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|latest)$")


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens, and the share of it that a batch costs."""

    input: float
    output: float
    batch_factor: float = 1.0

    def cost(self, input_tokens: int, output_tokens: int, batch: bool = False) -> float:
        """US dollars of so many tokens."""
        whole = (input_tokens * self.input + output_tokens * self.output) / 1_000_000
        return whole * self.batch_factor if batch else whole


FREE = Price(0.0, 0.0)


def load_prices(file: str = "") -> Mapping[str, Price]:
    """Prices by model.

    Raises:
        ConfigError: the file is missing or is not of this form.
    """
    path = Path(file) if file else PRICES_FILE
    try:
        models = json.loads(path.read_text(encoding="utf-8"))["models"]
        return {name: _price(value) for name, value in models.items()}
    except OSError as error:
        raise ConfigError(f"cannot read the prices {path}: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigError(
            f'the prices {path} are not of the form {{"models": {{"NAME": {{"input": 1.0, "output": 2.0}}}}}}, '
            f"in US dollars per million tokens: {type(error).__name__}: {error}"
        ) from error


def find_price(prices: Mapping[str, Price], model: str) -> Price | None:
    """The price of a model; one with a date at its end costs what the name without it does."""
    return prices.get(model) or prices.get(_DATED.sub("", model))


def _price(value: Mapping[str, Any]) -> Price:
    price = Price(float(value["input"]), float(value["output"]), float(value.get("batch_factor", 1.0)))
    if not all(math.isfinite(part) and part >= 0 for part in (price.input, price.output, price.batch_factor)):
        raise ValueError("a price is negative or no number")
    return price
