"""One answer of the report: its frames with the boxes of both sides, what it tells, what is wrong with it."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.faults import Fault
from schemas.model_output import split_output
from schemas.validation import check_texts
from tasks.evaluation.grounding import StoryBoxes, score_story
from tasks.evaluation.reading import KINDS, FrameTable, ReadSample, read_sample
from tasks.evaluation.sample import Sample
from tasks.evaluation.tally import StoryTally
from tasks.report.markup import Markup, element, join
from tasks.report.pictures import data_uri
from tasks.scorecard.charts import say_share

MOST_FAULTS = 12
_SIDE, _QUALITY = 320, 65


@dataclass(frozen=True, slots=True)
class ShownStory:
    """A scored answer with the bytes of its frames, in order."""

    sample: Sample
    tally: StoryTally
    images: Sequence[bytes]


def worth(tally: StoryTally) -> float:
    """What stories are ranked by: the mean of the F1 of their boxes and of their tags; 0 for an answer that cannot be read."""
    tags = tally.sums["tags.all.told"] + tally.sums["tags.all.truth"]
    f1 = 2 * tally.sums["tags.all.hits"] / tags if tags else 0.0
    return (tally.sums["boxes.all.f1"] + f1) / 2


def draw_story(shown: ShownStory) -> Markup:
    """A section for one answer."""
    read = read_sample(shown.sample)
    boxes = score_story(read)
    tally = shown.tally
    head = element(
        "header",
        None,
        element("h3", {"class": "data"}, f"Story {tally.story_id}"),
        element("span", {"class": "split"}, tally.film),
        element("span", {"class": "sub"}, _facts(tally)),
    )
    cards = [_draw_frame(read, boxes, number, image) for number, image in enumerate(shown.images, start=1)]
    parts = [head, element("div", {"class": "board"}, cards)]
    if tally.invented:
        words = [element("span", {"class": "reason"}, word) for word in tally.invented]
        parts.append(element("p", {"class": "reasons"}, "Told of, seen by nobody: ", words))
    parts.append(_draw_faults(shown.sample))
    return element("section", {"class": "story", "aria-label": f"Story {tally.story_id}"}, parts)


def _facts(tally: StoryTally) -> str:
    sums = tally.sums
    if not sums["format.answered"]:
        return "no answer"
    if not sums["format.readable"]:
        return "nothing of the answer can be read"
    told = f"{sums['boxes.all.hits.0']:.0f} of {sums['boxes.all.truth']:.0f} boxes found, {sums['boxes.all.told']:.0f} told"
    mentions = f"{sums['tags.all.hits']:.0f} of {sums['tags.all.truth']:.0f} mentions, {sums['tags.all.told']:.0f} told"
    valid = "well formed" if sums["format.compatible"] else "not well formed"
    return f"F1 of boxes {say_share(sums['boxes.all.f1'])}: {told}; {mentions}; {valid}"


def _draw_frame(read: ReadSample, boxes: StoryBoxes, number: int, image: bytes) -> Markup:
    width, height = read.reference.frames[number - 1]
    marks = []
    for kind in KINDS:
        found = [match for match in boxes.matches[kind] if match.frame == number]
        truth = read.truth.tables[kind][number - 1]
        marks += _draw_boxes(truth, {match.truth: "found" for match in found}, "missed", height)
        if read.told is not None:
            told = read.told.tables[kind][number - 1]
            marks += _draw_boxes(told, {match.told: "" for match in found}, "unfounded", height)
    overlay = {
        "class": "boxes",
        "aria-hidden": "true",
        "viewBox": f"0 0 {width} {height}",
        "preserveAspectRatio": "none",
    }
    picture = {"src": _shrink(image), "alt": f"Frame {number}", "width": width, "height": height}
    shape = "pic tall" if height > width else "pic wide"
    return element(
        "article",
        {"class": "card"},
        element("div", {"class": shape}, element("img", picture), element("svg", overlay, marks)),
        element("div", {"class": "where"}, element("b", None, f"Image {number}")),
        element("p", {"class": "text data"}, _draw_text(read, boxes, number)),
    )


def _draw_boxes(table: FrameTable, styles: Mapping[str, str], otherwise: str, height: int) -> list[Markup]:
    """Boxes of one side; a style that is empty is not drawn, as the other side's box stands for it."""
    marks = []
    size = max(9.0, height / 17)
    for entity, (x1, y1, x2, y2) in zip(table.ids, table.boxes.tolist(), strict=True):
        style = styles.get(entity, otherwise)
        if not style:
            continue
        rect = {"x": x1, "y": y1, "width": max(0.0, x2 - x1), "height": max(0.0, y2 - y1)}
        below = y1 + size if style != "unfounded" else min(y2, height) - size * 0.25
        label = element("text", {"x": x1 + 2, "y": below, "font-size": size}, entity)
        marks.append(
            element(
                "g",
                {"class": style},
                element("rect", {"class": "halo", **rect}),
                element("rect", {"class": "edge", **rect}),
                label,
            )
        )
    return marks


def _shrink(content: bytes) -> str:
    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        image.draft("RGB", (_SIDE, _SIDE))
        small = image.convert("RGB")
    small.thumbnail((_SIDE, _SIDE))
    return data_uri(small, _QUALITY)


def _draw_text(read: ReadSample, boxes: StoryBoxes, number: int) -> Markup:
    if read.told is None:
        return element("span", {"class": "none"}, "nothing is told of it")
    blocks = [block for block in read.told.story.blocks if block.number == number]
    founded = {match.told for kind in KINDS for match in boxes.matches[kind] if match.frame == number}
    parts: list[str] = []
    for block in blocks:
        for piece in block.pieces:
            if piece.tag is None:
                parts.append(read.told.story.text[piece.text_start : piece.text_end])
                continue
            stands = any(entity in founded for entity in piece.tag.ids)
            ids = element("sup", None, " ".join(piece.tag.ids))
            kind = f"tag {piece.tag.kind}" + ("" if stands else " bare")
            parts.append(element("span", {"class": kind}, piece.tag.text, ids))
    return join(parts) if parts else element("span", {"class": "none"}, "nothing is told of it")


def _draw_faults(sample: Sample) -> Markup:
    if sample.output is None:
        return element("p", {"class": "none"}, "There is no answer.")
    found: Sequence[Fault] = check_texts(*split_output(sample.output), frame_sizes=sample.reference.frames)
    if not found:
        return element("p", {"class": "none"}, "The answer keeps every rule of the format.")
    items = [element("li", None, element("code", None, str(fault))) for fault in found[:MOST_FAULTS]]
    more = f"; the first {MOST_FAULTS}" if len(found) > MOST_FAULTS else ""
    return element(
        "details",
        None,
        element("summary", None, f"Faults of the format: {len(found)}{more}"),
        element("ul", None, items),
    )
