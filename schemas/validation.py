"""Checking a chain of thought and its story against each other and the frames, after each was read by itself."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from schemas.chain_of_thought import ParsedChainOfThought, ParsedTable, parse_chain_of_thought, render_images
from schemas.codecs.cells import MAX_IMAGE
from schemas.codecs.tables import TABLES, TableKind
from schemas.faults import Fault, FaultList, quote
from schemas.pronouns import find_pronouns, find_quotations, is_inside, may_hold_pronoun
from schemas.rules import Level
from schemas.story import ParsedBlock, ParsedStory, parse_story
from schemas.text import NARRATIVE_PHASES, CharacterRow, ObjectRow, PhaseRow, PixelBox, TagKind

Sizes = Sequence[tuple[int, int] | None]
"""Width and height of each frame in pixels, in story order; ``None`` for a frame whose size is not known."""

_ORDER: tuple[TableKind, ...] = ("characters", "objects", "setting")
KIND_LETTERS: dict[TagKind, str] = {"gdo": "co", "gda": "c", "gdl": "lb"}
"""First letters of the ids that a tag of this kind may name."""


def check_texts(
    chain_of_thought: str | None,
    story: str | None,
    *,
    frame_count: int | None = None,
    frame_sizes: Sizes | None = None,
    level: Level = "strict",
) -> tuple[Fault, ...]:
    """Every fault of two texts at a level; see :func:`validate`."""
    return validate(
        None if chain_of_thought is None else parse_chain_of_thought(chain_of_thought),
        None if story is None else parse_story(story),
        frame_count=frame_count,
        frame_sizes=frame_sizes,
        level=level,
    )


def validate(
    cot: ParsedChainOfThought | None,
    story: ParsedStory | None,
    *,
    frame_count: int | None = None,
    frame_sizes: Sizes | None = None,
    level: Level = "strict",
) -> tuple[Fault, ...]:
    """Every fault of a chain of thought and its story, those found in reading included.

    Args:
        cot: the chain of thought as it was read; ``None`` to check a story by itself, whose ids are then not looked up.
        story: the story as it was read; ``None`` to check a chain of thought by itself.
        frame_count: number of frames; when neither it nor ``frame_sizes`` is known, the largest image number counts.
        frame_sizes: width and height of each frame in pixels; without it no box is held against its frame.
        level: ``strict`` for every rule, ``compatible`` for those that readers of the published dataset rely on.

    Returns:
        The faults of the chain of thought, then those of the story, each in the order of the text.
    """
    frames = len(frame_sizes) if frame_sizes is not None else frame_count
    if frames is None:
        images = () if cot is None else cot.images
        frames = max((image.number for image in images), default=0 if story is None else len(story.blocks))
    found: tuple[Fault, ...] = ()
    entities: dict[int, frozenset[str]] | None = None
    if cot is not None:
        tables = FaultList("chain_of_thought", cot.text, cot.faults)
        if frame_count is not None and frame_count != frames:
            tables.add("frame-count", 0, 0, f"frame_count is {frame_count}, but there are {frames} images")
        _check_tables(cot, frames, frame_sizes, tables, strict=level == "strict")
        entities = {number: frozenset(rows) for number, rows in cot.entity_rows().items()}
        found = tables.sorted()
    if story is not None:
        blocks = FaultList("story", story.text, story.faults)
        _check_story(story, frames, entities, blocks, strict=level == "strict")
        found += blocks.sorted()
    return found if level == "strict" else tuple(fault for fault in found if fault.level == "compatible")


def _check_tables(
    cot: ParsedChainOfThought, frames: int, sizes: Sizes | None, faults: FaultList, *, strict: bool
) -> None:
    _check_images(cot, frames, faults)
    _check_sections(cot, faults)
    _check_narrative(cot, frames, faults)
    if strict:
        _check_rows(cot, sizes, faults)


def _check_story(
    story: ParsedStory, frames: int, entities: Mapping[int, frozenset[str]] | None, faults: FaultList, *, strict: bool
) -> None:
    _check_blocks(story, frames, faults)
    if entities is not None:
        known = frozenset().union(*entities.values())
        for block in story.blocks:
            _check_tags(block, entities.get(block.number, frozenset()), known, strict=strict, faults=faults)
    if strict:
        for block in story.blocks:
            _check_pronouns(story.text, block, faults)


def _check_images(cot: ParsedChainOfThought, frames: int, faults: FaultList) -> None:
    seen: set[int] = set()
    for image in cot.images:
        start, end = image.heading.start, image.heading.end
        if image.number in seen:
            faults.add("image-duplicate", start, end, f"image {image.number} stands a second time")
        elif image.number > frames:
            faults.add("image-unknown", start, end, f"there is no image {image.number}; the story has {frames}")
        seen.add(image.number)
    for before, image in pairwise(cot.images):
        if image.number < before.number:
            told = f"image {image.number} stands after image {before.number}"
            faults.add("image-order", image.heading.start, image.heading.end, told)
    missing = [number for number in range(1, min(frames, MAX_IMAGE) + 1) if number not in seen]
    if missing:
        at = next((image.heading.start for image in cot.images if image.number > missing[0]), len(cot.text))
        faults.add("image-missing", at, at, f"missing: {render_images(missing)}")


def _check_sections(cot: ParsedChainOfThought, faults: FaultList) -> None:
    for image in cot.images:
        seen: list[TableKind] = []
        for table in image.tables:
            title = TABLES[table.kind].title
            if table.kind in seen:
                faults.add("section-duplicate", *_first_line(table), f"{title} stands a second time in its image")
                continue
            if seen and _ORDER.index(table.kind) < _ORDER.index(seen[-1]):
                faults.add("section-order", *_first_line(table), f"{title} stands after {TABLES[seen[-1]].title}")
            seen.append(table.kind)
        if "setting" not in seen:
            told = f"image {image.number} has no Setting"
            faults.add("section-missing", image.heading.start, image.heading.end, told)
    for table in cot.narrative[1:]:
        faults.add("section-duplicate", *_first_line(table), "Narrative Structure stands a second time")
    if not cot.narrative:
        faults.add("section-missing", len(cot.text), len(cot.text), "there is no Narrative Structure")
    elif cot.images and cot.images[-1].heading.start > cot.narrative[0].span.start:
        faults.add("section-order", *_first_line(cot.narrative[0]), "Narrative Structure stands before an image")


def _check_narrative(cot: ParsedChainOfThought, frames: int, faults: FaultList) -> None:
    if not cot.narrative:
        return
    present = {row.phase for row in cot.value.narrative}
    missing = [phase for phase in NARRATIVE_PHASES if phase not in present]
    if missing:
        faults.add("phase-missing", *_first_line(cot.narrative[0]), f"missing: {', '.join(missing)}")
    for table in cot.narrative:
        for row in table.rows:
            if isinstance(row.value, PhaseRow) and any(number > frames for number in row.value.images):
                beyond = render_images([number for number in row.value.images if number > frames])
                told = f"{quote(row.value.phase)} names image {beyond}; the story has {frames}"
                faults.add("phase-range", row.start, row.end, told)


def _check_rows(cot: ParsedChainOfThought, sizes: Sizes | None, faults: FaultList) -> None:
    for image in cot.images:
        seen: set[str] = set()
        size = sizes[image.number - 1] if sizes is not None and image.number <= len(sizes) else None
        for table in image.tables:
            for row in table.rows:
                value = row.value
                if row.entity_id:
                    if row.entity_id in seen:
                        told = f"{row.entity_id} stands twice in image {image.number}"
                        faults.add("id-duplicate", row.start, row.end, told)
                    seen.add(row.entity_id)
                if isinstance(value, CharacterRow | ObjectRow):
                    x1, y1, x2, y2 = value.box
                    if x1 >= x2 or y1 >= y2:
                        faults.add("box-empty", row.start, row.end, f"{row.entity_id}: {x1},{y1},{x2},{y2} has no area")
                    if x1 < 0 or y1 < 0 or (size is not None and (max(x1, x2) > size[0] or max(y1, y2) > size[1])):
                        faults.add("box-outside", row.start, row.end, _tell_outside(row.entity_id, value.box, size))


def _tell_outside(entity_id: str, box: PixelBox, size: tuple[int, int] | None) -> str:
    frame = "any frame" if size is None else f"the frame of {size[0]}x{size[1]}"
    return f"{entity_id}: {','.join(map(str, box))} is not inside {frame}"


def _check_blocks(story: ParsedStory, frames: int, faults: FaultList) -> None:
    seen: set[int] = set()
    last = 0
    for block in story.blocks:
        start, end = block.opening.start, block.opening.end
        if not block.number:
            continue
        if block.number > frames:
            faults.add("block-unknown", start, end, f"there is no image {block.number}; the story has {frames}")
        elif block.number in seen:
            faults.add("block-duplicate", start, end, f"image {block.number} has a block already")
        if block.number < last:
            faults.add("block-order", start, end, f"image {block.number} stands after image {last}")
        seen.add(block.number)
        last = block.number
    missing = [number for number in range(1, min(frames, MAX_IMAGE) + 1) if number not in seen]
    if missing:
        at = next((block.span.start for block in story.blocks if block.number > missing[0]), len(story.text))
        faults.add("block-missing", at, at, f"missing: {render_images(missing)}")


def _check_tags(
    block: ParsedBlock, own: frozenset[str], known: frozenset[str], *, strict: bool, faults: FaultList
) -> None:
    grounded = False
    for piece in block.pieces:
        tag = piece.tag
        if tag is None:
            continue
        letters = KIND_LETTERS[tag.kind]
        for entity_id in tag.ids:
            if entity_id in own:
                grounded = True
            elif entity_id not in known:
                faults.add("id-unknown", piece.start, piece.end, f"{entity_id} is in no table")
            elif strict:
                told = f"{entity_id} is not in the tables of image {block.number}"
                faults.add("id-elsewhere", piece.start, piece.end, told)
            if strict and entity_id[0] not in letters:
                faults.add("tag-kind", piece.start, piece.end, f"{entity_id} stands in a {tag.kind}")
    if strict and own and not grounded:
        told = f"no tag names an entity of image {block.number}"
        faults.add("block-ungrounded", block.opening.start, block.opening.end, told)


def _check_pronouns(text: str, block: ParsedBlock, faults: FaultList) -> None:
    """Pronouns in a gdo tag are tagged; all others are not, those in gda and gdl included."""
    open_pieces = [piece for piece in block.pieces if piece.tag is None or piece.tag.kind != "gdo"]
    if not may_hold_pronoun(" ".join([text[piece.text_start : piece.text_end] for piece in open_pieces])):
        return
    quotations: list[tuple[int, int]] | None = None
    for piece in open_pieces:
        for use in find_pronouns(text, piece.text_start, piece.text_end):
            if use.person == 2:
                if quotations is None:
                    quotations = find_quotations(text, block.body.start, block.body.end)
                if not is_inside(use.start, quotations):
                    continue
            faults.add("pronoun-untagged", use.start, use.end, f"{quote(text[use.start : use.end])} is in no gdo tag")


def _first_line(table: ParsedTable) -> tuple[int, int]:
    span = table.heading or table.header or table.span
    return span.start, span.end
