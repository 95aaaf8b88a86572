"""Rows of the two drafting stages as the composer fills them."""

from schemas.arrow import DRAFTS
from schemas.chain_of_thought import render_chain_of_thought
from schemas.draft_config import DraftConfig
from schemas.evidence import StoryEvidence
from schemas.story import render_story
from tasks.composer.compose import VERSION, compose_analysis, compose_story
from tasks.runtime.stage import Row

_SHARED = tuple(name for name in DRAFTS.names if name != "story")


def compose_analysis_row(evidence: StoryEvidence, entities_of: Row, params: DraftConfig, drafter: str) -> Row:
    """A row of ``ANALYSES`` by the composer, which corrects nothing.

    Args:
        evidence: what the tables are to tell.
        entities_of: the row of ``IDENTITIES`` or ``ANALYSES`` that ``evidence`` was made with.
        params: seed and wording.
        drafter: who is named as drafter.

    Raises:
        SampleError, ValueError: nothing can be told of the evidence.
    """
    return {
        "story_key": evidence.story_key,
        "film": evidence.film,
        "chain_of_thought": render_chain_of_thought(compose_analysis(evidence, params)),
        "entities": entities_of["entities"],
        "detections": entities_of.get("detections", []),
        "corrections": entities_of.get("corrections", []),
        "landmarks": entities_of.get("landmarks", []),
        "drafter": drafter,
        "model": "",
        "prompt_version": f"composer-{VERSION}",
        "input_tokens": 0,
        "output_tokens": 0,
        "cost_usd": 0.0,
        "attempts": 1,
        "pictures": [],
    }


def compose_draft_row(evidence: StoryEvidence, analysis: Row, params: DraftConfig) -> Row:
    """A row of ``DRAFTS`` by the composer, whose tables ``analysis`` holds.

    Raises:
        SampleError, ValueError: nothing can be told of the evidence.
    """
    return {**{name: analysis[name] for name in _SHARED}, "story": render_story(compose_story(evidence, params))}
