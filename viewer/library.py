"""The stories of a place, paged from Parquet: in memory are an index of about a kilobyte a story and bounded caches."""

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

import pyarrow.compute as pc

from schemas.errors import ConfigError, SampleError, SourceError
from viewer.entries import NEED_DIGESTS, Digest, Query, digest_texts, keeps_quality
from viewer.layout import GROUNDING, TEXTS, check_layout, holds_images, is_grounding
from viewer.parquet_rows import ByteCache, ParquetRows, RowPlace
from viewer.places import SAVED, Place

_TEXT_CACHE_BYTES = 8 << 20
_IMAGE_CACHE_BYTES = 32 << 20
_IMAGE_ROWS, _TEXT_ROWS = 4, 16
_SEARCHES = 16
_SAFE_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class UnknownStoryError(SampleError):
    """A story or frame was asked for that the library does not have."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One story of the index. ``key`` names it in addresses; ``story_id`` is what the dataset says, any text."""

    key: str
    story_id: str
    split: str
    film: str
    frames: int
    place: RowPlace


@dataclass(frozen=True, slots=True)
class StoryRow:
    """A story as it is stored; ``images`` are ``None`` where there are no bytes; ``grounding`` where there is a row of it."""

    entry: Entry
    chain_of_thought: str
    story: str
    images: tuple[bytes | None, ...]
    grounding: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a query: its stories with what is known of them, and how many there are in all."""

    entries: tuple[tuple[Entry, Digest], ...]
    total: int


class Library:
    """The stories of a place. Methods may be called from several threads."""

    def __init__(self, place: Place) -> None:
        """Index the stories of ``place``.

        Raises:
            ConfigError: a file of another layout.
            SourceError: a file that cannot be read.
        """
        self.place = place
        self._rows = ParquetRows([path for _, path in place.stories])
        self._grounded = ParquetRows(place.grounding)
        self._texts: ByteCache[RowPlace, tuple[str, str]] = ByteCache(_TEXT_CACHE_BYTES, _text_bytes)
        self._images: ByteCache[RowPlace, tuple[bytes | None, ...]] = ByteCache(_IMAGE_CACHE_BYTES, _image_bytes)
        self._grounding: dict[str, RowPlace] = {}
        self._films: dict[str, str] = {}
        self._index_grounding()
        self._by_key: dict[str, int] = {}
        self._digests: list[Digest | None] = []
        self.entries: tuple[Entry, ...] = ()
        for number, (split, _) in enumerate(place.stories):
            self._take_in(number, split)
        self._searches: dict[str, frozenset[int]] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._reader: threading.Thread | None = None

    # ------------------------------------------------------------------ the index

    def _take_in(self, number: int, split: str) -> None:
        """Add the stories of a file to the index.

        Raises:
            ConfigError: it has another layout.
            SourceError: it cannot be read.
        """
        check_layout(self._rows.files[number], self._rows.schema(number))
        known = len(self.entries)
        added: list[Entry] = []
        taken = set(self._by_key)
        for group in range(self._rows.groups(number)):
            for start, batch in self._rows.batches(number, ("story_id", "frame_count"), group, 4096):
                ids, counts = batch.column("story_id").to_pylist(), batch.column("frame_count").to_pylist()
                for offset, (found, count) in enumerate(zip(ids, counts, strict=True)):
                    story_id = "" if found is None else str(found)
                    key = free_key(story_id, known + len(added) + 1, taken)
                    taken.add(key)
                    frames = count if isinstance(count, int) and count > 0 else 0
                    place = RowPlace(number, group, start + offset)
                    added.append(Entry(key, story_id, split, self._films.get(story_id, ""), frames, place))
        self._digests += [None] * len(added)
        self._by_key |= {entry.key: known + place for place, entry in enumerate(added)}
        self.entries += tuple(added)

    def refresh(self) -> None:
        """Take in what was saved into the workspace since it was opened; a file that cannot be read is passed over."""
        if self.place.workspace is None:
            return
        folder = self.place.workspace / SAVED
        with self._lock:
            for path in sorted(set(folder.glob("*.parquet")).difference(self._rows.files)):
                number = self._rows.add(path)
                self._searches.clear()
                with suppress(ConfigError, SourceError):
                    self._take_in(number, SAVED)

    def _index_grounding(self) -> None:
        """Films and rows by ``story_id``; a grounding of another layout is as good as none."""
        for number in range(len(self._grounded.files)):
            if not is_grounding(self._grounded.schema(number)):
                continue
            for group in range(self._grounded.groups(number)):
                for start, batch in self._grounded.batches(number, ("story_id", "film"), group, 4096):
                    films = batch.column("film").to_pylist()
                    for offset, story_id in enumerate(batch.column("story_id").to_pylist()):
                        self._grounding[str(story_id)] = RowPlace(number, group, start + offset)
                        self._films[str(story_id)] = str(films[offset] or "")

    @property
    def films(self) -> list[tuple[str, int]]:
        """Films with their number of stories, by name."""
        return _count(entry.film for entry in self.entries if entry.film)

    @property
    def splits(self) -> list[tuple[str, int]]:
        """Splits with their number of stories."""
        return _count(entry.split for entry in self.entries)

    def find(self, key: str) -> Entry:
        """The entry of a key; one that is not known may have been saved just now.

        Raises:
            UnknownStoryError: there is none.
        """
        number = self._by_key.get(key)
        if number is None:
            self.refresh()
            number = self._by_key.get(key)
        if number is None:
            raise UnknownStoryError(f"there is no story '{key[:80]}' here: go back to the library")
        return self.entries[number]

    def neighbours(self, key: str) -> tuple[str, str]:
        """Keys of the stories before and after one, in the order of the dataset; empty at the ends."""
        number = self._by_key[self.find(key).key]
        before = self.entries[number - 1].key if number else ""
        after = self.entries[number + 1].key if number + 1 < len(self.entries) else ""
        return before, after

    # ------------------------------------------------------------------ pages

    def page(self, query: Query) -> Page:
        """The stories of one page of a query."""
        self.refresh()
        chosen = self._choose(query)
        first = (max(query.page, 1) - 1) * query.size
        numbers = chosen[first : first + query.size]
        self._digest(numbers)
        shown = [(self.entries[number], self._digests[number]) for number in numbers]
        return Page(tuple((entry, digest) for entry, digest in shown if digest is not None), len(chosen))

    def _choose(self, query: Query) -> list[int]:
        found = self._search(query.text)
        chosen = [
            number
            for number, entry in enumerate(self.entries)
            if (found is None or number in found)
            and (not query.film or entry.film == query.film)
            and (not query.split or entry.split == query.split)
            and keeps_quality(self._digests[number], query.quality)
        ]
        if query.sort in ("film", "frames"):
            chosen.sort(key=lambda number: getattr(self.entries[number], query.sort), reverse=query.descending)
        elif query.sort in NEED_DIGESTS:
            # A story that was not read yet comes last, whichever way the others go.
            known = [number for number in chosen if self._digests[number] is not None]
            known.sort(key=lambda number: getattr(self._digests[number], query.sort), reverse=query.descending)
            chosen = known + [number for number in chosen if self._digests[number] is None]
        elif query.descending:
            chosen.reverse()
        return chosen

    def _search(self, text: str) -> frozenset[int] | None:
        """Numbers of the stories that have every word, in their text, film or id; ``None`` when no word is asked for."""
        words = text.lower().split()
        if not words:
            return None
        asked = " ".join(words)
        if asked in self._searches:
            return self._searches[asked]
        found = []
        by_place = {entry.place: number for number, entry in enumerate(self.entries)}
        for file in sorted({place.file for place in by_place}):
            for group in range(self._rows.groups(file)):
                for start, batch in self._rows.batches(file, ("story",), group, 512):
                    masks = [pc.match_substring(batch.column(0), word, ignore_case=True).to_pylist() for word in words]
                    for row in range(batch.num_rows):
                        number = by_place[RowPlace(file, group, start + row)]
                        entry = self.entries[number]
                        also = f"{entry.story_id} {entry.film}".lower()
                        if all(mask[row] or word in also for mask, word in zip(masks, words, strict=True)):
                            found.append(number)
        with self._lock:
            while len(self._searches) >= _SEARCHES:
                self._searches.pop(next(iter(self._searches)))
            self._searches[asked] = frozenset(found)
        return self._searches.get(asked, frozenset(found))

    def _digest(self, numbers: Sequence[int]) -> None:
        wanted = [number for number in numbers if self._digests[number] is None]
        texts = self._read_texts([self.entries[number].place for number in wanted])
        for number in wanted:
            entry = self.entries[number]
            self._digests[number] = digest_texts(*texts[entry.place], entry.frames)

    # ------------------------------------------------------------------ reading ahead

    @property
    def digested(self) -> int:
        """Stories of which cast, words and faults are known."""
        return sum(digest is not None for digest in self._digests)

    def read_ahead(self) -> None:
        """Begin to read all stories in the background, so that they can be sorted and filtered by what is in them."""
        if self._reader is None:
            self._reader = threading.Thread(target=self._read_all, name="library", daemon=True)
            self._reader.start()

    def _read_all(self) -> None:
        for first in range(0, len(self.entries), _TEXT_ROWS):
            for number in range(first, min(first + _TEXT_ROWS, len(self.entries))):
                if self._closed.is_set():
                    return
                try:
                    self._digest([number])
                except SourceError:
                    return  # whoever opens that story is told

    def close(self) -> None:
        """Stop reading and close the files."""
        self._closed.set()
        if self._reader is not None:
            self._reader.join()
        self._rows.close()
        self._grounded.close()

    def __enter__(self) -> Self:
        """Open for a ``with`` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    # ------------------------------------------------------------------ one story

    def story(self, key: str) -> StoryRow:
        """A story with the bytes of its images.

        Raises:
            UnknownStoryError: there is none of that key.
            SourceError: its file is damaged or has changed.
        """
        entry = self.find(key)
        chain_of_thought, story = self._read_texts([entry.place])[entry.place]
        return StoryRow(entry, chain_of_thought, story, self._read_images(entry.place), self._read_grounding(entry))

    def frame(self, key: str, number: int) -> bytes:
        """The stored bytes of a frame, counted from 1.

        Raises:
            UnknownStoryError: no such story or frame, or a frame without bytes.
        """
        images = self._read_images(self.find(key).place)
        content = images[number - 1] if 1 <= number <= len(images) else None
        if content is None:
            raise UnknownStoryError(f"story '{key[:80]}' has no frame {number} with image bytes")
        return content

    def _read_texts(self, places: Sequence[RowPlace]) -> dict[RowPlace, tuple[str, str]]:
        found = {place: held for place in places if (held := self._texts.get(place)) is not None}
        missing = [place for place in places if place not in found]
        for place, row in self._rows.rows(missing, TEXTS, _TEXT_ROWS).items():
            found[place] = (str(row[TEXTS[0]] or ""), str(row[TEXTS[1]] or ""))
            self._texts.put(place, found[place])
        return found

    def _read_images(self, place: RowPlace) -> tuple[bytes | None, ...]:
        held = self._images.get(place)
        if held is not None:
            return held
        if not holds_images(self._rows.schema(place.file)):
            return ()
        wanted: tuple[bytes | None, ...] = ()
        for start, batch in self._rows.batches(place.file, ("images",), place.group, _IMAGE_ROWS):
            if start + batch.num_rows <= place.row:
                continue
            # The rows beside it were decoded anyway, and the next question is mostly about them.
            for offset, images in enumerate(batch.column(0).to_pylist()):
                near = place._replace(row=start + offset)
                self._images.put(near, tuple(_content(image) for image in images or ()))
                if near == place:
                    wanted = tuple(_content(image) for image in images or ())
            break
        return wanted

    def _read_grounding(self, entry: Entry) -> Mapping[str, Any] | None:
        place = self._grounding.get(entry.story_id)
        if place is None:
            return None
        return self._grounded.rows([place], GROUNDING, _TEXT_ROWS)[place]


def free_key(story_id: str, number: int, taken: set[str]) -> str:
    """A name for addresses: the id where it is a plain word that is free, else one made of its place."""
    key = story_id if _SAFE_KEY.fullmatch(story_id) else f"n{number}"
    while key in taken:
        key = f"{key[:56]}-{number}"
    return key


def _content(image: Any) -> bytes | None:
    content = image.get("bytes") if isinstance(image, Mapping) else None
    return content if isinstance(content, bytes) and content else None


def _count(values: Iterator[str]) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return sorted(counts.items())


def _text_bytes(value: tuple[str, str]) -> int:
    return 2 * (len(value[0]) + len(value[1])) + 200


def _image_bytes(value: tuple[bytes | None, ...]) -> int:
    return sum(len(content or b"") + 64 for content in value)
