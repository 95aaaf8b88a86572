"""The YAML at the head of a dataset card, as the Hub and ``datasets`` read it."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from tasks.dataset_card.facts import CardFacts, ConfigFacts, SplitFacts

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./+<*-]*(?: [A-Za-z0-9_./+-]+)*\Z")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_BOUNDS = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))

TASKS = ("image-to-text", "image-text-to-text", "text-generation")
TAGS = (
    "visual-storytelling",
    "grounding",
    "chain-of-thought",
    "re-identification",
    "storyreasoning",
    "synthetic-text",
)


def front_matter(facts: CardFacts) -> str:
    """The block between ``---`` lines, those included."""
    value: dict[str, Any] = {
        "annotations_creators": ["machine-generated"],
        "language": ["en"],
        "language_creators": ["machine-generated"],
        "license": facts.licence,
        "multilinguality": ["monolingual"],
        "pretty_name": facts.title,
        "size_categories": [size_category(facts.stories)],
        "source_datasets": ["original"],
        "task_categories": list(TASKS),
        "tags": list(TAGS),
        "configs": [_files(config, rank == 0) for rank, config in enumerate(facts.configs)],
        "dataset_info": [_info(config) for config in facts.configs],
    }
    return "---\n" + "\n".join(yaml_lines(value)) + "\n---\n"


def size_category(rows: int) -> str:
    """The Hub's word for so many rows."""
    return next((word for bound, word in _BOUNDS if rows < bound), "1M<n<10M")


def _files(config: ConfigFacts, default: bool) -> dict[str, Any]:
    files = [{"split": s.name, "path": f"{config.name}/{s.name}-*.parquet"} for s in declared_splits(config)]
    return {"config_name": config.name, "data_files": files} | ({"default": True} if default else {})


def declared_splits(config: ConfigFacts) -> tuple[SplitFacts, ...]:
    """The splits that a reader is told of: those with rows, or the first where none has any.

    ``datasets.load_dataset`` fails as a whole when one of the declared splits is empty.
    """
    return tuple(split for split in config.splits if split.rows) or config.splits[:1]


def _info(config: ConfigFacts) -> dict[str, Any]:
    splits = declared_splits(config)
    return {
        "config_name": config.name,
        "features": yaml_features(config.schema),
        "splits": [{"name": s.name, "num_bytes": s.bytes, "num_examples": s.rows} for s in splits],
        "download_size": sum(split.file_bytes for split in splits),
        "dataset_size": sum(split.bytes for split in splits),
    }


def yaml_features(schema: pa.Schema) -> list[dict[str, Any]]:
    """Features as the Hub writes them, from those that a published schema carries in its metadata.

    The same as ``datasets.Features._to_yaml_list``, without loading ``datasets``.
    """
    features: Mapping[str, Any] = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    return [_feature(name, features[name]) for name in schema.names]


def _feature(name: str, feature: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, **_kind(feature)}


def _kind(feature: Mapping[str, Any]) -> dict[str, Any]:
    kind = feature.get("_type")
    if kind == "Value":
        return {"dtype": feature["dtype"]}
    if kind == "Image":
        return {"dtype": "image"}
    if kind == "List":
        inner = _kind(feature["feature"])
        return {"list": next(iter(inner.values()))}
    return {"struct": [_feature(name, child) for name, child in feature.items()]}


def yaml_lines(value: Any, indent: str = "") -> Iterator[str]:
    """A JSON-like value as YAML lines in block style; the same value always gives the same lines."""
    if isinstance(value, Mapping):
        for key, child in value.items():
            if isinstance(child, Mapping | list) and child:
                yield f"{indent}{_scalar(key)}:"
                yield from yaml_lines(child, indent if isinstance(child, list) else f"{indent}  ")
            else:
                yield f"{indent}{_scalar(key)}: {_scalar(child)}"
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for child in value:
            if isinstance(child, Mapping | list) and child:
                lines = list(yaml_lines(child, f"{indent}  "))
                yield f"{indent}- {lines[0].lstrip()}"
                yield from lines[1:]
            else:
                yield f"{indent}- {_scalar(child)}"


def _scalar(value: Any) -> str:
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        plain = _PLAIN.match(value) and value.lower() not in _WORDS
        return value if plain else _quoted(value)
    if value == []:
        return "[]"
    if value == {}:
        return "{}"
    raise TypeError(f"a card holds text, whole numbers, lists and mappings, not {value!r}")


def _quoted(text: str) -> str:
    """A double-quoted YAML 1.1 scalar on one line; what cannot be shown is escaped, lone surrogates become U+FFFD."""
    pieces = []
    for letter in text:
        point = ord(letter)
        if letter in '"\\':
            pieces.append(f"\\{letter}")
        elif 0xD800 <= point <= 0xDFFF:
            pieces.append("\ufffd")
        elif letter.isprintable() and point != 0xFEFF:
            pieces.append(letter)
        else:
            pieces.append(
                f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
            )
    return f'"{"".join(pieces)}"'
