"""The peer of the evaluation: the way the published code scores answers, one story after the other.

Written from a description of it. Tables are searched with regular expressions, one image after the other; boxes of a story are
paired in loops; BLEU and ROUGE-L each have all stories tokenised anew, by the jar of pycocoevalcap, and are that package's
own. Where Java or the package is missing, the tokens come from this project's port of the tokeniser, once a metric, and the two
metrics are plain rewritings of the package's (``tokens`` in what :func:`score_as_published` returns says which it was).
"""

import importlib.util
import math
import re
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tasks.evaluation.sample import Sample
from tasks.evaluation.words import split_words

Box = tuple[float, float, float, float, bool]
Texts = Mapping[str, list[dict[str, str]]]
Words = Mapping[str, list[str]]


def with_jar() -> bool:
    """Whether the original tokeniser can be run."""
    return shutil.which("java") is not None and importlib.util.find_spec("pycocoevalcap") is not None


def find_boxes(text: str, frames: Sequence[tuple[int, int]]) -> list[Box]:
    boxes: list[Box] = []
    number = 1
    while re.search(rf"## Image {number}\s*\n", text):
        content = re.search(rf"## Image {number}\s*\n(.*?)(?=## Image \d+\s*\n|\Z)", text, re.DOTALL)
        assert content is not None
        width, height = frames[number - 1]
        for section in ("Characters", "Objects"):
            table = re.search(rf"### {section}\s*\n((?:.+\n)+)", content.group(1))
            for line in table.group(1).strip().split("\n")[2:] if table else []:
                cells = [cell.strip() for cell in line.split("|")[1:-1]]
                x1, y1, x2, y2 = (int(part) for part in cells[-1].split(","))
                person = section == "Characters" or cells[1].lower().split()[:1] == ["person"]
                boxes.append((x1 / width, y1 / height, (x2 - x1) / width, (y2 - y1) / height, person))
        number += 1
    return boxes


def overlap(a: Box, b: Box) -> float:
    x1, y1 = max(a[0], b[0]), max(a[1], b[1])
    x2, y2 = min(a[0] + a[2], b[0] + b[2]), min(a[1] + a[3], b[1] + b[3])
    if x2 <= x1 or y2 <= y1:
        return 0.0
    shared = (x2 - x1) * (y2 - y1)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def find_hits(truth: Sequence[Box], told: Sequence[Box]) -> list[int]:
    pairs = []
    for i, a in enumerate(truth):
        for j, b in enumerate(told):
            if a[4] == b[4] and (iou := overlap(a, b)) >= 0.5:
                pairs.append((iou, i, j))
    pairs.sort(key=lambda pair: -pair[0])
    taken: list[int] = []
    hits: list[int] = []
    for _, i, j in pairs:
        if i not in taken and j not in hits:
            taken.append(i)
            hits.append(j)
    return hits


def score_grounding(samples: Sequence[Sample]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for sample in samples:
        assert sample.output is not None
        thought = sample.output.split("<think>")[1].split("</think>")[0].strip()
        truth = find_boxes(sample.reference.chain_of_thought.strip(), sample.reference.frames)
        told = find_boxes(thought, sample.reference.frames)
        for prefix, kinds in (("", (True, False)), ("Char. ", (True,)), ("Obj. ", (False,))):
            theirs, ours = [b for b in truth if b[4] in kinds], [b for b in told if b[4] in kinds]
            hits = find_hits(theirs, ours)
            precision = len(hits) / len(ours) if ours else 1.0
            recall = len(hits) / len(theirs) if theirs else 1.0
            f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
            for name, value in (("Precision", precision), ("Recall", recall), ("F1", f1)):
                sums[prefix + name] = sums.get(prefix + name, 0.0) + value
            if not prefix:
                sums["mAP"] = sums.get("mAP", 0.0) + average_precision(len(theirs), len(ours), hits)
    return {name: value / len(samples) for name, value in sums.items()}


def average_precision(truth: int, told: int, hits: Sequence[int]) -> float:
    found = 0
    points = []
    for index in range(told):
        found += index in hits
        points.append((found / truth, found / (index + 1)))
    levels = [0.0]
    while len(levels) < 11:
        levels.append(0.1 * len(levels))
    return sum(max((p for r, p in points if r >= level), default=0.0) for level in levels) / 11


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", text)).strip()


def score_language(samples: Sequence[Sample]) -> tuple[dict[str, float], str]:
    truth: Texts = {s.reference.story_id: [{"caption": plain(s.reference.story)}] for s in samples}
    told: Texts = {s.reference.story_id: [{"caption": plain((s.output or "").split("</think>")[1])}] for s in samples}
    found: dict[str, float] = {}
    if with_jar():
        from pycocoevalcap.bleu.bleu import Bleu
        from pycocoevalcap.rouge.rouge import Rouge
        from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

        for name, metric in (("BLEU", Bleu(4)), ("ROUGE-L", Rouge())):
            tokeniser = PTBTokenizer()
            given = tokeniser.tokenize(truth), tokeniser.tokenize(told)
            options: dict[str, Any] = {"verbose": 0} if name == "BLEU" else {}
            value, _ = metric.compute_score(*given, **options)
            found |= {f"BLEU-{n}": one for n, one in enumerate(value, 1)} if name == "BLEU" else {name: float(value)}
        return found, "jar"
    for metric_ in (plain_bleu, plain_rouge):
        ours, theirs = (
            {key: split_words(rows[0]["caption"]) for key, rows in texts.items()} for texts in (told, truth)
        )
        found |= metric_(ours, theirs)
    return found, "port"


def plain_bleu(told: Words, truth: Words) -> dict[str, float]:
    hits, guesses, length, wanted = [0] * 4, [0] * 4, 0, 0
    for key, ours in told.items():
        theirs = truth[key]
        length, wanted = length + len(ours), wanted + len(theirs)
        for n in range(1, 5):
            a, b = (Counter(tuple(text[i : i + n]) for i in range(len(text) - n + 1)) for text in (ours, theirs))
            hits[n - 1] += sum(min(count, b[gram]) for gram, count in a.items())
            guesses[n - 1] += max(0, len(ours) - n + 1)
    ratio = (length + 1e-15) / (wanted + 1e-9)
    product, found = 1.0, {}
    for n in range(1, 5):
        product *= (hits[n - 1] + 1e-15) / (guesses[n - 1] + 1e-9)
        found[f"BLEU-{n}"] = product ** (1 / n) * (math.exp(1 - 1 / ratio) if ratio < 1 else 1.0)
    return found


def plain_rouge(told: Words, truth: Words) -> dict[str, float]:
    total = 0.0
    for key, ours in told.items():
        theirs = truth[key]
        lengths = [[0] * (len(theirs) + 1) for _ in range(len(ours) + 1)]
        for i, a in enumerate(ours, 1):
            for j, b in enumerate(theirs, 1):
                lengths[i][j] = lengths[i - 1][j - 1] + 1 if a == b else max(lengths[i - 1][j], lengths[i][j - 1])
        common = lengths[-1][-1]
        if common:
            precision, recall = common / len(ours), common / len(theirs)
            total += (1 + 1.2**2) * precision * recall / (recall + 1.2**2 * precision)
    return {"ROUGE-L": total / len(told)}
