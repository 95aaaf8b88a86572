from pathlib import Path

import pytest

from schemas.statistics import Share
from tasks.dataset_card.grounding import GroundingFacts, describe_grounding, measure_grounding
from tests.tasks.report.films import Film, make_run

LINKS = [
    {"frame": 1, "kind": "gdo", "ids": ["char1"], "text": "Ines", "start": 0, "end": 4},
    {"frame": 1, "kind": "gdo", "ids": ["char1", "char2"], "text": "They", "start": 5, "end": 9},
    {"frame": 5, "kind": "gdo", "ids": ["char2"], "text": "Marko", "start": 10, "end": 15},
]


def test_ties_by_hand(tmp_path: Path) -> None:
    """A story: char1 in five frames, char2 in the first two, the lamp in the first; eight detections, scores .85, .75, .65."""
    run, refs, _ = make_run(tmp_path, [Film(stories=1, links=LINKS), Film("bare", stories=0)])
    facts = measure_grounding(run, refs)
    assert facts.tags == Share(2, 3), "char2 has no box in frame 5"
    assert facts.mentioned == {"char": Share(2, 7), "obj": Share(0, 1)}
    assert facts.grounded == Share(8, 8)
    assert facts.labels == {"person": 7, "lamp": 1}
    assert facts.origins == {"detector": 8}
    assert facts.score == pytest.approx((5 * 0.85 + 2 * 0.75 + 0.65) / 8)
    said = dict(describe_grounding(facts))
    assert said["tags whose entities all have a box in that frame"] == "66.7 % of 3"
    assert said["boxes of characters that the story speaks of in that frame"] == "28.6 % of 7"


def test_nothing_is_measured_of_nothing(tmp_path: Path) -> None:
    run, refs, _ = make_run(tmp_path, [Film(stories=0)])
    assert measure_grounding(run, refs) == GroundingFacts()
