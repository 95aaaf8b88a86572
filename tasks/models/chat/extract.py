"""JSON out of what a model wrote, however it was held to it."""

import json
import re
from typing import Any, NoReturn

_THOUGHT = re.compile(r"^\s*<think>.*?</think>", re.DOTALL)
_FENCE = re.compile(r"```[a-zA-Z]*\s*\n(.*?)```", re.DOTALL)
_OPENING = re.compile(r"[{\[]")
_MOST_STARTS = 64
"""Places at which a value is looked for: text with thousands of brackets would cost the square of its length."""


def read_json(text: str) -> Any | None:
    """The JSON value of an answer; None where there is none.

    It is the whole text, or what stands in its first fence that holds a value, or the first object or array in it, after
    anything that the model wrote while thinking. A bare number or word in prose is no value.
    """
    text = _THOUGHT.sub("", text, count=1)
    whole = _load(text)
    if whole is not None:
        return whole
    for fence in _FENCE.finditer(text):
        value = _load(fence[1])
        if value is not None:
            return value
    decoder = json.JSONDecoder(parse_constant=_refuse)
    for count, start in enumerate(_OPENING.finditer(text)):
        if count >= _MOST_STARTS:
            break
        try:
            return decoder.raw_decode(text, start.start())[0]
        except (ValueError, RecursionError):
            continue
    return None


def _load(text: str) -> Any | None:
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
