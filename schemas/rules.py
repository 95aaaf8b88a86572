"""The rules a chain of thought and its story are held to. ``docs/grounding.md`` shows an example of each."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["compatible", "strict"]
"""``compatible``: what readers of the published dataset rely on. ``strict``: everything, and it includes ``compatible``."""

Repair = Literal["always", "when clear", "never"]
"""Whether the repairer mends a breach: ``when clear`` means only where no meaning can be lost."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its ``code``, the ``level`` from which it counts, what must hold, what to do, and who can do it."""

    code: str
    level: Level
    sentence: str
    hint: str
    repair: Repair


def _compatible(code: str, sentence: str, hint: str, repair: Repair = "never") -> Rule:
    return Rule(code, "compatible", sentence, hint, repair)


def _strict(code: str, sentence: str, hint: str, repair: Repair = "never") -> Rule:
    return Rule(code, "strict", sentence, hint, repair)


_BOTH_TEXTS = (
    _strict("code-fence", "No code fences.", "Delete the fence lines.", "always"),
    _strict("line-break", "Lines end with a newline and nothing else.", "Put a newline or a space.", "always"),
)
_CHAIN_OF_THOUGHT = (
    _compatible("frame-count", "frame_count is the number of images.", "Correct the count."),
    _compatible("image-missing", "Images are numbered from 1 to the number of frames.", "Add the image, or renumber."),
    _compatible("image-duplicate", "Each image stands once.", "Merge the two, or renumber one."),
    _compatible("image-unknown", "No image is numbered beyond the last frame.", "Remove it, or renumber."),
    _strict("image-order", "Images stand in ascending order.", "Reorder them.", "when clear"),
    _strict(
        "heading-form",
        "Headings read ## Image N, ### Characters, ### Objects, ### Setting, ## Narrative Structure.",
        "Write the heading so; move a title into the tables.",
        "when clear",
    ),
    _strict("heading-unknown", "There are no other headings.", "Remove it, or use the heading that was meant."),
    _strict("heading-missing", "Each table has its heading.", "Put the heading above the table.", "always"),
    _compatible(
        "section-missing", "Each image has a Setting; Narrative Structure stands at the end.", "Add the table."
    ),
    _compatible("section-outside", "Characters, Objects and Setting stand below an image.", "Put ## Image N above it."),
    _strict("section-duplicate", "Each table stands once in its image.", "Put the rows into one table."),
    _strict(
        "section-order",
        "Characters, Objects, Setting stand in this order; Narrative Structure is last.",
        "Reorder them.",
        "when clear",
    ),
    _strict("stray-text", "There is nothing but headings and tables.", "Move what it says into a cell, or delete it."),
    _strict(
        "table-header", "Each table begins with its header line.", "Write the header line as documented.", "always"
    ),
    _compatible(
        "table-columns", "Each table has exactly its columns, in order.", "Put the columns in order.", "when clear"
    ),
    _strict("table-separator", "A line of dashes follows the header.", "Add the line of dashes.", "always"),
    _strict("table-gap", "No blank line stands inside a table.", "Delete the blank line.", "always"),
    _strict("row-bounds", "A row begins and ends with a pipe.", "Add the pipe.", "always"),
    _compatible("row-short", "A row has a cell for each column.", "Fill in the missing cell."),
    _compatible("row-long", "A row has no more cells than columns.", "Write / for a pipe inside a cell.", "when clear"),
    _compatible("pipe-escaped", "No cell holds a pipe, not even an escaped one.", "Write / for it.", "always"),
    _compatible("id-form", "Ids are char, obj, lm or bg and a number from 1.", "Write the id so.", "when clear"),
    _compatible("id-table", "char ids stand in Characters; obj, lm and bg in Objects.", "Move the row, or rename it."),
    _strict("id-duplicate", "An id stands once in an image.", "Give the second entity its own id."),
    _compatible("box-form", "A box is x1,y1,x2,y2, four whole pixels.", "Write four whole numbers.", "always"),
    _compatible(
        "box-normalised", "Boxes are in pixels, not shares of the frame.", "Multiply by width and height.", "when clear"
    ),
    _compatible("box-unreadable", "Every entity has a box.", "Add the box, or remove the row."),
    _strict("box-empty", "A box has x1 < x2 and y1 < y2.", "Correct the corners.", "when clear"),
    _strict("box-outside", "A box lies in its frame.", "Correct the box.", "when clear"),
    _compatible(
        "word-form", "Setting elements and phases are spelled as listed.", "Write the word as listed.", "always"
    ),
    _compatible("word-unknown", "Setting elements and phases come from the lists.", "Use the nearest listed word."),
    _compatible("phase-missing", "All five narrative phases occur.", "Add the phase."),
    _compatible("phase-images", "Images of a phase read 1, 2 or 1-3.", "Write numbers and ranges.", "when clear"),
    _strict("phase-range", "Images of a phase exist.", "Name images of this story."),
)
_STORY = (
    _compatible("block-missing", "Each frame has a gdi block.", "Tell the frame in a block of its own."),
    _compatible("block-duplicate", "Each frame has one gdi block.", "Merge the blocks, or renumber one."),
    _compatible("block-unknown", "A gdi block names an image of this story.", "Correct the number."),
    _strict("block-order", "Blocks stand in the order of the frames.", "Reorder them.", "when clear"),
    _strict(
        "block-ungrounded", "A block grounds an entity of its frame.", "Tag an entity that the frame's tables list."
    ),
    _strict("text-outside", "All text stands inside blocks.", "Move it into a block."),
    _compatible(
        "tag-form", "Tags read <gdi imageN> and <gdo id id>.", "Separate ids by one space, nothing else.", "always"
    ),
    _compatible("tag-unknown", "Tags are gdi, gdo, gda and gdl.", "Remove the tag, keep its text.", "always"),
    _compatible("tag-unclosed", "Every tag is closed.", "Close it after the mention.", "always"),
    _compatible("tag-unopened", "Every closing tag closes one.", "Remove it.", "always"),
    _compatible("tag-mismatch", "A tag is closed by its own kind.", "Correct the closing tag.", "always"),
    _compatible("tag-nested", "gdo, gda and gdl hold text only, no tags.", "Close the outer tag first.", "always"),
    _compatible("tag-crossed", "Tags do not cross.", "Close the first tag before the second opens.", "always"),
    _compatible("tag-empty", "A tag has at least one id and some text.", "Remove the tag, keep its text.", "always"),
    _strict(
        "tag-kind", "gdo is for char and obj, gda for char, gdl for lm and bg.", "Use the other tag.", "when clear"
    ),
    _compatible(
        "id-unknown", "Every id of a tag is in the tables.", "Add it to the tables, or unwrap the tag.", "always"
    ),
    _strict(
        "id-elsewhere", "An id is in the tables of the block's own frame.", "Add it there, or unwrap.", "when clear"
    ),
    _strict(
        "pronoun-untagged", "Every pronoun for a person is inside a gdo tag.", "Tag it with the ids it stands for."
    ),
    _strict("angle-bracket", "< and > stand in tags only.", "Write it in another way.", "always"),
)
RULES: dict[str, Rule] = {rule.code: rule for rule in (*_BOTH_TEXTS, *_CHAIN_OF_THOUGHT, *_STORY)}
"""Every rule by its code, in the order of the documentation."""
