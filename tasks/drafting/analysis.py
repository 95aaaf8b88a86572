"""Drafting the tables of a story with a chat model: request, judgement, corrections, tables.

The model writes words into rows that stand ready for exactly the entities of each frame; boxes, ids and tables are written by
code. Only what it says the detectors missed has a box of its own making, which is held against the frame.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.chain_of_thought import parse_chain_of_thought, render_chain_of_thought
from schemas.chat import ChatModel, ChatRequest, Picture, Turn
from schemas.draft_config import DraftConfig
from schemas.evidence import StoryEvidence
from schemas.validation import validate
from tasks.drafting.analysis_schema import analysis_schema
from tasks.drafting.corrections import Corrected, correct
from tasks.drafting.dialogue import Dialogue, Judgement, Spent, converse
from tasks.drafting.material import describe_frames, fence
from tasks.drafting.picture import ShownFrame, choose_frames, show_frame
from tasks.drafting.prompts import Prompt, load_prompt
from tasks.drafting.shape import find_departures
from tasks.drafting.tables import make_tables

UNREADABLE = "the answer is not one JSON value; answer with the JSON object alone"


@dataclass(frozen=True, slots=True)
class AnalysisDraft:
    """Tables with the corrections they stand on, the frames that were shown for them, and what they cost."""

    chain_of_thought: str
    corrected: Corrected
    shown: tuple[int, ...]
    spent: Spent


async def draft_analysis(
    model: ChatModel, evidence: StoryEvidence, images: Mapping[int, bytes], params: DraftConfig, round_: int = 0
) -> AnalysisDraft:
    """The tables of a story.

    Args:
        model: who writes.
        evidence: what was measured.
        images: bytes of the frames by number.
        params: pictures, prompt, tries.
        round_: how often this story was given up before.

    Raises:
        DraftFailed: it was refused, or is still faulty after the last try.
        SampleError, ShardError, BudgetExceeded, ConfigError: as the model raises them.
    """
    prompt = load_prompt(params.analysis.prompt)
    request = AnalysisRequest(evidence, images, params, prompt)
    dialogue = Dialogue(
        open=request.open,
        judge=request.judge,
        complain=make_complaint(prompt),
        go_on="",
        frames=len(evidence.frames),
        tries=params.analysis.tries,
        most_tokens=params.analysis.most_tokens,
    )
    answer = await converse(model, dialogue, choose_frames(len(evidence.frames), params.pictures), round_)
    return AnalysisDraft(*answer.value, answer.shown, answer.spent)


def make_complaint(prompt: Prompt) -> Callable[[Sequence[str]], str]:
    """The words with which faults are fed back; the faults quote the answer, so they are fenced like other data."""

    def complain(faults: Sequence[str]) -> str:
        return prompt.fill("faults", {"faults": fence("faults", "\n".join(f"- {fault}" for fault in faults))})

    return complain


class AnalysisRequest:
    """The request for the tables of one story, and what its answers come to."""

    def __init__(
        self, evidence: StoryEvidence, images: Mapping[int, bytes], params: DraftConfig, prompt: Prompt
    ) -> None:
        """Build the schema of these frames."""
        self.evidence = evidence
        self.images = images
        self.params = params
        self.prompt = prompt
        self.schema = analysis_schema(evidence.frames, params.analysis)

    def show(self, numbers: Sequence[int]) -> list[ShownFrame]:
        """All frames, these with their pictures."""
        return show_frames(self.evidence, self.images, numbers, self.params)

    def open(self, numbers: tuple[int, ...]) -> ChatRequest:
        """The first request when these frames are shown."""
        shown = self.show(numbers)
        values = {
            "frames": fence("frames", describe_frames(self.evidence.frames, shown)),
            "images": str(len(shown)),
            "words": str(self.params.analysis.cell_words),
        }
        optional = [
            self.prompt.fill(part, values)
            for part, wanted in (
                ("corrections", self.params.analysis.corrections),
                ("landmarks", self.params.analysis.landmarks),
                ("marks", self.params.marks and bool(numbers)),
                ("not-shown", len(numbers) < len(shown)),
            )
            if wanted
        ]
        return ChatRequest(
            purpose="analysis",
            item=self.evidence.story_key,
            prompt=self.prompt.version,
            system=self.prompt.fill("system"),
            turns=(Turn("user", ("\n\n".join([self.prompt.fill("task", values), *optional]), *captioned(shown))),),
            schema=self.schema,
            schema_name="analysis",
            max_tokens=self.params.analysis.max_tokens,
            temperature=self.params.analysis.temperature,
            top_p=self.params.analysis.top_p,
            seed=self.params.seed,
        )

    def judge(self, _: str, value: Any) -> Judgement[tuple[str, Corrected]]:
        """Tables and corrections of an answer, or what is wrong with it."""
        if value is None:
            return Judgement(faults=(UNREADABLE,))
        departures = find_departures(value, self.schema)
        if departures:
            return Judgement(faults=tuple(departures))
        corrected = correct(self.evidence.frames, self.show(()), value)
        tables = render_chain_of_thought(make_tables(self.evidence.frames, value, corrected))
        sizes = [(frame.width, frame.height) for frame in self.evidence.frames]
        faults = validate(parse_chain_of_thought(tables), None, frame_sizes=sizes)
        if faults:
            return Judgement(faults=tuple(map(str, faults)))
        return Judgement((tables, corrected))


def show_frames(
    evidence: StoryEvidence, images: Mapping[int, bytes], numbers: Sequence[int], params: DraftConfig
) -> list[ShownFrame]:
    """All frames of a story as a model is told of them, these with their pictures."""
    wanted = set(numbers)
    return [
        show_frame(
            frame, images.get(frame.number) if frame.number in wanted else None, params.picture_pixels, params.marks
        )
        for frame in evidence.frames
    ]


def captioned(shown: Sequence[ShownFrame]) -> list[str | Picture]:
    """The pictures, each after its number."""
    return [part for one in shown if one.picture is not None for part in (f"Image {one.number}:", one.picture)]
