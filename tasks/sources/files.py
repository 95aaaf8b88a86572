"""Frames from named files, wherever they are: images are frames, videos give theirs."""

import importlib.util
import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.config import VideoConfig
from schemas.errors import SampleError, SourceError
from tasks.runtime.images import ahead
from tasks.runtime.progress import Event, emit
from tasks.sources.remembered import RememberedHashes
from tasks.sources.source import SourceItem
from tasks.sources.tree import IMAGE_SUFFIXES, VIDEO_SUFFIXES, Read, Tree, TreeFile, stem_of, suffix_of

if TYPE_CHECKING:
    from tasks.sources.video import VideoFrames

_AT_TIME = re.compile(r"(?P<file>.+)#t=(?P<seconds>[0-9]+\.[0-9]{3})", re.DOTALL)
_CLIP = re.compile(r"(?P<film>.+?)_(?:scene|seq)_(?P<scene>[0-9]+)", re.IGNORECASE | re.DOTALL)


class FilesSource:
    """Images and videos of a tree.

    The first folder is the film, the folders below it the scene. A video is a film of its own at the root, a scene elsewhere;
    ``<film>_scene_<n>.mp4`` says both itself. A frame of a video has the address ``<video>#t=<seconds>``.
    """

    names_hold_film = False

    def __init__(self, tree: Tree, index: Path | None, video: VideoConfig, alone: bool = False) -> None:
        """Read files of ``tree``; remember hashes in ``index`` and what was found in videos beside it.

        ``alone`` says that the tree is one video: when that gives nothing, there is nothing to build from.
        """
        self._tree = tree
        self._index = index
        self._video = video
        self._alone = alone
        self._ignored: dict[str, int] = {}

    @property
    def title(self) -> str:
        """The name of the place."""
        return self._tree.title

    def ignored(self) -> dict[str, int]:
        """Files that are neither images nor videos, by suffix."""
        return dict(sorted(self._ignored.items()))

    def scan(self) -> Iterator[SourceItem]:
        """Every image file and every chosen frame of every video, hashed; unchanged files are not read again.

        A video that gives no frame is one item without a hash: reading it says why.

        Raises:
            SourceError: the place cannot be listed or holds neither images nor videos.
        """
        self._ignored = {}
        remembered = RememberedHashes(self._index, self._tree.tag)
        found = False
        for file, digest in self._hashed(remembered):
            found = True
            if suffix_of(file.address) in VIDEO_SUFFIXES and digest:
                yield from self._scan_video(file, digest)
            else:
                yield _image_item(file, digest)
        if not found:
            kinds = ", ".join(f"{n} {kind}" for kind, n in self.ignored().items()) or "nothing"
            raise SourceError(
                f"{self._tree.where} holds no images (found {kinds}): give a folder with JPEG, PNG or WebP frames"
            )
        remembered.save()

    def reader(self, items: Sequence[str]) -> Read:
        """Gives the bytes of these items, each once; from a video fastest in order of time."""
        images = self._tree.reader([item for item in items if not _is_video(_file_of(item))])
        videos = VideoReader(self._tree, self._video, sum(_is_video(_file_of(item)) for item in items))
        return lambda item: videos(item) if _is_video(_file_of(item)) else images(item)

    def read(self, item: str) -> bytes:
        """The bytes of one item.

        Raises:
            SampleError: it cannot be read.
        """
        return self.reader([item])(item)

    def _hashed(self, remembered: RememberedHashes) -> Iterator[tuple[TreeFile, str]]:
        """Files that may hold frames with their hashes, several read at once where that is quicker."""

        def known_or_read(file: TreeFile) -> tuple[TreeFile, str, bool]:
            if file.error:
                return file, "", False
            standing = file.sha256 or remembered.find(file.address, file.stamp)
            return (file, standing, False) if standing else (file, self._tree.digest(file), True)

        wanted = (file for file in self._tree.files(self._pass_over) if self._may_hold_frames(file))
        readers = self._tree.readers
        results = map(known_or_read, wanted) if readers == 1 else ahead(known_or_read, wanted, readers, 4 * readers)
        for file, digest, fresh in results:
            if fresh and file.settled:
                remembered.add(file.address, file.stamp, digest)
            yield file, digest

    def _may_hold_frames(self, file: TreeFile) -> bool:
        suffix = suffix_of(file.address)
        if suffix in IMAGE_SUFFIXES:
            return True
        if suffix in VIDEO_SUFFIXES:
            if self._alone or importlib.util.find_spec("av") is not None:
                return True
            suffix += " without the extra 'video'"
        self._pass_over(suffix or "without suffix")
        return False

    def _scan_video(self, file: TreeFile, digest: str) -> Iterator[SourceItem]:
        film, scene = _place_of_video(file.address)
        stem = stem_of(file.address)
        from tasks.sources.video import VideoFrames

        cache = self._index.parent / "videos" if self._index is not None else None
        try:
            picks = VideoFrames(self._tree, self._video, cache).picks(file.address, digest)
        except SampleError as error:
            if self._alone:
                raise SourceError(f"{self._tree.where} gives no frames: {error}") from error
            emit(Event("message", text=f"{file.address} gives no frames: {error}"))
            yield SourceItem(file.address, stem, film, scene, "", file.size)
            return
        for pick in picks:
            part = "/".join(filter(None, (scene, f"{pick.part:04d}" if pick.part else "")))
            name = f"{stem}_{pick.shot:06d}_{round(1000 * pick.seconds):09d}"
            yield SourceItem(f"{file.address}#t={pick.seconds:.3f}", name, film, part, pick.sha256, pick.bytes)

    def _pass_over(self, kind: str) -> None:
        self._ignored[kind] = self._ignored.get(kind, 0) + 1


class VideoReader:
    """Reads frames of videos; what it holds open is let go with the last of them."""

    def __init__(self, tree: Tree, params: VideoConfig, count: int) -> None:
        """For ``count`` frames of videos of a tree."""
        self._tree = tree
        self._params = params
        self._left = count
        self._lock = threading.Lock()
        self._frames: VideoFrames | None = None

    def __call__(self, item: str) -> bytes:
        """The bytes of a frame.

        Raises:
            SampleError: it cannot be read.
        """
        with self._lock:
            frames = self._opened()
            self._left -= 1
            try:
                match = _AT_TIME.fullmatch(item)
                return frames.read(match["file"], float(match["seconds"])) if match else frames.refuse(item)
            finally:
                if self._left <= 0:
                    frames.close()

    def _opened(self) -> "VideoFrames":
        if self._frames is None:
            from tasks.sources.video import VideoFrames

            self._frames = VideoFrames(self._tree, self._params, None)
        return self._frames


def _file_of(item: str) -> str:
    """The file in which an item lies."""
    match = _AT_TIME.fullmatch(item)
    return match["file"] if match and _is_video(match["file"]) else item


def _is_video(address: str) -> bool:
    return suffix_of(address) in VIDEO_SUFFIXES


def _image_item(file: TreeFile, digest: str) -> SourceItem:
    film, _, rest = file.address.rpartition("/")[0].partition("/")
    return SourceItem(file.address, stem_of(file.address), film, rest, digest, file.size if digest else 0)


def _place_of_video(address: str) -> tuple[str, str]:
    """Film and scene of a video, by where it lies and what it is called."""
    stem = stem_of(address)
    film, *folders = address.split("/")[:-1] or [""]
    if film:
        return film, "/".join((*folders, stem))
    clip = _CLIP.fullmatch(stem)
    return (clip["film"], clip["scene"]) if clip else (stem, "")
