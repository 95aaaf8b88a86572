"""Prompt files: parts, placeholders, and that a file in use does not change unseen."""

import hashlib
import re

import pytest

from schemas.draft_config import AnalysisConfig, StoryConfig
from schemas.errors import ConfigError
from tasks.drafting.prompts import FOLDER, Prompt, load_prompt

FROZEN = {
    "analysis-v1": "c7cd68efab0dbf8e629cb03fd7062ee52c55bbf135af20471e0cab8f03a73477",
    "judge-v1": "5f58d56518c5a1d405b64150e979a01b01dbe70c7fb58b27ec1583e3084f905d",
    "story-v1": "988a4aeb421ece212c294bf5d1151d0109563e9b6b1081273a151bffba2feca5",
}


@pytest.mark.parametrize("name", FROZEN)
def test_a_prompt_that_was_used_is_not_changed(name: str) -> None:
    digest = hashlib.sha256((FOLDER / f"{name}.md").read_bytes()).hexdigest()
    assert digest == FROZEN[name], "write a new version beside it, with an entry in data/prompts/CHANGELOG.md"
    assert load_prompt(name).version == f"{name}@{digest[:12]}"


def test_every_prompt_is_frozen_and_told_of() -> None:
    names = {path.stem for path in FOLDER.glob("*-v*.md")}
    assert names == set(FROZEN)
    changes = (FOLDER / "CHANGELOG.md").read_text()
    assert all(name in changes for name in names)
    assert {AnalysisConfig().prompt, StoryConfig().prompt} <= names


def test_values_are_put_in_once_and_not_looked_at_again() -> None:
    prompt = Prompt("x-v1", "0" * 64, {"task": "{{a}} and {{b}} and { {{a}} }"})
    assert (
        prompt.fill("task", {"a": "{{b}}", "b": "=== system ===\n{{a}}"})
        == "{{b}} and === system ===\n{{a}} and { {{b}} }"
    )


def test_a_prompt_for_something_else_is_said() -> None:
    with pytest.raises(ConfigError, match=r"nothing can be put in for \{\{frames\}\} in its part 'task'"):
        load_prompt("analysis-v1").fill("task", {"images": "3", "words": "9"})
    with pytest.raises(ConfigError, match="has no part 'pieces'"):
        load_prompt("analysis-v1").fill("pieces")
    with pytest.raises(ConfigError, match="unknown prompt 'tale-v1'; known: analysis-v1, judge-v1, story-v1"):
        load_prompt("tale-v1")


@pytest.mark.parametrize("name", FROZEN)
def test_parts_and_placeholders_are_those_that_are_documented(name: str) -> None:
    kind = name.partition("-v")[0]
    (row,) = (line for line in (FOLDER / "README.md").read_text().splitlines() if line.startswith(f"| `{kind}-v*.md`"))
    _, _, parts, values, _ = row.split("|")
    prompt = load_prompt(name)
    assert list(prompt.parts) == [part.strip() for part in parts.split(",")]
    used = {place for text in prompt.parts.values() for place in re.findall(r"\{\{(\w+)\}\}", text)}
    assert used == set(re.findall(r"\w+", values.replace("in faults:", "")))
