"""The options of drafting, which several commands share, laid over a configuration."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.errors import ConfigError, StoryReasoningError

if TYPE_CHECKING:
    from schemas.config import BuildConfig


def add_draft_options(parser: argparse.ArgumentParser) -> None:
    """Options that say who drafts. Keys are never given: only the name of the variable that holds one."""
    group = parser.add_argument_group("drafting")
    group.add_argument(
        "--drafter",
        choices=("composer", "llm"),
        help="composer: no language model; llm: a chat model (default: composer)",
    )
    add_model_options(group)
    group.add_argument("--max-usd", type=float, metavar="USD", help="stop before the calls of this workspace cost more")
    group.add_argument("--max-tokens", type=int, metavar="N", help="stop before they use more tokens, in and out")
    group.add_argument(
        "--batch-api", action="store_true", help="through the provider's Batch API: cheaper, within a day"
    )


def add_model_options(group: "argparse._ArgumentGroup | argparse.ArgumentParser") -> None:
    """Options that name the model and where it is."""
    group.add_argument(
        "--endpoint",
        action="append",
        metavar="URL",
        help="base URL of an OpenAI-compatible server (http://127.0.0.1:8000/v1); several share the work",
    )
    group.add_argument("--model", metavar="NAME", help="the model's name, as the server knows it")
    group.add_argument(
        "--api-key-env", metavar="VARIABLE", help="environment variable with the key (api.openai.com: OPENAI_API_KEY)"
    )
    group.add_argument(
        "--fallback", choices=("composer",), help="let the composer draft what the model could not; records say so"
    )


def apply_draft_options(args: argparse.Namespace, config: "BuildConfig") -> "BuildConfig":
    """The configuration with what the command line says of drafting.

    Raises:
        ConfigError: a value out of bounds, or a model without a drafter that asks one.
    """
    from schemas.config import make_config, merge

    chat = {
        "endpoints": args.endpoint,
        "model": args.model,
        "api_key_env": args.api_key_env,
        "max_usd": args.max_usd,
        "max_tokens": args.max_tokens,
        "batch": True if args.batch_api else None,
    }
    chat = {name: value for name, value in chat.items() if value is not None}
    draft = {name: value for name in ("drafter", "fallback") if (value := getattr(args, name)) is not None}
    changes: dict[str, Any] = {"chat": chat, "draft": draft}
    if chat or draft:
        config = make_config(merge(config.model_dump(mode="json"), changes), "the command line")
    if config.draft.drafter == "llm":
        if not config.chat.endpoints or not config.chat.model:
            raise ConfigError("--drafter llm needs --endpoint URL and --model NAME, or [chat] in the configuration")
    elif chat or draft.get("fallback"):
        named = "--fallback" if draft.get("fallback") else f"--{next(iter(chat)).replace('_', '-')}".rstrip("s")
        raise ConfigError(f"{named} is for --drafter llm; the composer asks no model")
    return config


def keep_retries(config: "BuildConfig", workspace: Path) -> "BuildConfig":
    """The configuration with the retries of the workspace's last build, where nothing else about drafting has changed.

    Without them a build after ``storyreasoning retry`` would drop the stories that the retry has saved.
    """
    from tasks.assembly import latest_run

    try:
        last = latest_run(workspace)[0].config
    except (StoryReasoningError, OSError):  # no build, or one that cannot be read: there is nothing to keep
        return config
    kept = config.draft.model_copy(update={"retries": last.draft.retries})
    same = kept == last.draft and config.chat.model == last.chat.model
    return config.model_copy(update={"draft": kept}) if same and not config.draft.retries else config
