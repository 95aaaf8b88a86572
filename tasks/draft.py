"""``draft``: the chain-of-thought tables and the story, from evidence.

In: everything measured (see ``tasks/evidence.py``). Out: ``DRAFTS``, one row a story. Invariants: the text is rendered by the
codecs from typed values, so ids and boxes are never free text; the same evidence and seed give the same words.
"""

from collections.abc import Iterable, Iterator

from schemas.arrow import DRAFTS
from schemas.chain_of_thought import render_chain_of_thought
from schemas.config import DraftConfig
from schemas.errors import SampleError
from schemas.evidence import StoryEvidence
from schemas.story import render_story
from tasks.composer.compose import VERSION as COMPOSER_VERSION
from tasks.composer.compose import compose
from tasks.evidence import STAGES, gather_evidence
from tasks.runtime.stage import Inputs, Kept, Outcome, Rejected, Stage


def draft_shard(stories: Iterable[StoryEvidence], params: DraftConfig) -> Iterator[Outcome]:
    """Drafts of stories, in order."""
    for evidence in stories:
        try:
            analysis, story = compose(evidence, params)
            row = {
                "story_key": evidence.story_key,
                "chain_of_thought": render_chain_of_thought(analysis),
                "story": render_story(story),
                "drafter": params.drafter,
                "model": "",
                "prompt_version": f"composer-{COMPOSER_VERSION}",
                "input_tokens": 0,
                "output_tokens": 0,
                "cost_usd": 0.0,
            }
        except (SampleError, ValueError) as error:
            yield Rejected(evidence.story_key, "not drafted", str(error))
            continue
        yield Kept(row)


def _run(inputs: Inputs) -> Iterator[Outcome]:
    return draft_shard(gather_evidence(inputs), inputs.run.config.draft)


STAGE = Stage(
    name="draft",
    version=COMPOSER_VERSION,
    unit="story",
    schema=DRAFTS,
    inputs=STAGES,
    section="draft",
    run=_run,
)
