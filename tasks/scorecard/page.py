"""``report.html`` of an evaluation: scores with their intervals, by film, against other answers, the best and worst stories.

One file without scripts that loads nothing from anywhere; all text is escaped (``tasks.report.markup``).
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import tasks.report.charts as report_charts
from tasks.evaluation.measures import COUNTS, Difference, Measure, measure
from tasks.evaluation.scores import Scores
from tasks.evaluation.tally import StoryTally
from tasks.report.charts import columns, share_bins
from tasks.report.markup import Markup, element, join, table
from tasks.runtime.atomic import atomic_path
from tasks.scorecard.charts import Line, intervals, say_share
from tasks.scorecard.stories import ShownStory, draw_story, worth

MOST_ROWS = 2_000
"""Most stories in the list of all stories."""
MOST_FILMS = 40
"""Most films in the chart by film."""
LOWER_IS_BETTER = ("hallucination.",)
"""Beginnings of the measures of which less is better."""

CHARTS: Mapping[str, Mapping[str, str]] = {
    "Form": {
        "answered": "format.answered",
        "readable": "format.readable",
        "well formed": "format.compatible",
        "every rule kept": "format.strict",
    },
    "Boxes, F1 at IoU 0.5": {
        "people": "boxes.char.f1",
        "objects": "boxes.obj.f1",
        "landmarks": "boxes.lm.f1",
        "background": "boxes.bg.f1",
        "all, mean over stories": "boxes.all.f1",
        "all, pooled": "boxes.all.micro_f1",
        "all, mean over IoU .5 to .95": "boxes.all.mean_f1",
    },
    "Identity": {
        "people, IDF1": "identity.char.idf1",
        "people, AssA": "identity.char.ass_a",
        "people, B-cubed F1": "identity.char.bcubed_f1",
        "objects, IDF1": "identity.obj.idf1",
        "objects, AssA": "identity.obj.ass_a",
        "objects, B-cubed F1": "identity.obj.bcubed_f1",
    },
    "Story": {
        "tags that hold": "tags.valid",
        "tags, precision": "tags.all.precision",
        "tags, recall": "tags.all.recall",
        "tags, F1": "tags.all.f1",
        "pronouns grounded": "pronouns.any.grounded",
        "people in 5 frames or more": "lasting.char.5_frames",
        "objects in 5 frames or more": "lasting.obj.5_frames",
    },
    "Language": {
        "BLEU-1": "language.bleu_1",
        "BLEU-4": "language.bleu_4",
        "ROUGE-L": "language.rouge_l",
        "METEOR, mean over stories": "language.meteor",
        "gMETEOR": "language.gmeteor",
    },
    "Hallucination, less is better": {
        "things named that are not there": "hallucination.chair_i",
        "stories with such a thing": "hallucination.chair_s",
        "tagged mentions without a box": "hallucination.unfounded",
    },
}

_KEY = element(
    "p",
    {"class": "legend"},
    element("span", {"class": "key found"}, "found, as in the reference"),
    element("span", {"class": "key missed"}, "in the reference, missed"),
    element("span", {"class": "key unfounded"}, "told, and nothing there"),
    element("span", None, element("span", {"class": "tag gdo bare"}, "mention"), " of what has no box in that frame"),
)


@dataclass(frozen=True, slots=True)
class Report:
    """What a page is made of: the scores, how they differ from other answers', the stories to show, and named facts.

    ``differences`` is None without a comparison; ``facts`` stand in the heading and in a table of their own, as of a judge.
    """

    title: str
    scores: Scores
    differences: Mapping[str, Difference] | None
    best: Sequence[ShownStory]
    worst: Sequence[ShownStory]
    facts: Mapping[str, Sequence[tuple[str, str]]]


def write_page(report: Report, target: Path) -> None:
    """Write the page; it appears whole or not at all.

    Raises:
        WorkspaceError: it cannot be written.
    """
    with atomic_path(target) as temporary, temporary.open("w", encoding="utf-8") as out:
        for piece in _page(report):
            out.write(piece)


def _page(report: Report) -> Iterator[str]:
    scores = report.scores
    yield '<!doctype html>\n<html lang="en">\n'
    yield _head(report.title)
    yield "<body>\n"
    yield element(
        "header",
        {"class": "top"},
        element("h1", {"class": "data"}, report.title),
        element("p", {"class": "sub"}, _summary(scores)),
    )
    yield '<main id="main">\n'
    yield _tiles(scores)
    yield element(
        "section", None, element("h2", None, "Scores"), element("p", {"class": "note"}, _NOTE), _charts(report)
    )
    if report.differences is not None:
        yield _compared(report.differences)
    for title, rows in report.facts.items():
        yield element("section", None, element("h2", None, title), table(("Measure", "Value"), rows, (1,)))
    if scores.stories:
        yield _films(scores.stories)
        yield _invented(scores.stories)
        yield _list(scores.stories)
    for title, shown in (("The best stories", report.best), ("The worst stories", report.worst)):
        if shown:
            yield element("h2", None, title)
            yield _KEY
        for one in shown:
            yield draw_story(one)
            yield "\n"
    yield _every(scores.measures)
    yield "</main>\n"
    yield element("footer", None, "This page is one file and loads nothing from anywhere.")
    yield "</body>\n</html>\n"


_NOTE = (
    "The line through a dot is its 95 % interval: films were drawn again and again with replacement. A hollow dot is the other "
    "answers' score. An answer that is missing or cannot be read counts 0."
)


def _head(title: str) -> Markup:
    base = Path(report_charts.__file__).with_name("page.css").read_text(encoding="utf-8")
    style = Markup(base + Path(__file__).with_name("page.css").read_text(encoding="utf-8"))
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return element(
        "head",
        None,
        element("meta", {"charset": "utf-8"}),
        element("meta", {"http-equiv": "Content-Security-Policy", "content": policy}),
        element("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        element("meta", {"name": "color-scheme", "content": "light dark"}),
        element("title", None, title),
        element("style", None, style),
    )


def _summary(scores: Scores) -> str:
    films = len({tally.film for tally in scores.stories})
    said = (
        f"{scores.answers:,} answers to {scores.references:,} stories of the split {scores.split}, {scores.mode} mode"
    )
    return f"{said}, {films:,} {'film' if films == 1 else 'films'}" if films else said


def _tiles(scores: Scores) -> Markup:
    wanted = {
        "F1 of all boxes": "boxes.all.f1",
        "F1 of tags": "tags.all.f1",
        "IDF1 of people": "identity.char.idf1",
        "pronouns grounded": "pronouns.any.grounded",
        "well formed": "format.compatible",
        "ROUGE-L": "language.rouge_l",
    }
    tiles = [(say_share(scores.measures[name].value), text) for text, name in wanted.items() if name in scores.measures]
    if "hallucination.per_story" in scores.measures:
        tiles.append((_number(scores.measures["hallucination.per_story"].value), "things nobody saw, a story"))
    tiles.append((say_share(scores.meteor) if scores.meteor is not None else "\u2013", _meteor_name(scores)))
    return element(
        "div",
        {"class": "tiles"},
        [
            element("div", {"class": "tile"}, element("b", None, one), element("span", None, text))
            for one, text in tiles
        ],
    )


def _meteor_name(scores: Scores) -> str:
    return "METEOR" if scores.meteor is not None else "METEOR: not measured"


def _number(value: float | None) -> str:
    return "no such" if value is None else f"{value:.2f}"


def _charts(report: Report) -> Markup:
    groups = CHARTS if report.scores.mode == "strict" else {"Published table": {n: n for n in report.scores.measures}}
    drawn = []
    for title, names in groups.items():
        lines = []
        for text, name in names.items():
            one = report.scores.measures.get(name)
            if one is not None:
                other = report.differences.get(name) if report.differences else None
                lines.append(Line(text, one.value, one.low, one.high, other.first if other else None))
        drawn.append(intervals(title, lines))
    return element("div", {"class": "charts wide"}, drawn)


def _compared(differences: Mapping[str, Difference]) -> Markup:
    rows: list[list[Markup]] = []
    same = 0
    for name, one in differences.items():
        if not one.difference:
            same += one.difference is not None
            continue
        scale = 1 if name in COUNTS else 100
        sign = -one.difference if name.startswith(LOWER_IS_BETTER) else one.difference
        sure = one.p is not None and one.p < 0.05 and sign != 0
        kind = ("n better" if sign > 0 else "n worse") if sure else "n"
        interval = (
            f"{scale * one.low:+.1f} to {scale * one.high:+.1f}" if one.low is not None and one.high is not None else ""
        )
        cells: Iterable[tuple[str, str]] = (
            ("", name),
            ("n", f"{scale * (one.first or 0):.1f}"),
            ("n", f"{scale * (one.second or 0):.1f}"),
            (kind, f"{scale * one.difference:+.1f}"),
            ("n", interval),
            ("n", f"{one.p:.3f}" if one.p is not None else ""),
        )
        rows.append([element("td", {"class": kind_ or None}, text) for kind_, text in cells])
    headings = ("Measure", "Others", "These", "Difference", "95 % interval", "p")
    head = element(
        "tr", None, [element("th", {"scope": "col", "class": "n" if i else None}, h) for i, h in enumerate(headings)]
    )
    body = [element("tr", None, row) for row in rows]
    whole = element("table", None, element("thead", None, head), element("tbody", None, body))
    note = (
        "Shares in percent. Both sets of answers were drawn by the same films; p is two-sided and not corrected for the number "
        f"of measures. Coloured where p is below 0.05. {same} measures are the same in both and left out."
    )
    return element(
        "section",
        None,
        element("h2", None, "Against the other answers"),
        element("p", {"class": "note"}, note),
        element("div", {"class": "scroll", "tabindex": 0, "role": "group"}, whole),
    )


def _films(tallies: Sequence[StoryTally]) -> Markup:
    by_film: dict[str, list[StoryTally]] = {}
    for tally in tallies:
        by_film.setdefault(tally.film, []).append(tally)
    if len(by_film) < 2:
        return element("section", None)
    found = {film: measure(own) for film, own in by_film.items()}
    ordered = sorted(found, key=lambda film: (found[film]["boxes.all.f1"].value or 0.0, film))
    lines = [Line(film[:32], found[film]["boxes.all.f1"].value) for film in ordered[:MOST_FILMS]]
    names = ("boxes.all.f1", "tags.all.f1", "identity.char.idf1", "language.rouge_l", "format.compatible")
    rows = [
        [film, f"{len(by_film[film])}", *(say_share(found[film][name].value) for name in names)]
        for film in ordered[:MOST_ROWS]
    ]
    headings = ("Film", "Stories", "F1 boxes", "F1 tags", "IDF1 people", "ROUGE-L", "Well formed")
    shares = [tally.sums["boxes.all.f1"] for tally in tallies]
    note = f"The {MOST_FILMS} with the lowest scores are drawn." if len(ordered) > MOST_FILMS else None
    return element(
        "section",
        None,
        element("h2", None, "By film"),
        element("p", {"class": "note"}, note) if note else None,
        element(
            "div",
            {"class": "charts wide"},
            intervals("F1 of all boxes by film", lines),
            columns("Stories by the F1 of their boxes", share_bins(shares, 10), "F1", "stories"),
        ),
        table(headings, rows, range(1, 7), "list"),
    )


def _invented(tallies: Sequence[StoryTally]) -> Markup:
    counted = Counter(word for tally in tallies for word in tally.invented)
    if not counted:
        return element("section", None)
    chips = [
        element("span", {"class": "reason"}, f"{word} ", element("b", None, f"{count:,}"))
        for word, count in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:80]
    ]
    return element(
        "section",
        None,
        element("h2", None, "Told of, seen by nobody"),
        element(
            "p", {"class": "note"}, "Words for things that neither detections, tables nor story of the reference know."
        ),
        element("p", {"class": "reasons"}, chips),
    )


def _list(tallies: Sequence[StoryTally]) -> Markup:
    rows = []
    for tally in sorted(tallies, key=lambda one: (worth(one), one.story_id))[:MOST_ROWS]:
        sums = tally.sums
        form = "well formed" if sums["format.compatible"] else "faulty" if sums["format.readable"] else "not readable"
        tags = sums["tags.all.told"] + sums["tags.all.truth"]
        rows.append(
            (
                tally.story_id,
                tally.film,
                form if sums["format.answered"] else "no answer",
                say_share(sums["boxes.all.f1"] if sums["boxes.all.stories"] else None),
                say_share(2 * sums["tags.all.hits"] / tags if tags else None),
                say_share(sums["identity.char.idf1"] if sums["identity.char.stories"] else None),
                say_share(sums["language.rouge_l"]),
                f"{sums['hallucination.invented']:.0f}",
            )
        )
    headings = ("Story", "Film", "Form", "F1 boxes", "F1 tags", "IDF1 people", "ROUGE-L", "Invented")
    return element(
        "details",
        None,
        element("summary", None, f"All {len(tallies):,} stories, the worst first"),
        table(headings, rows, range(3, 8), "list"),
    )


def _every(measures: Mapping[str, Measure]) -> Markup:
    rows = [
        (name, *("" if value is None else f"{value:.4f}" for value in (one.value, one.low, one.high)))
        for name, one in sorted(measures.items())
    ]
    return element(
        "details",
        None,
        element("summary", None, join(f"All {len(rows)} measures")),
        table(("Measure", "Value", "Low", "High"), rows, (1, 2, 3)),
    )
