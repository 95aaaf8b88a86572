"""Weights of production models on this machine: fetched once, by pin, and checked before they are read.

Files of hub repositories lie in the cache of ``huggingface_hub``, which all processes of a machine share under locks;
``HF_ENDPOINT`` names a mirror. Files by address lie beside it in :func:`weights_folder`, under their sha256. With
``HF_HUB_OFFLINE=1`` or ``STORYREASONING_OFFLINE=1`` nothing is fetched and no connection attempted.
"""

import contextlib
import hashlib
import logging
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from schemas.errors import ModelError
from tasks.models.options import Options
from tasks.models.production import DIGEST, ProductionModel, known_digest, pin


class WeightsAbsent(ModelError):
    """Weights are not on this machine and cannot be fetched."""


_TIMEOUT_S = 30.0
_SWITCHES = ("HF_HUB_OFFLINE", "STORYREASONING_OFFLINE")


def is_offline() -> bool:
    """Whether a switch of the environment forbids connections."""
    return any(os.environ.get(name, "").strip().lower() in ("1", "true", "yes", "on") for name in _SWITCHES)


def weights_folder() -> Path:
    """Where files fetched by address are kept: ``STORYREASONING_WEIGHTS``, else a folder of the user's cache."""
    if chosen := os.environ.get("STORYREASONING_WEIGHTS"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "storyreasoning" / "weights"


def fetch(model: ProductionModel, options: Options) -> Path:
    """The file or folder of a model's weights, fetched if it is not here yet, and checked against its pin.

    Raises:
        ConfigError: the pin is not one (see :func:`~tasks.models.production.pin`).
        ModelError: the weights are not here and cannot be fetched, or are not the pinned ones.
    """
    pinned = pin(model, options)
    if options.weights:
        return Path(options.weights).expanduser()
    if model.url:
        return _fetch_address(model, pinned)
    return _fetch_repository(model, options, pinned)


def _unreachable(model: ProductionModel, where: str, reason: str) -> WeightsAbsent:
    switch = next((name for name in _SWITCHES if os.environ.get(name)), "")
    why = f"{switch} is set" if is_offline() and switch else reason
    return WeightsAbsent(
        f"weights of model {model.name} are not on this machine and cannot be fetched from {where} ({why}): "
        "connect once, or name a local copy in weights"
    )


def _first_line(error: BaseException) -> str:
    """What went wrong in the end: the client wraps it in advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(":.,")[:160]


def _fetch_repository(model: ProductionModel, options: Options, pinned: str) -> Path:
    revision = options.revision or model.revision
    path = _from_cache(model, revision)
    if path is None:
        if is_offline():
            raise _unreachable(model, f"hub repository {model.repo}", "")
        path = _from_hub(model, revision)
    if DIGEST.fullmatch(pinned):
        check_digest(path, pinned)
    return path


def _from_cache(model: ProductionModel, revision: str) -> Path | None:
    """What the hub's cache on this machine holds of a model, without a connection; None when it is not all there."""
    from huggingface_hub import hf_hub_download, snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        if not model.snapshot:
            return Path(hf_hub_download(model.repo, model.file, revision=revision, local_files_only=True))
        patterns = [*model.snapshot, model.fallback]
        folder = Path(snapshot_download(model.repo, revision=revision, allow_patterns=patterns, local_files_only=True))
    except LocalEntryNotFoundError:
        return None
    weights = any(folder.glob("*.safetensors")) or (folder / model.fallback).is_file()
    return folder if weights and all((folder / name).is_file() for name in model.needed_files) else None


def _from_hub(model: ProductionModel, revision: str) -> Path:
    from httpx2 import HTTPError  # the client lets errors of its HTTP library through
    from huggingface_hub import hf_hub_download, snapshot_download
    from huggingface_hub.errors import EntryNotFoundError, HFValidationError

    try:
        with _quietly():
            if not model.snapshot:
                return Path(hf_hub_download(model.repo, model.file, revision=revision))
            folder = Path(snapshot_download(model.repo, revision=revision, allow_patterns=list(model.snapshot)))
            if not any(folder.glob("*.safetensors")):
                patterns = [*model.snapshot, model.fallback]
                folder = Path(snapshot_download(model.repo, revision=revision, allow_patterns=patterns))
    except (OSError, EntryNotFoundError, HFValidationError, HTTPError) as error:
        raise _unreachable(model, f"hub repository {model.repo}", _first_line(error)) from error
    if missing := [name for name in model.needed_files if not (folder / name).is_file()]:
        raise ModelError(f"hub repository {model.repo} at {revision} has no {', '.join(missing)}")
    return folder


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without the client's lines about each retry: the error at the end says what they would."""
    logger = logging.getLogger("huggingface_hub")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _fetch_address(model: ProductionModel, pinned: str) -> Path:
    path = weights_folder() / pinned / model.file
    if not path.is_file():
        if is_offline():
            raise _unreachable(model, model.url, "")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with _lock(path.parent):
                if not path.is_file():
                    _download(model.url, path, pinned)
        except (OSError, urllib.error.URLError) as error:
            raise _unreachable(model, model.url, _first_line(error)) from error
    check_digest(path, pinned)
    return path


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """One process of the machine at a time."""
    from filelock import FileLock

    with FileLock(folder / ".lock"):
        yield


def _download(address: str, path: Path, pinned: str) -> None:
    """Write what lies at an address to ``path``, whole and with the right digest or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    digest = hashlib.sha256()
    try:
        # The address is one of data/models/production.json, and nothing is kept that does not hash to its pin.
        with urllib.request.urlopen(address, timeout=_TIMEOUT_S) as answer, temporary.open("wb") as file:  # noqa: S310
            while piece := answer.read(1 << 20):
                digest.update(piece)
                file.write(piece)
        if digest.hexdigest() != pinned:
            raise ModelError(
                f"what was fetched from {address} is not the pinned file: expected sha256 {pinned}, "
                f"got {digest.hexdigest()}"
            )
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def check_digest(path: Path, sha256: str) -> None:
    """Check a weight file, once a process as long as it stays the same file.

    Raises:
        ModelError: it is missing, unreadable or not the pinned one.
    """
    found = known_digest(path)
    if found != sha256:
        raise ModelError(
            f"model file {path} is not the pinned one: expected sha256 {sha256}, got {found}; delete it and run again"
        )
