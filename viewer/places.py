"""What can be opened: a workspace, a dataset folder, a Parquet file, or ``owner/name`` of a dataset on the Hub."""

import re
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import ConfigError, SourceError

FOLDERS = ("dataset/default", "default", "data", ".")
"""Where the stories of a folder lie, in the order in which it is looked."""
SAVED = "live"
"""Folder of a workspace with the stories that were saved from live mode, ``*.parquet`` in the layout of StoryReasoning."""
_SPLITS = ("train", "validation", "test")
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True, slots=True)
class Place:
    """Files with stories and files with what they stand on.

    Attributes:
        title: what was opened, for people to read.
        stories: split and path of each Parquet file in the layout of StoryReasoning.
        grounding: Parquet files of the ``grounding`` config; none where the dataset has none.
        workspace: the workspace's folder; ``None`` when no workspace was opened.
    """

    title: str
    stories: tuple[tuple[str, Path], ...]
    grounding: tuple[Path, ...] = ()
    workspace: Path | None = None


def find_place(place: str, *, offline: bool = False) -> Place:
    """The files of what a user named.

    Args:
        place: a path, or ``owner/name`` of a dataset on the Hub, which is fetched into the Hub's own cache.
        offline: take what the cache has and ask nobody.

    Raises:
        ConfigError: nothing of that name, or no stories in it.
        SourceError: the Hub has no such dataset, refuses, or cannot be reached.
    """
    path = Path(place)
    if path.is_file():
        return Place(path.name, ((split_of(path), path),))
    if path.is_dir():
        return find_folder(path, place)
    if not path.exists() and _HUB_NAME.fullmatch(place):
        return find_folder(fetch_dataset(place, offline=offline), place)
    raise ConfigError(
        f"{place} does not exist: give a workspace, a dataset folder, a Parquet file, or owner/name on the Hub"
    )


def find_folder(folder: Path, title: str) -> Place:
    """The files of a workspace or dataset folder.

    Raises:
        ConfigError: there are none.
    """
    workspace = folder if (folder / "workspace.json").is_file() else None
    saved = tuple((SAVED, path) for path in sorted((folder / SAVED).glob("*.parquet"))) if workspace else ()
    for name in FOLDERS:
        files = [path for path in sorted((folder / name).glob("*.parquet")) if split_of(path) in _SPLITS]
        if files:
            files.sort(key=lambda path: (_SPLITS.index(split_of(path)), path.name))
            grounding = sorted((folder / name).resolve().parent.glob("grounding/*.parquet"))
            if name == ".":
                grounding = []
            stories = tuple((split_of(path), path) for path in files)
            return Place(title, stories + saved, tuple(grounding), workspace)
    if workspace is not None:
        if saved:
            return Place(title, saved, (), workspace)
        raise ConfigError(
            f"{folder} holds no finished dataset: build one with 'storyreasoning build --workspace {folder}'"
        )
    raise ConfigError(
        f"{folder} holds no dataset in the StoryReasoning layout (train-*.parquet): give a workspace or a dataset folder"
    )


def split_of(path: Path) -> str:
    """The split that a file's name begins with; the whole name where it begins with none."""
    name = path.name.partition("-")[0].partition(".")[0]
    return name if name in _SPLITS else path.stem


def fetch_dataset(repo_id: str, *, offline: bool) -> Path:
    """The folder of a Hub dataset in the Hub's cache; what is there is not fetched again.

    Raises:
        SourceError: no such dataset, no permission, no network, or nothing in the cache when ``offline``.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled

    try:
        folder = snapshot_download(
            repo_id,
            repo_type="dataset",
            allow_patterns=["*.parquet", "**/*.parquet"],
            local_files_only=offline,
        )
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled, OSError) as error:
        if offline:
            raise SourceError(f"{repo_id} is not in the Hub's cache: run once without --offline") from error
        said = str(error).strip().splitlines()
        raise SourceError(
            f"{repo_id} is no local path and cannot be fetched from the Hub ({said[0] if said else type(error).__name__}): "
            "check the name, the network, HF_TOKEN"
        ) from error
    return Path(folder)
