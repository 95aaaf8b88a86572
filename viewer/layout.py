"""Whether the columns of a file are those of StoryReasoning, or of the ``grounding`` config, in name and in kind."""

from pathlib import Path

import pyarrow as pa

from schemas.errors import ConfigError

TEXTS = ("chain_of_thought", "story")
GROUNDING = ("story_id", "story_key", "film", "frames", "entities", "links", "drafter", "model", "prompt_version")
"""Columns of the ``grounding`` config that are read."""
_NEEDED = ("story_id", "frame_count", *TEXTS)
_FRAME = frozenset({"number", "frame_id", "scene"})
_ENTITY = frozenset({"entity_id", "gallery_id", "label", "confidence", "members"})


def check_layout(path: Path, schema: pa.Schema) -> None:
    """Refuse a file of another layout.

    Raises:
        ConfigError: a column is missing, or a text column holds something else.
    """
    missing = [name for name in _NEEDED if name not in schema.names]
    if missing:
        raise ConfigError(
            f"{path} is not in the StoryReasoning layout: it has no column {', '.join(missing)}; "
            "open a folder that 'storyreasoning build' made, or a dataset of that layout"
        )
    for name in TEXTS:
        kind = schema.field(name).type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
            raise ConfigError(f"{path} is not in the StoryReasoning layout: its column {name} holds {kind}, not text")


def holds_images(schema: pa.Schema) -> bool:
    """Whether there is a column ``images`` with lists of structs with ``bytes``."""
    return "images" in schema.names and _has_fields(schema.field("images").type, frozenset({"bytes"}))


def is_grounding(schema: pa.Schema) -> bool:
    """Whether a file is one of the ``grounding`` config."""
    return (
        set(GROUNDING) <= set(schema.names)
        and _has_fields(schema.field("frames").type, _FRAME)
        and _has_fields(schema.field("entities").type, _ENTITY)
    )


def _has_fields(kind: pa.DataType, names: frozenset[str]) -> bool:
    """Whether a type is a list of structs with these fields."""
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)) or not pa.types.is_struct(kind.value_type):
        return False
    return all(kind.value_type.get_field_index(name) >= 0 for name in names)
