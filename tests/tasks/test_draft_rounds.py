"""What drafts depend on, and who tries a story again."""

from typing import Any

import pytest

from schemas.config import BuildConfig, make_config
from schemas.errors import ConfigError
from tasks.draft_rounds import analysis_models, analysis_settings, chat_of, find_rounds, story_models, story_settings
from tasks.runtime.stage import ShardRef

REF = ShardRef("heat-1", "heat", 9)
CHAT = {"endpoints": ["http://127.0.0.1:1/v1"], "model": "scribe"}


def config(**draft: Any) -> BuildConfig:
    chat = draft.pop("chat", CHAT)
    return make_config({"chat": chat, "draft": {"drafter": "llm", **draft}}, "test")


def told(value: BuildConfig) -> tuple[Any, Any]:
    return dict(analysis_settings(value, REF)), dict(story_settings(value, REF))


def test_what_the_composer_writes_depends_on_no_model() -> None:
    composed = config(drafter="composer")
    assert told(composed) == told(config(drafter="composer", chat={}, story={"genre": "noir"}, pictures=3))
    assert told(composed)[0] == {"drafter": "composer", "seed": 0, "tag_score": 0.35, "named": 4, "group_ids": 8}
    assert analysis_models(composed) == story_models(composed) == {}


@pytest.mark.parametrize(
    ("change", "analysis", "story"),
    [
        ({"story": {"genre": "noir"}}, False, True),
        ({"analysis": {"temperature": 0.1}}, True, True),
        ({"seed": 3}, True, True),
        ({"pictures": 5}, True, True),
        ({"chat": {**CHAT, "model": "other"}}, True, True),
        ({"chat": {**CHAT, "endpoints": ["http://127.0.0.1:2/v1"], "max_usd": 3}}, False, False),
        ({"named": 9}, False, False),
        ({"fallback": "composer"}, True, True),
        ({"story": {"variety": False}}, False, True),
        ({"chat": {**CHAT, "batch": True}}, False, True),
    ],
)
def test_a_change_redoes_what_it_changes(change: Any, analysis: bool, story: bool) -> None:
    before, after = told(config()), told(config(**change))
    assert (before[0] != after[0], before[1] != after[1]) == (analysis, story)


def test_the_prompt_is_known_by_its_hash() -> None:
    (name,) = analysis_models(config())
    assert name == "prompt analysis-v1"
    assert len(analysis_models(config())[name]) == 64
    assert list(story_models(config())) == ["prompt story-v1"]


RETRIES = [
    {"model": "second", "analyses": {"heat-1": ["a"]}, "stories": {"heat-1": ["b"], "ronin-1": ["z"]}},
    {"model": "third", "endpoints": ["http://127.0.0.1:3/v1"], "stories": {"heat-1": ["a"]}},
]


def test_a_retry_touches_its_shards_and_stages_only() -> None:
    before, after = config(), config(retries=RETRIES)
    assert analysis_settings(after, REF)["retries"] == {"1": {"model": "second", "stories": ["a"]}}
    assert story_settings(after, REF)["retries"] == {
        "1": {"model": "second", "stories": ["a", "b"]},
        "2": {"model": "third", "stories": ["a"]},
    }
    other = ShardRef("alien-1", "alien", 9)
    assert analysis_settings(after, other) == analysis_settings(before, other)
    assert story_settings(after, other) == story_settings(before, other)


def test_the_last_retry_that_names_a_story_tries_it() -> None:
    draft = config(retries=RETRIES).draft
    assert find_rounds(draft, "heat-1", story=False) == {"a": 1}
    assert find_rounds(draft, "heat-1", story=True) == {"a": 2, "b": 1}
    assert find_rounds(draft, "alien-1", story=True) == {}


def test_a_retry_asks_its_own_model_where_it_is() -> None:
    value = config(retries=RETRIES)
    assert chat_of(value, 0) == value.chat
    assert (chat_of(value, 1).model, chat_of(value, 1).endpoints) == ("second", ("http://127.0.0.1:1/v1",))
    assert (chat_of(value, 2).model, chat_of(value, 2).endpoints) == ("third", ("http://127.0.0.1:3/v1",))
    with pytest.raises(ConfigError, match="http"):
        chat_of(config(retries=[{"endpoints": ["localhost"]}]), 1)
