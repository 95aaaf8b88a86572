"""``draft_story``: a story for each row of tables, or a dead letter; never an error that stops the rest."""

from pathlib import Path

import pytest

from schemas.arrow import DRAFTS
from schemas.draft_config import DraftConfig
from schemas.errors import SampleError
from schemas.evidence import StoryEvidence
from schemas.text import Story
from schemas.validation import check_texts
from tasks.assembly import latest_run
from tasks.draft_story import draft_shard
from tasks.evidence import STAGES, correct_evidence, gather_evidence
from tasks.runtime.stage import Inputs, Kept, Rejected, Row

Told = list[tuple[StoryEvidence, Row]]


@pytest.fixture
def stories(finished: tuple[Path, Path]) -> Told:
    """Evidence of a film's stories with their rows of ``ANALYSES``."""
    run, refs, _ = latest_run(finished[1])
    ref = next(ref for ref in refs if ref.film == "heat")
    readers = {stage: run.store.read(stage, ref.shard, ref.keys[stage]) for stage in ("draft_analysis", *STAGES)}
    analyses = {row["story_key"]: row for row in readers["draft_analysis"]}
    found = [(story, analyses[story.story_key]) for story in gather_evidence(Inputs(run, ref, readers))]
    for reader in readers.values():
        reader.close()
    return found


def test_what_the_composer_did_not_correct_is_the_same_evidence(stories: Told) -> None:
    for evidence, analysis in stories:
        assert correct_evidence(evidence, analysis) == evidence


def test_every_story_is_told_in_order_and_fits_its_tables(stories: Told) -> None:
    found = [o.row for o in draft_shard(stories, DraftConfig()) if isinstance(o, Kept)]
    assert [row["story_key"] for row in found] == [story.story_key for story, _ in stories]
    for row, (evidence, analysis) in zip(found, stories, strict=True):
        assert set(row) == set(DRAFTS.names)
        assert {name: row[name] for name in row if name != "story"} == {n: analysis[n] for n in row if n != "story"}
        sizes = [(frame.width, frame.height) for frame in evidence.frames]
        assert check_texts(row["chain_of_thought"], row["story"], frame_sizes=sizes) == ()


@pytest.mark.parametrize("error", [SampleError("no words"), ValueError("no words")])
def test_a_story_that_cannot_be_told_is_left_out_and_the_others_are_not(
    stories: Told, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.composer.compose import compose_story

    def moody(story: StoryEvidence, params: DraftConfig) -> Story:
        if story.story_key == stories[0][0].story_key:
            raise error
        return compose_story(story, params)

    monkeypatch.setattr("tasks.composer_rows.compose_story", moody)
    first, *others = draft_shard(stories, DraftConfig())
    assert first == Rejected(stories[0][0].story_key, "not drafted", "no words")
    assert others
    assert all(isinstance(o, Kept) for o in others)
