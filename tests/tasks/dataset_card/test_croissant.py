"""``croissant.json`` against the rules of the specification 1.1, checked here in other words than it is written."""

import json
from collections.abc import Iterator
from typing import Any

from schemas.arrow import GROUNDING, STORYREASONING
from tasks.dataset_card.croissant import complete_croissant, make_croissant
from tests.tasks.dataset_card.samples import make_facts

FILES = {
    "default/train-00000-of-00001.parquet": (4000, "ab" * 32),
    "grounding/test-00000-of-00001.parquet": (800, "cd" * 32),
}


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every object below a value that has an id and a type."""
    if isinstance(value, dict):
        if "@id" in value and "@type" in value:
            yield value
        for key, child in value.items():
            if key != "@context":
                yield from nodes(child)
    elif isinstance(value, list):
        for child in value:
            yield from nodes(child)


def references(value: Any) -> Iterator[str]:
    """Every id that is referred to."""
    if isinstance(value, dict):
        if set(value) == {"@id"}:
            yield value["@id"]
        for key, child in value.items():
            if key != "@context":
                yield from references(child)
    elif isinstance(value, list):
        for child in value:
            yield from references(child)


def made() -> dict[str, Any]:
    value: dict[str, Any] = json.loads(make_croissant(make_facts(), FILES))
    return value


def test_ids_are_single_and_every_reference_leads_somewhere() -> None:
    value = made()
    ids = [node["@id"] for node in nodes(value)]
    assert len(ids) == len(set(ids))
    assert set(references(value)) <= set(ids)


def test_a_release_has_what_the_specification_requires() -> None:
    content = complete_croissant(
        make_croissant(make_facts(), FILES),
        owner="ann",
        address="https://hub.test/datasets/ann/stories",
        tree="https://hub.test/datasets/ann/stories/tree/v2",
        release=2,
        day="2026-11-22",
        licence="mit",
    )
    value = json.loads(content)
    required = {"@context", "@type", "conformsTo", "name", "description", "license", "url", "creator", "datePublished"}
    assert required <= set(value)
    assert value["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    assert (value["version"], value["license"], value["datePublished"]) == ("2.0.0", "mit", "2026-11-22")
    assert value["creator"]["url"] == "https://hub.test/ann"
    assert value["distribution"][0]["contentUrl"].endswith("/tree/v2")


def test_files_have_size_and_digest() -> None:
    objects = {n["@id"]: n for n in nodes(made()) if n["@type"] == "cr:FileObject"}
    for path, (size, sha256) in FILES.items():
        assert (objects[path]["contentSize"], objects[path]["sha256"]) == (f"{size} B", sha256)
        assert objects[path]["contentUrl"] == path
    assert all({"name", "contentUrl", "encodingFormat", "sha256"} <= set(one) for one in objects.values())


def test_every_column_is_a_field_with_a_type_and_a_source() -> None:
    value = made()
    sets = {node["@id"]: node for node in value["recordSet"]}
    for name, schema in (("default", STORYREASONING), ("grounding", GROUNDING)):
        fields = {field["@id"].removeprefix(f"{name}/"): field for field in sets[name]["field"]}
        assert list(fields) == ["split", *schema.names]
        for leaf in (node for node in nodes(sets[name]["field"]) if "subField" not in node):
            assert leaf["dataType"].startswith(("sc:", "cr:"))
            assert "column" in leaf["source"]["extract"] or "fileProperty" in leaf["source"]["extract"]
    images = sets["default"]["field"][2]
    assert (images["dataType"], images["repeated"]) == ("sc:ImageObject", True)
    assert images["source"]["transform"] == {"jsonPath": "bytes"}
    members = next(node for node in nodes(value) if node["@id"] == "grounding/entities/members/confidence")
    assert members["source"]["extract"] == {"column": "entities"}
    assert members["source"]["transform"] == {"jsonPath": "members[*].confidence"}
    ids = next(node for node in nodes(value) if node["@id"] == "grounding/links/ids")
    assert (ids["dataType"], ids["isArray"], ids["arrayShape"]) == ("sc:Text", True, "-1")


def test_a_split_without_rows_is_not_listed() -> None:
    value = json.loads(make_croissant(make_facts(5, 0), {}))
    assert [entry["data"] for entry in value["recordSet"] if "data" in entry] == [
        [{"default-splits/name": "train"}],
        [{"grounding-splits/name": "train"}],
    ]
