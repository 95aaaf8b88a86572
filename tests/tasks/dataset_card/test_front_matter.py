from typing import Any

import pytest
from datasets import Features
from huggingface_hub import DatasetCard
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.arrow import GROUNDING, STORYREASONING
from tasks.dataset_card.front_matter import TASKS, front_matter, size_category, yaml_features, yaml_lines
from tests.tasks.dataset_card.samples import make_facts

# The YAML 1.1 reader of the Hub's client takes these as they are; surrogates cannot stand in a file at all.
TEXT = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("\"'\\:#-?|>{}[],&*!%@` \n\t\x85\u2028\ufeff")
)
SCALARS = (
    TEXT
    | st.booleans()
    | st.integers()
    | st.sampled_from(["yes", "No", "null", "~", "1", "1e3", "0x1", "2020-01-01", ""])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=8
)


def read(text: str) -> dict[str, Any]:
    """The front matter as the Hub's own client reads it."""
    value: dict[str, Any] = DatasetCard(text).data.to_dict()  # type: ignore[no-untyped-call]
    return value


@given(VALUES)
def test_any_value_comes_back_from_yaml(value: object) -> None:
    lines = "\n".join(yaml_lines({"license": "other", "value": value}))
    assert read(f"---\n{lines}\n---\n") == {"license": "other", "value": value}


def test_yaml_by_hand() -> None:
    value = {"a": "two words", "b": [{"c": 1, "d": ["x"]}, "no"], "e": [], "f": {}, "g": "n: 1", "h": True}
    assert list(yaml_lines(value)) == [
        "a: two words",
        "b:",
        "- c: 1",
        "  d:",
        "  - x",
        '- "no"',
        "e: []",
        "f: {}",
        'g: "n: 1"',
        "h: true",
    ]


def test_a_lone_surrogate_cannot_stand_in_a_file() -> None:
    assert list(yaml_lines({"a": "x\ud800"})) == ['a: "x\ufffd"']


def test_other_values_are_refused() -> None:
    with pytest.raises(TypeError, match=r"not 1\.5"):
        list(yaml_lines({"a": 1.5}))


@pytest.mark.parametrize("schema", [STORYREASONING, GROUNDING])
def test_features_are_those_that_datasets_would_write(schema: Any) -> None:
    assert yaml_features(schema) == Features.from_arrow_schema(schema)._to_yaml_list()


def test_the_hub_reads_it() -> None:
    data = read(front_matter(make_facts(train=5, test=1)))
    assert data["pretty_name"] == "Harbour stories"
    assert data["license"] == "other"
    assert data["language"] == ["en"]
    assert data["size_categories"] == ["n<1K"]
    assert data["task_categories"] == list(TASKS)
    assert data["configs"] == [
        {
            "config_name": "default",
            "data_files": [
                {"split": "train", "path": "default/train-*.parquet"},
                {"split": "test", "path": "default/test-*.parquet"},
            ],
            "default": True,
        },
        {
            "config_name": "grounding",
            "data_files": [
                {"split": "train", "path": "grounding/train-*.parquet"},
                {"split": "test", "path": "grounding/test-*.parquet"},
            ],
        },
    ]
    default, grounding = data["dataset_info"]
    assert default["splits"] == [
        {"name": "train", "num_bytes": 5000, "num_examples": 5},
        {"name": "test", "num_bytes": 1000, "num_examples": 1},
    ]
    assert (default["download_size"], default["dataset_size"]) == (4800, 6000)
    assert grounding["config_name"] == "grounding"


@pytest.mark.parametrize(("train", "test", "declared"), [(5, 0, ["train"]), (0, 2, ["test"]), (0, 0, ["train"])])
def test_a_split_without_rows_is_not_declared(train: int, test: int, declared: list[str]) -> None:
    data = read(front_matter(make_facts(train, test)))
    for config, info in zip(data["configs"], data["dataset_info"], strict=True):
        assert [entry["split"] for entry in config["data_files"]] == declared
        assert [entry["name"] for entry in info["splits"]] == declared


@settings(max_examples=30)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_title_comes_back(title: str) -> None:
    assert read(front_matter(make_facts(title=title)))["pretty_name"] == title


@pytest.mark.parametrize(
    ("rows", "word"),
    [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (4178, "1K<n<10K"), (99_999, "10K<n<100K"), (10**6, "1M<n<10M")],
)
def test_size_categories(rows: int, word: str) -> None:
    assert size_category(rows) == word
