from pathlib import Path

import pytest

from schemas.statistics import DatasetStatistics
from tasks.dataset_card.measure import describe, describe_identity, measure_identity, measure_stories
from tests.tasks.report.films import Film, make_run


def test_stories_of_all_shards_are_measured(tmp_path: Path) -> None:
    run, refs, _ = make_run(tmp_path, [Film(stories=2), Film(name="quay", stories=1, frames=4)])
    summary = measure_stories(run, refs)
    assert summary.stories == 3
    assert summary.frames_histogram == {4: 1, 5: 2}
    # By hand: 24 words of five frames, 22 of four.
    assert summary.words_mean == pytest.approx((24 + 24 + 22) / 3)


def test_identity_by_hand(tmp_path: Path) -> None:
    """A story: char1 five times (0.99, 0.97, 0.95, 0.93, 0.91), char2 twice (0.9, 0.4), the lamp once."""
    run, refs, _ = make_run(tmp_path, [Film(stories=3)])
    identity = measure_identity(run, refs)
    assert (identity.entities, identity.linked, identity.links, identity.doubtful) == (9, 6, 21, 3)
    assert identity.mean_confidence == pytest.approx((4.75 + 1.3) / 7)
    lines = dict(describe_identity(identity))
    assert lines["links with a confidence below 0.7"] == "14.3 % of 21"
    assert lines["links, mean confidence"] == "0.86"


def test_nothing_to_measure(tmp_path: Path) -> None:
    run, refs, _ = make_run(tmp_path, [Film(stories=0)])
    assert measure_stories(run, refs) == DatasetStatistics().summarise()
    assert measure_identity(run, refs).mean_confidence == 0.0


def test_the_numbers_of_the_original_dataset_are_all_said(tmp_path: Path) -> None:
    run, refs, _ = make_run(tmp_path, [Film()])
    said = {name: value for lines in describe(measure_stories(run, refs)).values() for name, value in lines}
    assert said["frames per story, mean"] == "5.0"
    assert said["frames per story, most"] == "5"
    assert said["characters in 2 frames of their story or more"] == "100.0 % of 4"
    assert said["characters in 5 frames of their story or more"] == "50.0 % of 4"
    assert said["objects in 2 frames of their story or more"] == "0.0 % of 2"
    assert said["mentions (gdo) per story, mean"] == "10.0"
    # Mentions of characters: Ines five times, Marko twice, They twice.
    assert said["mentions of characters that are pronouns"] == "22.2 % of 18"
    assert said["pronouns left ungrounded"] == "0.0 % of 4"
    assert said["subject pronouns left ungrounded"] == "0.0 % of 4"
    assert said["\u201cthey\u201d left ungrounded"] == "0.0 % of 4"
    assert said["characters per image, mean"] == "1.40"
    assert said["settings per image, mean"] == "1.00"
    assert said["characters per story, mean"] == "2.0"
    assert said["actions (gda) per story, mean"] == "5.0"
    assert said["Introduction"] == "2 images, 5.0 tags an image"
    assert "landmarks per image, mean" not in said
