from pathlib import Path

from schemas.chain_of_thought import parse_chain_of_thought
from schemas.statistics import DatasetStatistics
from schemas.story import parse_story
from tasks.assembly import assemble_shard
from tasks.report.figures import Figures, draw_figures, draw_statistics, persistence
from tests.tasks.report.films import Film, make_run
from tests.tasks.report.pages import read_page


def figures_of(root: Path, film: Film) -> Figures:
    run, refs, _ = make_run(root, [film])
    figures = Figures()
    for story in assemble_shard(run, refs[0], images=False):
        analysis = parse_chain_of_thought(story.grounded["chain_of_thought"])
        figures.add(story.evidence, analysis, parse_story(story.grounded["story"]))
    return figures


def test_numbers_of_a_film(tmp_path: Path) -> None:
    """The hand-made story: char1 in five frames, char2 in two, obj1 in one."""
    figures = figures_of(tmp_path, Film(stories=2))
    assert figures.frames == [5, 5]
    assert figures.entities == [3, 3]
    assert len(figures.people_scores) == 2 * 7
    assert len(figures.thing_scores) == 2 * 1
    # The lamp is seen once, so nothing was linked; char1 has five links, char2 two.
    assert len(figures.confidences) == 2 * 7
    # Each frame: a mention and an action of char1; two frames more with char2 and both; one with the lamp.
    assert dict(figures.statistics.tags) == {"gdo": 2 * (5 + 2 + 2 + 1), "gda": 2 * 5}
    # "Ines waited" five times, "with Marko. They stood still." twice, "The lamp was lit." once.
    assert figures.words == [5 * 2 + 2 * 5 + 4] * 2


def test_persistence_by_hand(tmp_path: Path) -> None:
    """Of two people one stays for two frames and one for five; the lamp for one."""
    summary = figures_of(tmp_path, Film(stories=3)).statistics.summarise()
    assert persistence(summary, "char") == (1.0, 1.0, 0.5, 0.5, 0.5)
    assert persistence(summary, "obj") == (1.0, 0.0)
    assert persistence(summary, "lm") == ()
    assert persistence(DatasetStatistics().summarise(), "char") == ()


def test_every_chart_is_drawn(tmp_path: Path) -> None:
    page = read_page(draw_figures(figures_of(tmp_path, Film())))
    assert len(page.all("figure")) == len(page.all("svg")) == 9
    assert [key.text for key in page.all("span", "key")] == ["people", "things"]


def test_no_story_still_draws() -> None:
    page = read_page(draw_figures(Figures()))
    assert len(page.all("p", "none")) == 9


def test_all_numbers_stand_in_a_table(tmp_path: Path) -> None:
    page = read_page(draw_statistics(figures_of(tmp_path, Film())))
    values = {row.all("td")[1].text: row.all("td")[2].text for row in page.all("tr")[1:]}
    assert values["stories"] == "2"
    assert values["words per story, mean"] == "24"
