"""Under which licence a dataset may be passed on: the films' own, as whoever brought them wrote it down.

``films.toml`` in the folder of the frames, or beside it when that is called ``frames``::

    licence = "cc-by-4.0"             # of every film without one of its own; may be left out

    [films."Night Train"]
    licence = "CC-BY-SA-4.0"
    source = "https://example.org/night-train"

Where there is none, ``licence`` of a ``SOURCES.json`` there holds for all films.
"""

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from schemas.errors import ConfigError

FILMS = "films.toml"
SOURCES = "SOURCES.json"


HUB_LICENCES = frozenset(
    {
        *("mit", "apache-2.0", "bsd-3-clause", "unlicense", "cc0-1.0", "pddl", "odc-by", "odbl", "cdla-permissive-2.0"),
        *("cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nd-4.0"),
        *("cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cc-by-nc-nd-4.0"),
    }
)
"""Identifiers that the Hub takes for a licence of data; a dataset of films under others is ``other``."""


@dataclass(frozen=True, slots=True)
class FilmLicence:
    """Licence of a film and where the film is from, in the words of its owner; empty where not known."""

    licence: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Licences:
    """Licences by film; ``common`` holds for every film that is not named."""

    common: str = ""
    films: Mapping[str, FilmLicence] = field(default_factory=dict)

    def of(self, film: str) -> FilmLicence:
        """The licence of a film."""
        own = self.films.get(film, FilmLicence())
        return FilmLicence(own.licence or self.common, own.source)


def common_licence(licences: Iterable[str]) -> str:
    """The identifier on the Hub of the one licence that all have, ``other`` where there is none."""
    found = {licence.lower() for licence in licences}
    licence = found.pop() if len(found) == 1 else ""
    return licence if licence in HUB_LICENCES else "other"


def read_licences(source: Path) -> Licences:
    """The licences that lie with the frames; none where nothing lies there.

    Raises:
        ConfigError: ``films.toml`` cannot be read or says something else.
    """
    for place in [source, source.parent] if source.name == "frames" else [source]:
        if (place / FILMS).is_file():
            return _read_films(place / FILMS)
        if (place / SOURCES).is_file():
            return Licences(_read_sources(place / SOURCES))
    return Licences()


def _read_films(path: Path) -> Licences:
    try:
        value = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    films = value.get("films", {})
    if set(value) - {"licence", "films"} or not isinstance(films, dict):
        raise ConfigError(
            f"{path} holds more than 'licence' and tables [films.\"NAME\"]: see 'storyreasoning publish --help'"
        )
    return Licences(_text(path, value, "licence"), {name: _film(path, name, entry) for name, entry in films.items()})


def _film(path: Path, name: str, entry: Any) -> FilmLicence:
    if not isinstance(entry, dict) or set(entry) - {"licence", "source"}:
        raise ConfigError(f"{path}: film '{name}' takes 'licence' and 'source' and nothing else")
    return FilmLicence(_text(path, entry, "licence"), _text(path, entry, "source"))


def _text(path: Path, entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key, "")
    if not isinstance(value, str):
        raise ConfigError(f"{path}: '{key}' must be text, not {value!r}")
    return value.strip()


def _read_sources(path: Path) -> str:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return str(value.get("licence", "")).strip() if isinstance(value, dict) else ""
