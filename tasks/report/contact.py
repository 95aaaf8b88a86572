"""The identity contact sheet: one row an entity, its crops in order with how sure each link is."""

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.evidence import EntityView, StoryEvidence
from tasks.dataset_card.facts import DOUBTFUL
from tasks.report.markup import Markup, element, join
from tasks.report.palette import entity_order
from tasks.report.pictures import CropKey, StoryPictures

MOST_ROWS = 40


@dataclass(frozen=True, slots=True)
class SheetRow:
    """An entity and its views, by frame number."""

    entity_id: str
    views: tuple[tuple[int, EntityView], ...]

    @property
    def doubtful(self) -> int:
        """How many of its links are in doubt; one view alone is linked to nothing."""
        return sum(view.confidence < DOUBTFUL for _, view in self.views) if len(self.views) > 1 else 0


def sheet_rows(evidence: StoryEvidence) -> list[SheetRow]:
    """Every entity of a story: people first, then things, by number."""
    views: dict[str, list[tuple[int, EntityView]]] = {}
    for frame in evidence.frames:
        for view in frame.entities:
            views.setdefault(view.entity_id, []).append((frame.number, view))
    return [SheetRow(entity_id, tuple(views[entity_id])) for entity_id in sorted(views, key=entity_order)]


def wanted_crops(rows: list[SheetRow]) -> list[CropKey]:
    """Crops that the sheet shows, row by row."""
    return [(number, row.entity_id) for row in rows[:MOST_ROWS] for number, _ in row.views]


def draw_sheet(
    rows: list[SheetRow], pictures: StoryPictures, colours: Mapping[str, str], names: Mapping[str, str]
) -> Markup:
    """The contact sheet, folded out."""
    doubtful = sum(row.doubtful for row in rows)
    state = f"{doubtful} of its links in doubt" if doubtful else "no link in doubt"
    title = join("Who is who ", element("span", {"class": "sub"}, f"{len(rows)} entities, {state}"))
    shown = rows[:MOST_ROWS]
    items = [_draw_row(row, pictures, colours, names) for row in shown if len(row.views) > 1]
    once = [row for row in shown if len(row.views) == 1]
    if once:
        crops = [
            _draw_crop(*row.views[0], row, pictures, element("span", _plate(row, colours), row.entity_id))
            for row in once
        ]
        who = element("div", {"class": "who"}, element("span", {"class": "name"}, "seen once"))
        items.append(element("li", {"class": "once"}, who, element("ul", {"class": "crops"}, crops)))
    rest = len(rows) - len(shown)
    note = f"Under each crop: image, confidence of the link. A broken frame and ? mark links below {DOUBTFUL}."
    return element(
        "details",
        {"open": True},
        element("summary", None, title),
        element("p", {"class": "note"}, note),
        element("ul", {"class": "sheet"}, items),
        element("p", {"class": "note"}, f"and {rest} more entities") if rest else None,
    )


def _plate(row: SheetRow, colours: Mapping[str, str]) -> dict[str, str]:
    return {"class": f"id {colours[row.entity_id]}"}


def _draw_row(row: SheetRow, pictures: StoryPictures, colours: Mapping[str, str], names: Mapping[str, str]) -> Markup:
    views = [view for _, view in row.views]
    mean = sum(view.confidence for view in views) / len(views)
    seen = f"in {len(views)} images, mean confidence {mean:.2f}"
    film_wide = views[0].gallery_id
    who = element(
        "div",
        {"class": "who"},
        element("span", _plate(row, colours), row.entity_id),
        " ",
        element("span", {"class": "name"}, names.get(row.entity_id) or views[0].label),
        element("div", {"class": "sub"}, seen),
        element("div", {"class": "sub mono"}, f"film: {film_wide}") if film_wide else None,
    )
    crops = [_draw_crop(number, view, row, pictures, f"{number} \u00b7 {_sure(view)}") for number, view in row.views]
    return element("li", None, who, element("ul", {"class": "crops"}, crops))


def _draw_crop(number: int, view: EntityView, row: SheetRow, pictures: StoryPictures, caption: str) -> Markup:
    doubt = len(row.views) > 1 and view.confidence < DOUBTFUL
    uri = pictures.crops.get((number, row.entity_id))
    alt = f"{row.entity_id} in image {number}"
    picture = (
        element("img", {"src": uri, "alt": alt, "title": alt, "loading": "lazy", "decoding": "async"})
        if uri
        else element("span", {"class": "gap", "title": f"{alt}: left out to keep the page small"}, "\u00b7")
    )
    return element("li", {"class": "crop doubt" if doubt else "crop"}, picture, caption)


def _sure(view: EntityView) -> str:
    return f"{'? ' if view.confidence < DOUBTFUL else ''}{view.confidence:.2f}"
