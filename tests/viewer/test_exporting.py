"""Exported files: whole, readable, and harmless whatever a model wrote."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from schemas.chain_of_thought import render_chain_of_thought
from schemas.story import render_story
from tests.e2e.viewer.injections import INJECTIONS
from tests.viewer.conftest import OpenClient
from tests.viewer.datasets import HEIGHT, WIDTH, analysis, box, picture, telling
from viewer.exporting import ExportStory, export_html, export_json, export_markdown

NAMES = ("In\u00e9s", "Marko")
IMAGES = tuple(("image/jpeg", picture(number), (WIDTH, HEIGHT)) for number in (1, 2))
SOUND = ExportStory(
    "Harbour 7",
    render_chain_of_thought(analysis(2, NAMES)),
    render_story(telling(2, NAMES, "on the quay")),
    IMAGES,
    {"model": "m"},
)


class Elements(HTMLParser):
    """Elements with attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_has_pictures_boxes_and_text() -> None:
    page = export_html(SOUND)
    parsed = Elements(page)
    sources = [attributes["src"] for tag, attributes in parsed.found if tag == "img"]
    assert sources == [f"data:image/jpeg;base64,{base64.b64encode(picture(n)).decode()}" for n in (1, 2)]
    boxes = [attributes for tag, attributes in parsed.found if tag == "div" and "tabindex" in attributes]
    first = next(attributes for attributes in boxes if "char1" in str(attributes["class"]).split())
    name = re.findall(r"\bb\d+\b", str(first["class"]))[0]
    x1, y1, x2, y2 = box("char1", 1)
    rule = (
        f".{name}{{left:{100 * x1 / WIDTH:.3f}%;top:{100 * y1 / HEIGHT:.3f}%;"
        f"width:{100 * (x2 - x1) / WIDTH:.3f}%;height:{100 * (y2 - y1) / HEIGHT:.3f}%}}"
    )
    assert rule in page
    assert "In\u00e9s" in parsed.text


def test_the_page_admits_its_own_style_and_nothing_else() -> None:
    page = export_html(SOUND)
    style = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert len(style) == 1
    digest = base64.b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
    policy = next(a["content"] for tag, a in Elements(page).found if a.get("http-equiv") == "Content-Security-Policy")
    assert (
        policy == f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert "style=" not in page.replace("style-src", "")


def hostile() -> ExportStory:
    """Every injection string in the title, cells, ids, tag attributes, mentions and text."""
    flat = [text.replace("|", "/").replace("\n", " ") for text in INJECTIONS]
    rows = "".join(f"| char{n} | {t} | {t} | {t} | {t} | {t} | 1,2,30,40 |\n" for n, t in enumerate(flat, 1))
    tables = (
        "## Image 1\n### Characters\n"
        "| Character ID | Name | Description | Emotions | Actions | Narrative Function | Bounding Box |\n"
        f"|-|-|-|-|-|-|-|\n{rows}"
    )
    mentions = " ".join(f"<gdo char{n}>{t}</gdo> <gda char{n} {t}>x</gda> {t}" for n, t in enumerate(flat, 1))
    return ExportStory(flat[0] + flat[1], tables, f"{flat[2]}<gdi image1>{mentions}</gdi>", IMAGES, {"model": flat[3]})


def test_nothing_a_model_wrote_becomes_markup_in_the_page() -> None:
    sound, wild = Elements(export_html(SOUND)), Elements(export_html(hostile()))
    assert {tag for tag, _ in wild.found} <= {tag for tag, _ in sound.found}
    allowed = {
        "charset",
        "class",
        "content",
        "data",
        "height",
        "http-equiv",
        "lang",
        "name",
        "scope",
        "src",
        "tabindex",
    }
    allowed |= {"title", "width", "alt", "aria-label", "role"}
    for tag, attributes in wild.found:
        assert set(attributes) <= allowed, (tag, attributes)
        assert str(attributes.get("src", "data:")).startswith("data:image/jpeg;base64,") or tag != "img"
        if tag in ("div", "span"):
            assert re.fullmatch(r"[A-Za-z0-9 -]*", str(attributes.get("class", "")))
    assert "alert(" in wild.text


def test_nothing_a_model_wrote_becomes_markup_or_links_in_markdown() -> None:
    text = export_markdown(hostile())
    for mark in "<[`":
        assert re.search(rf"(?<!\\){re.escape(mark)}", text.replace("\\\\", "")) is None, mark
    assert "://" not in text
    lines = [line for line in text.splitlines() if line.startswith("#")]
    assert lines[1:] == ["## Image 1", "# Tables", "## Tables of image 1", "### Characters"]


def test_markdown_reads_like_the_story() -> None:
    text = export_markdown(SOUND)
    assert text.startswith("# Harbour 7\n\n## Image 1\n\n")
    assert "**In\u00e9s**" in text
    assert "## Narrative Structure" in text


def test_json_holds_everything() -> None:
    value = json.loads(export_json(SOUND))
    assert value["chain_of_thought"] == SOUND.chain_of_thought
    assert value["story"] == SOUND.story
    assert [frame["width"] for frame in value["frames"]] == [WIDTH, WIDTH]
    assert base64.b64decode(value["frames"][0]["image"].partition(",")[2]) == picture(1)
    assert value["entities"][0]["id"] == "char1"


@pytest.mark.parametrize(
    "told", ["", "no tags at all", "<gdi image99999>x</gdi>", "<gdi image9999>x</gdi>", "<gdi>x</gdi>"]
)
def test_odd_stories_export_too(told: str) -> None:
    for images in ((), (None,), IMAGES):
        story = ExportStory("", "", told, images)
        assert export_html(story).endswith("</html>\n")
        assert export_markdown(story)
        assert json.loads(export_json(story))["story"] == told


def test_any_story_of_the_library_is_exported(client_for: OpenClient, dataset: Path) -> None:
    client = client_for(dataset)
    key = client.get("/api/stories").json()["stories"][0]["key"]
    for name, kind in {"html": "text/html", "markdown": "text/markdown", "json": "application/json"}.items():
        answer = client.get(f"/api/export/{key}", params={"format": name})
        assert answer.headers["content-type"].startswith(kind)
        assert answer.headers["content-disposition"].startswith("attachment; filename=")
    assert client.get(f"/api/export/{key}?format=exe").status_code == 400
    assert client.get("/api/export/nobody").status_code == 404
    assert client_for(None).get("/api/export/x").status_code == 404
