"""Stored and published schemas, frozen. ``python -m tests.schemas.test_arrow`` writes the golden files anew."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from schemas import arrow
from schemas.arrow import GROUNDING, STORED, STORYREASONING

GOLDEN = Path(__file__).parent / "golden"


def name_of(schema: pa.Schema) -> str:
    """``frames`` of the metadata ``frames/1``."""
    return str(schema.metadata[b"storyreasoning"].decode().split("/")[0])


PUBLISHED = {"published_default": STORYREASONING, "published_grounding": GROUNDING}
SCHEMAS = {name_of(schema): schema for schema in STORED} | PUBLISHED


def tell(schema: pa.Schema) -> str:
    """Every field with its type and nullability, nested ones too, then the metadata whole."""

    def lines(field: pa.Field, depth: int) -> list[str]:
        kind = field.type
        nested = pa.types.is_struct(kind) or pa.types.is_list(kind)
        shown = str(kind).split("<")[0] if nested else str(kind)
        own = [f"{'  ' * depth}{field.name}: {shown}{'' if field.nullable else ' not null'}"]
        children = list(kind) if pa.types.is_struct(kind) else [kind.value_field] if pa.types.is_list(kind) else []
        return own + [line for child in children for line in lines(child, depth + 1)]

    told = [line for field in schema for line in lines(field, 0)]
    for key, value in sorted((schema.metadata or {}).items()):
        told += [f"-- {key.decode()} --", value.decode()]
    return "\n".join(told) + "\n"


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_is_frozen(name: str) -> None:
    assert tell(SCHEMAS[name]) == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8"), (
        "raise the schema's version and that of the stage that writes it, then write the golden files anew"
    )


def test_every_schema_has_a_golden_file_and_none_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(SCHEMAS)
    in_module = {id(value) for value in vars(arrow).values() if isinstance(value, pa.Schema)}
    assert in_module == {id(schema) for schema in SCHEMAS.values()}


@pytest.mark.parametrize("schema", STORED, ids=name_of)
def test_stored_schemas_carry_name_and_version_and_no_nulls(schema: pa.Schema) -> None:
    name, version = schema.metadata[b"storyreasoning"].decode().split("/")
    assert name
    assert int(version) >= 1
    assert " not null" in tell(schema)
    assert all(line.endswith(" not null") for line in tell(schema).split("-- ")[0].splitlines() if line)


@pytest.mark.parametrize("schema", STORED, ids=name_of)
def test_stored_schemas_survive_parquet(schema: pa.Schema, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(schema.empty_table(), tmp_path / "empty.parquet")
    assert tell(pq.read_schema(tmp_path / "empty.parquet")) == tell(schema)


def test_default_config_is_what_datasets_makes_of_the_five_columns() -> None:
    from datasets import Features, Image, List, Value

    features = Features(
        {
            "story_id": Value("string"),
            "images": List(Image()),
            "frame_count": Value("int32"),
            "chain_of_thought": Value("string"),
            "story": Value("string"),
        }
    )
    assert STORYREASONING.equals(features.arrow_schema, check_metadata=False)
    told = json.loads(STORYREASONING.metadata[b"huggingface"])
    assert told == json.loads(features.arrow_schema.metadata[b"huggingface"])
    assert Features.from_arrow_schema(STORYREASONING) == features


def test_grounding_config_is_what_datasets_makes_of_its_columns() -> None:
    from datasets import Features, List, Value

    text, whole, real = Value("string"), Value("int32"), Value("float32")
    box = {"x1": real, "y1": real, "x2": real, "y2": real}
    features = Features(
        {
            "story_id": text,
            "story_key": text,
            "film": text,
            "frames": List(
                {
                    "number": whole,
                    "frame_id": text,
                    "scene": text,
                    "source": text,
                    "sha256": text,
                    "width": whole,
                    "height": whole,
                }
            ),
            "detections": List({"frame": whole, "det_id": text, "label": text, "score": real, "origin": text, **box}),
            "entities": List(
                {
                    "entity_id": text,
                    "gallery_id": text,
                    "kind": text,
                    "label": text,
                    "confidence": real,
                    "members": List({"frame": whole, "det_id": text, "confidence": real}),
                }
            ),
            "links": List(
                {"frame": whole, "kind": text, "ids": List(text), "text": text, "start": whole, "end": whole}
            ),
            "drafter": text,
            "model": text,
            "prompt_version": text,
            "models": List({"stage": text, "name": text, "sha256": text}),
            "input_tokens": Value("int64"),
            "output_tokens": Value("int64"),
            "cost_usd": Value("float64"),
        }
    )
    assert GROUNDING.equals(features.arrow_schema, check_metadata=False)
    assert Features.from_arrow_schema(GROUNDING) == features
    told = json.loads(GROUNDING.metadata[b"huggingface"])
    assert told == json.loads(features.arrow_schema.metadata[b"huggingface"])


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for key, value in SCHEMAS.items():
        (GOLDEN / f"{key}.txt").write_text(tell(value), encoding="utf-8")
