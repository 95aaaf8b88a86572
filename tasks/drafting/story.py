"""Drafting a story with a chat model: request, judgement by the strict validator, repair by rule, and what is fed back.

Where the answer is structured the model gives typed pieces whose ids are those of the image, and code writes the tags; tagged
plain text is the other form. Either way the strict validator has the last word.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.chain_of_thought import parse_chain_of_thought
from schemas.chat import ChatModel, ChatRequest, Turn
from schemas.draft_config import DraftConfig
from schemas.errors import SampleError
from schemas.evidence import StoryEvidence
from schemas.faults import Fault
from schemas.repair import repair
from schemas.story import ParsedStory, parse_story, render_story
from schemas.text import Story
from schemas.validation import validate
from tasks.drafting.analysis import UNREADABLE, captioned, make_complaint, show_frames
from tasks.drafting.dialogue import Dialogue, Judgement, Spent, converse
from tasks.drafting.material import describe_frames, fence
from tasks.drafting.picture import choose_frames
from tasks.drafting.prompts import Prompt, load_prompt
from tasks.drafting.pronouns import tag_pronouns
from tasks.drafting.shape import find_departures
from tasks.drafting.story_schema import read_pieces, story_schema
from tasks.drafting.variety import Advice, way_to_begin

NOTHING_TO_AVOID = "(nothing so far)"
FIRST_BLOCK = "<gdi"


@dataclass(frozen=True, slots=True)
class StoryDraft:
    """A story that holds, as text and as it is read, the frames that were shown for it, and what it cost."""

    story: str
    told: Story
    shown: tuple[int, ...]
    spent: Spent


async def draft_story(
    model: ChatModel,
    evidence: StoryEvidence,
    chain_of_thought: str,
    images: Mapping[int, bytes],
    params: DraftConfig,
    advice: Advice = Advice(),  # noqa: B008 - frozen
    round_: int = 0,
) -> StoryDraft:
    """The story of tables.

    Args:
        model: who writes.
        evidence: what was measured, as corrected.
        chain_of_thought: the tables; they keep every strict rule.
        images: bytes of the frames by number.
        params: pictures, prompt, style, tries.
        advice: what other stories have used up.
        round_: how often this story was given up before.

    Raises:
        DraftFailed: it was refused, or is still faulty after the last try.
        SampleError, ShardError, BudgetExceeded, ConfigError: as the model raises them.
    """
    prompt = load_prompt(params.story.prompt)
    request = StoryRequest(evidence, chain_of_thought, images, params, prompt, advice)
    pieces = params.story.form == "pieces"
    dialogue = Dialogue(
        open=request.open_pieces if pieces else request.open_tagged,
        judge=request.judge,
        complain=make_complaint(prompt),
        go_on=prompt.fill("go-on"),
        frames=len(evidence.frames),
        tries=params.story.tries,
        most_tokens=params.story.most_tokens,
        fallback=request.open_tagged if pieces else None,
    )
    answer = await converse(model, dialogue, choose_frames(len(evidence.frames), params.pictures), round_)
    return StoryDraft(answer.value.text, answer.value.value, answer.shown, answer.spent)


class StoryRequest:
    """The request for one story, and what its answers come to."""

    def __init__(
        self,
        evidence: StoryEvidence,
        chain_of_thought: str,
        images: Mapping[int, bytes],
        params: DraftConfig,
        prompt: Prompt,
        advice: Advice,
    ) -> None:
        """Read the tables and build the schema of their images."""
        self.evidence = evidence
        self.chain_of_thought = chain_of_thought
        self.read = parse_chain_of_thought(chain_of_thought)
        self.tables = self.read.value
        self.images = images
        self.params = params
        self.prompt = prompt
        self.advice = advice
        self.schema = story_schema(self.tables.images, params.story)
        self.sizes = [(frame.width, frame.height) for frame in evidence.frames]

    def open_pieces(self, numbers: tuple[int, ...]) -> ChatRequest:
        """The first request for typed pieces when these frames are shown."""
        return self._open(numbers, "pieces")

    def open_tagged(self, numbers: tuple[int, ...]) -> ChatRequest:
        """The first request for tagged text when these frames are shown."""
        return self._open(numbers, "tagged")

    def _open(self, numbers: tuple[int, ...], form: str) -> ChatRequest:
        story = self.params.story
        shown = show_frames(self.evidence, self.images, numbers, self.params)
        values = {
            "frames": fence("frames", describe_frames(self.evidence.frames, shown)),
            "tables": fence("tables", self.chain_of_thought.strip()),
            "images": str(len(shown)),
            "style": story.style,
            "genre": story.genre,
            "point_of_view": story.point_of_view,
            "dialogue": story.dialogue,
            "words": f"{story.words[0]} to {story.words[1]}",
            "begin": way_to_begin(self.evidence.story_key, self.params.seed),
            "avoid": fence("used up", self.advice.describe() or NOTHING_TO_AVOID),
        }
        task = [self.prompt.fill("task", values), self.prompt.fill(form, values)]
        if len(numbers) < len(shown):
            task.append(self.prompt.fill("not-shown"))
        return ChatRequest(
            purpose="story",
            item=self.evidence.story_key,
            prompt=self.prompt.version,
            system=self.prompt.fill("system"),
            turns=(Turn("user", ("\n\n".join(task), *captioned(shown))),),
            schema=self.schema if form == "pieces" else None,
            schema_name="story",
            max_tokens=story.max_tokens,
            temperature=story.temperature,
            top_p=story.top_p,
            seed=self.params.seed,
        )

    def judge(self, text: str, value: Any) -> Judgement[ParsedStory]:
        """The story of an answer, repaired where rules allow, or what is wrong with it."""
        if value is not None:
            departures = find_departures(value, self.schema)
            if departures:
                return Judgement(faults=tuple(departures))
            story, wrong = read_pieces(value, self.tables.images)
            if wrong:
                return Judgement(faults=wrong)
            try:
                told = render_story(story)
            except SampleError as error:
                return Judgement(faults=(str(error),))
        elif FIRST_BLOCK in text:
            told = text[text.index(FIRST_BLOCK) :].strip()
        else:
            return Judgement(faults=(UNREADABLE,))
        return self._settle(told)

    def _settle(self, text: str) -> Judgement[ParsedStory]:
        mended = repair(self.read, text, frame_sizes=self.sizes)
        faults: Sequence[Fault] = mended.faults
        told = mended.told
        assert told is not None  # noqa: S101 - there was a story to mend
        if faults and all(fault.code == "pronoun-untagged" for fault in faults):
            told = parse_story(render_story(tag_pronouns(told.value, self.tables)[0]))
            faults = validate(self.read, told, frame_sizes=self.sizes)
        if faults:
            return Judgement(faults=tuple(self._tell(fault, told) for fault in faults))
        short = self._find_short(told.value)
        return Judgement(faults=short) if short else Judgement(told)

    def _tell(self, fault: Fault, told: ParsedStory) -> str:
        """A fault with the image it is in and what to do; lines mean nothing to who wrote pieces."""
        number = max((block.number for block in told.blocks if block.opening.start <= fault.span.start), default=0)
        return f"{f'image {number}: ' if number else ''}{fault.message} ({fault.rule.hint})"

    def _find_short(self, told: Story) -> tuple[str, ...]:
        """Images of which next to nothing is told: a block of three words keeps every rule and is no story."""
        least = self.params.story.words[0] // 4
        counts = {
            block.number: len("".join(part if isinstance(part, str) else part.text for part in block.parts).split())
            for block in told.blocks
        }
        wanted = self.params.story.words[0]
        return tuple(
            f"image {number} has {count} words; tell at least {wanted}"
            for number, count in counts.items()
            if count < least
        )
