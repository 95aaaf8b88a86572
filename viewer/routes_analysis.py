"""Analysis: ``POST /api/analyse`` reads any chain of thought and story, and says what is wrong with them and where."""

from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from schemas.errors import ConfigError
from schemas.model_output import split_output
from schemas.validation import Sizes
from viewer.exporting import ExportStory, download
from viewer.routes_live import LONGEST_OUTPUT, read_body, read_result
from viewer.state import ViewerState
from viewer.story_json import story_json
from viewer.uploads import MAX_BODY_BYTES, MAX_IMAGES

BODY_LIMITS = {"/api/analyse": 9_000_000, "/api/analyse/export": MAX_BODY_BYTES}
_LARGEST_SIDE = 1_000_000


def routes(_: ViewerState) -> list[Route]:
    """The routes."""
    return [
        Route("/api/analyse", analyse, methods=["POST"]),
        Route("/api/analyse/export", export, methods=["POST"]),
    ]


async def analyse(request: Request) -> Response:
    """Blocks, tables, entities and faults of ``output``, or of ``chain_of_thought`` and ``story``."""
    value = await read_body(request)
    thoughts, story = read_texts(value)
    sizes = read_sizes(value.get("sizes"))
    told = await run_in_threadpool(story_json, thoughts, story, frame_sizes=sizes)
    return JSONResponse(told)


async def export(request: Request) -> Response:
    """Texts and frames as a file."""
    value = await read_body(request)
    thoughts, story = read_texts(value)
    title, _, images = await read_result({**value, "output": ""})
    pictures = tuple((one.media_type, one.content, (one.width, one.height)) for one in images)
    exported = ExportStory(title or "Story", thoughts, story, pictures, {})
    return await run_in_threadpool(download, exported, value.get("format"))


def read_texts(value: Mapping[str, Any]) -> tuple[str, str]:
    """Chain of thought and story; a whole answer is split.

    Raises:
        ConfigError: neither, or too long.
    """
    texts = [value.get(name, "") for name in ("output", "chain_of_thought", "story")]
    if not all(isinstance(text, str) for text in texts):
        raise ConfigError("output, chain_of_thought and story must be text")
    if max(map(len, texts)) > LONGEST_OUTPUT:
        raise ConfigError(f"the text has more than {LONGEST_OUTPUT:,} characters: analyse a part of it")
    output, thoughts, story = (text.encode("utf-8", "replace").decode() for text in texts)
    if output.strip():
        return split_output(output)
    if not (thoughts.strip() or story.strip()):
        raise ConfigError("there is nothing to analyse: paste a chain of thought, a story, or a whole answer")
    return thoughts, story


def read_sizes(value: object) -> Sizes | None:
    """Width and height of each frame, ``None`` for one that is not known; ``None`` without frames.

    Raises:
        ConfigError: it is no such list.
    """
    if value is None or value == []:
        return None
    if not isinstance(value, list) or len(value) > MAX_IMAGES:
        raise ConfigError(f"sizes is a list of at most {MAX_IMAGES} pairs")
    sizes: list[tuple[int, int] | None] = []
    for one in value:
        if one is None:
            sizes.append(None)
        elif (
            isinstance(one, list)
            and len(one) == 2
            and all(isinstance(side, int) and not isinstance(side, bool) and 0 < side < _LARGEST_SIDE for side in one)
        ):
            sizes.append((one[0], one[1]))
        else:
            raise ConfigError("sizes is a list of [width, height] in pixels, or null")
    return sizes
