"""``draft_analysis``: the chain-of-thought tables, and what the drafter corrects in the evidence.

In: everything measured (see ``tasks/evidence.py``). Out: ``ANALYSES``, one row a story. Invariants: the tables are rendered by
the codecs from typed values, so ids and boxes are never free text; the entities given here are those of every later stage;
the same evidence and seed give the same words, with a model as long as the ledger of the workspace stands.
"""

from collections.abc import Iterable, Iterator

from schemas.arrow import ANALYSES
from schemas.draft_config import DraftConfig
from schemas.errors import SampleError
from schemas.evidence import StoryEvidence
from tasks.composer.compose import VERSION as COMPOSER_VERSION
from tasks.composer_rows import compose_analysis_row
from tasks.draft_rounds import analysis_models, analysis_settings, shards_at_once
from tasks.evidence import STAGES, gather_evidence
from tasks.runtime.stage import Inputs, Kept, Outcome, Rejected, Row, Stage


def draft_shard(stories: Iterable[tuple[StoryEvidence, Row]], params: DraftConfig) -> Iterator[Outcome]:
    """Tables by the composer of stories with their rows of ``IDENTITIES``, in order."""
    for evidence, identities in stories:
        try:
            row = compose_analysis_row(evidence, identities, params, params.drafter)
        except (SampleError, ValueError) as error:
            yield Rejected(evidence.story_key, "not drafted", str(error))
            continue
        yield Kept(row)


def _stories(inputs: Inputs) -> Iterator[tuple[StoryEvidence, Row]]:
    identities = {row["story_key"]: row for row in inputs["reidentify"]}
    for evidence in gather_evidence(inputs):
        yield evidence, identities[evidence.story_key]


def _run(inputs: Inputs) -> Iterator[Outcome]:
    params = inputs.run.config.draft
    if params.drafter == "composer":
        return draft_shard(_stories(inputs), params)
    from tasks.chat_drafter import draft_analyses

    return draft_analyses(inputs)


STAGE = Stage(
    name="draft_analysis",
    version=COMPOSER_VERSION,
    unit="story",
    schema=ANALYSES,
    inputs=STAGES,
    section="draft",
    run=_run,
    models=analysis_models,
    settings=analysis_settings,
    waits=shards_at_once,
)
