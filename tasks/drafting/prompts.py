"""Prompts: versioned files in ``data/prompts``, filled in by plain replacement.

A file is cut into parts by lines such as ``=== system ===``. ``{{name}}`` stands for a value; values are put in once and never
looked at again, so that nothing in them is taken for a part, a placeholder or code.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from schemas.errors import ConfigError
from tasks.runtime.resources import DATA

FOLDER = DATA / "prompts"
_PART = re.compile(r"^=== ([a-z-]+) ===\n", re.MULTILINE)
_PLACE = re.compile(r"\{\{([a-z_]+)\}\}")


@dataclass(frozen=True)
class Prompt:
    """A prompt file: its name with version (``story-v1``), the sha256 of its bytes, and its parts by name."""

    name: str
    sha256: str
    parts: Mapping[str, str]

    @property
    def version(self) -> str:
        """Name and the beginning of the hash, as kept in records: ``story-v1@0123456789ab``."""
        return f"{self.name}@{self.sha256[:12]}"

    def fill(self, part: str, values: Mapping[str, str] | None = None) -> str:
        """The text of a part with its placeholders filled in.

        Raises:
            ConfigError: there is no such part, or a placeholder without a value: the file is not one for this purpose.
        """
        if part not in self.parts:
            raise ConfigError(f"prompt {self.name} has no part '{part}': see data/prompts/README.md")

        def value(match: re.Match[str]) -> str:
            if values is None or match[1] not in values:
                raise ConfigError(f"prompt {self.name}: nothing can be put in for {match[0]} in its part '{part}'")
            return values[match[1]]

        return _PLACE.sub(value, self.parts[part])


@cache
def load_prompt(name: str) -> Prompt:
    """The prompt in ``data/prompts/<name>.md``.

    Raises:
        ConfigError: there is none; those that there are are named.
    """
    known = sorted(path.stem for path in FOLDER.glob("*-v*.md"))
    if name not in known:
        raise ConfigError(f"unknown prompt '{name}'; known: {', '.join(known)}")
    content = (FOLDER / f"{name}.md").read_bytes()
    pieces = _PART.split(content.decode("utf-8"))
    parts = {part: text.strip() for part, text in zip(pieces[1::2], pieces[2::2], strict=True)}
    return Prompt(name, hashlib.sha256(content).hexdigest(), parts)
