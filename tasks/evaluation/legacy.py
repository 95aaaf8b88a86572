"""The numbers of the code that was published with the dataset, faults included, to stand beside its table.

Written from that code's behaviour, not from its text. What it does and we would not: boxes of a whole story are matched in one
pool, whatever frame they are in; an answer without boxes has precision 1; average precision ranks boxes that all have score 1,
so that it depends on the order of table rows; an object whose description begins with "person" counts as a character; a
section that is empty takes in the next one; a table row without a line break after it is lost; one image number beyond the
frames loses all boxes of the story; answers that are missing are left out of the mean.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tasks.evaluation.sample import Sample

MATCH_IOU = 0.5
_THINKING = re.compile(r"<think>(.*?)</think>", re.DOTALL)
_NEXT_IMAGE = re.compile(r"## Image \d+\s*\n")
_SECTIONS = {name: re.compile(rf"### {name}\s*\n((?:.+\n)+)") for name in ("Characters", "Objects")}
_CELL = re.compile(r"\|(.*?)(?=\|)")
_MARKUP = re.compile(r"<[^>]+>")


class LegacyBox(NamedTuple):
    """A box as that code holds it: top-left corner and size as shares of its frame's, and whether it is a person's."""

    x: float
    y: float
    width: float
    height: float
    person: bool


@dataclass(frozen=True, slots=True)
class LegacyScores:
    """Means over the stories that were answered, 0 to 1; ``stories`` of them, ``missing`` left out."""

    stories: int
    missing: int
    grounding: Mapping[str, float]


def thinking_of(output: str) -> str:
    """The text between the think tags, or nothing where one of them is missing."""
    found = _THINKING.search(output)
    return found[1].strip() if found else ""


def plain_story(output: str) -> str:
    """The story without tags on one line, as it is given to the language metrics.

    The character after ``</think>`` is lost; without that tag an answer that begins to think is empty, another is whole.
    """
    _, closed, after = output.partition("</think>")
    story = after[1:].strip() if closed else "" if "<think>" in output else output
    return re.sub(r"\s+", " ", _MARKUP.sub("", story)).strip()


def read_boxes(thinking: str, frames: Sequence[tuple[int, int]]) -> list[LegacyBox]:
    """The boxes of a chain of thought in the order of its rows, characters before objects in each image.

    Args:
        thinking: the text between the think tags.
        frames: width and height of each frame, in pixels.
    """
    boxes: list[LegacyBox] = []
    number = 0
    while found := re.search(rf"## Image {number + 1}\s*\n", thinking):
        number += 1
        if number > len(frames):
            return []
        following = _NEXT_IMAGE.search(thinking, found.end())
        image = thinking[found.end() : following.start() if following else len(thinking)]
        for section, pattern in _SECTIONS.items():
            table = pattern.search(image)
            for row in _read_rows(table[1]) if table else ():
                box = _read_box(row.get("Bounding Box", ""), frames[number - 1])
                if box is not None:
                    words = row.get("Description", "").lower().split()
                    boxes.append(LegacyBox(*box, person=section == "Characters" or words[:1] == ["person"]))
    return boxes


def _read_rows(table: str) -> Iterable[Mapping[str, str]]:
    header, *rest = table.strip().split("\n")
    names = [name for cell in _CELL.findall(header + "|") if (name := cell.strip()) and name.strip("-")]
    for line in rest[1:]:
        cells = [cell.strip() for cell in _CELL.findall(line + "|")]
        if line.strip() and "|" in line and len(cells) >= len(names):
            yield dict(zip(names, cells, strict=False))


def _read_box(text: str, size: tuple[int, int]) -> tuple[float, float, float, float] | None:
    try:
        numbers = [int(part) for part in text.strip().split(",") if part.strip()]
    except ValueError:
        return None
    if len(numbers) != 4:
        return None
    (x1, y1, x2, y2), (width, height) = numbers, size
    shares = (x1 / width, y1 / height, (x2 - x1) / width, (y2 - y1) / height)
    x, y, w, h = (max(0.0, min(share, 1.0)) for share in shares)
    return x, y, w, h


def _overlaps(reference: Sequence[LegacyBox], candidate: Sequence[LegacyBox]) -> np.ndarray:
    """IoU of every pair, shape ``(references, candidates)``; below 0 where one is a person and the other is not."""
    a = np.array([box[:4] for box in reference], dtype=np.float64).reshape(-1, 1, 4)
    b = np.array([box[:4] for box in candidate], dtype=np.float64).reshape(1, -1, 4)
    low = np.maximum(a[..., :2], b[..., :2])
    high = np.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
    sides = np.maximum(high - low, 0)
    shared = sides[..., 0] * sides[..., 1]
    union = a[..., 2] * a[..., 3] + b[..., 2] * b[..., 3] - shared
    same_corner = (a[..., :2] == b[..., :2]).all(axis=-1)
    iou = np.where(union > 0, shared / np.where(union > 0, union, 1), same_corner)
    person_a = np.array([box.person for box in reference], dtype=bool)[:, None]
    person_b = np.array([box.person for box in candidate], dtype=bool)[None, :]
    return np.where(person_a == person_b, iou, -1.0)


def match_boxes(reference: Sequence[LegacyBox], candidate: Sequence[LegacyBox]) -> set[int]:
    """Indices of the candidates that are hits: pairs of one kind, best IoU first, ties in order, each box once."""
    if not reference or not candidate:
        return set()
    overlaps = _overlaps(reference, candidate)
    rows, columns = np.nonzero(overlaps >= MATCH_IOU)
    order = np.argsort(-overlaps[rows, columns], kind="stable")
    taken: set[int] = set()
    hits: set[int] = set()
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if row not in taken and column not in hits:
            taken.add(row)
            hits.add(column)
    return hits


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def _average_precision(reference: Sequence[LegacyBox], candidate: Sequence[LegacyBox], hits: set[int]) -> float:
    """Interpolated at eleven recalls over the candidates in the order of their rows."""
    if not reference:
        return 0.0 if candidate else 1.0
    if not candidate:
        return 0.0
    found = np.cumsum([index in hits for index in range(len(candidate))])
    precision = found / np.arange(1, len(candidate) + 1)
    recall = found / len(reference)
    total = 0.0
    for level in np.arange(0.0, 1.1, 0.1):
        reached = recall >= level
        total += (float(precision[reached].max()) if reached.any() else 0.0) / 11.0
    return total


def score_boxes(reference: Sequence[LegacyBox], candidate: Sequence[LegacyBox]) -> dict[str, float]:
    """Every grounding number of one story, by the names of the published table."""
    scores: dict[str, float] = {}
    for prefix, kinds in (("", (True, False)), ("Char. ", (True,)), ("Obj. ", (False,))):
        truth = [box for box in reference if box.person in kinds]
        found = [box for box in candidate if box.person in kinds]
        hits = match_boxes(truth, found)
        precision = len(hits) / len(found) if found else 1.0
        recall = len(hits) / len(truth) if truth else 1.0
        scores |= {f"{prefix}Precision": precision, f"{prefix}Recall": recall, f"{prefix}F1": _f1(precision, recall)}
        if not prefix:
            scores["mAP"] = _average_precision(truth, found, hits)
    return scores


def score_legacy(samples: Iterable[Sample]) -> LegacyScores:
    """The grounding numbers of a run as the published code computes them."""
    sums: dict[str, float] = {}
    stories = missing = 0
    for sample in samples:
        if sample.output is None:
            missing += 1
            continue
        stories += 1
        truth = read_boxes(sample.reference.chain_of_thought.strip(), sample.reference.frames)
        found = read_boxes(thinking_of(sample.output.strip()), sample.reference.frames)
        for name, value in score_boxes(truth, found).items():
            sums[name] = sums.get(name, 0.0) + value
    return LegacyScores(stories, missing, {name: value / stories for name, value in sums.items()})
