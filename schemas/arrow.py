"""Arrow schemas of every table that is stored or published. Each carries its name and version in its metadata.

A change of a schema raises its version here and the version of the stage that writes it; ``tests/schemas/test_arrow.py``
holds the text of each so that none changes unseen.
"""

import json
from typing import Any

import pyarrow as pa


def _schema(name: str, version: int, fields: list[tuple[str, pa.DataType]]) -> pa.Schema:
    return pa.schema(
        [pa.field(key, kind, nullable=False) for key, kind in fields], metadata={"storyreasoning": f"{name}/{version}"}
    )


def _struct(**fields: pa.DataType) -> pa.DataType:
    return pa.struct([pa.field(key, kind, nullable=False) for key, kind in fields.items()])


def _list(kind: pa.DataType) -> pa.DataType:
    return pa.list_(pa.field("element", kind, nullable=False))


TEXT, INT, BIG, REAL, BYTES, FLAG = pa.string(), pa.int32(), pa.int64(), pa.float32(), pa.binary(), pa.bool_()
BOX = {"x1": REAL, "y1": REAL, "x2": REAL, "y2": REAL}

PLAN = _schema(
    "plan", 1, [("item", TEXT), ("film", TEXT), ("scene", TEXT), ("frame_id", TEXT), ("sha256", TEXT), ("bytes", BIG)]
)
"""What a shard is made of: where each frame stands in the source, its film and scene, its id, and the hash of its bytes."""

FRAMES = _schema(
    "frames",
    1,
    [
        ("frame_id", TEXT),
        ("film", TEXT),
        ("scene", TEXT),
        ("source", TEXT),
        ("source_sha256", TEXT),
        ("format", TEXT),
        ("reencoded", TEXT),
        ("width", INT),
        ("height", INT),
        ("phash", pa.uint64()),
        ("luma", REAL),
        ("contrast", REAL),
        ("saturation", REAL),
        ("warmth", REAL),
        ("image", BYTES),
    ],
)
"""A usable frame: ``image`` is an upright RGB or grey JPEG, PNG or WebP; ``reencoded`` says why its bytes are new, if so."""

SELECTED = _schema("selected", 1, [("frame_id", TEXT), ("scene", TEXT)])
"""A frame that is neither black nor empty nor a near-duplicate."""

DETECTION = _struct(det_id=TEXT, label=TEXT, score=REAL, origin=TEXT, **BOX, mask=BYTES)
DETECTIONS = _schema("detections", 2, [("frame_id", TEXT), ("detections", _list(DETECTION))])
"""What was found in a frame, in pixels; ``origin`` is ``detector``, ``stuff`` for a part of a region without instances (sky,
wall), ``landmark`` for a place whose name is the label, or ``face``; ``mask`` is COCO's run-length code of its pixels in the
frame, empty where the model gives none."""

FACE = _struct(det_id=TEXT, score=REAL, quality=REAL, **BOX, landmarks=_list(REAL), embedding=BYTES)
PEOPLE = _schema(
    "people", 2, [("frame_id", TEXT), ("scene", TEXT), ("detections", _list(DETECTION)), ("faces", _list(FACE))]
)
"""Detections with every face tied to a person; ``embedding`` is little-endian float32, ``landmarks`` five x,y pairs."""

STORIES = _schema(
    "stories", 1, [("story_key", TEXT), ("film", TEXT), ("frame_ids", _list(TEXT)), ("scenes", _list(TEXT))]
)
"""Which frames make a story, in order."""

CROP = _struct(det_id=TEXT, embedding=BYTES, colours=_list(_struct(name=TEXT, share=REAL)))
APPEARANCE = _schema(
    "appearance",
    1,
    [("story_key", TEXT), ("frame_id", TEXT), ("crops", _list(CROP)), ("tags", _list(_struct(label=TEXT, score=REAL)))],
)
"""What each detection of a story's frame looks like, and tags of the whole frame."""

MEMBER = _struct(frame=INT, det_id=TEXT, confidence=REAL)
ENTITY = _struct(entity_id=TEXT, gallery_id=TEXT, kind=TEXT, label=TEXT, confidence=REAL, members=_list(MEMBER))
IDENTITIES = _schema("identities", 1, [("story_key", TEXT), ("film", TEXT), ("entities", _list(ENTITY))])
"""Who is who in a story; ``frame`` counts from 1, ``gallery_id`` is the same over the stories of a film."""

_DRAFTED = [
    ("drafter", TEXT),
    ("model", TEXT),
    ("prompt_version", TEXT),
    ("input_tokens", BIG),
    ("output_tokens", BIG),
    ("cost_usd", pa.float64()),
    ("attempts", INT),
    ("pictures", _list(INT)),
]
CORRECTION = _struct(
    frame=INT, kind=TEXT, entity_id=TEXT, other_id=TEXT, label=TEXT, **BOX, applied=FLAG, reason=TEXT, became=TEXT
)
LANDMARK = _struct(entity_id=TEXT, name=TEXT, frame=INT, region=TEXT, source=TEXT)
ANALYSES = _schema(
    "analyses",
    1,
    [
        ("story_key", TEXT),
        ("film", TEXT),
        ("chain_of_thought", TEXT),
        ("entities", _list(ENTITY)),
        ("detections", _list(_struct(frame=INT, det_id=TEXT, label=TEXT, score=REAL, origin=TEXT, **BOX))),
        ("corrections", _list(CORRECTION)),
        ("landmarks", _list(LANDMARK)),
        *_DRAFTED,
    ],
)
"""The tables of a story, and who is who after the drafter's corrections.

``entities`` stand in place of those of ``IDENTITIES``; ``detections`` are those that the drafter added (``origin`` is
``drafter`` or ``landmark``). A correction names ids as re-identification gave them, says whether it was ``applied`` or why
not, and what its entity ``became``. ``pictures`` are the frames that were shown to a model, ``attempts`` its answers.
"""

DRAFTS = _schema(
    "drafts",
    2,
    [("story_key", TEXT), ("chain_of_thought", TEXT), ("story", TEXT), *_DRAFTED],
)
"""Tables and story as drafted; tokens and cost are those of both."""

LINK = _struct(frame=INT, kind=TEXT, ids=_list(TEXT), text=TEXT, start=INT, end=INT)
GROUNDED = _schema(
    "grounded",
    1,
    [
        ("story_key", TEXT),
        ("film", TEXT),
        ("frame_ids", _list(TEXT)),
        ("chain_of_thought", TEXT),
        ("story", TEXT),
        ("links", _list(LINK)),
    ],
)
"""A story that holds: every tag with the frame and entities it points to and where it stands in the text (characters)."""

DEAD_LETTERS = _schema(
    "dead_letters",
    2,
    [
        ("stage", TEXT),
        ("shard", TEXT),
        ("unit", TEXT),
        ("item", TEXT),
        ("reason", TEXT),
        ("detail", TEXT),
        ("faults", _list(TEXT)),
        ("text", TEXT),
    ],
)
"""What was left out, where, and why; of what a model wrote, the faults of its last text and that text."""

CALLS = _schema(
    "calls",
    1,
    [
        ("call", TEXT),
        ("time", TEXT),
        ("request_key", TEXT),
        ("purpose", TEXT),
        ("item", TEXT),
        ("prompt", TEXT),
        ("model", TEXT),
        ("endpoint", TEXT),
        ("attempt", INT),
        ("way", TEXT),
        ("outcome", TEXT),
        ("finish", TEXT),
        ("input_tokens", BIG),
        ("output_tokens", BIG),
        ("seconds", REAL),
        ("cost_usd", pa.float64()),
        ("text", TEXT),
    ],
)
"""Every call of a chat model, as in :class:`schemas.chat_call.Call`: the request ledger, for reading."""

SIGHTING = _struct(frame_id=TEXT, det_id=TEXT)
REVIEWS = _schema(
    "reviews",
    1,
    [
        ("story_key", TEXT),
        ("film", TEXT),
        ("action", TEXT),
        ("target", TEXT),
        ("value", TEXT),
        ("note", TEXT),
        ("sightings", _list(SIGHTING)),
        ("said", TEXT),
    ],
)
"""What people say of stories and entities; see :class:`tasks.runtime.reviews.Review`."""

IMAGE = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])

_STORYREASONING_FEATURES: dict[str, Any] = {
    "story_id": {"dtype": "string", "_type": "Value"},
    "images": {"feature": {"_type": "Image"}, "_type": "List"},
    "frame_count": {"dtype": "int32", "_type": "Value"},
    "chain_of_thought": {"dtype": "string", "_type": "Value"},
    "story": {"dtype": "string", "_type": "Value"},
}


def _published(features: dict[str, Any], fields: list[tuple[str, pa.DataType]]) -> pa.Schema:
    """A schema that ``datasets`` reads back with its features, as ``Features.arrow_schema`` would make it."""
    return pa.schema(
        [pa.field(name, kind) for name, kind in fields],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )


STORYREASONING = _published(
    _STORYREASONING_FEATURES,
    [
        ("story_id", pa.string()),
        ("images", pa.list_(IMAGE)),
        ("frame_count", pa.int32()),
        ("chain_of_thought", pa.string()),
        ("story", pa.string()),
    ],
)
"""The five columns of StoryReasoning."""


def _feature(kind: pa.DataType) -> dict[str, Any]:
    """The ``datasets`` feature of an Arrow type used in the ``grounding`` config."""
    if pa.types.is_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "List"}
    if pa.types.is_struct(kind):
        return {child.name: _feature(child.type) for child in kind}
    name = {"float": "float32", "double": "float64"}.get(str(kind), str(kind))
    return {"dtype": name, "_type": "Value"}


def _plain_struct(**fields: pa.DataType) -> pa.DataType:
    return pa.struct([pa.field(key, kind) for key, kind in fields.items()])


_GROUNDING_FIELDS: list[tuple[str, pa.DataType]] = [
    ("story_id", TEXT),
    ("story_key", TEXT),
    ("film", TEXT),
    (
        "frames",
        pa.list_(_plain_struct(number=INT, frame_id=TEXT, scene=TEXT, source=TEXT, sha256=TEXT, width=INT, height=INT)),
    ),
    ("detections", pa.list_(_plain_struct(frame=INT, det_id=TEXT, label=TEXT, score=REAL, origin=TEXT, **BOX))),
    (
        "entities",
        pa.list_(
            _plain_struct(
                entity_id=TEXT,
                gallery_id=TEXT,
                kind=TEXT,
                label=TEXT,
                confidence=REAL,
                members=pa.list_(_plain_struct(frame=INT, det_id=TEXT, confidence=REAL)),
            )
        ),
    ),
    (
        "links",
        pa.list_(_plain_struct(frame=INT, kind=TEXT, ids=pa.list_(TEXT), text=TEXT, start=INT, end=INT)),
    ),
    ("drafter", TEXT),
    ("model", TEXT),
    ("prompt_version", TEXT),
    ("models", pa.list_(_plain_struct(stage=TEXT, name=TEXT, sha256=TEXT))),
    ("input_tokens", BIG),
    ("output_tokens", BIG),
    ("cost_usd", pa.float64()),
]

GROUNDING = _published({name: _feature(kind) for name, kind in _GROUNDING_FIELDS}, _GROUNDING_FIELDS)
"""One row a story with everything it stands on; joins with :data:`STORYREASONING` by ``story_id``."""

STORED = (
    PLAN,
    FRAMES,
    SELECTED,
    DETECTIONS,
    PEOPLE,
    STORIES,
    APPEARANCE,
    IDENTITIES,
    ANALYSES,
    DRAFTS,
    GROUNDED,
    DEAD_LETTERS,
    CALLS,
    REVIEWS,
)
