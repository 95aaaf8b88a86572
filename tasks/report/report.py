"""``report.html``: what a build did and what came out of it, in one file without scripts or pictures from elsewhere.

In: the shards of a finished run and its record. Out: one HTML file whose pictures are bounded however many stories there
are. Memory holds the numbers of all stories and the pictures of one.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from schemas.chain_of_thought import parse_chain_of_thought
from schemas.story import parse_story
from tasks.assembly import assemble_shard
from tasks.report.figures import Figures, draw_figures, draw_statistics
from tasks.report.markup import Markup, element, join, table
from tasks.report.palette import colour_rules
from tasks.report.stages import (
    Loss,
    StageRow,
    count_table,
    gather_losses,
    loss_table,
    model_table,
    plural,
    seconds,
    time_table,
)
from tasks.report.story import StoryLine, anchor, draw_story
from tasks.runtime.atomic import atomic_path
from tasks.runtime.stage import RunSpec, ShardRef

PICTURE_CHARACTERS = 7_000_000
"""Most characters that all pictures of a page take, as base64."""

MOST_LINES = 2_000
"""Most stories in the list of all stories."""

_HERE = Path(__file__).parent


def write_report(
    run: RunSpec, refs: Sequence[ShardRef], record: Mapping[str, Any], target: Path, max_stories: int = 40
) -> None:
    """Write the report of a run.

    Args:
        run: the run.
        refs: its shards in order, with the keys of every stage.
        record: its record: ``run_id``, ``source``, ``preset``, ``engine``, ``config``, ``started``, ``finished``, ``wall_s``,
            ``stages`` (``asdict`` of ``StageTotals``), ``dataset`` (``stories``, ``splits``, ``films``), ``story_ids``.
        target: the file; it appears whole or not at all.
        max_stories: stories shown with pictures and text; the rest is listed.

    Raises:
        ShardError: a shard cannot be read.
        WorkspaceError: the file cannot be written.
    """
    figures = Figures()
    lines = survey(run, refs, record, figures)
    losses = gather_losses(run, refs, record["stages"])
    with atomic_path(target) as temporary, temporary.open("w", encoding="utf-8") as out:
        for piece in _page(run, refs, record, figures, lines, losses, max_stories):
            out.write(piece)


def survey(run: RunSpec, refs: Sequence[ShardRef], record: Mapping[str, Any], figures: Figures) -> list[StoryLine]:
    """Every story of a run in order, counted into ``figures``; no picture is read."""
    films = record["dataset"]["films"]
    lines = []
    for ref in refs:
        for story in assemble_shard(run, ref, images=False):
            analysis = parse_chain_of_thought(story.grounded["chain_of_thought"])
            figures.add(story.evidence, analysis, parse_story(story.grounded["story"]))
            kinds = {view.entity_id: view.kind for frame in story.evidence.frames for view in frame.entities}
            people = sum(kind == "char" for kind in kinds.values())
            lines.append(
                StoryLine(
                    key=story.key,
                    story_id=str(record["story_ids"].get(story.key, story.key)),
                    film=story.film,
                    split=str(films.get(story.film, "unpublished")),
                    scenes=tuple(dict.fromkeys(frame.scene for frame in story.evidence.frames)),
                    frames=len(story.evidence.frames),
                    people=people,
                    things=len(kinds) - people,
                    words=figures.words[-1],
                )
            )
    return lines


def _page(
    run: RunSpec,
    refs: Sequence[ShardRef],
    record: Mapping[str, Any],
    figures: Figures,
    lines: Sequence[StoryLine],
    losses: Sequence[Loss],
    max_stories: int,
) -> Iterator[str]:
    stages: Sequence[StageRow] = record["stages"]
    script = Markup((_HERE / "page.js").read_text(encoding="utf-8"))
    yield "<!doctype html>\n"
    yield '<html lang="en">\n'
    yield _head(f"Build report \u2013 {record['source']}", script)
    yield "<body>\n"
    yield element("a", {"class": "skip", "href": "#main"}, "Skip to the report")
    yield _header(record)
    yield _navigation(bool(lines))
    yield '<main id="main">\n'
    if not lines:
        yield _nothing(losses)
    yield _tiles(record, stages, figures, lines, losses)
    yield _section("counts", "What went in, what came out", _COUNT_NOTE, count_table(stages))
    yield _section("times", "Where the time went", _TIME_NOTE, time_table(stages))
    if lines:
        yield _section("figures", "The stories in numbers", None, draw_figures(figures), draw_statistics(figures))
        yield _section(
            "stories", "Stories", _list_note(len(lines), max_stories), _story_list(lines, max_stories), _TAG_KEY
        )
        yield from _stories(run, refs, lines[:max_stories])
    yield _section("left-out", "Left out", "Every item that went no further, with its reason.", loss_table(losses))
    yield _section("set-up", "How it was built", None, model_table(stages), _config(record))
    yield "</main>\n"
    yield element("footer", None, f"Run {record['run_id']}. This page is one file and loads nothing from anywhere.")
    yield element("script", None, script)
    yield "\n</body>\n</html>\n"


_COUNT_NOTE = join(
    "In = out + left out, at every stage. ",
    element("span", {"class": "swatch"}),
    "went on ",
    element("span", {"class": "swatch lost"}),
    "left out",
)
_TIME_NOTE = "Seconds of work in each stage, summed over its shards; of a reused shard, those of the run that made it."
_TAG_KEY = element(
    "p",
    {"class": "note"},
    "Point at a tag, a name or a box to light what belongs to it; a click keeps it lit. ",
    element("span", {"class": "tag gdo sample"}, "mention"),
    " ",
    element("span", {"class": "tag gda sample"}, "action"),
    " ",
    element("span", {"class": "tag gdl sample"}, "place"),
)


def _head(title: str, script: str) -> Markup:
    style = Markup((_HERE / "page.css").read_text(encoding="utf-8") + colour_rules())
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
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


def _digest(text: str) -> str:
    """The source expression that lets exactly this inline text run (Content Security Policy 3, section 2.3.1)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _header(record: Mapping[str, Any]) -> Markup:
    facts = (
        f"{record['preset']} preset, {record['engine']} engine, "
        f"{_clock(record['started'])} to {_clock(record['finished'])} ({seconds(record['wall_s'])})"
    )
    gone = ", ".join(record.get("removed_films", ()))
    return element(
        "header",
        {"class": "top"},
        element("h1", None, "Build report"),
        element("p", {"class": "sub"}, "from ", element("code", {"class": "data"}, str(record["source"]))),
        element("p", {"class": "sub"}, facts),
        element("p", {"class": "sub"}, f"Gone since the build before, as the source no longer holds them: {gone}")
        if gone
        else None,
    )


def _clock(moment: object) -> str:
    """A time of the record without fractions: ``2025-01-31 12:00:05 UTC``."""
    text = str(moment)
    return text[:19].replace("T", " ") + " UTC" if text[19:].endswith(("+00:00", "Z")) else text


def _navigation(stories: bool) -> Markup:
    places = [("counts", "Counts"), ("times", "Time")]
    places += [("figures", "Numbers"), ("stories", "Stories")] if stories else []
    places += [("left-out", "Left out"), ("set-up", "Set-up")]
    links = [element("a", {"href": f"#{name}"}, text) for name, text in places]
    return element("nav", {"class": "sections", "aria-label": "Sections"}, element("div", None, links))


def _section(name: str, title: str, note: str | None, *parts: str | None) -> Markup:
    said = element("p", {"class": "note"}, note) if note else None
    return element("section", {"id": name}, element("h2", None, title), said, [part for part in parts if part])


def _nothing(losses: Sequence[Loss]) -> Markup:
    """Why no story came out: the reasons, the most frequent first."""
    ordered = sorted(losses, key=lambda loss: -loss.count)
    reasons = [
        element("li", None, f"{plural(loss.count, loss.unit)} at {loss.stage}: {loss.reason}", _because(loss))
        for loss in ordered
    ]
    said = element("ul", None, reasons) if reasons else element("p", None, "No frame was rejected: none came in.")
    return element("div", {"class": "alarm", "role": "alert"}, element("h2", None, "No story came out"), said)


def _because(loss: Loss) -> str:
    detail = next((detail for _, detail in loss.examples if detail), "")
    return f" ({detail})" if detail else ""


def _tiles(
    record: Mapping[str, Any],
    stages: Sequence[StageRow],
    figures: Figures,
    lines: Sequence[StoryLine],
    losses: Sequence[Loss],
) -> Markup:
    splits = record["dataset"]["splits"]
    came = stages[0]["items_in"] if stages else 0
    said = " and ".join(f"{count:,} in {name}" for name, count in splits.items())
    tiles = [
        (f"{len(lines):,}", f"{'story' if len(lines) == 1 else 'stories'}: {said}"),
        (f"{len(record['dataset']['films']):,}", "film" if len(record["dataset"]["films"]) == 1 else "films"),
        (f"{came:,}", "frames came in"),
        (f"{sum(figures.frames):,}", "frames in stories"),
        (f"{sum(figures.entities):,}", "people and things over all stories"),
        (f"{figures.statistics.tags.total():,}", "grounded tags"),
        (f"{sum(loss.count for loss in losses):,}", "items left out"),
        (seconds(record["wall_s"]), "from start to end"),
    ]
    return element(
        "div",
        {"class": "tiles"},
        [
            element("div", {"class": "tile"}, element("b", None, number), element("span", None, text))
            for number, text in tiles
        ],
    )


def _list_note(count: int, most: int) -> str:
    if count <= most:
        return f"{plural(count, 'story')}, all shown below."
    note = f"{plural(count, 'story')}; the first {most:,} are shown below"
    return f"{note}." if count <= MOST_LINES else f"{note}, the first {MOST_LINES:,} listed."


def _story_list(lines: Sequence[StoryLine], most: int) -> Markup:
    rows = []
    for rank, line in enumerate(lines[:MOST_LINES]):
        name = element("a", {"href": f"#{anchor(line)}"}, line.story_id) if rank < most else line.story_id
        numbers = (f"{line.frames}", f"{line.people}", f"{line.things}", f"{line.words:,}")
        rows.append((name, line.film, line.split, ", ".join(line.scenes), *numbers))
    headings = ("Story", "Film", "Split", "Scenes", "Frames", "People", "Things", "Words")
    return table(headings, rows, (4, 5, 6, 7), "list")


def _stories(run: RunSpec, refs: Sequence[ShardRef], lines: Sequence[StoryLine]) -> Iterator[str]:
    """Sections of the first stories, each with an even part of the room that is left for pictures."""
    room = PICTURE_CHARACTERS
    waiting = list(lines)
    for ref in refs:
        if not waiting:
            return
        for story in assemble_shard(run, ref, images=True):
            line = waiting.pop(0)
            analysis = parse_chain_of_thought(story.grounded["chain_of_thought"]).value
            told = parse_story(story.grounded["story"]).value
            section, spent = draw_story(line, story, analysis, told, room // (len(waiting) + 1))
            room -= spent
            yield section
            yield "\n"
            if not waiting:
                break


def _config(record: Mapping[str, Any]) -> Markup:
    text = json.dumps(record["config"], indent=2, sort_keys=True, ensure_ascii=False)
    return element("details", None, element("summary", None, "Configuration"), element("pre", {"tabindex": 0}, text))
