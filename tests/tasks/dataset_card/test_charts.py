from xml.etree import ElementTree

import pytest

from tasks.dataset_card.charts import Chart, bars, curves, make_charts, nice_top
from tests.tasks.dataset_card.samples import make_facts

SVG = "{http://www.w3.org/2000/svg}"


def read(chart: Chart) -> ElementTree.Element:
    """The picture, as an XML parser of its own reads it."""
    return ElementTree.fromstring(chart.svg)  # noqa: S314 - made here


def bar_heights(chart: Chart) -> list[float]:
    """Heights of the bars, without the background."""
    return [float(rect.attrib["height"]) for rect in read(chart).iter(f"{SVG}rect")][1:]


def test_bars_are_as_high_as_their_values() -> None:
    chart = bars("x", "Frames", {"5": 10.0, "6": 5.0, "7": 0.0}, "stories")
    full, half, none = bar_heights(chart)
    # The chart is 224 high between its margins, and 10 is its top.
    assert (full, half, none) == pytest.approx((224, 112, 0))
    assert chart.words == "Frames. stories: 5 10, 6 5, 7 0."
    assert chart.path == "charts/x.svg"


def test_curves_pass_through_their_values() -> None:
    chart = curves("x", "Lasting", {"characters": [100.0, 50.0], "objects": [100.0, 0.0]})
    points = [line.attrib["points"] for line in read(chart).iter(f"{SVG}polyline")]
    assert points == ["64.0,44.0 624.0,156.0", "64.0,44.0 624.0,268.0"]
    assert "characters 100 %, 50 %; objects 100 %, 0 %" in chart.words


@pytest.mark.parametrize(
    ("value", "top"),
    [(0, 1), (0.04, 0.1), (0.3, 0.5), (1, 1), (2, 2), (2.1, 2.5), (7, 10), (43, 50), (101, 200), (2600, 5000)],
)
def test_the_top_is_a_round_number_not_below(value: float, top: float) -> None:
    assert nice_top(value) == pytest.approx(top)


def test_every_chart_of_the_paper_is_there_and_loads_nothing() -> None:
    charts = make_charts(make_facts())
    names = [chart.name for chart in charts]
    assert names == ["frames", "persistence", "references", "phases", "density", "labels"]
    for chart in charts:
        picture = read(chart)
        assert {part.tag.removeprefix(SVG) for part in picture.iter()} <= {
            "svg", "title", "desc", "rect", "text", "line", "polyline", "circle"
        }  # fmt: skip
        assert not [key for part in picture.iter() for key in part.attrib if "href" in key or key.startswith("on")]
    assert make_charts(make_facts(0, 0)) == ()


def test_labels_are_text_not_markup() -> None:
    chart = bars("x", "T", {"<script>&": 1.0}, "u")
    assert "<script" not in chart.svg
    assert any("<script>" in (text.text or "") for text in read(chart).iter(f"{SVG}desc"))
