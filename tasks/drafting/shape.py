"""Whether a JSON value keeps to a schema, with each departure in words that a model can act on.

The schemas are our own (``analysis_schema.py``, ``story_schema.py``). They use ``type``, ``properties`` (all required and no
others), ``items``, ``minItems``, ``maxItems``, ``enum``, ``anyOf``, ``maxLength`` and ``$ref`` into ``$defs``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Schema = dict[str, Any]

_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}
_SHOWN_WORDS = 12


def record(fields: Mapping[str, Schema]) -> Schema:
    """An object of exactly these fields, in this order."""
    return {"type": "object", "properties": dict(fields), "required": list(fields), "additionalProperties": False}


def refer(name: str) -> Schema:
    """The definition of that name."""
    return {"$ref": f"#/$defs/{name}"}


def find_departures(value: Any, schema: Schema, defs: Mapping[str, Schema] | None = None, at: str = "") -> list[str]:
    """Where ``value`` departs from ``schema``, in the order of the schema; empty when it keeps to it."""
    defs = schema.get("$defs", {}) if defs is None else defs
    if "$ref" in schema:
        return find_departures(value, defs[schema["$ref"].rpartition("/")[2]], defs, at)
    where = at or "the answer"
    if "anyOf" in schema:
        tried = [find_departures(value, one, defs, at) for one in schema["anyOf"]]
        if not min(map(len, tried)):
            return []
        kinds = " or ".join(" and ".join(one.get("properties", {})) or str(one.get("type")) for one in schema["anyOf"])
        return [f"{where} must have {kinds}, each as described"]
    if "enum" in schema:
        if any(type(value) is type(one) and value == one for one in schema["enum"]):  # True is no 1
            return []
        shown = ", ".join(map(str, schema["enum"][:_SHOWN_WORDS]))
        return [f"{where} is {_show(value)}; it must be one of: {shown}"]
    kind = schema["type"]
    of_kind: bool = isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))
    if not of_kind:
        return [f"{where} must be {'an' if kind[0] in 'aeio' else 'a'} {kind}, not {_show(value)}"]
    if kind == "object":
        return _fields(value, schema, defs, at)
    if kind == "array":
        return _items(value, schema, defs, at)
    return []


def _fields(value: Mapping[str, Any], schema: Schema, defs: Mapping[str, Schema], at: str) -> list[str]:
    found = []
    for name, one in schema["properties"].items():
        place = f"{at}.{name}" if at else name
        if name not in value:
            found.append(f"{place} is missing")
        else:
            found += find_departures(value[name], one, defs, place)
    beyond = [name for name in value if name not in schema["properties"]]
    if beyond:
        found.append(f"{at or 'the answer'} has no place for {', '.join(map(_show, beyond[:_SHOWN_WORDS]))}")
    return found


def _items(value: Sequence[Any], schema: Schema, defs: Mapping[str, Schema], at: str) -> list[str]:
    least, most = schema.get("minItems", 0), schema.get("maxItems")
    found = []
    if len(value) < least:
        found.append(f"{at} must have at least {least}")
    if most is not None and len(value) > most:
        found.append(f"{at} must have at most {most}")
    for place, one in enumerate(value):
        found += find_departures(one, schema["items"], defs, f"{at}[{place}]")
    return found


def _show(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 40 else f"{text[:37]}..."
