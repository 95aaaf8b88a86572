"""The ``[draft]`` section: who writes the tables and the story, and how."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from schemas.section import Section

Wish = Annotated[str, StringConstraints(min_length=1, max_length=500)]
PromptName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]{0,40}-v[1-9][0-9]{0,3}$")]


def _for_models(default: Any, description: str, **bounds: Any) -> Any:
    """A field for drafting with a model: left out of records while at its default."""
    return Field(default, description=description, exclude_if=lambda value: value == default, **bounds)


class AnalysisConfig(Section):
    """How a chat model is asked for the tables. A change redoes tables and stories."""

    prompt: PromptName = Field("analysis-v1", description="prompt file in data/prompts, without .md")
    tries: int = Field(4, ge=1, le=20, description="answers asked for before a story is given up")
    temperature: float = Field(0.4, ge=0, le=2, description="0 for the likeliest words")
    top_p: float = Field(1.0, gt=0, le=1, description="share of the likeliest words that are drawn from")
    max_tokens: int = Field(6_000, ge=1, description="room for an answer, in tokens")
    most_tokens: int = Field(16_000, ge=1, description="room that an answer is given which was cut off")
    cell_words: int = Field(15, ge=1, description="words that an entry is asked to have at most")
    cell_chars: int = Field(
        0, ge=0, description="characters of an entry that servers are told to bound; 0: none (few servers hold to it)"
    )
    corrections: bool = Field(True, description="let the model correct labels, detections and identities")
    landmarks: bool = Field(True, description="let the model name places that it recognises")


class StoryConfig(Section):
    """How a chat model is asked for the story. A change redoes stories only."""

    prompt: PromptName = Field("story-v1", description="prompt file in data/prompts, without .md")
    form: Literal["pieces", "tagged"] = Field(
        "pieces", description="pieces: typed pieces whose tags code writes; tagged: text with tags"
    )
    tries: int = Field(4, ge=1, le=20, description="answers asked for before a story is given up")
    temperature: float = Field(0.8, ge=0, le=2, description="0 for the likeliest words")
    top_p: float = Field(1.0, gt=0, le=1, description="share of the likeliest words that are drawn from")
    max_tokens: int = Field(6_000, ge=1, description="room for an answer, in tokens")
    most_tokens: int = Field(16_000, ge=1, description="room that an answer is given which was cut off")
    cell_chars: int = Field(
        0, ge=0, description="characters of a piece that servers are told to bound; 0: none (few servers hold to it)"
    )
    most_pieces: int = Field(120, ge=2, description="most pieces of an image, where the story is asked for in pieces")
    style: Wish = Field("vivid and concrete, in the past tense", description="how the story is to be told")
    genre: Wish = Field("whatever the images suggest", description="what kind of story")
    point_of_view: Wish = Field("third person, close to one person", description="who tells it")
    dialogue: Wish = Field("people speak in about every second image", description="how much is spoken")
    words: tuple[int, int] = Field(
        (60, 140), description="words asked for of an image, least and most; below a quarter of the least it is redone"
    )
    variety: bool = Field(True, description="tell a story what earlier ones of its shard began with and said too often")
    variety_lag: int = Field(
        32, ge=1, description="stories at work at once in a shard; each is told of those before that window"
    )
    worn_share: float = Field(0.15, gt=0, le=1, description="share of image texts from which a phrase is worn")

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if not 0 <= self.words[0] <= self.words[1]:
            raise ValueError("words must be two numbers, the smaller first")
        return self


class RetryConfig(Section):
    """Stories that were given up and are tried again; ``storyreasoning retry`` writes these.

    A story is tried by the last entry that names it, and by none before.
    """

    model: str = Field("", max_length=256, description="the model that tries; empty: that of [chat]")
    endpoints: tuple[str, ...] = Field((), description="where it is served; empty: the endpoints of [chat]")
    api_key_env: str = Field("", description="environment variable with its key; empty: that of [chat]")
    analyses: dict[str, tuple[str, ...]] = Field({}, description="keys of the stories whose tables failed, by shard")
    stories: dict[str, tuple[str, ...]] = Field({}, description="keys of the stories that failed later, by shard")


class DraftConfig(Section):
    """Who writes the tables and the story, and how."""

    drafter: Literal["composer", "llm"] = Field(
        "composer", description="composer needs no language model; llm asks the chat model of [chat]"
    )
    seed: int = Field(0, ge=0, description="varies names and wording; the same seed gives the same text")
    tag_score: float = Field(
        0.35, ge=0, le=1, description="score from which a guess about the place is told, as a guess"
    )
    named: int = Field(4, ge=1, description="most people told one by one in a frame; the others are told as a group")
    group_ids: int = Field(8, ge=2, description="most ids that one group mention carries; the largest views come first")
    fallback: Literal["", "composer"] = _for_models("", "who drafts what the model could not; empty: nobody")
    pictures: int = _for_models(
        22, "most frames shown of a story, first and last always; 0 for models without eyes", ge=0
    )
    picture_pixels: int = _for_models(262_144, "bound of a shown frame's width times height", ge=64)
    marks: bool = _for_models(False, "draw boxes and ids on the frames shown")
    analysis: AnalysisConfig = _for_models(AnalysisConfig(), "how the tables are asked for")
    story: StoryConfig = _for_models(StoryConfig(), "how the story is asked for")
    retries: tuple[RetryConfig, ...] = _for_models((), "stories that were given up and are tried again")
