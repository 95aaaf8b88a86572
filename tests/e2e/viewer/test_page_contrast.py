"""Contrast of all text as it is drawn, in both themes, by the formula of WCAG 2.2 (1.4.3): 4.5, or 3 where it is large."""

import pytest

from tests.e2e.viewer.conftest import OpenPage, Server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

VIEWS = (
    "#/",
    "#/story/1",
    "#/story/1/tables",
    "#/story/1/cast",
    "#/story/stranger",
    "#/story/stranger/faults",
    "#/live",
    "#/analysis",
)

LOW_CONTRAST = """() => {
    const read = (colour) => {
        const found = colour.match(/[\\d.]+/g).map(Number);
        return { rgb: found.slice(0, 3), alpha: found.length > 3 ? found[3] : 1 };
    };
    const over = (top, below) => top.rgb.map((value, at) => value * top.alpha + below[at] * (1 - top.alpha));
    const luminance = (rgb) => rgb.map((value) => value / 255)
        .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
        .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
    const ground = (element) => {
        const layers = [];
        for (let at = element; at; at = at.parentElement) layers.push(read(getComputedStyle(at).backgroundColor));
        return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
    };
    const found = [];
    let seen = 0;
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        const style = getComputedStyle(element);
        const shown = element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
        const off = element.closest(".off, :disabled, noscript, option, script");
        if (!walker.currentNode.textContent.trim() || !shown || off) continue;
        const below = ground(element);
        const ink = luminance(over(read(style.color), below));
        const [light, dark] = [ink, luminance(below)].sort((a, b) => b - a);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        seen += 1;
        const ratio = (light + 0.05) / (dark + 0.05);
        if (ratio < (large ? 3 : 4.5)) found.push(`${element.className || element.tagName}: ${ratio.toFixed(2)}`);
    }
    return { seen, found: [...new Set(found)] };
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read(open_page: OpenPage, server: Server, theme: str) -> None:
    for view in VIEWS:
        page = open_page(server.url + view, theme=theme, settle=False)
        assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == theme
        for lit in (False, True):
            if lit:
                for linked in (
                    page.locator("main").locator(".tag:visible, tr[data-ids]:visible, .card:visible").all()[:1]
                ):
                    linked.hover()
            result = page.evaluate(LOW_CONTRAST)
            assert result["seen"] > 3
            assert result["found"] == [], (view, lit)
        page.context.close()


def test_this_would_find_something(open_page: OpenPage, server: Server) -> None:
    page = open_page(server.url, settle=False)
    page.evaluate("() => document.documentElement.style.setProperty('--soft', '#aaaaaa')")
    assert page.evaluate(LOW_CONTRAST)["found"] != []
