"""``draft``: a story for each piece of evidence, or a dead letter; never an error that stops the rest."""

from pathlib import Path

import pytest

from schemas.arrow import DRAFTS
from schemas.config import DraftConfig
from schemas.errors import SampleError
from schemas.evidence import StoryEvidence
from tasks.assembly import latest_run
from tasks.draft import draft_shard
from tasks.evidence import STAGES, gather_evidence
from tasks.runtime.stage import Inputs, Kept, Rejected


@pytest.fixture
def evidence(finished: tuple[Path, Path]) -> list[StoryEvidence]:
    """Evidence of a film's stories."""
    run, refs, _ = latest_run(finished[1])
    ref = next(ref for ref in refs if ref.film == "heat")
    readers = {stage: run.store.read(stage, ref.shard, ref.keys[stage]) for stage in STAGES}
    found = list(gather_evidence(Inputs(run, ref, readers)))
    for reader in readers.values():
        reader.close()
    return found


def test_every_story_is_drafted_in_order(evidence: list[StoryEvidence]) -> None:
    found = [o.row for o in draft_shard(evidence, DraftConfig()) if isinstance(o, Kept)]
    assert [row["story_key"] for row in found] == [story.story_key for story in evidence]
    for row in found:
        assert list(row) == DRAFTS.names
        assert row["drafter"] == "composer"
        assert (row["input_tokens"], row["output_tokens"], row["cost_usd"]) == (0, 0, 0.0)
        assert row["prompt_version"].startswith("composer-")


def test_the_same_evidence_and_seed_give_the_same_words_and_another_seed_others(evidence: list[StoryEvidence]) -> None:
    first = list(draft_shard(evidence, DraftConfig(seed=0)))
    assert list(draft_shard(evidence, DraftConfig(seed=0))) == first
    assert list(draft_shard(evidence, DraftConfig(seed=1))) != first


@pytest.mark.parametrize("error", [SampleError("no words"), ValueError("no words")])
def test_a_story_that_cannot_be_told_is_left_out_and_the_others_are_not(
    evidence: list[StoryEvidence], error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.composer.compose import compose

    def moody(story: StoryEvidence, params: DraftConfig) -> object:
        if story is evidence[0]:
            raise error
        return compose(story, params)

    monkeypatch.setattr("tasks.draft.compose", moody)
    first, *others = draft_shard(evidence, DraftConfig())
    assert first == Rejected(evidence[0].story_key, "not drafted", "no words")
    assert others
    assert all(isinstance(o, Kept) for o in others)
