"""``draft_story``: the story, from the tables and the corrected evidence.

In: ``ANALYSES`` and everything measured. Out: ``DRAFTS``, one row a story. Invariants: ids come from the tables; the strict
validator finds no fault in what a model wrote; the same evidence, tables and seed give the same words, with a model as long as
the ledger of the workspace stands.
"""

from collections.abc import Iterable, Iterator

from schemas.arrow import DRAFTS
from schemas.draft_config import DraftConfig
from schemas.errors import SampleError
from schemas.evidence import StoryEvidence
from tasks.composer.compose import VERSION as COMPOSER_VERSION
from tasks.composer_rows import compose_draft_row
from tasks.draft_rounds import shards_at_once, story_models, story_settings
from tasks.evidence import STAGES, correct_evidence, gather_evidence
from tasks.runtime.stage import Inputs, Kept, Outcome, Rejected, Row, Stage


def draft_shard(stories: Iterable[tuple[StoryEvidence, Row]], params: DraftConfig) -> Iterator[Outcome]:
    """Stories by the composer of evidence with its rows of ``ANALYSES``, in order."""
    for evidence, analysis in stories:
        try:
            row = compose_draft_row(correct_evidence(evidence, analysis), analysis, params)
        except (SampleError, ValueError) as error:
            yield Rejected(evidence.story_key, "not drafted", str(error))
            continue
        yield Kept(row)


def _stories(inputs: Inputs) -> Iterator[tuple[StoryEvidence, Row]]:
    analyses = {row["story_key"]: row for row in inputs["draft_analysis"]}
    for evidence in gather_evidence(inputs):
        if evidence.story_key in analyses:
            yield evidence, analyses[evidence.story_key]


def _run(inputs: Inputs) -> Iterator[Outcome]:
    params = inputs.run.config.draft
    if params.drafter == "composer":
        return draft_shard(_stories(inputs), params)
    from tasks.chat_drafter import draft_stories

    return draft_stories(inputs)


STAGE = Stage(
    name="draft_story",
    version=COMPOSER_VERSION,
    unit="story",
    schema=DRAFTS,
    inputs=("draft_analysis", *STAGES),
    section="draft",
    run=_run,
    models=story_models,
    settings=story_settings,
    waits=shards_at_once,
)
