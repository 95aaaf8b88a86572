"""What a path or a URL names: tables, an archive, a video, or a folder of images and videos."""

from pathlib import Path

from schemas.config import VideoConfig
from schemas.errors import SourceError
from tasks.runtime.places import Place, explain, find_place, hide_secrets
from tasks.sources.archive import OpenFile
from tasks.sources.files import FilesSource
from tasks.sources.folder import FolderSource, LocalTree, stamp_path
from tasks.sources.remote import RemoteTree, details_of, open_place, stamp_of
from tasks.sources.source import Source
from tasks.sources.table import RemoteTable, TableSource
from tasks.sources.tar_archive import CompressedTarTree, TarTree
from tasks.sources.tree import TABLE_SUFFIXES, VIDEO_SUFFIXES, is_archive, stem_of, suffix_of
from tasks.sources.walk import walk_files
from tasks.sources.zip_archive import ZipTree

ACCEPTED = "give a folder of images, a Parquet file, a video or an archive (.tar, .tar.gz, .zip, ...)"


def open_path(path: Path, text: str, index: Path | None, video: VideoConfig) -> Source:
    """The source at a path that exists.

    Raises:
        SourceError: it holds no frames of a kind that is read.
    """
    if path.is_dir():
        files = walk_files(path, passed_over=lambda _: None)
        tables = sorted(p for p in files if p.suffix.lower() in TABLE_SUFFIXES and p.is_file())
        return TableSource(tables, title=path.resolve().name) if tables else FolderSource(path, index, video)
    if path.suffix.lower() in TABLE_SUFFIXES:
        return TableSource([path], title=path.stem)
    if is_archive(path.name):
        archive = open_archive(lambda: path.open("rb"), path.name, str(path.resolve()), stamp_path(path))
        return FilesSource(archive, index, video)
    if path.suffix.lower() in VIDEO_SUFFIXES:
        return FilesSource(LocalTree(path.parent, path.name), index, video, alone=True)
    raise SourceError(f"{text} is a file of another kind: {ACCEPTED}")


def open_url(url: str, index: Path | None, video: VideoConfig) -> Source:
    """The source at a URL.

    Raises:
        SourceError: it cannot be reached, refuses, or holds no frames of a kind that is read.
        ConfigError: the package for it is not installed.
    """
    place = find_place(url, SourceError)
    if place.url.startswith(("file://", "local://")):
        path = Path(place.path)
        if not path.exists():
            raise SourceError(f"{url} does not exist: {ACCEPTED}")
        return open_path(path, url, index, video)
    name = place.path.rstrip("/").rpartition("/")[2]
    suffix = suffix_of(name)
    if not (suffix in TABLE_SUFFIXES or suffix in VIDEO_SUFFIXES or is_archive(name)):
        return _open_folder(place, index, video)
    details = details_of(place)
    if details is None:
        raise SourceError(explain(url, FileNotFoundError()))
    if suffix in TABLE_SUFFIXES and details.get("type") != "directory":
        return TableSource([RemoteTable(place)], title=stem_of(name))
    if suffix in VIDEO_SUFFIXES and details.get("type") != "directory":
        folder = Place(place.system, place.path.rstrip("/").rpartition("/")[0], url.rstrip("/").rpartition("/")[0])
        return FilesSource(RemoteTree(folder, name), index, video, alone=True)
    if is_archive(name) and details.get("type") != "directory":
        archive = open_archive(lambda: open_place(place), name, hide_secrets(url), stamp_of(details))
        return FilesSource(archive, index, video)
    return _open_folder(place, index, video)


def _open_folder(place: Place, index: Path | None, video: VideoConfig) -> Source:
    tree = RemoteTree(place)
    tables = [address for address in tree.listing() if suffix_of(address) in TABLE_SUFFIXES]
    if not tables:
        return FilesSource(tree, index, video)
    root, url = place.path.rstrip("/"), place.url.rstrip("/")
    found = [RemoteTable(Place(place.system, f"{root}/{address}", f"{url}/{address}")) for address in tables]
    return TableSource(found, title=tree.title)


def open_archive(open_file: OpenFile, name: str, where: str, stamp: str) -> ZipTree | TarTree | CompressedTarTree:
    """The tree of an archive, by the name of its file.

    Args:
        open_file: opens it for reading at any position.
        name: of the file; its suffixes say the kind.
        where: the archive as a person would name it.
        stamp: changes when the archive does; empty where that cannot be told.
    """
    lowered = name.lower()
    if lowered.endswith(".zip"):
        return ZipTree(open_file, name, where, stamp)
    return (TarTree if lowered.endswith(".tar") else CompressedTarTree)(open_file, name, where, stamp)
