"""``draft_analysis``: tables for each piece of evidence, or a dead letter; never an error that stops the rest."""

from pathlib import Path

import pytest

from schemas.arrow import ANALYSES
from schemas.draft_config import DraftConfig
from schemas.errors import SampleError
from schemas.evidence import StoryEvidence
from schemas.text import ChainOfThought
from tasks.assembly import latest_run
from tasks.draft_analysis import draft_shard
from tasks.evidence import STAGES, gather_evidence
from tasks.runtime.stage import Inputs, Kept, Rejected, Row

Told = list[tuple[StoryEvidence, Row]]


@pytest.fixture
def stories(finished: tuple[Path, Path]) -> Told:
    """Evidence of a film's stories with their identities."""
    run, refs, _ = latest_run(finished[1])
    ref = next(ref for ref in refs if ref.film == "heat")
    readers = {stage: run.store.read(stage, ref.shard, ref.keys[stage]) for stage in STAGES}
    identities = {row["story_key"]: row for row in readers["reidentify"]}
    found = [(story, identities[story.story_key]) for story in gather_evidence(Inputs(run, ref, readers))]
    for reader in readers.values():
        reader.close()
    return found


def test_every_story_gets_its_tables_in_order(stories: Told) -> None:
    found = [o.row for o in draft_shard(stories, DraftConfig()) if isinstance(o, Kept)]
    assert [row["story_key"] for row in found] == [story.story_key for story, _ in stories]
    for row, (evidence, identities) in zip(found, stories, strict=True):
        assert list(row) == ANALYSES.names
        assert (row["drafter"], row["model"], row["film"]) == ("composer", "", evidence.film)
        assert (row["input_tokens"], row["output_tokens"], row["cost_usd"], row["attempts"]) == (0, 0, 0.0, 1)
        assert row["prompt_version"].startswith("composer-")
        assert row["entities"] == identities["entities"], "the composer corrects nothing"
        assert row["detections"] == row["corrections"] == row["landmarks"] == row["pictures"] == []


def test_the_same_evidence_and_seed_give_the_same_words_and_another_seed_others(stories: Told) -> None:
    first = list(draft_shard(stories, DraftConfig(seed=0)))
    assert list(draft_shard(stories, DraftConfig(seed=0))) == first
    assert list(draft_shard(stories, DraftConfig(seed=1))) != first


@pytest.mark.parametrize("error", [SampleError("no words"), ValueError("no words")])
def test_a_story_that_cannot_be_told_is_left_out_and_the_others_are_not(
    stories: Told, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.composer.compose import compose_analysis

    def moody(story: StoryEvidence, params: DraftConfig) -> ChainOfThought:
        if story is stories[0][0]:
            raise error
        return compose_analysis(story, params)

    monkeypatch.setattr("tasks.composer_rows.compose_analysis", moody)
    first, *others = draft_shard(stories, DraftConfig())
    assert first == Rejected(stories[0][0].story_key, "not drafted", "no words")
    assert others
    assert all(isinstance(o, Kept) for o in others)
