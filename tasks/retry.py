"""Stories that a model had to give up: which they are, and a configuration under which they are tried again.

In: a finished run. Out: its configuration with one more entry in ``draft.retries``. Invariant: what was kept is drafted from the
same requests as before, so the ledger answers them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.config import BuildConfig, make_config, merge
from schemas.errors import ConfigError
from tasks.draft_rounds import chat_of
from tasks.runtime.stage import RunSpec, ShardRef

LATER = ("draft_story", "ground")
"""Stages whose dead letters have tables that hold."""


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Keys of stories by shard: those without tables, and those that failed later."""

    analyses: Mapping[str, Sequence[str]] = field(default_factory=dict)
    stories: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many stories."""
        return sum(map(len, self.analyses.values())) + sum(map(len, self.stories.values()))


def find_given_up(run: RunSpec, refs: Sequence[ShardRef]) -> GivenUp:
    """The dead letters of drafting in a finished run.

    Raises:
        ShardError: the dead letters of a shard cannot be read.
    """
    analyses: dict[str, tuple[str, ...]] = {}
    stories: dict[str, tuple[str, ...]] = {}
    for ref in refs:
        lost = {
            stage: [row["item"] for row in run.store.rejects(stage, ref.shard, ref.keys[stage])]
            for stage in ("draft_analysis", *LATER)
            if stage in ref.keys
        }
        if lost.get("draft_analysis"):
            analyses[ref.shard] = tuple(lost["draft_analysis"])
        later = tuple(key for stage in LATER for key in lost.get(stage, ()))
        if later:
            stories[ref.shard] = later
    return GivenUp(analyses, stories)


def add_retry(
    config: BuildConfig, given_up: GivenUp, model: str, endpoints: Sequence[str], api_key_env: str, fallback: str
) -> BuildConfig:
    """The configuration under which these stories are tried once more.

    Raises:
        ConfigError: the stories were composed, so that no model can try them again; or a value out of bounds.
    """
    if config.draft.drafter != "llm":
        raise ConfigError("these stories were composed: no model has given them up; build with --drafter llm instead")
    retry = {
        "model": model,
        "endpoints": list(endpoints),
        "api_key_env": api_key_env,
        "analyses": dict(given_up.analyses),
        "stories": dict(given_up.stories),
    }
    draft: dict[str, Any] = {"retries": [*(one.model_dump(mode="json") for one in config.draft.retries), retry]}
    if fallback:
        draft["fallback"] = fallback
    changed = make_config(merge(config.model_dump(mode="json"), {"draft": draft}), "the command line")
    chat_of(changed, len(changed.draft.retries))
    return changed
