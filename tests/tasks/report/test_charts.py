from itertools import pairwise

from tasks.report.charts import Bin, Curve, bar, columns, count_bins, curves, share_bins
from tests.tasks.report.pages import read_page


def test_whole_numbers_are_counted_without_gaps() -> None:
    assert count_bins([7, 5, 5, 8]) == (Bin("5", 2, "5"), Bin("6", 0, "6"), Bin("7", 1, "7"), Bin("8", 1, "8"))


def test_no_values_no_bins() -> None:
    assert count_bins([]) == ()
    assert share_bins([]) == ()


def test_many_numbers_share_bins_of_a_round_width() -> None:
    bins = count_bins(range(103, 300), most=10)
    # 197 numbers in at most 10 bins need a width of 20; the first bin starts at a multiple of it.
    assert bins[0] == Bin("100\u2013119", 17, "100")
    assert bins[-1] == Bin("280\u2013299", 20, "280")
    assert sum(one.count for one in bins) == 197
    assert len(bins) == 10


def test_one_value_is_one_bin() -> None:
    assert count_bins([12, 12]) == (Bin("12", 2, "12"),)


def test_shares_start_at_the_first_bin_in_use_and_hold_both_ends() -> None:
    assert share_bins([0.5, 0.74, 0.75, 1.0], bins=4) == (
        Bin("0.50\u20130.75", 2, "0.50"),
        Bin("0.75\u20131.00", 2, "0.75"),
    )
    assert share_bins([0.0], bins=2) == (
        Bin("0.00\u20130.50", 1, "0.00"),
        Bin("0.50\u20131.00", 0, "0.50"),
    )


def test_column_heights_are_in_proportion_and_say_their_values() -> None:
    page = read_page(columns("Frames", (Bin("5", 4), Bin("6", 0), Bin("7", 2)), "frames", "stories"))
    heights = [float(rect.attributes["height"] or 0) for rect in page.all("rect", "bar")]
    assert heights[0] == 2 * heights[2] > 0
    assert heights[1] == 0
    assert [title.text for title in page.all("title")] == ["5: 4 stories", "6: 0 stories", "7: 2 stories"]
    assert page.all("svg")[0].attributes["aria-label"] == "Frames; frames: 5: 4, 7: 2"


def test_columns_stay_within_the_chart() -> None:
    for count in (1, 3, 24):
        page = read_page(columns("t", tuple(Bin(str(i), i + 1) for i in range(count)), "a", "n"))
        for rect in page.all("rect", "bar"):
            x, y = float(rect.attributes["x"] or 0), float(rect.attributes["y"] or 0)
            assert x >= 38
            assert x + float(rect.attributes["width"] or 0) <= 340 - 8
            assert y >= 10
            assert abs(y + float(rect.attributes["height"] or 0) - (190 - 34)) < 0.01


def test_labels_leave_room_for_each_other() -> None:
    page = read_page(columns("t", tuple(Bin(f"{i}00\u2013{i}99", 1) for i in range(10, 34)), "a", "n"))
    names = [text for text in page.all("text") if "\u2013" in text.text]
    xs = [float(text.attributes["x"] or 0) for text in names]
    assert len(names) > 1
    assert all(b - a >= 6 * len(names[0].text) for a, b in pairwise(xs))


def test_an_empty_chart_says_so() -> None:
    assert read_page(columns("Things", (Bin("a", 0),), "x", "things")).text == "Thingsno things"
    assert "nothing to show" in read_page(curves("Stay", (), "x")).text


def test_curve_points_lie_at_their_shares() -> None:
    page = read_page(curves("Stay", (Curve("people", "one", (1.0, 0.5, 0.0)),), "frames"))
    ys = [float(dot.attributes["cy"] or 0) for dot in page.all("circle")]
    assert ys == [10, 83, 156]
    assert page.all("title")[1].text == "people, 2 or more: 50%"


def test_a_curve_of_one_point_has_no_line() -> None:
    page = read_page(curves("Stay", (Curve("people", "one", (1.0,)),), "frames"))
    assert len(page.all("circle")) == 1
    assert not page.all("polyline")


def test_a_small_loss_is_still_seen_in_a_bar() -> None:
    kept, lost = read_page(bar(0.999, 0.001)).all("rect")
    assert kept.attributes["width"] == "99.9"
    assert lost.attributes["width"] == "1"
    assert float(lost.attributes["x"] or 0) + 1 <= 100
    assert len(read_page(bar(0.5)).all("rect")) == 1
