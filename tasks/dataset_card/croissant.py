"""``croissant.json``: the dataset for machines, as JSON-LD of MLCommons' Croissant 1.1.

Source: https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html. What only a release knows (its address, owner, number
and day) is added by :func:`complete_croissant`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tasks.dataset_card.citation import CITATION, describe
from tasks.dataset_card.facts import CardFacts, ConfigFacts
from tasks.dataset_card.front_matter import declared_splits

PATH = "croissant.json"
CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
_TERMS = (
    *("arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field", "fileObject"),
    *(
        "fileProperty",
        "fileSet",
        "format",
        "includes",
        "isArray",
        "isLiveDataset",
        "jsonPath",
        "key",
        "md5",
        "parentField",
    ),
    *(
        "path",
        "recordSet",
        "references",
        "regex",
        "repeated",
        "replace",
        "samplingRate",
        "separator",
        "source",
        "subField",
    ),
    "transform",
)
CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    **{term: f"cr:{term}" for term in _TERMS},
}
"""The context that the specification prescribes."""
_REPO = "repo"
_TYPES = {
    "string": "sc:Text",
    "int32": "sc:Integer",
    "int64": "sc:Integer",
    "float32": "sc:Float",
    "float64": "sc:Float",
}
_PARQUET = "application/x-parquet"
# A commit of git has no digest of its files' bytes; this is what the Hub's own Croissant says of it.
_NO_DIGEST = "https://github.com/mlcommons/croissant/issues/80"


def make_croissant(facts: CardFacts, files: Mapping[str, tuple[int, str]]) -> bytes:
    """The metadata of a dataset; ``files`` gives size and sha256 of its Parquet files by path. The same input, the same bytes."""
    value: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": facts.title,
        "description": describe(facts),
        "license": facts.licence,
        "inLanguage": "en",
        "keywords": ["visual storytelling", "grounding", "re-identification", "chain of thought"],
        "isLiveDataset": False,
        "citeAs": CITATION,
        "rai:dataCollection": "Frames of films; see the dataset card for the source and the licence of each.",
        "rai:dataAnnotationAnalysis": "Boxes, identities and texts are made by programs and checked by rules, not by people.",
        "distribution": [*_repository(), *_file_sets(facts.configs), *_file_objects(files)],
        "recordSet": [entry for config in facts.configs for entry in _record_sets(config)],
    }
    return _dump(value)


def complete_croissant(
    content: bytes, *, owner: str, address: str, tree: str, release: int, day: str, licence: str
) -> bytes:
    """The metadata as it is released.

    Args:
        content: of the build.
        owner: who publishes it.
        address: of the dataset for people.
        tree: of its files at this release.
        release: its number.
        day: on which it is published, as in 2026-11-22.
        licence: that holds for the whole.
    """
    value: dict[str, Any] = json.loads(content)
    for entry in value["distribution"]:
        if entry["@id"] == _REPO:
            entry["contentUrl"] = tree
    value |= {
        "url": address,
        "creator": {
            "@type": "sc:Organization",
            "name": owner,
            "url": address.rpartition("/datasets/")[0] + f"/{owner}",
        },
        "version": f"{release}.0.0",
        "datePublished": day,
        "license": licence,
    }
    return _dump(value)


def _dump(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def _repository() -> Iterator[dict[str, Any]]:
    yield {
        "@type": "cr:FileObject",
        "@id": _REPO,
        "name": _REPO,
        "description": "The repository of the dataset.",
        "contentUrl": ".",
        "encodingFormat": "git+https",
        "sha256": _NO_DIGEST,
    }


def _file_sets(configs: Iterable[ConfigFacts]) -> Iterator[dict[str, Any]]:
    for config in configs:
        yield {
            "@type": "cr:FileSet",
            "@id": _set_name(config),
            "name": _set_name(config),
            "description": f"The Parquet files of config {config.name}.",
            "containedIn": {"@id": _REPO},
            "encodingFormat": _PARQUET,
            "includes": [f"{config.name}/{split.name}-*.parquet" for split in declared_splits(config)],
        }


def _set_name(config: ConfigFacts) -> str:
    return f"parquet-files-of-{config.name}"


def _file_objects(files: Mapping[str, tuple[int, str]]) -> Iterator[dict[str, Any]]:
    for path, (size, sha256) in sorted(files.items()):
        yield {
            "@type": "cr:FileObject",
            "@id": path,
            "name": path,
            "containedIn": {"@id": _REPO},
            "contentUrl": path,
            "contentSize": f"{size} B",
            "encodingFormat": _PARQUET,
            "sha256": sha256,
        }


def _record_sets(config: ConfigFacts) -> Iterator[dict[str, Any]]:
    splits = f"{config.name}-splits"
    yield {
        "@type": "cr:RecordSet",
        "@id": splits,
        "name": splits,
        "description": f"Splits of config {config.name}.",
        "dataType": "cr:Split",
        "key": {"@id": f"{splits}/name"},
        "field": [{"@type": "cr:Field", "@id": f"{splits}/name", "name": f"{splits}/name", "dataType": "sc:Text"}],
        "data": [{f"{splits}/name": split.name} for split in declared_splits(config)],
    }
    features = json.loads(config.schema.metadata[b"huggingface"])["info"]["features"]
    rows = ", ".join(f"{split.rows:,} {split.name}" for split in declared_splits(config))
    yield {
        "@type": "cr:RecordSet",
        "@id": config.name,
        "name": config.name,
        "description": f"One record a story: {rows}.",
        "key": {"@id": f"{config.name}/story_id"},
        "field": [
            _split_field(config, splits),
            *(_field(config, name, features[name]) for name in config.schema.names),
        ],
    }


def _split_field(config: ConfigFacts, splits: str) -> dict[str, Any]:
    name = f"{config.name}/split"
    source = {
        "fileSet": {"@id": _set_name(config)},
        "extract": {"fileProperty": "fullpath"},
        "transform": {"regex": f"{config.name}/([a-z]+)-.+parquet$"},
    }
    return {
        "@type": "cr:Field",
        "@id": name,
        "name": name,
        "dataType": "sc:Text",
        "source": source,
        "references": {"field": {"@id": f"{splits}/name"}},
    }


def _field(
    config: ConfigFacts, path: str, feature: Mapping[str, Any], column: str = "", inside: str = ""
) -> dict[str, Any]:
    """A column, or what is ``inside`` (a JSON path) of the column ``column``."""
    column = column or path
    name = f"{config.name}/{path}"
    entry: dict[str, Any] = {"@type": "cr:Field", "@id": name, "name": name}
    if feature.get("_type") == "List":
        feature = feature["feature"]
        # A list of values is an array; a list of images or of records is a field that comes more than once.
        is_array = feature.get("_type") == "Value"
        entry |= {"isArray": True, "arrayShape": "-1"} if is_array else {"repeated": True}
        inside = f"{inside}[*]" if inside and not is_array else inside
    source: dict[str, Any] = {"fileSet": {"@id": _set_name(config)}, "extract": {"column": column}}
    kind = feature.get("_type")
    if kind == "Value":
        entry["dataType"] = _TYPES[feature["dtype"]]
    elif kind == "Image":
        entry["dataType"] = "sc:ImageObject"
        inside = "bytes"
    else:
        parts = [
            _field(config, f"{path}/{key}", child, column, f"{inside}.{key}" if inside else key)
            for key, child in feature.items()
        ]
        return entry | {"subField": parts}
    if inside:
        source["transform"] = {"jsonPath": inside}
    return entry | {"source": source}
