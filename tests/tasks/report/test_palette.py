from itertools import combinations

from tasks.report.palette import COLOURS, assign_colours, colour_rules, entity_order

WHITE, PANEL_DARK, BLACK = "#ffffff", "#1b1f25", "#000000"


def linear(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return tuple(v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (red, green, blue))  # type: ignore[return-value]


def contrast(one: str, other: str) -> float:
    """WCAG 2.1, relative luminance and contrast ratio."""
    light = sorted(0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in map(linear, (one, other)))
    return (light[1] + 0.05) / (light[0] + 0.05)


def oklab(colour: str) -> tuple[float, float, float]:
    """Ottosson 2020."""
    r, g, b = linear(colour)
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    medium = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def test_contrast_of_black_and_white() -> None:
    assert round(contrast(WHITE, BLACK), 6) == 21


def test_every_colour_reaches_wcag_aa_where_it_is_used() -> None:
    for bright, deep in COLOURS:
        assert contrast(bright, BLACK) >= 7  # ids on plates and chips, lit tags
        assert contrast(bright, PANEL_DARK) >= 4.5  # lines and spots on the dark page
        assert contrast(deep, WHITE) >= 4.5  # lines and spots on the light page


def test_colours_stay_apart() -> None:
    """About 0.02 is a just noticeable difference in OKLab."""
    for (one, _), (other, _) in combinations(COLOURS, 2):
        assert sum((a - b) ** 2 for a, b in zip(oklab(one), oklab(other), strict=True)) ** 0.5 >= 0.1, (one, other)


def test_the_cast_comes_first_and_in_number_order() -> None:
    colours = assign_colours(dict.fromkeys(["obj1", "char10", "char2", "bg1", "lm1"], 1))
    assert list(colours) == ["char2", "char10", "obj1", "lm1", "bg1"]
    assert list(colours.values()) == ["e0", "e1", "e2", "e3", "e4"]


def test_who_is_seen_most_comes_first_among_its_kind() -> None:
    assert list(assign_colours({"char1": 1, "char2": 3, "char3": 3, "obj1": 9})) == ["char2", "char3", "char1", "obj1"]


def test_assignment_does_not_depend_on_input_order() -> None:
    ids = [f"char{i}" for i in range(1, 9)]
    assert assign_colours(dict.fromkeys(ids, 2)) == assign_colours(dict.fromkeys(reversed(ids), 2))


def test_colours_repeat_with_a_broken_outline() -> None:
    colours = assign_colours({f"char{i}": 1 for i in range(1, 15)})
    assert colours["char12"] == "e11"
    assert colours["char13"] == "e0 dash"
    assert len(set(colours.values())) == 14


def test_ids_of_no_known_kind_come_last() -> None:
    assert sorted(["what", "zz1", "bg2", "char1"], key=entity_order) == ["char1", "bg2", "what", "zz1"]


def test_each_class_has_a_rule() -> None:
    rules = colour_rules().splitlines()
    assert len(rules) == len(COLOURS) == 12
    assert rules[0] == ".e0{--bright:#f7b927;--deep:#966d00}"
