"""The exported page: pictures with boxes beside the text, tables below, entities lit by style rules alone."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.codecs.cells import ENTITY_ID
from schemas.codecs.tables import TABLES
from tasks.report.markup import Markup, element, join, table
from tasks.report.palette import COLOURS, assign_colours
from viewer.story_json import Json

_BASE = """
:root{color-scheme:light dark;--paper:#fbfaf7;--sheet:#fff;--text:#22252a;--soft:#5c6068;--line:#dcd8cd}
@media(prefers-color-scheme:dark){:root{--paper:#171a1c;--sheet:#1e2225;--text:#e8e6e1;--soft:#a9afb5;--line:#363c41}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:78rem;padding:clamp(1rem,3vw,2.5rem);background:var(--paper);color:var(--text);
font:400 1rem/1.5 system-ui,sans-serif;overflow-wrap:break-word}
h1{font:600 1.8rem/1.2 Charter,Georgia,serif}h2{font:600 1.2rem/1.3 Charter,Georgia,serif;margin:2.5rem 0 .75rem}
p{margin:0}.sub{color:var(--soft);font-size:.875rem}
.row{display:grid;grid-template-columns:minmax(0,1.1fr) minmax(0,1fr);gap:clamp(1rem,3vw,3rem);
margin-top:2.5rem;align-items:start}
.stage{position:relative;border-radius:12px;overflow:hidden;background:var(--line)}.stage img{display:block;width:100%}
.stage .empty{padding:3rem;text-align:center;color:var(--soft)}
.told{font:400 1.125rem/1.72 Charter,Georgia,serif;white-space:pre-line}
.box{position:absolute;border:1.5px solid var(--bright);border-radius:3px;box-shadow:0 0 0 1px rgb(0 0 0/.35);opacity:.7}
.box span{position:absolute;left:0;top:0;display:none;padding:0 .35rem;background:var(--bright);color:#000;
font:600 .75rem/1.4 system-ui,sans-serif;white-space:nowrap}
.tag{border-bottom:2px solid var(--deep);border-radius:3px}.tag.dash,.box.dash{border-style:dashed}
.box:hover,.box:focus{opacity:1;border-width:3px}.box:hover span,.box:focus span{display:block}
.row:has(.tag:is(:hover,:focus)) .stage img{filter:brightness(.55)}
.lost{border-bottom:2px dashed currentColor}
details{margin-top:1.5rem}summary{cursor:pointer;color:var(--soft)}
.scroll{overflow-x:auto;margin:.75rem 0}table{border-collapse:collapse;width:100%;font-size:.875rem;background:var(--sheet)}
th,td{padding:.4rem .6rem;border:1px solid var(--line);text-align:left;vertical-align:top}
@media(max-width:52rem){.row{grid-template-columns:minmax(0,1fr)}}
"""
_LIT = "{opacity:1;border-width:3px;z-index:1;backdrop-filter:brightness(1.8)}"


def render_page(title: str, model: str, told: Json, uris: Sequence[str], sizes: Sequence[tuple[int, int]]) -> str:
    """The page of a story as :func:`viewer.story_json.story_json` reads it.

    Args:
        title: the story's.
        model: who wrote it; empty where that is not known.
        told: the story.
        uris: a data address for each image, empty for one that is not at hand.
        sizes: width and height of each image in pixels.
    """
    seen = {one["id"]: len(one["appearances"]) for one in told["entities"] if ENTITY_ID.fullmatch(one["id"])}
    colours = assign_colours(seen)
    names = {one["id"]: one["name"] for one in told["entities"]}
    rules: list[str] = []
    count = max([len(uris), *(block["number"] for block in told["blocks"])], default=0)
    rows = [
        _row(number, told, uris, sizes, colours, names, rules)
        for number in range(1, min(count, 9999) + 1)
        if number <= len(uris) or any(block["number"] == number for block in told["blocks"])
    ]
    strays = [_told(block, colours) for block in told["blocks"] if not block["number"]]
    outside = [element("p", {"class": "told"}, one["text"]) for one in told["outside"]]
    style = _BASE + _colour_rules() + "".join(rules) + _lighting(seen)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = join(
        element("meta", {"charset": "utf-8"}),
        element("meta", {"http-equiv": "Content-Security-Policy", "content": policy}),
        element("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        element("title", None, title),
        element("style", None, Markup(style)),
    )
    facts = [f"{len(uris)} images", *([f"written by {model}"] if model else [])]
    body = join(
        element("header", None, element("h1", None, title), element("p", {"class": "sub"}, " · ".join(facts))),
        element("main", None, *rows, *strays, *outside, _narrative(told)),
    )
    return f"<!doctype html>\n{element('html', {'lang': 'en'}, element('head', None, head), element('body', None, body))}\n"


def _row(
    number: int,
    told: Json,
    uris: Sequence[str],
    sizes: Sequence[tuple[int, int]],
    colours: Mapping[str, str],
    names: Mapping[str, str],
    rules: list[str],
) -> Markup:
    uri = uris[number - 1] if number <= len(uris) else ""
    width, height = sizes[number - 1] if number <= len(sizes) else (0, 0)
    images = [image for image in told["images"] if image["number"] == number]
    boxes = []
    for row in (row for image in images for kind in ("characters", "objects") for row in image[kind]):
        place = _place(row["box"], width, height)
        if not uri or place is None or row["id"] not in colours:
            continue
        # Positions go into the style sheet: attributes with style are what the page's policy forbids.
        name = f"b{len(rules)}"
        rules.append(f".{name}{{{place}}}")
        attributes = {"class": f"box {name} {row['id']} {colours[row['id']]}", "tabindex": 0}
        boxes.append(element("div", attributes, element("span", None, names.get(row["id"]) or row["id"])))
    picture = (
        element("img", {"src": uri, "alt": f"Image {number}", "width": width, "height": height})
        if uri
        else element("p", {"class": "empty"}, f"Image {number} is not at hand.")
    )
    blocks = [_told(block, colours) for block in told["blocks"] if block["number"] == number]
    tables = [_table(kind, image[kind]) for image in images for kind in ("characters", "objects", "setting")]
    shown = (
        element("details", None, element("summary", None, f"Tables of image {number}"), *tables)
        if any(tables)
        else None
    )
    return element(
        "section",
        {"class": "row", "aria-label": f"Image {number}"},
        element("div", {"class": "stage"}, picture, *boxes),
        element("div", None, *blocks, shown),
    )


def _place(box: object, width: int, height: int) -> str | None:
    if not isinstance(box, list) or not (width and height):
        return None
    x1, x2 = (100 * min(max(edge, 0), width) / width for edge in (box[0], box[2]))
    y1, y2 = (100 * min(max(edge, 0), height) / height for edge in (box[1], box[3]))
    if x2 <= x1 or y2 <= y1:
        return None
    return f"left:{x1:.3f}%;top:{y1:.3f}%;width:{x2 - x1:.3f}%;height:{y2 - y1:.3f}%"


def _told(block: Json, colours: Mapping[str, str]) -> Markup:
    parts = []
    for part in block["parts"]:
        ids = [one for one in part.get("ids", ()) if one in colours]
        if not ids:
            parts.append(element("span", {"class": "lost"}, part["text"]) if "kind" in part else part["text"])
            continue
        lost = " lost" if part["unresolved"] else ""
        attributes = {"class": f"tag {' '.join(ids)} {colours[ids[0]]}{lost}", "title": ", ".join(ids), "tabindex": 0}
        parts.append(element("span", attributes, part["text"]))
    return element("p", {"class": "told"}, *parts)


def _table(kind: str, rows: Sequence[Json]) -> Markup | None:
    if not rows:
        return None
    spec = TABLES[kind]  # type: ignore[index]  # the caller names a kind
    cells: list[list[Any]] = [list(row["cells"]) for row in rows]
    return join(element("h3", None, spec.title), table(spec.columns, cells))


def _narrative(told: Json) -> Markup | None:
    shown = _table("narrative", told["narrative"])
    return element("section", None, shown) if shown else None


def _colour_rules() -> str:
    light = "".join(f".e{i}{{--bright:{bright};--deep:{deep}}}" for i, (bright, deep) in enumerate(COLOURS))
    dark = "".join(f".e{i}{{--deep:{bright}}}" for i, (bright, _) in enumerate(COLOURS))
    return f"{light}@media(prefers-color-scheme:dark){{{dark}}}"


def _lighting(ids: Mapping[str, int]) -> str:
    """A mention that is pointed at or focused lights the entity's box in its row; ids are letters and digits."""
    rules = []
    for one in ids:
        lit = f".row:has(.tag.{one}:is(:hover,:focus)) .box.{one}"
        rules.append(f"{lit}{_LIT}{lit} span{{display:block}}")
        rules.append(f".row:has(.box.{one}:is(:hover,:focus)) .tag.{one}{{background:var(--bright);color:#000}}")
    return "".join(rules)
