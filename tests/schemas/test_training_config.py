"""What follows from a method, how a batch is divided, and the prompt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ConfigError
from schemas.training_config import read_settings
from tasks.training.batches import divide_batch
from tasks.training.prompt import REQUEST, SYSTEM_PROMPT, make_messages
from viewer.live_prompts import SYSTEM_PROMPT as ASKED_BY_THE_VIEWER


def test_what_follows_from_the_method_is_as_published() -> None:
    lora, full = read_settings({"lora_rank": 2048}), read_settings({"method": "full"})
    assert (lora.alpha, lora.batch, lora.peak_rate) == (4096, 32, 1e-4)
    assert (full.batch, full.peak_rate) == (64, 2e-5)
    assert (lora.warmup, lora.epochs, lora.weight_decay) == (0.03, 4, 0.01)
    assert (
        read_settings({"batch_size": 3, "learning_rate": 0.5}).as_told().items()
        >= {
            "batch_size": 3,
            "learning_rate": 0.5,
            "lora_alpha": 128,
        }.items()
    )
    assert "lora_rank" not in full.as_told()
    assert "beta" not in full.as_told()


@pytest.mark.parametrize(
    ("given_", "told"),
    [
        ({"lora_rank": 0}, "--lora-rank: Input should be greater than or equal to 1"),
        ({"warmup": 2.0}, "--warmup: Input should be less than or equal to 1"),
        ({"method": "full", "lora_rank": 8}, "of no use to the method full"),
        ({"level": "lax"}, "--level: Input should be 'compatible' or 'strict'"),
    ],
)
def test_settings_that_do_not_hold(given_: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        read_settings(given_)


def test_a_batch_by_hand() -> None:
    # 32 stories on 2 GPUs are 16 each; 4 of 3,000 tokens fit into 16,384 and 8 do not.
    assert divide_batch(32, 3000, 16_384, 2) == (4, 4)
    assert divide_batch(32, 20_000, 16_384, 1) == (1, 32), "one story at least"
    with pytest.raises(ConfigError, match="a batch of 32 cannot be shared by 3 GPUs"):
        divide_batch(32, 10, 100, 3)


@given(st.integers(1, 64), st.integers(1, 5000), st.integers(256, 50_000), st.integers(1, 8))
def test_a_step_has_as_many_stories_as_were_asked_for(own: int, longest: int, fitting: int, processes: int) -> None:
    micro, times = divide_batch(own * processes, longest, fitting, processes)
    assert micro * times * processes == own * processes
    assert micro == 1 or micro * longest <= fitting


def test_pictures_come_before_the_text_and_the_prompt_is_the_published_one() -> None:
    system, user = make_messages(2)
    assert system["content"] == [{"type": "text", "text": SYSTEM_PROMPT}]
    assert user["content"] == [{"type": "image"}, {"type": "image"}, {"type": "text", "text": REQUEST}]
    assert SYSTEM_PROMPT == ASKED_BY_THE_VIEWER
    assert SYSTEM_PROMPT == (
        "You are an AI storyteller that can analyze sequences of images and create creative narratives. First think "
        "step-by-step to analyze characters, objects, settings, and narrative structure. Then create a grounded story that "
        "maintains consistent character identity and object references across frames. Use <think></think> tags to show your "
        "reasoning process before writing the final story."
    )
