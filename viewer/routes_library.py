"""Stories and frames for the page: ``/api/state``, ``/api/stories``, ``/api/stories/{key}``, ``/api/frames/{key}/{number}``."""

import hashlib
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from schemas.errors import ConfigError
from viewer.entries import QUALITIES, SORTS, Digest, Query
from viewer.frames import Picture, inspect_image, shown_width, stored_picture, thumbnail
from viewer.library import Entry, Library, StoryRow, UnknownStoryError
from viewer.parquet_rows import ByteCache
from viewer.state import ViewerState
from viewer.story_json import Json, story_json

MAX_PAGE_SIZE = 96
LONGEST_SEARCH = 200
_THUMBNAIL_BYTES = 16 << 20


def routes(state: ViewerState) -> list[Route]:
    """The routes."""
    pages = LibraryRoutes(state)
    return [
        Route("/api/state", pages.tell_state),
        Route("/api/stories", pages.list_stories),
        Route("/api/stories/{key}", pages.show_story),
        Route("/api/frames/{key}/{number:int}", pages.show_frame),
    ]


class LibraryRoutes:
    """What the routes share: the state, and the thumbnails drawn last."""

    def __init__(self, state: ViewerState) -> None:
        self._state = state
        self._thumbnails: ByteCache[tuple[str, int, int], Picture] = ByteCache(
            _THUMBNAIL_BYTES, lambda picture: len(picture.content) + 100
        )

    def _library(self) -> Library:
        if self._state.library is None:
            raise HTTPException(404, "no stories were opened: start with 'storyreasoning view WORKSPACE'")
        return self._state.library

    def tell_state(self, _: Request) -> Response:
        """What was opened and what can be done with it."""
        library = self._state.library
        if library is not None:
            library.refresh()
        return JSONResponse(
            {
                "place": self._state.place,
                "stories": len(library.entries) if library else 0,
                "opened": library is not None,
                "films": [{"name": name, "stories": count} for name, count in library.films] if library else [],
                "splits": [{"name": name, "stories": count} for name, count in library.splits] if library else [],
                "workspace": self._state.workspace is not None,
                "endpoints": [{"url": one.url, "model": one.model} for one in self._state.endpoints],
            }
        )

    def list_stories(self, request: Request) -> Response:
        """One page of a query."""
        library = self._library()
        query = read_query(request)
        page = library.page(query)
        return JSONResponse(
            {
                "stories": [entry_json(entry, digest) for entry, digest in page.entries],
                "total": page.total,
                "page": query.page,
                "size": query.size,
                "digested": library.digested,
                "all": len(library.entries),
            }
        )

    def show_story(self, request: Request) -> Response:
        """Everything of one story but the pixels."""
        library = self._library()
        key = request.path_params["key"]
        try:
            row = library.story(key)
        except UnknownStoryError as error:
            raise HTTPException(404, str(error)) from error
        before, after = library.neighbours(key)
        return JSONResponse(row_as_json(row) | {"before": before, "after": after})

    def show_frame(self, request: Request) -> Response:
        """A frame as it is stored, or with ``?w=`` a thumbnail."""
        key, number = request.path_params["key"], request.path_params["number"]
        asked = request.query_params.get("w")
        width = shown_width(read_number(asked, "w", 1, 10_000)) if asked is not None else 0
        try:
            content = self._library().frame(key, number)
        except UnknownStoryError as error:
            raise HTTPException(404, str(error)) from error
        tag = f'"{hashlib.sha256(content).hexdigest()[:24]}-{width}"'
        headers = {"etag": tag, "cache-control": "private, no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        if not width:
            picture = stored_picture(content)
        else:
            place = (key, number, width)
            held = self._thumbnails.get(place)
            picture = held or thumbnail(content, width)
            if held is None:
                self._thumbnails.put(place, picture)
        return Response(picture.content, media_type=picture.media_type, headers=headers)


def read_query(request: Request) -> Query:
    """The query of a request.

    Raises:
        ConfigError: a value that is none.
    """
    given = request.query_params
    sort, _, direction = given.get("sort", "order").partition("-")
    quality = given.get("quality", "")
    if sort not in SORTS or direction not in ("", "down"):
        raise ConfigError(f"sort is one of {', '.join(SORTS)}, with -down for the other way")
    if quality and quality not in QUALITIES:
        raise ConfigError(f"quality is one of {', '.join(QUALITIES)}")
    return Query(
        text=given.get("q", "")[:LONGEST_SEARCH],
        film=given.get("film", ""),
        split=given.get("split", ""),
        quality=quality,
        sort=sort,
        descending=direction == "down",
        page=read_number(given.get("page", "1"), "page", 1, 1_000_000),
        size=read_number(given.get("size", "24"), "size", 1, MAX_PAGE_SIZE),
    )


def read_number(text: str, name: str, least: int, most: int) -> int:
    """A whole number in a range.

    Raises:
        ConfigError: it is none.
    """
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and least <= int(text) <= most):
        raise ConfigError(f"{name} is a whole number from {least} to {most:,}")
    return int(text)


def entry_json(entry: Entry, digest: Digest) -> Json:
    """A card of the library."""
    return {
        "key": entry.key,
        "story_id": entry.story_id,
        "split": entry.split,
        "film": entry.film,
        "frames": entry.frames,
        **digest.json(),
    }


def row_as_json(row: StoryRow) -> Json:
    """A story with its frames; ``src`` is empty for a frame that cannot be shown."""
    entry = row.entry
    found = [inspect_image(content) if content else None for content in row.images]
    known: list[Any] = list((row.grounding or {}).get("frames") or ())
    facts = {fact["number"]: fact for fact in known}
    frames: list[Json] = []
    for number, header in enumerate(found, start=1):
        fact = facts.get(number, {})
        frame: Json = {"number": number, "src": f"/api/frames/{entry.key}/{number}" if header else ""}
        frame |= {"width": header[1][0] if header else 0, "height": header[1][1] if header else 0}
        frame |= {"frame_id": fact.get("frame_id", ""), "scene": fact.get("scene", "")}
        frames.append(frame)
    made = {name: (row.grounding or {}).get(name) or "" for name in ("drafter", "model", "prompt_version")}
    body = story_json(
        row.chain_of_thought,
        row.story,
        frame_count=entry.frames,
        frame_sizes=[header[1] if header else None for header in found] if found else None,
        grounding=row.grounding,
    )
    head: Json = {"key": entry.key, "story_id": entry.story_id, "split": entry.split, "film": entry.film}
    return {**head, "frame_count": entry.frames, "frames": frames, "made": made, **body}
