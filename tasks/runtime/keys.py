"""Content keys: the name of a result is the hash of everything it depends on."""

import hashlib
import json
import re
import unicodedata
from pathlib import Path
from typing import Any

KEY_LENGTH = 32
SLUG_LENGTH = 48
_DIGITS = re.compile(r"([0-9]+)")
_UNSAFE = re.compile(r"[^A-Za-z0-9]+")
NaturalKey = tuple[tuple[int, int, str], ...]


def content_key(value: Any) -> str:
    """Hash of a JSON-like value: 128 bits of sha256 over its canonical form, as 32 hexadecimal digits.

    Mappings are ordered by key, so the order in which they were filled does not matter.

    Raises:
        TypeError: the value holds something that JSON cannot carry, or a float that is not a number.
    """
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    except ValueError as error:
        raise TypeError(f"a key cannot be made of {value!r}: {error}") from error
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]


def file_sha256(path: Path) -> str:
    """sha256 of a file's bytes, read in pieces."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def natural_key(text: str) -> NaturalKey:
    """Sort key under which ``scene 9`` stands before ``scene 10``; ties are broken by the raw text.

    Runs of ASCII digits compare as numbers of any length, the rest without case.
    """
    parts = []
    for part in filter(None, _DIGITS.split(text)):
        if part[0] in "0123456789":
            digits = part.lstrip("0")
            parts.append((0, len(digits), digits))
        else:
            parts.append((1, 0, part.casefold()))
    # The end stands before everything: a name stands before the longer ones that it begins.
    return (*parts, (-1, 0, text))


def slug(text: str) -> str:
    """A readable name for files and ids: ASCII letters, digits and dashes, never empty, at most 48 characters."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _UNSAFE.sub("-", plain).strip("-")[:SLUG_LENGTH].strip("-") or "film"


def loses_letters(text: str) -> bool:
    """Whether :func:`slug` leaves out letters or digits of ``text``: those of other scripts, and the end of a long one."""
    kept = [character for character in unicodedata.normalize("NFKD", text) if character.isalnum()]
    return "".join(kept) != slug(text).replace("-", "")
