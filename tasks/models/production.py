"""The models of the ``gpu`` and ``paper`` presets: which there are, where their weights come from, and what pins them.

``data/models/production.json`` lists them. No weights of theirs ship with the package.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from schemas.errors import ConfigError, ModelError
from tasks.models.device import EXTRA
from tasks.models.options import Options
from tasks.models.weights import MODELS_FOLDER, file_digest

COMMIT = re.compile(r"[0-9a-f]{40}")
DIGEST = re.compile(r"[0-9a-f]{64}")
EXECUTABLE = frozenset({".pt", ".pth", ".pkl", ".bin", ".ckpt", ".engine"})
"""Kinds of weight files whose reading may run what is in them: pickles and compiled engines."""


@dataclass(frozen=True, slots=True)
class ProductionModel:
    """A model whose weights are fetched.

    ``family`` names the adapter. The weights are one file, by ``url`` or in the hub repository ``repo``, that must hash to
    ``sha256``; or, where ``snapshot`` has patterns, the files of ``repo`` at ``revision`` that match them, with
    ``fallback`` where none of them is in safetensors. A model without a source takes what ``weights`` names.
    """

    name: str
    stage: str
    family: str
    licence: str
    url: str
    repo: str
    revision: str
    file: str
    sha256: str
    snapshot: tuple[str, ...]
    fallback: str
    settings: Mapping[str, str]
    caveats: str

    @property
    def gives_masks(self) -> bool:
        """Whether it tells the pixels of what it finds."""
        return self.settings.get("masks") == "yes"

    @property
    def gives_tags(self) -> bool:
        """Whether it has a text side, by which frames get tags."""
        return self.family != "dinov2"

    @property
    def needed_files(self) -> tuple[str, ...]:
        """Files without which a snapshot cannot be read."""
        if self.family == "open_clip":
            return ("open_clip_config.json",) if self.snapshot else ()
        return ("config.json", "preprocessor_config.json") if self.snapshot else ()

    @property
    def needs(self) -> tuple[str, ...]:
        """Modules that its adapter imports."""
        return _MODULES[self.family]


_MODULES = {
    "ultralytics": ("torch", "ultralytics"),
    "mask2former": ("torch", "transformers"),
    "scrfd": ("cv2", "onnx", "onnxruntime"),
    "arcface": ("cv2", "onnx", "onnxruntime"),
    "open_clip": ("torch", "open_clip"),
    "siglip": ("torch", "transformers"),
    "dinov2": ("torch", "transformers"),
}


def read_production_list(path: Path = MODELS_FOLDER / "production.json") -> tuple[ProductionModel, ...]:
    """The models listed in a file of that kind, in its order.

    Raises:
        ModelError: the list is missing or damaged.
    """
    try:
        return tuple(_parse(record) for record in json.loads(path.read_text(encoding="utf-8"))["models"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"the model list {path} is missing or damaged ({error!r}); reinstall the package") from error


def _parse(record: Mapping[str, Any]) -> ProductionModel:
    files: dict[str, str] = record["files"]
    if len(files) > 1 or record["family"] not in _MODULES:
        raise ValueError(f"{record['name']}: one file with its sha256 and a known family")
    file, sha256 = next(iter(files.items()), ("", ""))
    return ProductionModel(
        file=file,
        sha256=sha256,
        snapshot=tuple(record.get("snapshot", ())),
        settings=dict(record["settings"]),
        **{key: str(record.get(key, "")) for key in ("url", "repo", "revision", "fallback", "caveats")},
        **{key: str(record[key]) for key in ("name", "stage", "family", "licence")},
    )


@cache
def _listed() -> tuple[ProductionModel, ...]:
    return read_production_list()


def production_names(stage: str) -> tuple[str, ...]:
    """Names of the production models for a stage."""
    return tuple(model.name for model in _listed() if model.stage == stage)


def find_production(name: str, stage: str) -> ProductionModel | None:
    """The production model of that name for a stage, or None."""
    return next((model for model in _listed() if (model.name, model.stage) == (name, stage)), None)


def require_installed(model: ProductionModel) -> None:
    """Check, without importing, that the libraries of a model are installed.

    Raises:
        ConfigError: one is missing; the message names the extra.
    """
    from importlib.util import find_spec

    missing = [module for module in model.needs if find_spec(module) is None]
    if missing:
        raise ConfigError(f"model {model.name} needs {', '.join(missing)} of the gpu extra. Install with: {EXTRA}")


def pin(model: ProductionModel, options: Options) -> str:
    """What identifies the weights that would be used: a sha256, or the commit of a hub repository. Nothing is fetched.

    Raises:
        ConfigError: a pickled file without its sha256, a revision that is no commit, no weights are named at all, or a
            model that is listed without a pin is given none.
        ModelError: a local file is missing or is not the one that was pinned.
    """
    if options.sha256 and not DIGEST.fullmatch(options.sha256):
        raise ConfigError(f"weights_sha256 of model {model.name} must be 64 hexadecimal digits, not {options.sha256!r}")
    if options.revision and not COMMIT.fullmatch(options.revision):
        raise ConfigError(
            f"revision of model {model.name} must be a commit of 40 hexadecimal digits, not {options.revision!r}: "
            "a branch or tag can be moved"
        )
    if options.weights:
        return _pin_local(model, Path(options.weights).expanduser(), options.sha256)
    if not model.url and not model.repo:
        raise ConfigError(f"model {model.name} has no weights of its own: name a file in weights")
    if options.revision and not model.repo:
        raise ConfigError(f"model {model.name} does not come from a hub repository: leave revision empty")
    if options.sha256 and options.revision:
        return options.sha256
    if options.revision:
        return options.revision
    if not model.sha256 and not COMMIT.fullmatch(model.revision):
        raise ConfigError(
            f"no pin is known here for the weights of model {model.name}: name a commit of hub repository {model.repo} "
            "in revision, or a local copy in weights"
        )
    return model.sha256 or model.revision


def _pin_local(model: ProductionModel, path: Path, sha256: str) -> str:
    if path.is_dir():
        if not model.snapshot:
            raise ModelError(f"weights of model {model.name} must be a file, {path} is a folder")
        return folder_digest(path)
    if not path.is_file():
        raise ModelError(f"weights of model {model.name} are missing: there is no {path}")
    if model.snapshot:
        raise ModelError(
            f"weights of model {model.name} must be a folder with its {model.needed_files[0]}, {path} is a file"
        )
    found = known_digest(path)
    if sha256 and found != sha256:
        raise ModelError(f"weights {path} are not the pinned ones: expected sha256 {sha256}, got {found}")
    if not sha256 and path.suffix in EXECUTABLE:
        raise ConfigError(
            f"{path.name} can run code when it is read: set weights_sha256 to the digest that its author publishes "
            f"(this file has {found})"
        )
    return found


def known_digest(path: Path) -> str:
    """sha256 of a file, computed once a process as long as it stays the same file.

    Raises:
        ModelError: it is missing or cannot be read.
    """
    try:
        state = path.stat()
    except OSError as error:
        raise ModelError(f"model file {path} is missing") from error
    return _digest_of(path, state.st_size, state.st_mtime_ns)


@cache
def _digest_of(path: Path, size: int, modified_ns: int) -> str:
    del size, modified_ns  # part of what is remembered: another file under the same name is read again
    return file_digest(path)


def folder_digest(folder: Path) -> str:
    """sha256 over the names and digests of all files of a folder, by name.

    Raises:
        ModelError: a file cannot be read.
    """
    import hashlib

    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    lines = "".join(f"{known_digest(folder / name)}  {name}\n" for name in names if not name.startswith("."))
    return hashlib.sha256(lines.encode()).hexdigest()
