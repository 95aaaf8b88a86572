"""A story as typed pieces: for each image a list of words, mentions, actions and places, whose ids are those of that image."""

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.draft_config import StoryConfig
from schemas.text import ImageAnalysis, ImageBlock, Story, Tag, TagKind
from tasks.drafting.analysis_schema import image_key
from tasks.drafting.material import printable
from tasks.drafting.shape import Schema, record

MARKUP = ("<gd", "</gd")
_KINDS: Mapping[str, tuple[TagKind, str, tuple[str, ...]]] = {
    "mention": ("gdo", "of", ("char", "obj")),
    "action": ("gda", "by", ("char",)),
    "place": ("gdl", "at", ("lm", "bg")),
}
"""The tag that each kind of piece becomes, the name under which its ids stand, and whose ids they may be."""

_NO_SPACE_BEFORE = tuple(",.;:!?)]}\u2019'\u2026")
_NO_SPACE_AFTER = tuple("([{\u201c\u2018-\u2014")
_CLOSING, _OPENING, _STRAIGHT = "\u201d", "\u201c", '"'


def story_schema(images: Sequence[ImageAnalysis], params: StoryConfig) -> Schema:
    """The schema of a story told over these images."""
    text: Schema = {"type": "string"}
    if params.cell_chars:
        text["maxLength"] = params.cell_chars
    return record({image_key(image.number): _pieces(image, text, params.most_pieces) for image in images})


def _pieces(image: ImageAnalysis, text: Schema, most: int) -> Schema:
    ids = [row.entity_id for row in image.characters] + [row.entity_id for row in image.objects]
    kinds = [record({"text": text})]
    for name, (_, place, prefixes) in _KINDS.items():
        own = [one for one in ids if one.startswith(prefixes)]
        if own:
            several: Schema = {
                "type": "array",
                "items": {"type": "string", "enum": own},
                "minItems": 1,
                "maxItems": len(own),
            }
            kinds.append(record({name: text, place: several}))
    return {"type": "array", "items": {"anyOf": kinds}, "minItems": 1, "maxItems": most}


def read_pieces(answer: Mapping[str, Any], images: Sequence[ImageAnalysis]) -> tuple[Story, tuple[str, ...]]:
    """The story of an answer that keeps to its schema, and what is wrong with its pieces."""
    blocks, faults = [], []
    for image in images:
        key = image_key(image.number)
        for place, piece in enumerate(answer[key]):
            if any(mark in str(value).lower() for value in piece.values() for mark in MARKUP):
                faults.append(f"{key}[{place}] holds tags: write mentions, actions and places as pieces of their own")
        blocks.append(ImageBlock(image.number, _join(answer[key])))
    return Story(tuple(blocks)), tuple(faults)


def _join(pieces: Sequence[Mapping[str, Any]]) -> tuple[str | Tag, ...]:
    """Pieces as parts of a block, with spaces where words would run together."""
    parts: list[str | Tag] = []
    told = ""
    for piece in pieces:
        part = _part(piece)
        words = part.text if isinstance(part, Tag) else part
        if not words:
            continue
        if told and _needs_space(told, words):
            parts.append(" ")
            told += " "
        parts.append(part)
        told += words
    return tuple(parts)


def _part(piece: Mapping[str, Any]) -> str | Tag:
    for name, (kind, place, _) in _KINDS.items():
        if name in piece:
            words = " ".join(printable(piece[name]).split())
            return Tag(kind, tuple(dict.fromkeys(piece[place])), words) if words else ""
    return printable(piece["text"], breaks=True)


def _needs_space(told: str, words: str) -> bool:
    """Whether a space is missing between what was told and the words that follow."""
    before, after = told[-1], words[0]
    if before.isspace() or after.isspace():
        return False
    opened = told.count(_STRAIGHT) % 2 == 1
    if after == _STRAIGHT:
        return not opened
    if before == _STRAIGHT and opened:
        return False
    return not (after in (*_NO_SPACE_BEFORE, _CLOSING) or before in _NO_SPACE_AFTER)
