"""The peer of the codecs: the way the published dataset's own code reads a chain of thought and a story.

Written from a description of it: one regular expression is searched from the start of the text for each image, then one
for each section of that image, then rows are split at pipes. It gives neither spans nor faults nor validation.
"""

import re
from typing import Any

_SECTIONS = {
    "characters": re.compile(r"### Characters\s*\n\|.*?\|\n\|[-|\s]*\|\n(.*?)(?=\n\n|\n###|\Z)", re.DOTALL),
    "objects": re.compile(r"### Objects\s*\n\|.*?\|\n\|[-|\s]*\|\n(.*?)(?=\n\n|\n###|\Z)", re.DOTALL),
    "settings": re.compile(r"### Setting\s*\n\|.*?\|\n\|[-|\s]*\|\n(.*?)(?=\n\n|\n###|\Z)", re.DOTALL),
}
_NARRATIVE = re.compile(r"## Narrative Structure\s*\n\|.*?\|\n\|[-|\s]*\|\n(.*?)\Z", re.DOTALL)
_BLOCK = re.compile(r"<gdi image(\d+)>(.*?)</gdi>", re.DOTALL)
_TAG = re.compile(r"<(gdo|gda|gdl) ([^>]*)>(.*?)</\1>", re.DOTALL)


def read_chain_of_thought(text: str) -> dict[str, Any]:
    """Tables by image number as lists of rows, and the narrative phases."""
    images: dict[int, dict[str, list[list[str]]]] = {}
    number = 1
    while True:
        found = re.search(
            rf"## Image {number}\s*\n(.*?)(?=## Image {number + 1}\s|## Narrative Structure|\Z)", text, re.DOTALL
        )
        if found is None:
            break
        content = found.group(1)
        images[number] = {}
        for name, pattern in _SECTIONS.items():
            section = pattern.search(content)
            images[number][name] = _rows(section.group(1)) if section else []
        number += 1
    narrative = _NARRATIVE.search(text)
    return {"images": images, "narrative": _rows(narrative.group(1)) if narrative else []}


def _rows(table: str) -> list[list[str]]:
    rows = []
    for line in table.strip().split("\n"):
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if cells and cells[-1].count(",") == 3:
            cells[-1:] = [str(int(value)) for value in cells[-1].split(",")]
        rows.append(cells)
    return rows


def read_story(text: str) -> dict[int, list[tuple[str, list[str], str]]]:
    """Tags by image number."""
    return {
        int(number): [(kind, ids.split(), inside) for kind, ids, inside in _TAG.findall(body)]
        for number, body in _BLOCK.findall(text)
    }
