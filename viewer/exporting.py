"""A story as a file for others: JSON, Markdown, or one HTML page with its pictures inside.

The page has no script. What lights up together does so by style rules; everything a model or dataset wrote is escaped, and
the page's own content security policy admits its one style sheet by hash and pictures by data, nothing else.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.responses import Response

from schemas.errors import ConfigError
from tasks.runtime.keys import slug
from viewer.export_page import render_page
from viewer.story_json import Json, story_json

FORMATS = {"json": "application/json", "html": "text/html; charset=utf-8", "markdown": "text/markdown; charset=utf-8"}
_SUFFIXES = {"json": "json", "html": "html", "markdown": "md"}
_MARKS = re.compile(r"([\\`*_{}\[\]()#+!|~&$@<>-])")
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class ExportStory:
    """A story with its pictures: media type, bytes, and width and height in pixels; ``None`` for one that is not at hand."""

    title: str
    chain_of_thought: str
    story: str
    images: tuple[tuple[str, bytes, tuple[int, int]] | None, ...] = ()
    made: Mapping[str, str] = field(default_factory=dict)

    def read(self) -> Json:
        """What :func:`viewer.story_json.story_json` says of it."""
        sizes = [image[2] if image else None for image in self.images] if self.images else None
        return story_json(self.chain_of_thought, self.story, frame_sizes=sizes)

    def data_uri(self, number: int) -> str:
        """The picture of an image, counted from 1; empty without one."""
        image = self.images[number - 1] if 1 <= number <= len(self.images) else None
        return f"data:{image[0]};base64,{base64.b64encode(image[1]).decode()}" if image else ""


def download(story: ExportStory, wanted: object) -> Response:
    """The file as an answer that the browser saves.

    Raises:
        ConfigError: an unknown format.
    """
    if not isinstance(wanted, str) or wanted not in FORMATS:
        raise ConfigError(f"format is one of {', '.join(FORMATS)}")
    write = {"json": export_json, "html": export_html, "markdown": export_markdown}[wanted]
    name = f"{slug(story.title).lower()}.{_SUFFIXES[wanted]}"
    return Response(
        write(story).encode("utf-8", "replace"),
        media_type=FORMATS[wanted],
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


def export_json(story: ExportStory) -> str:
    """Texts, what was read of them, and the pictures as data addresses."""
    told = story.read()
    frames = [
        {
            "number": number,
            "width": image[2][0] if image else 0,
            "height": image[2][1] if image else 0,
            "image": story.data_uri(number),
        }
        for number, image in enumerate(story.images, start=1)
    ]
    value = {"title": story.title, "made": dict(story.made), "frames": frames, **told}
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def export_html(story: ExportStory) -> str:
    """One page that needs nothing else."""
    uris = [story.data_uri(number) for number in range(1, len(story.images) + 1)]
    sizes = [image[2] if image else (0, 0) for image in story.images]
    return render_page(story.title, story.made.get("model", ""), story.read(), uris, sizes)


def export_markdown(story: ExportStory) -> str:
    """The story to read, then its tables; names of entities stand in bold where they are mentioned."""
    told = story.read()
    lines = [f"# {_plain(story.title) or 'Story'}", ""]
    for block in told["blocks"]:
        lines += [f"## Image {block['number']}" if block["number"] else "## No image", ""]
        text = "".join(_mention(part) for part in block["parts"])
        lines += [text.strip(), ""]
    lines += [f"> {_plain(one['text'])}\n" for one in told["outside"]]
    if told["images"] or told["narrative"]:
        lines += ["---", "", "# Tables", ""]
    for image in told["images"]:
        lines += [f"## Tables of image {image['number']}", ""]
        for kind in ("characters", "objects", "setting"):
            lines += _table(kind, image[kind])
    lines += _table("narrative", told["narrative"])
    return "\n".join(lines).rstrip() + "\n"


def _mention(part: Json) -> str:
    text = _plain(part["text"], keep_lines=True)
    if "kind" not in part or not text.strip():
        return text
    core = text.strip()
    mark = "_" if part["kind"] == "gda" else "**"
    return text.replace(core, f"{mark}{core}{mark}", 1)


def _plain(text: str, *, keep_lines: bool = False) -> str:
    """Text in which no reader of Markdown finds markup, links or HTML."""
    clean = _UNSAFE.sub(" ", text)
    if not keep_lines:
        clean = " ".join(clean.split())
    escaped = _MARKS.sub(r"\\\1", clean)
    # What would begin a list or a quotation at the beginning of a line; addresses must not become links.
    return re.sub(r"(?m)^(\s*)(\d+)([.)])", r"\1\2\\\3", escaped).replace("://", ":\\/\\/")


_TITLES = {
    "characters": ("Characters", ("Id", "Name", "Description", "Emotions", "Actions", "Narrative Function", "Box")),
    "objects": ("Objects", ("Id", "Description", "Function", "Interaction", "Narrative Function", "Box")),
    "setting": ("Setting", ("Element", "Description", "Mood", "Time", "Narrative Function")),
    "narrative": ("Narrative Structure", ("Phase", "Description", "Key Events", "Images")),
}


def _table(kind: str, rows: list[Json]) -> list[str]:
    if not rows:
        return []
    title, columns = _TITLES[kind]
    head = [f"{'##' if kind == 'narrative' else '###'} {title}", "", f"| {' | '.join(columns)} |"]
    body = [f"| {' | '.join(map(_plain, row['cells']))} |" for row in rows]
    return [*head, f"|{' --- |' * len(columns)}", *body, ""]
