from dataclasses import replace
from pathlib import Path

from schemas.evidence import StoryEvidence
from tasks.assembly import assemble_shard
from tasks.report.contact import MOST_ROWS, SheetRow, draw_sheet, sheet_rows, wanted_crops
from tasks.report.palette import assign_colours
from tasks.report.pictures import StoryPictures
from tests.tasks.report.films import Film, make_run
from tests.tasks.report.pages import Node, read_page

NO_PICTURES = StoryPictures({}, {}, 0)


def evidence(root: Path) -> StoryEvidence:
    run, refs, _ = make_run(root, [Film(stories=1)])
    return next(iter(assemble_shard(run, refs[0], images=False))).evidence


def sheet(rows: list[SheetRow], pictures: StoryPictures = NO_PICTURES) -> Node:
    return read_page(draw_sheet(rows, pictures, assign_colours({row.entity_id: 1 for row in rows}), {"char1": "Ines"}))


def test_one_row_an_entity_its_views_in_order(tmp_path: Path) -> None:
    rows = sheet_rows(evidence(tmp_path))
    assert [row.entity_id for row in rows] == ["char1", "char2", "obj1"]
    assert [number for number, _ in rows[0].views] == [1, 2, 3, 4, 5]
    assert [number for number, _ in rows[1].views] == [1, 2]
    assert wanted_crops(rows)[:6] == [
        (1, "char1"),
        (2, "char1"),
        (3, "char1"),
        (4, "char1"),
        (5, "char1"),
        (1, "char2"),
    ]


def test_links_in_doubt_are_counted_and_marked(tmp_path: Path) -> None:
    """char2 is seen twice, its second link has a confidence of 0.4."""
    rows = sheet_rows(evidence(tmp_path))
    assert [row.doubtful for row in rows] == [0, 1, 0]
    page = sheet(rows)
    assert "3 entities, 1 of its links in doubt" in page.text
    (marked,) = page.all("li", "doubt")
    assert "2 \u00b7 ? 0.40" in marked.text


def test_one_view_alone_is_no_link(tmp_path: Path) -> None:
    (_, view) = sheet_rows(evidence(tmp_path))[2].views[0]
    unsure = SheetRow("obj1", ((1, replace(view, confidence=0.1)),))
    assert unsure.doubtful == 0
    page = sheet([unsure])
    assert not page.all("li", "doubt")
    assert "seen once" in page.text


def test_crops_are_shown_where_there_are_any(tmp_path: Path) -> None:
    rows = sheet_rows(evidence(tmp_path))
    page = sheet(rows, StoryPictures({}, {(1, "char1"): "data:image/jpeg;base64,AA"}, 0))
    (image,) = page.all("img")
    assert image.attributes["alt"] == "char1 in image 1"
    assert len(page.all("span", "gap")) == 7


def test_names_labels_and_gallery(tmp_path: Path) -> None:
    text = [who.text for who in sheet(sheet_rows(evidence(tmp_path))).all("div", "who")]
    assert text[0] == "char1 Inesin 5 images, mean confidence 0.95film: char1"
    assert len(text) == 3
    assert text[2] == "seen once"


def test_a_crowd_is_cut_short(tmp_path: Path) -> None:
    (row, *_) = sheet_rows(evidence(tmp_path))
    rows = [SheetRow(f"char{i}", row.views[:1]) for i in range(1, MOST_ROWS + 4)]
    page = sheet(rows)
    assert len(page.all("li", "crop")) == MOST_ROWS
    assert page.all("p", "note")[-1].text == "and 3 more entities"
    assert len(wanted_crops(rows)) == MOST_ROWS
