"""The ``story`` text: rendering it from typed blocks, reading it back from whatever was written."""

import re

from schemas.codecs.blocks import Piece
from schemas.codecs.cells import ENTITY_ID, MAX_IMAGE
from schemas.codecs.story_parser import ParsedBlock, ParsedStory, parse_story
from schemas.codecs.tables import LINE_BREAKS
from schemas.codecs.tags import MARKUP
from schemas.errors import SampleError
from schemas.text import TAG_KINDS, ImageBlock, Story, Tag

__all__ = [
    "ParsedBlock",
    "ParsedStory",
    "Piece",
    "clean_text",
    "parse_story",
    "plain_text",
    "render_block",
    "render_story",
    "strip_tags",
]

_UNCARRIED = re.compile(f"[<>{LINE_BREAKS}]")
_BLANK_LINES = re.compile(r"\n\s*\n")
_ANGLES = str.maketrans({"<": "\u2039", ">": "\u203a", **dict.fromkeys(LINE_BREAKS, " ")})


def clean_text(text: str) -> str:
    """``text`` as every reader carries it: ``<`` and ``>`` become single guillemets, odd line breaks become spaces."""
    return text.translate(_ANGLES)


def render_story(value: Story) -> str:
    """The canonical text of a story: a ``gdi`` block for each image, a blank line between blocks.

    Raises:
        SampleError: a text, id or number that no reader could carry.
    """
    return "\n\n".join(render_block(block) for block in value.blocks)


def strip_tags(text: str) -> str:
    """A story without its tags, as language metrics read it: a paragraph for each block, whatever the tags look like."""
    return _BLANK_LINES.sub("\n\n", MARKUP.sub("", text)).strip()


def plain_text(value: Story) -> str:
    """The words of a story without its tags, a paragraph for each block."""
    paragraphs = (
        "".join(part.text if isinstance(part, Tag) else part for part in block.parts) for block in value.blocks
    )
    return "\n\n".join(paragraph.strip() for paragraph in paragraphs)


def render_block(block: ImageBlock) -> str:
    """One ``gdi`` block.

    Raises:
        SampleError: a text, id or number that no reader could carry.
    """
    if not 1 <= block.number <= MAX_IMAGE:
        raise SampleError(f"story: image number {block.number} is outside 1..{MAX_IMAGE}")
    body = "".join(
        _render_tag(part, block.number) if isinstance(part, Tag) else _carried(part, block.number)
        for part in block.parts
    )
    return f"<gdi image{block.number}>\n{body}\n</gdi>"


def _render_tag(tag: Tag, number: int) -> str:
    if tag.kind not in TAG_KINDS:
        raise SampleError(f"story, image {number}: {tag.kind!r} is not one of {', '.join(TAG_KINDS)}")
    if not tag.ids or len(set(tag.ids)) != len(tag.ids) or not all(ENTITY_ID.fullmatch(one) for one in tag.ids):
        raise SampleError(f"story, image {number}: {tag.ids!r} are not entity ids, each once")
    if not tag.text.strip():
        raise SampleError(f"story, image {number}: a {tag.kind} tag around no text")
    return f"<{tag.kind} {' '.join(tag.ids)}>{_carried(tag.text, number)}</{tag.kind}>"


def _carried(text: str, number: int) -> str:
    if _UNCARRIED.search(text):
        raise SampleError(f"story, image {number}: text with '<', '>' or an odd line break; pass it through clean_text")
    return text
