"""What the model is asked, in training as at inference: the system prompt, the pictures, then the request."""

from typing import Any

SYSTEM_PROMPT = (
    "You are an AI storyteller that can analyze sequences of images and create creative narratives. First think step-by-step "
    "to analyze characters, objects, settings, and narrative structure. Then create a grounded story that maintains consistent "
    "character identity and object references across frames. Use <think></think> tags to show your reasoning process before "
    "writing the final story."
)
"""The published system prompt of Qwen Storyteller, word for word."""

REQUEST = "Generate a story based on these images."
"""The text of the user's turn, after the pictures."""


def make_messages(pictures: int) -> list[dict[str, Any]]:
    """The conversation up to the answer, in the form that chat templates take."""
    parts: list[dict[str, Any]] = [{"type": "image"} for _ in range(pictures)]
    return [
        {"role": "system", "content": [{"type": "text", "text": SYSTEM_PROMPT}]},
        {"role": "user", "content": [*parts, {"type": "text", "text": REQUEST}]},
    ]
