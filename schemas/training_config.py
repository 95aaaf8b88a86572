"""What a fine-tuning is asked to do, with what the choice of a method entails filled in."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from schemas.errors import ConfigError
from schemas.section import Section

Method = Literal["lora", "full", "language-only"]
Objective = Literal["story", "dpo"]

LORA_MODULES = ("q_proj", "k_proj", "v_proj", "o_proj")
"""Of the language model's self-attention, as published."""


class TrainingSettings(Section):
    """All that training depends on beside the base model and the dataset; what is None follows from the method."""

    method: Method = Field(
        "lora", description="lora, full, or language-only: all weights but those of the vision tower"
    )
    objective: Objective = Field("story", description="story: learn the answers; dpo: prefer them to adversarial ones")
    lora_rank: int = Field(64, ge=1, description="rank of the adapters; 2048 as published")
    lora_alpha: int | None = Field(
        None, ge=1, description="scale of the adapters times the rank; default: twice the rank"
    )
    batch_size: int | None = Field(None, ge=1, description="stories a step, over all GPUs; default: 32, full: 64")
    learning_rate: float | None = Field(None, gt=0, description="at its peak; default: 1e-4, full: 2e-5, dpo: 5e-6")
    epochs: float = Field(4.0, gt=0, description="times that every story is seen")
    warmup: float = Field(0.03, ge=0, le=1, description="share of the steps over which the learning rate rises")
    weight_decay: float = Field(0.01, ge=0, description="of AdamW")
    beta: float = Field(0.1, gt=0, description="of DPO: how far the model may leave the one it began as")
    max_tokens: int = Field(32_768, ge=256, description="longest conversation, pictures and answer, in tokens")
    max_pixels: int = Field(
        1280 * 28 * 28, ge=28 * 28, description="largest picture, in pixels; larger ones are reduced"
    )
    micro_tokens: int = Field(16_384, ge=256, description="tokens that one GPU takes at once, padding included")
    save_steps: int = Field(50, ge=1, description="steps from checkpoint to checkpoint")
    seed: int = Field(0, ge=0, description="of adapters, order and dropout")
    level: Literal["compatible", "strict"] = Field("strict", description="rules that every story must keep")
    leave_out_faulty: bool = Field(
        False, description="leave stories with faults out, and list them, in place of refusing"
    )
    cache_features: bool = Field(
        False, description="keep what the frozen vision tower says of each picture, for the epochs after the first"
    )
    tracker: str = Field("", description="a tracker beside TensorBoard: wandb, mlflow, trackio or comet_ml")

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.method != "lora" and (self.lora_alpha is not None or "lora_rank" in self.model_fields_set):
            raise ValueError(f"lora_rank and lora_alpha are of no use to the method {self.method}")
        if self.method == "full" and self.cache_features:
            raise ValueError("cache_features needs a vision tower that stays as it is, and the method full trains it")
        return self

    @property
    def alpha(self) -> int:
        """The scale of the adapters times their rank."""
        return 2 * self.lora_rank if self.lora_alpha is None else self.lora_alpha

    @property
    def batch(self) -> int:
        """Stories a step, over all GPUs."""
        return self.batch_size or (32 if self.method == "lora" else 64)

    @property
    def peak_rate(self) -> float:
        """The learning rate at its peak."""
        if self.learning_rate is not None:
            return self.learning_rate
        if self.objective == "dpo":
            return 5e-6
        return 1e-4 if self.method == "lora" else 2e-5

    def as_told(self) -> dict[str, Any]:
        """All settings, with what follows from the method filled in and what is of no use to it left out."""
        filled = {"lora_alpha": self.alpha, "batch_size": self.batch, "learning_rate": self.peak_rate}
        unused = ["tracker"]
        unused += [] if self.method == "lora" else ["lora_rank", "lora_alpha"]
        unused += [] if self.objective == "dpo" else ["beta"]
        unused += [] if self.cache_features else ["cache_features"]
        return {name: value for name, value in {**self.model_dump(), **filled}.items() if name not in unused}


def read_settings(values: Mapping[str, Any]) -> TrainingSettings:
    """Settings from options.

    Raises:
        ConfigError: a value is out of bounds, or two do not go together.
    """
    try:
        return TrainingSettings(**values)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        name = "".join(f"--{part.replace('_', '-')}: " for part in map(str, fault["loc"]))
        raise ConfigError(name + fault["msg"].removeprefix("Value error, ")) from error
