"""Weight files: which there are, where they lie, and that they are the pinned ones.

``data/models/models.json`` lists every file that ships with its sha256, licence and origin.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from schemas.config import nearest
from schemas.errors import ConfigError, ModelError

MODELS_FOLDER = Path(__file__).resolve().parents[2] / "data" / "models"
_REINSTALL = "reinstall the package or check out data/models again"


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """One shipped weight file, as listed.

    ``stage`` is ``detector``, ``face_detector``, ``face_closeup``, ``face_embedder`` or ``appearance``; ``aliases`` are
    names under which it is also known; ``closeup`` the network with which a face detector looks again; ``size_bytes`` its
    size; ``licence`` an SPDX identifier; ``upstream`` who trained it; ``caveats`` what a user should know before relying on it.
    """

    name: str
    aliases: tuple[str, ...]
    stage: str
    file: str
    sha256: str
    size_bytes: int
    licence: str
    upstream: str
    purpose: str
    caveats: str
    closeup: str = ""


@dataclass(frozen=True, slots=True)
class Weights:
    """A weight file on this machine and the sha256 it must have."""

    path: Path
    sha256: str

    def verify(self) -> None:
        """Check the file against its digest.

        Raises:
            ModelError: it is missing, unreadable, or not the pinned file.
        """
        found = file_digest(self.path)
        if found != self.sha256:
            raise ModelError(
                f"model file {self.path} is corrupt: expected sha256 {self.sha256}, got {found}; {_REINSTALL}"
            )


def file_digest(path: Path) -> str:
    """sha256 of a weight file.

    Raises:
        ModelError: the file is missing or cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise ModelError(f"model file {path} is missing; {_REINSTALL}") from error
    except OSError as error:
        raise ModelError(f"model file {path} cannot be read: {error.strerror}; {_REINSTALL}") from error


def read_model_list(folder: Path = MODELS_FOLDER) -> tuple[ModelRecord, ...]:
    """The models listed in ``models.json`` of ``folder``, in its order.

    Raises:
        ModelError: the list is missing or is not one.
    """
    path = folder / "models.json"
    try:
        return tuple(_parse_record(record) for record in json.loads(path.read_text(encoding="utf-8"))["models"])
    except FileNotFoundError as error:
        raise ModelError(f"the model list {path} is missing; {_REINSTALL}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"the model list {path} is damaged ({error!r}); {_REINSTALL}") from error


def _parse_record(record: Mapping[str, Any]) -> ModelRecord:
    texts = {name: str(record[name]) for name in ("name", "stage", "file", "sha256", "licence", "upstream", "purpose")}
    return ModelRecord(
        aliases=tuple(record.get("aliases", ())),
        size_bytes=int(record["size_bytes"]),
        caveats=str(record.get("caveats", "")),
        closeup=str(record.get("closeup", "")),
        **texts,
    )


@cache
def read_labels(name: str) -> tuple[str, ...]:
    """The classes of a network in its order, from ``labels/<name>.txt``, one a line.

    Raises:
        ModelError: the list is missing.
    """
    path = MODELS_FOLDER / "labels" / f"{name}.txt"
    try:
        return tuple(path.read_text(encoding="utf-8").splitlines())
    except FileNotFoundError as error:
        raise ModelError(f"the label list {path} is missing; {_REINSTALL}") from error


@cache
def _shipped_models() -> tuple[ModelRecord, ...]:
    return read_model_list()


def find_model(name: str, stage: str) -> ModelRecord:
    """The listed model called ``name`` (or by an alias) for a stage.

    Raises:
        ConfigError: there is none; the message names the nearest.
        ModelError: the list itself is missing or damaged.
    """
    known = {alias: record for record in _shipped_models() if record.stage == stage for alias in record.aliases}
    known |= {record.name: record for record in _shipped_models() if record.stage == stage}
    if name in known:
        return known[name]
    raise ConfigError(f"unknown {stage.replace('_', ' ')} '{name}'{nearest(name, known)}")


def locate_weights(record: ModelRecord, weights: str = "") -> Weights:
    """The file of a listed model, or another file of the same network at the path ``weights``.

    A listed file must have the listed digest; another file's digest is computed here, so that it enters the keys of what
    is made with it.

    Raises:
        ModelError: another file is missing or cannot be read.
    """
    if not weights:
        return Weights(MODELS_FOLDER / record.file, record.sha256)
    path = Path(weights).expanduser()
    return Weights(path, file_digest(path))
