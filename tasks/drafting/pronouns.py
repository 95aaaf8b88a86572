"""Tagging a pronoun by rule, where there is no doubt whom it stands for.

A third-person singular pronoun gets the id of a person when that person is the only one in the tables of its image and was
mentioned by a tag earlier in the same block. Whatever is less sure is left as a fault, for whoever wrote it to mend.
"""

from collections.abc import Iterable

from schemas.pronouns import find_pronouns
from schemas.text import ChainOfThought, ImageBlock, Story, Tag, TagKind

SINGULAR = frozenset(["he", "she", "him", "her", "his", "hers", "himself", "herself"])


def tag_pronouns(story: Story, tables: ChainOfThought) -> tuple[Story, int]:
    """The story with sure pronouns tagged, and how many were."""
    only = {image.number: image.characters[0].entity_id for image in tables.images if len(image.characters) == 1}
    blocks = [
        ImageBlock(block.number, tuple(_tag_block(block, only[block.number]))) if block.number in only else block
        for block in story.blocks
    ]
    tagged = Story(tuple(blocks))
    return tagged, count_tags(tagged, "gdo") - count_tags(story, "gdo")


def count_tags(story: Story, kind: TagKind) -> int:
    """How many tags of a kind a story has."""
    return sum(isinstance(part, Tag) and part.kind == kind for block in story.blocks for part in block.parts)


def _tag_block(block: ImageBlock, person: str) -> Iterable[str | Tag]:
    mentioned = False
    for part in block.parts:
        if isinstance(part, str) and mentioned:
            yield from _cut(part, person)
        elif isinstance(part, Tag) and part.kind == "gda" and part.ids == (person,) and mentioned:
            yield from _cut_action(part, person)
        else:
            yield part
        if isinstance(part, Tag) and part.kind == "gdo" and part.ids == (person,):
            mentioned = True


def _cut(text: str, person: str) -> Iterable[str | Tag]:
    """A stretch of text with its sure pronouns as tags."""
    at = 0
    for use in find_pronouns(text):
        if use.word in SINGULAR:
            if use.start > at:
                yield text[at : use.start]
            yield Tag("gdo", (person,), text[use.start : use.end])
            at = use.end
    if at < len(text):
        yield text[at:]


def _cut_action(tag: Tag, person: str) -> Iterable[str | Tag]:
    """``lifted his hat`` as the action ``lifted``, the tagged ``his``, and ``hat``: tags do not nest."""
    uses = [use for use in find_pronouns(tag.text) if use.word in SINGULAR]
    head = tag.text[: uses[0].start] if uses else tag.text
    if not uses or not head.strip():
        yield tag
        return
    yield Tag("gda", tag.ids, head.rstrip())
    yield head[len(head.rstrip()) :]
    yield from _cut(tag.text[len(head) :], person)
