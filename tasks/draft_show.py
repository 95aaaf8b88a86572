"""What a chat model is asked for a story, and what came back: built anew from the workspace and read from its ledger.

In: a finished workspace and a story. Out: the requests as they would be sent, and every recorded call about the story. Nothing is
sent and nothing is written.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from schemas.chat import ChatRequest
from schemas.chat_call import Call, request_key
from schemas.errors import ConfigError
from schemas.evidence import StoryEvidence
from tasks.assembly import latest_run
from tasks.chat_drafter import DRAFTER
from tasks.draft_rounds import chat_of, find_rounds
from tasks.drafting.analysis import AnalysisRequest
from tasks.drafting.picture import choose_frames
from tasks.drafting.prompts import load_prompt
from tasks.drafting.story import StoryRequest
from tasks.drafting.variety import Advice
from tasks.evidence import STAGES, correct_evidence, gather_evidence, gather_images
from tasks.runtime.ledger import read_calls
from tasks.runtime.stage import Inputs, Row, RunSpec, ShardRef
from tasks.runtime.workspace import Workspace, open_workspace


@dataclass(frozen=True, slots=True)
class ShownDraft:
    """The first requests for a story with the model each goes to and their ledger keys, and the calls made about it in order.

    The request for the story leaves out what other stories have used up, which depends on when it is asked for.
    """

    story_key: str
    film: str
    requests: tuple[tuple[str, str, ChatRequest], ...]
    calls: tuple[Call, ...]


def show_draft(workspace: Path, wanted: str) -> ShownDraft:
    """What is asked for one story and what came back.

    Args:
        workspace: of a finished build, whatever its drafter.
        wanted: the story's id, or the beginning of it or of its key; stories that were given up have a key only.

    Raises:
        ConfigError: no story, or several, of that name.
        WorkspaceError: no workspace, or no finished build in it.
        ShardError: a shard cannot be read.
    """
    open_workspace(workspace)
    run, refs, record = latest_run(workspace)
    places = {key: ref for ref in refs for key in _story_keys(run, ref)}
    ids = {key: str(story_id) for key, story_id in record["story_ids"].items()}
    exact = [key for key in places if wanted in (key, ids.get(key))]
    found = exact or [
        key for key in places if wanted and (key.startswith(wanted) or ids.get(key, "").startswith(wanted))
    ]
    if len(found) != 1:
        told = f"no story '{wanted}'" if not found else f"'{wanted}' begins the names of {len(found)} stories"
        raise ConfigError(f"{told} in {workspace}: 'storyreasoning inspect {workspace}' lists those that were kept")
    key = found[0]
    calls = tuple(call for call in read_calls(Workspace(workspace).ledger) if call.item == key)
    requests = tuple(_requests(run, places[key], key))
    return ShownDraft(key, places[key].film, requests, tuple(sorted(calls, key=lambda call: call.time)))


def _story_keys(run: RunSpec, ref: ShardRef) -> list[str]:
    reader = run.store.read("sequence", ref.shard, ref.keys["sequence"])
    try:
        return [row["story_key"] for row in reader.select(["story_key"])]
    finally:
        reader.close()


def _requests(run: RunSpec, ref: ShardRef, key: str) -> Iterator[tuple[str, str, ChatRequest]]:
    """Model, ledger key and request of each step that can be built."""
    params = run.config.draft
    stages = (*STAGES, "draft_analysis")
    readers = {stage: run.store.read(stage, ref.shard, ref.keys[stage]) for stage in stages}
    try:
        inputs = Inputs(run, ref, readers)
        evidence, images = _find(inputs, key)
        analyses = {row["story_key"]: row for row in readers["draft_analysis"]}
    finally:
        for reader in readers.values():
            reader.close()
    shown = choose_frames(len(evidence.frames), params.pictures)
    steps = [AnalysisRequest(evidence, images, params, load_prompt(params.analysis.prompt)).open(shown)]
    analysis: Row | None = analyses.get(key)
    if analysis is not None and (analysis["drafter"] == DRAFTER or params.drafter != DRAFTER):
        request = StoryRequest(
            correct_evidence(evidence, analysis),
            analysis["chain_of_thought"],
            images,
            params,
            load_prompt(params.story.prompt),
            Advice(),
        )
        steps.append(request.open_pieces(shown) if params.story.form == "pieces" else request.open_tagged(shown))
    for story, step in enumerate(steps):
        round_ = find_rounds(params, ref.shard, story=bool(story)).get(key, 0)
        model = chat_of(run.config, round_).model
        yield model, request_key(model, step), step


def _find(inputs: Inputs, key: str) -> tuple[StoryEvidence, dict[int, bytes]]:
    for evidence, images in zip(gather_evidence(inputs), gather_images(inputs), strict=True):
        if evidence.story_key == key:
            return evidence, images
    raise ConfigError(f"story {key} is in no shard: run 'storyreasoning build' again")
