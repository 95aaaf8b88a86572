"""Which drafts a result depends on: the settings of the two drafting stages, and who tries a story that was given up before."""

import math
from collections.abc import Mapping
from typing import Any

from schemas.chat_config import ChatConfig
from schemas.config import BuildConfig, make_config, merge
from schemas.draft_config import DraftConfig
from tasks.drafting.prompts import load_prompt
from tasks.reviews import name_settings
from tasks.runtime.stage import MOST_WAITING, ShardRef

COMPOSER_FIELDS = {"drafter", "seed", "tag_score", "named", "group_ids"}
"""What the composer's words depend on."""
_MODEL_FIELDS = {"drafter", "seed", "fallback", "pictures", "picture_pixels", "marks", "analysis"}
MODEL_VERSION = 1
"""Raised whenever the same answers of a model would give another result."""
FALLBACK = "composer (fallback)"
"""Who drafted what a model could not, in records."""


def analysis_settings(config: BuildConfig, ref: ShardRef) -> Mapping[str, Any]:
    """What the tables of a shard depend on."""
    return _settings(config, ref, story=False)


def story_settings(config: BuildConfig, ref: ShardRef) -> Mapping[str, Any]:
    """What the stories of a shard depend on beyond their tables."""
    return _settings(config, ref, story=True)


def _settings(config: BuildConfig, ref: ShardRef, *, story: bool) -> Mapping[str, Any]:
    draft = config.draft
    if draft.drafter == "composer":
        return {**draft.model_dump(mode="json", include=COMPOSER_FIELDS), **name_settings(config, ref)}
    fields = _MODEL_FIELDS | ({"story"} if story else set()) | (COMPOSER_FIELDS if draft.fallback else set())
    retries = {}
    for number, retry in enumerate(draft.retries, start=1):
        keys = {*retry.analyses.get(ref.shard, ()), *(retry.stories.get(ref.shard, ()) if story else ())}
        if keys:
            retries[str(number)] = {"model": retry.model or config.chat.model, "stories": sorted(keys)}
    values = {**draft.model_dump(mode="json", include=fields), **name_settings(config, ref)}
    if story:
        values["story"] = {**draft.story.model_dump(mode="json"), "variety": varies(config)}
    values |= {"version": MODEL_VERSION, "model": config.chat.model}
    return {**values, "retries": retries} if retries else values


def varies(config: BuildConfig) -> bool:
    """Whether stories hear of those before them: not in batches, which would each wait for the last, a day at worst."""
    return config.draft.story.variety and not config.chat.batch


def shards_at_once(config: BuildConfig) -> int:
    """Shards to draft at once, so that the last stories of one leave no endpoint idle; 0 where the composer drafts.

    They hold twice as many stories at work as the endpoints may get requests.
    """
    if config.draft.drafter != "llm":
        return 0
    if config.chat.batch:
        return MOST_WAITING  # a batch takes a day at worst: the more shards go into it, the better
    slots = config.chat.max_concurrency * max(1, len(config.chat.endpoints))
    return max(2, math.ceil(2 * slots / config.draft.story.variety_lag))


def analysis_models(config: BuildConfig) -> Mapping[str, str]:
    """Name and sha256 of the prompt of the tables, where a model writes them."""
    return _prompt(config, config.draft.analysis.prompt)


def story_models(config: BuildConfig) -> Mapping[str, str]:
    """Name and sha256 of the prompt of the stories, where a model writes them."""
    return _prompt(config, config.draft.story.prompt)


def _prompt(config: BuildConfig, name: str) -> Mapping[str, str]:
    return {f"prompt {name}": load_prompt(name).sha256} if config.draft.drafter == "llm" else {}


def find_rounds(draft: DraftConfig, shard: str, *, story: bool) -> Mapping[str, int]:
    """The number of the last retry that names each story of a shard, from 1; stories that none names are left out."""
    rounds: dict[str, int] = {}
    for number, retry in enumerate(draft.retries, start=1):
        keys = (*retry.analyses.get(shard, ()), *(retry.stories.get(shard, ()) if story else ()))
        rounds.update(dict.fromkeys(keys, number))
    return rounds


def chat_of(config: BuildConfig, round_: int) -> ChatConfig:
    """Whom a round asks; 0 is the first.

    Raises:
        ConfigError: a retry's endpoint or variable is not one.
    """
    if not round_:
        return config.chat
    retry = config.draft.retries[round_ - 1]
    own = {"model": retry.model, "endpoints": list(retry.endpoints), "api_key_env": retry.api_key_env}
    changes = {name: value for name, value in own.items() if value}
    return make_config({"chat": merge(config.chat.model_dump(mode="json"), changes)}, f"retry {round_}").chat
