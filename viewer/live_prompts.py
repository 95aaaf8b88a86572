"""What live mode asks by default, and within which bounds."""

SYSTEM_PROMPT = (
    "You are an AI storyteller that can analyze sequences of images and create creative narratives. First think step-by-step "
    "to analyze characters, objects, settings, and narrative structure. Then create a grounded story that maintains consistent "
    "character identity and object references across frames. Use <think></think> tags to show your reasoning process before "
    "writing the final story."
)
"""The published system prompt of Qwen Storyteller, word for word: the model was taught with it."""

USER_PROMPT_VERSION = "live-1"
USER_PROMPT = "Generate a story based on these images."
"""Sent after the images; the published model card leaves the request open."""

DEFAULTS = {"temperature": 0.7, "top_p": 0.9, "max_tokens": 4096}
"""Sampling of the documented inference."""
