"""How a chat model judges stories."""

from pydantic import Field

from schemas.chat_config import ChatConfig
from schemas.draft_config import PromptName
from schemas.section import Section


class JudgeConfig(Section):
    """A judge: which model, by which rubric, how often. It should not be the model that wrote what it judges."""

    chat: ChatConfig = Field(ChatConfig(), description="where the judge is served, and its name")
    prompt: PromptName = Field("judge-v1", description="rubric: a prompt file in data/prompts, without .md")
    repeats: int = Field(3, ge=1, le=20, description="times each story is judged, and each pair in each order")
    stories: int = Field(0, ge=0, description="stories judged, spread evenly over the split; 0 for all")
    pictures: int = Field(12, ge=1, le=200, description="images of a story that are shown, spread evenly over it")
    max_pixels: int = Field(262_144, ge=4_096, description="width times height of a picture as it is sent")
    temperature: float = Field(0.3, ge=0, le=2, description="0 makes repeats say the same on many servers")
    max_tokens: int = Field(2_000, ge=1, description="room for an answer, in tokens")
