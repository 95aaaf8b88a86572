"""Drafting with a chat model, a shard at a time: both drafting stages when ``drafter`` is ``llm``.

Every story becomes a row, or a dead letter with the reason, the faults of the last answer and its text; or, where the composer
was asked for as fallback, a row by the composer that says so. Requests that were answered before are answered from the ledger
of the workspace, so that a shard that was broken off is taken up at no cost.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass

from schemas.chat import ChatModel
from schemas.draft_config import DraftConfig
from schemas.errors import SampleError
from schemas.evidence import StoryEvidence
from schemas.geometry import Box
from schemas.text import Story
from tasks.chat import ChatSession
from tasks.composer_rows import compose_analysis_row, compose_draft_row
from tasks.draft_rounds import FALLBACK, chat_of, find_rounds, varies
from tasks.drafting.analysis import AnalysisDraft, draft_analysis
from tasks.drafting.corrections import Corrected
from tasks.drafting.dialogue import DraftFailed, Spent
from tasks.drafting.prompts import load_prompt
from tasks.drafting.story import draft_story
from tasks.drafting.variety import Advice, VarietyWindow
from tasks.evidence import correct_evidence, gather_evidence, gather_images
from tasks.runtime.stage import Inputs, Kept, Outcome, Rejected, Row

DRAFTER = "llm"
CORRECTION_FIELDS = ("frame", "kind", "entity_id", "other_id", "label", "applied", "reason", "became")


@dataclass(frozen=True, slots=True)
class Job:
    """One story to draft: its place in the shard, what is known of it, its row of an earlier stage, its frames' bytes by number.

    ``round`` is the retry that drafts it, 0 for the first time.
    """

    index: int
    evidence: StoryEvidence
    row: Row
    images: Mapping[int, bytes]
    round: int


def draft_analyses(inputs: Inputs) -> Iterator[Outcome]:
    """Rows of ``ANALYSES`` by a chat model, in order."""
    params = inputs.run.config.draft
    rounds = find_rounds(params, inputs.ref.shard, story=False)
    identities = {row["story_key"]: row for row in inputs["reidentify"]}

    async def work(model: ChatModel, job: Job) -> Outcome:
        try:
            found = await draft_analysis(model, job.evidence, job.images, params, job.round)
        except SampleError as error:
            return _give_up(job, error, params, lambda: compose_analysis_row(job.evidence, job.row, params, FALLBACK))
        return Kept(_analysis_row(job.evidence, found, params))

    return _drain(inputs, _jobs(inputs, identities, rounds), work)


def draft_stories(inputs: Inputs) -> Iterator[Outcome]:
    """Rows of ``DRAFTS`` by a chat model, in order."""
    params = inputs.run.config.draft
    rounds = find_rounds(params, inputs.ref.shard, story=True)
    analyses = {row["story_key"]: row for row in inputs["draft_analysis"]}
    window = VarietyWindow(params.story.worn_share, params.story.variety_lag) if varies(inputs.run.config) else None

    async def work(model: ChatModel, job: Job) -> Outcome:
        evidence = correct_evidence(job.evidence, job.row)
        told: Story | None = None
        try:
            if job.row["drafter"] != DRAFTER:
                return Kept(compose_draft_row(evidence, job.row, params))
            advice = await window.advice(job.index) if window else Advice()
            tables = job.row["chain_of_thought"]
            found = await draft_story(model, evidence, tables, job.images, params, advice, job.round)
            told = found.told if not job.round else None
            return Kept(_draft_row(job.row, found.story, found.shown, found.spent, params))
        except SampleError as error:
            return _give_up(job, error, params, lambda: _compose_both(evidence, job.row, params))
        finally:
            if window:
                window.report(job.index, told)

    # Beyond the window stories would only wait, with their frames in memory.
    return _drain(inputs, _jobs(inputs, analyses, rounds), work, 2 * params.story.variety_lag if window else 0)


def _jobs(inputs: Inputs, rows: Mapping[str, Row], rounds: Mapping[str, int]) -> Iterator[Job]:
    """The stories of a shard that have a row, in order; the images of one story at a time are read."""
    index = 0
    wanted = inputs.run.config.draft.pictures > 0
    for evidence, images in zip(gather_evidence(inputs), gather_images(inputs, wanted), strict=True):
        row = rows.get(evidence.story_key)
        if row is not None:
            yield Job(index, evidence, row, images, rounds.get(evidence.story_key, 0))
            index += 1


def _drain(
    inputs: Inputs, jobs: Iterator[Job], work: Callable[[ChatModel, Job], Awaitable[Outcome]], ahead: int = 0
) -> Iterator[Outcome]:
    config = inputs.run.config
    rounds = range(len(config.draft.retries) + 1)
    with ChatSession(inputs.run) as session:
        models: dict[int, ChatModel] = {number: session.model(chat_of(config, number)) for number in rounds}

        async def one(job: Job) -> Outcome:
            return await work(models[job.round], job)

        yield from session.ordered_map(one, jobs, ahead)


def _give_up(job: Job, error: SampleError, params: DraftConfig, compose: Callable[[], Row]) -> Outcome:
    """What becomes of a story that no model could draft."""
    key = job.evidence.story_key
    if params.fallback:
        try:
            return Kept(compose())
        except (SampleError, ValueError) as other:
            return Rejected(key, "not drafted", f"{error}; nor by the {params.fallback}: {other}")
    if isinstance(error, DraftFailed):
        return Rejected(key, error.reason, error.detail, error.faults, error.text)
    return Rejected(key, "no answer", str(error))


def _compose_both(evidence: StoryEvidence, analysis: Row, params: DraftConfig) -> Row:
    """Tables and story by the composer, from the evidence as the model corrected it; what the model cost stays told."""
    row = compose_draft_row(evidence, compose_analysis_row(evidence, analysis, params, FALLBACK), params)
    return {**row, **{name: analysis[name] for name in ("input_tokens", "output_tokens", "cost_usd")}}


def _spent(spent: Spent) -> Row:
    return {
        "model": ", ".join(spent.models),
        "input_tokens": spent.input_tokens,
        "output_tokens": spent.output_tokens,
        "cost_usd": spent.cost_usd,
        "attempts": spent.attempts,
    }


def _analysis_row(evidence: StoryEvidence, found: AnalysisDraft, params: DraftConfig) -> Row:
    return {
        "story_key": evidence.story_key,
        "film": evidence.film,
        "chain_of_thought": found.chain_of_thought,
        **_corrected_columns(found.corrected),
        "drafter": DRAFTER,
        "prompt_version": load_prompt(params.analysis.prompt).version,
        "pictures": list(found.shown),
        **_spent(found.spent),
    }


def _corrected_columns(corrected: Corrected) -> Row:
    def box(value: Box) -> Row:
        return {name: getattr(value, name) for name in ("x1", "y1", "x2", "y2")}

    entities = []
    for entity_id, entity in corrected.entities.items():
        members: list[Row] = [
            {"frame": number, "det_id": view.det_id, "confidence": view.confidence}
            for number, view in sorted(entity.views.items())
        ]
        entities.append(
            {
                "entity_id": entity_id,
                "gallery_id": entity.gallery_id,
                "kind": entity.kind,
                "label": entity.label,
                "confidence": sum(member["confidence"] for member in members) / len(members),
                "members": members,
            }
        )
    return {
        "entities": sorted(entities, key=lambda e: (e["kind"], len(e["entity_id"]), e["entity_id"])),
        "detections": [
            {"frame": one.frame, "det_id": one.det_id, "label": one.label, "score": one.score, "origin": one.origin}
            | box(one.box)
            for one in corrected.added
        ],
        "corrections": [
            {name: getattr(one, name) for name in CORRECTION_FIELDS} | box(one.box) for one in corrected.corrections
        ],
        "landmarks": [
            {
                "entity_id": one.entity_id,
                "name": one.name,
                "frame": one.frame,
                "region": one.region,
                "source": "drafter",
            }
            for one in corrected.landmarks
        ],
    }


def _draft_row(analysis: Row, story: str, shown: tuple[int, ...], spent: Spent, params: DraftConfig) -> Row:
    own = _spent(spent)
    models = dict.fromkeys((*analysis["model"].split(", "), *spent.models))
    return {
        "story_key": analysis["story_key"],
        "chain_of_thought": analysis["chain_of_thought"],
        "story": story,
        "drafter": DRAFTER,
        "model": ", ".join(models),
        "prompt_version": f"{analysis['prompt_version']} {load_prompt(params.story.prompt).version}",
        "pictures": list(shown),
        **{name: analysis[name] + own[name] for name in ("input_tokens", "output_tokens", "cost_usd", "attempts")},
    }
