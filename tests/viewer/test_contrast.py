"""Contrast of every colour that text or an outline has, by the formula of WCAG 2.2 (1.4.3 and 1.4.11), in both themes."""

import re

import pytest

from viewer.server import STATIC

SLOTS = 16
TEXT, LARGE = 4.5, 3.0


def themes() -> dict[str, dict[str, str]]:
    """Custom properties of each theme."""
    text = (STATIC / "colours.css").read_text()
    blocks = {"light": r":root \{(.*?)\n\}", "dark": r':root\[data-theme="dark"\] \{(.*?)\n\}'}
    found: dict[str, dict[str, str]] = {}
    for name, pattern in blocks.items():
        match = re.search(pattern, text, re.DOTALL)
        assert match is not None
        own = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", match[1]))
        found[name] = {**found.get("light", {}), **own}
    return found


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_the_formula() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#123456", "#123456") == 1


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_of_the_page(theme: str) -> None:
    colours = themes()[theme]
    for ground in ("paper", "sheet", "shade"):
        for ink in ("text", "soft", "accent", "bad"):
            assert contrast(colours[ink], colours[ground]) >= TEXT, (ink, ground)
        assert contrast(colours["edge"], colours[ground]) >= LARGE, f"the outline of a field on {ground}"
    for kind in ("good", "warn", "bad", "accent"):
        assert contrast(colours[kind], colours[f"{kind}-tint"]) >= TEXT, kind
        assert contrast(colours["text"], colours[f"{kind}-tint"]) >= TEXT, kind
    assert contrast(colours["on-accent"], colours["accent"]) >= TEXT


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("slot", range(SLOTS))
def test_text_of_an_entity(theme: str, slot: int) -> None:
    colours = themes()[theme]
    ink, tint, bright = (colours[f"{kind}-{slot}"] for kind in ("ink", "tint", "bright"))
    for ground in ("paper", "sheet", "shade"):
        assert contrast(ink, colours[ground]) >= TEXT, ground
    assert contrast(ink, tint) >= TEXT
    assert contrast(colours["text"], tint) >= TEXT, "group mentions have the colour of the text"
    assert contrast("#000000", bright) >= 7, "the label of a box"


def test_every_slot_has_its_class() -> None:
    text = (STATIC / "colours.css").read_text()
    assert re.findall(r"^\.c(\d+) \{", text, re.MULTILINE) == [str(slot) for slot in range(SLOTS)]


def test_people_do_not_look_alike() -> None:
    """The eight colours of people differ from each other by what is easily seen (OKLab distance)."""
    for colours in themes().values():
        labs = [oklab(colours[f"ink-{slot}"]) for slot in range(8)]
        for place, one in enumerate(labs):
            for other in labs[:place]:
                assert sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5 > 0.035


def oklab(colour: str) -> tuple[float, float, float]:
    """OKLab of an sRGB colour (Ottosson 2020)."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    middle = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )
