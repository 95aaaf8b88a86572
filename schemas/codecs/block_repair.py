"""Mending a story: its words stay as they are, only its tags are closed, corrected, split or taken away."""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise

from schemas.codecs.edits import Change, Edit, delete_line
from schemas.faults import Fault
from schemas.pronouns import find_pronouns
from schemas.story import ParsedBlock, ParsedStory, clean_text
from schemas.text import Tag
from schemas.validation import KIND_LETTERS

_MARKUP_CODES = frozenset(
    (
        "angle-bracket",
        "tag-crossed",
        "tag-empty",
        "tag-form",
        "tag-mismatch",
        "tag-nested",
        "tag-unclosed",
        "tag-unknown",
        "tag-unopened",
    )
)
_TAG_CODES = frozenset(("id-unknown", "id-elsewhere", "tag-kind"))


def mend_blocks(story: ParsedStory, faults: Sequence[Fault], entities: Mapping[int, Collection[str]] | None) -> Change:
    """Edits for the faults of a story that can be mended where they stand.

    Args:
        story: the story as it was read.
        faults: its faults at the level that is wanted, in the order of the text.
        entities: for each image number the ids in its tables; ``None`` when the tables are not known.
    """
    edits: list[Edit] = []
    mended: list[Fault] = []
    known = None if entities is None else frozenset().union(*entities.values())
    starts = [fault.span.start for fault in faults]
    position = 0
    for block in story.blocks:
        first, last = bisect_left(starts, block.span.start), bisect_left(starts, block.span.end)
        _mend_outside(story.text, faults[position:first], edits, mended)
        position = last
        change = _mend_block(story.text, block, faults[first:last], (entities or {}).get(block.number, ()), known)
        edits += change.edits
        mended += change.mended
    _mend_outside(story.text, faults[position:], edits, mended)
    return Change(edits, mended)


def reorder_blocks(story: ParsedStory, faults: Sequence[Fault]) -> Change:
    """One edit that puts the blocks in order, where each image has one block and no text stands between them."""
    wrong = [fault for fault in faults if fault.code == "block-order"]
    numbers = [block.number for block in story.blocks]
    if not wrong or len(set(numbers)) != len(numbers) or 0 in numbers:
        return Change((), ())
    gaps = (story.text[before.span.end : after.span.start] for before, after in pairwise(story.blocks))
    if any(gap.strip() for gap in gaps):
        return Change((), ())
    ordered = sorted(story.blocks, key=lambda block: block.number)
    text = "\n\n".join(story.text[block.span.start : block.span.end] for block in ordered)
    return Change((Edit(story.blocks[0].span.start, story.blocks[-1].span.end, text),), wrong)


def _mend_outside(text: str, faults: Sequence[Fault], edits: list[Edit], mended: list[Fault]) -> None:
    """Between the blocks: take away fences and tags that are none."""
    reached = 0
    for fault in faults:
        if fault.span.start < reached:
            continue  # a tag in the line of a fence goes with it
        if fault.code == "code-fence":
            edit = delete_line(text, *fault.span)
        elif fault.code in ("tag-unknown", "tag-unopened"):
            edit = Edit(*fault.span, "")
        else:
            continue
        edits.append(edit)
        mended.append(fault)
        reached = edit.end


def _mend_block(
    text: str, block: ParsedBlock, faults: Sequence[Fault], own: Collection[str], known: Collection[str] | None
) -> Change:
    """Write a block anew from what was read in it, with the tags that its faults call for."""
    codes = {fault.code for fault in faults}
    if codes.isdisjoint(_MARKUP_CODES | _TAG_CODES):
        return Change((), ())
    body = []
    left: set[tuple[str, int]] = set()  # what stays wrong: the code and where
    for piece in block.pieces:
        words = text[piece.text_start : piece.text_end] if piece.tag is None else piece.tag.text
        tag = piece.tag
        if tag is not None and known is not None and not codes.isdisjoint(_TAG_CODES):
            tag = _mend_tag(tag, codes, own, known)
            left.update((code, piece.start) for code in _find_wrong(tag, own, known))
        if "angle-bracket" in codes:
            words = clean_text(words)
        body.append(words if tag is None else f"<{tag.kind} {' '.join(tag.ids)}>{words}</{tag.kind}>")
    opening = f"<gdi image{block.number}>" if block.number else text[block.opening.start : block.opening.end]
    edit = Edit(block.span.start, block.span.end, f"{opening}\n{''.join(body)}\n</gdi>")
    if edit.text == text[block.span.start : block.span.end]:
        return Change((), ())
    mendable = _MARKUP_CODES | _TAG_CODES
    return Change((edit,), [one for one in faults if one.code in mendable and (one.code, one.span.start) not in left])


def _mend_tag(tag: Tag, codes: Collection[str], own: Collection[str], known: Collection[str]) -> Tag | None:
    """The tag with the ids and the kind that it can have; ``None`` when no id is left."""
    ids = tag.ids
    if "id-unknown" in codes:
        ids = tuple(entity_id for entity_id in ids if entity_id in known)
    if "id-elsewhere" in codes:
        here = tuple(entity_id for entity_id in ids if entity_id in own)
        # A pronoun without any tag would be a fault as well: it is left for its writer.
        if here or not find_pronouns(tag.text):
            ids = here
    if not ids:
        return None
    kind = tag.kind
    if "tag-kind" in codes and kind != "gda":
        places = [entity_id.startswith(("lm", "bg")) for entity_id in ids]
        if all(places):
            kind = "gdl"
        elif not any(places):
            kind = "gdo"
    return Tag(kind, ids, tag.text)


def _find_wrong(tag: Tag | None, own: Collection[str], known: Collection[str]) -> Iterator[str]:
    """Codes of what is still wrong with a tag."""
    for entity_id in () if tag is None else tag.ids:
        if entity_id not in known:
            yield "id-unknown"
        elif entity_id not in own:
            yield "id-elsewhere"
        if tag is not None and entity_id[0] not in KIND_LETTERS[tag.kind]:
            yield "tag-kind"
