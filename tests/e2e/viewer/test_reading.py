"""Hover, focus, click and touch in the story, its boxes held against the data."""

from typing import TYPE_CHECKING, Any

import pytest

from schemas.text import NARRATIVE_PHASES
from tests.e2e.viewer.conftest import OpenPage, Server, StartServer
from tests.viewer.datasets import HEIGHT, WIDTH, Sample, box, write_dataset

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def story(start_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Address of a story with pictures of the size that the boxes were made for."""
    folder = write_dataset(tmp_path_factory.mktemp("one") / "set", [Sample("one", frames=5), Sample("two")])
    server: Server = start_server(folder)
    return f"{server.url}#/story/one"


def drawn(page: "Page", frame: int) -> dict[str, list[float]]:
    """The boxes that are lit in a frame, in pixels of the picture as it is stored."""
    found: dict[str, list[float]] = page.evaluate(
        """([frame, width, height]) => {
            const figure = document.querySelector(`figure[data-frame="${frame}"]`);
            const image = figure.querySelector("img").getBoundingClientRect();
            return Object.fromEntries([...figure.querySelectorAll(".box.lit")].map((box) => {
                const at = box.getBoundingClientRect();
                const x = (value) => (value - image.left) / image.width * width;
                const y = (value) => (value - image.top) / image.height * height;
                return [box.dataset.ids, [x(at.left), y(at.top), x(at.right), y(at.bottom)]];
            }));
        }""",
        [frame, WIDTH, HEIGHT],
    )
    return found


def assert_drawn(page: "Page", frame: int, *ids: str) -> None:
    lit = drawn(page, frame)
    assert set(lit) == set(ids)
    for entity_id in ids:
        assert lit[entity_id] == pytest.approx(box(entity_id, frame), abs=0.6), entity_id


def is_dimmed(page: "Page", frame: int) -> bool:
    shown: Any = page.eval_on_selector(f'figure[data-frame="{frame}"] .dim', "e => getComputedStyle(e).opacity")
    return float(shown) == 1


def tag(page: "Page", frame: int, text: str) -> Any:
    return page.locator(f'.block[data-frame="{frame}"] .tag', has_text=text).first


def test_hovering_a_mention_draws_its_box_in_that_frame(open_page: OpenPage, story: str) -> None:
    page = open_page(story, settle=False)
    tag(page, 3, "Ines").hover()
    assert_drawn(page, 3, "char1")
    assert is_dimmed(page, 3)
    assert drawn(page, 1) == {} and not is_dimmed(page, 1)
    page.mouse.move(1, 1)
    assert drawn(page, 3) == {} and not is_dimmed(page, 3)


def test_a_group_draws_all_of_it(open_page: OpenPage, story: str) -> None:
    page = open_page(story, settle=False)
    tag(page, 1, "They").hover()
    assert_drawn(page, 1, "char1", "char2")
    # The holes in the shade are where the boxes are, and nowhere else.
    holes = page.eval_on_selector_all(
        'figure[data-frame="1"] .hole',
        """found => found.filter(h => getComputedStyle(h).visibility === "visible")
            .map(h => [h.dataset.ids, ...["x", "y", "width", "height"].map(name => h[name].baseVal.value)])""",
    )
    expected = []
    for one in ("char1", "char2"):
        x1, y1, x2, y2 = box(one, 1)
        expected.append((one, x1 / WIDTH * 100, y1 / HEIGHT * 100, (x2 - x1) / WIDTH * 100, (y2 - y1) / HEIGHT * 100))
    assert sorted(hole[0] for hole in holes) == ["char1", "char2"]
    for hole, wanted in zip(sorted(holes), expected, strict=True):
        assert hole[1:] == pytest.approx(wanted[1:], abs=1e-3)


def test_things_and_places_have_boxes_too(open_page: OpenPage, story: str) -> None:
    page = open_page(story, settle=False)
    tag(page, 1, "the lamp").hover()
    assert_drawn(page, 1, "obj1")
    tag(page, 1, "the wall").hover()
    assert_drawn(page, 1, "bg1")


@pytest.mark.parametrize("width", [360, 800, 1280, 2200])
def test_boxes_scale_with_the_picture(open_page: OpenPage, story: str, width: int) -> None:
    page = open_page(story, width=width)
    tag(page, 1, "They").hover()
    assert_drawn(page, 1, "char1", "char2")
    page.set_viewport_size({"width": max(360, width - 220), "height": 700})
    tag(page, 1, "Ines").hover()
    assert_drawn(page, 1, "char1")


def test_hovering_a_box_lights_every_mention(open_page: OpenPage, story: str) -> None:
    page = open_page(story, settle=False)
    # Above the lamp stands nothing else.
    page.locator('figure[data-frame="1"] .box[data-ids="char2"]').hover()
    lit = page.locator(".tag.lit").all_inner_texts()
    assert lit == ["Marko", "They", "waited"]
    page.locator('figure[data-frame="2"] .box[data-ids="char1"]').hover()
    lit = page.locator(".tag.lit").all_inner_texts()
    assert lit == ["Ines", "They", "waited", *["Ines", "walked"] * 4]


def test_keys_do_what_the_pointer_does(open_page: OpenPage, story: str) -> None:
    page = open_page(story, settle=False)
    first = tag(page, 1, "Ines")
    first.focus()
    assert_drawn(page, 1, "char1")
    page.keyboard.press("ArrowRight")
    assert_drawn(page, 1, "char2")
    page.keyboard.press("ArrowRight")
    assert_drawn(page, 1, "char1", "char2")
    page.keyboard.press("End")
    assert_drawn(page, 1, "bg1")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    assert page.locator(".follow").is_visible()
    assert_drawn(page, 4, "char1")
    page.keyboard.press("Escape")
    assert not page.locator(".follow").is_visible()
    assert drawn(page, 4) == {}


def test_every_part_can_be_reached_by_tab(open_page: OpenPage, story: str) -> None:
    page = open_page(story, settle=False)
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                """() => {
                    const at = document.activeElement;
                    const outline = getComputedStyle(at).outlineStyle !== "none";
                    const block = at.closest(".block")?.dataset.frame ?? at.closest("figure")?.dataset.frame ?? "";
                    return `${at.className.split(" ")[0] || at.tagName}${block}:${outline}`;
                }"""
            )
        )
    assert {"tag1:true", "tag5:true", "chip:true", "box1:true", "box5:true"} <= reached


def test_a_click_follows_an_entity_over_the_frames(open_page: OpenPage, story: str) -> None:
    page = open_page(story, settle=False)
    tag(page, 2, "Ines").click()
    for frame in range(1, 6):
        assert_drawn(page, frame, "char1")
    assert page.locator(".follow-crops button").count() == 5
    assert page.locator('.chip[data-ids="char1"].lit').count() == 1
    page.locator(".follow-crops button").nth(4).click()
    top = page.locator('.row[data-row="5"]').evaluate("e => e.getBoundingClientRect().top")
    assert 0 < top < 400
    page.locator(".follow .close").click()
    assert drawn(page, 1) == {}


def test_a_tap_does_what_a_click_does(open_page: OpenPage, story: str) -> None:
    page = open_page(story, width=390, height=800, touch=True)
    tag(page, 1, "Marko").tap()
    assert_drawn(page, 1, "char2")
    assert page.locator(".follow strong").inner_text() == "Marko"
    page.locator('figure[data-frame="1"] .box[data-ids="obj1"]').tap()
    assert_drawn(page, 1, "obj1")
    page.locator("h1").tap()
    assert drawn(page, 1) == {}


def test_one_entity_has_one_colour_everywhere(open_page: OpenPage, story: str) -> None:
    page = open_page(story, settle=False)
    ink = "e => getComputedStyle(e).getPropertyValue('--ink')"
    for entity_id in ("char1", "char2", "obj1", "bg1"):
        colours = {page.eval_on_selector(f'{kind}[data-ids="{entity_id}"]', ink) for kind in (".tag", ".box", ".chip")}
        page.locator("#tab-tables").click()
        colours.add(page.eval_on_selector(f'tr[data-ids="{entity_id}"] .chip-id', ink))
        page.locator("#tab-cast").click()
        colours.add(page.eval_on_selector(f'.card[data-ids="{entity_id}"]', ink))
        page.locator("#tab-read").click()
        assert len(colours) == 1, entity_id
    inks = {page.eval_on_selector(f'.chip[data-ids="{one}"]', ink) for one in ("char1", "char2", "obj1", "bg1")}
    assert len(inks) == 4


def test_tables_and_boxes_light_each_other(open_page: OpenPage, story: str) -> None:
    page = open_page(f"{story}/tables", settle=False)
    page.locator('tr[data-ids="obj1"]').hover()
    assert_drawn(page, 1, "obj1")
    page.locator('figure .box[data-ids="char2"]').hover()
    assert page.locator("tr.lit").count() == 1
    assert page.locator("tr.lit td").all_inner_texts()[:2] == ["char2", "Marko"]
    page.locator(".strip button").nth(3).click()
    page.locator('tr[data-ids="char1"]').hover()
    assert_drawn(page, 4, "char1")
    assert page.locator(".table h3").all_inner_texts() == ["Characters1", "Objects0", "Setting1"]


def test_the_narrative_is_a_timeline(open_page: OpenPage, story: str) -> None:
    page = open_page(f"{story}/tables", settle=False)
    phases = page.locator(".phase")
    assert phases.locator("strong").all_inner_texts() == list(NARRATIVE_PHASES)
    scale = page.locator(".scale span")
    for place in range(5):
        number, span = scale.nth(place).bounding_box(), phases.nth(place).locator(".span").bounding_box()
        assert number is not None and span is not None
        # Phase n stands below image n.
        assert span["x"] == pytest.approx(number["x"], abs=3) and span["width"] == pytest.approx(number["width"], abs=3)


def test_the_cast_shows_every_appearance(open_page: OpenPage, story: str) -> None:
    page = open_page(f"{story}/cast")
    card = page.locator('.card[data-ids="char1"]')
    assert card.locator("h3").inner_text() == "Ines"
    assert card.locator(".crop-number").all_inner_texts() == ["1", "2", "3", "4", "5"]
    assert card.locator(".feelings li").all_inner_texts() == ["1–2\nCalm", "3–5\nWary"]
    assert "97 %" in card.locator(".sure").inner_text()
    crops = card.locator(".crop")
    for place in range(5):
        x1, y1, x2, _ = box("char1", place + 1)
        seen = crops.nth(place).evaluate(
            """(crop, [width, height]) => {
                const part = crop.getBoundingClientRect();
                const all = crop.querySelector("img").getBoundingClientRect();
                const x = (value) => (value - all.left) / all.width * width;
                const y = (value) => (value - all.top) / all.height * height;
                return [x(part.left), y(part.top), x(part.right), y(part.bottom), all.width / all.height];
            }""",
            [WIDTH, HEIGHT],
        )
        # The box is taller than 3 by 4: its whole width is shown, from its top.
        assert seen[0] == pytest.approx(x1, abs=1) and seen[2] == pytest.approx(x2, abs=1)
        assert seen[1] == pytest.approx(y1, abs=1) and seen[3] == pytest.approx(y1 + (x2 - x1) * 4 / 3, abs=1.5)
        assert seen[4] == pytest.approx(WIDTH / HEIGHT, rel=0.01), "the picture is not stretched"
    card.locator("[data-goto='3']").click()
    assert page.locator("#tab-read").get_attribute("aria-selected") == "true"


def test_nothing_jumps_while_a_page_loads(open_page: OpenPage, story: str) -> None:
    for address in (story, f"{story}/tables", story.split("#")[0]):
        page = open_page(address)
        shift = page.evaluate(
            """() => new Promise(done => {
                let sum = 0;
                new PerformanceObserver(list => { for (const e of list.getEntries()) sum += e.value; })
                    .observe({ type: "layout-shift", buffered: true });
                setTimeout(() => done(sum), 300);
            })"""
        )
        assert shift < 0.01, address


def test_j_and_k_go_from_image_to_image(open_page: OpenPage, story: str) -> None:
    page = open_page(story, settle=False)
    for keys, row in (("j", 1), ("jj", 3), ("k", 2), ("jjjjj", 5)):
        for key in keys:
            page.keyboard.press(key)
        page.wait_for_timeout(750)
        top = page.locator(f'.row[data-row="{row}"]').evaluate("e => e.getBoundingClientRect().top")
        at_end = page.evaluate("innerHeight + scrollY >= document.documentElement.scrollHeight - 2")
        assert 80 < top < 140 or at_end, (keys, row)


@pytest.mark.parametrize("key", ["n", "p"])
def test_keys_turn_to_the_next_story_and_back(open_page: OpenPage, story: str, key: str) -> None:
    page = open_page(story if key == "n" else story.replace("/one", "/two"))
    page.keyboard.press(key)
    page.wait_for_url("**/two" if key == "n" else "**/one")
