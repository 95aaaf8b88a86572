import re
from pathlib import Path

import pytest

import tasks.report.report as module
from tasks.report.palette import COLOURS
from tests.tasks.report.test_palette import contrast

STYLE = (Path(module.__file__).parent / "page.css").read_text(encoding="utf-8")


def theme(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))


LIGHT = theme(STYLE[: STYLE.index("@media")])
DARK = LIGHT | theme(STYLE[STYLE.index("@media") : STYLE.index("* {")])


def mix(one: str, other: str, share: float) -> str:
    """``color-mix(in srgb, one share, other)``."""
    pairs = ((int(one[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02x}" for a, b in pairs)


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_text_reaches_wcag_aa_in_both_themes(colours: dict[str, str]) -> None:
    for text in ("ink", "soft", "accent"):
        for ground in ("page", "panel", "sunk"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    assert contrast(colours["lost"], colours["panel"]) >= 4.5
    assert contrast(colours["warn"], colours["panel"]) >= 4.5
    assert contrast(colours["warn"], colours["warn-page"]) >= 4.5
    assert contrast(colours["ink"], colours["warn-page"]) >= 4.5


@pytest.mark.parametrize(("colours", "tint"), [(LIGHT, 0.32), (DARK, 0.2)])
def test_text_of_tags_reaches_wcag_aa_on_every_tint(colours: dict[str, str], tint: float) -> None:
    assert f"--tint: {tint:.0%}" in STYLE
    for bright, _ in COLOURS:
        ground = mix(bright, colours["panel"], tint)
        assert contrast(colours["ink"], ground) >= 7
        assert contrast(colours["soft"], ground) >= 4.5, bright


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_marks_of_charts_stand_out(colours: dict[str, str]) -> None:
    for mark in ("accent", "second", "lost"):
        assert contrast(colours[mark], colours["panel"]) >= 3
