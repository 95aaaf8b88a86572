"""The text of a dataset card below its YAML."""

from collections.abc import Iterator

from tasks.dataset_card.charts import make_charts
from tasks.dataset_card.citation import bibtex
from tasks.dataset_card.citation import describe as describe_dataset
from tasks.dataset_card.facts import CardFacts
from tasks.dataset_card.grounding import describe_grounding
from tasks.dataset_card.identity import describe_signals, labelled_section
from tasks.dataset_card.limits import limits
from tasks.dataset_card.markdown import code, escape_markdown, markdown_table, paragraphs
from tasks.dataset_card.measure import describe, describe_identity

_COLUMNS = {
    "default": (
        ("story_id", "integer as text; joins the configs"),
        ("images", "the frames in story order"),
        ("frame_count", "number of images"),
        (
            "chain_of_thought",
            "Markdown: characters, objects and setting of every image with boxes, then the narrative phases",
        ),
        ("story", "the story, every mention of a person, thing, action or place tagged with its entities"),
    ),
    "grounding": (
        ("story_id, story_key, film", "which story; the key is a hash of its frames"),
        ("frames", "id, scene, source, sha256 of the source file, and size in pixels of each frame"),
        ("detections", "everything found: frame, label, score, box in pixels, found by detector or by face"),
        ("entities", "who is who: the detections of each entity with the confidence of every link"),
        ("links", "every tag: frame, kind, entities, words, and where it stands in the story (characters)"),
        ("drafter, model, prompt_version, models", "who wrote the story, and the digests of all models it stands on"),
        ("input_tokens, output_tokens, cost_usd", "what a language model took; zero where none was asked"),
    ),
}

_FORMAT = """\
`chain_of_thought` holds, for every image from 1 on, the tables *Characters*, *Objects* and *Setting*, and at the end
*Narrative Structure*. Ids are `char1` (people), `obj1` (things), `lm1` (landmarks) and `bg1` (background); the same id in two
images of a story is the same entity. Boxes are `x1,y1,x2,y2` in whole pixels of that frame, origin top-left.

`story` has one block an image. Inside it `gdo` tags mention characters and objects, `gda` actions of characters, `gdl`
landmarks and background; several ids make a group:

```
<gdi image1>
<gdo char1 char2>They</gdo> <gda char1 char2>waited</gda> beside <gdo obj1>the lamp</gdo>.
</gdi>
```"""

_EXTRAS = {
    "coco": "`coco/<split>.json` has the detections in the format of COCO; `file_name` is the `path` of an image in `images`.",
    "webdataset": "`webdataset/<split>-*.tar` has one sample a story for WebDataset: `.json`, `.chain_of_thought.txt`, "
    "`.story.txt` and the images `.000.jpg`, `.001.jpg` and on.",
}


def body(facts: CardFacts) -> str:
    """Everything below the front matter."""
    return "\n\n".join(_sections(facts)) + "\n"


def _sections(facts: CardFacts) -> Iterator[str]:
    yield f"# {escape_markdown(facts.title)}"
    if facts.notice.strip():
        yield paragraphs(facts.notice)
    yield f"{describe_dataset(facts)} Made by a program, without corrections by hand."
    if not facts.stories:
        yield _nothing(facts)
    yield "## What is in it"
    yield _sizes(facts)
    yield _usage(facts)
    for config in facts.configs:
        columns = _COLUMNS.get(config.name)
        if columns:
            yield f"`{config.name}`:"
            yield markdown_table(("column", "meaning"), [(", ".join(map(code, n.split(", "))), m) for n, m in columns])
    yield from (_EXTRAS[name] for name in facts.extras)
    yield (
        "`croissant.json` describes the files for machines, `films.json` the films, `measurements.json` holds the numbers below."
    )
    yield "## Format"
    yield _FORMAT
    yield "## How it was made"
    yield f"With storyreasoning {escape_markdown(facts.version)}, configuration `{facts.config_digest}`."
    yield from _making(facts)
    if facts.stories:
        yield "## Statistics"
        identity = (*describe_identity(facts.identity), *describe_signals(facts.quality.signals))
        tied = tuple(describe_grounding(facts.grounding))
        for heading, values in {**describe(facts.statistics), "Identity": identity, "Ties to the frames": tied}.items():
            yield f"### {heading}"
            rows = [(escape_markdown(name), escape_markdown(value)) for name, value in values]
            yield markdown_table(("measure", "value"), rows, (1,))
        yield from labelled_section(facts.quality.scores)
        yield "### Charts"
        yield "\n\n".join(f"![{escape_markdown(chart.words)}]({chart.path})" for chart in make_charts(facts))
    yield "## Films"
    yield _films(facts)
    if facts.stories:
        yield "## Limits"
        yield "\n".join(f"- {limit}" for limit in limits(facts))
    yield "## Citation"
    yield f"```bibtex\n{bibtex(facts)}\n```"


def _films(facts: CardFacts) -> str:
    told = [name for name in ("licence", "source") if any(getattr(film, name) for film in facts.films)]
    rows = [
        (
            escape_markdown(film.name),
            escape_markdown(film.split),
            f"{film.stories:,}",
            f"{film.frames:,}",
            *(escape_markdown(getattr(film, name)) for name in told),
        )
        for film in facts.films
    ]
    table = markdown_table(("film", "split", "stories", "frames in stories", *told), rows, (2, 3))
    moved = [f"- {escape_markdown(film.name)}: {escape_markdown(film.moved)}" for film in facts.films if film.moved]
    if not moved:
        return table
    return f"{table}\n\nMoved to the other split, as they share frames with a film there:\n\n" + "\n".join(moved)


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _nothing(facts: CardFacts) -> str:
    reasons = [
        f"- {count:,} {escape_markdown(stage.unit)} at {escape_markdown(stage.name)}: {escape_markdown(reason)}"
        for stage in facts.stages
        for reason, count in stage.rejected
    ]
    return "\n".join(
        (
            "**No story came out.** `load_dataset` refuses a dataset without rows; with `streaming=True` it opens. Left out:",
            "",
            *(reasons or ["- nothing: no frame came in"]),
        )
    )


def _sizes(facts: CardFacts) -> str:
    rows = [
        (code(config.name), escape_markdown(split.name), f"{split.rows:,}", size_text(split.file_bytes))
        for config in facts.configs
        for split in config.splits
    ]
    sizes = markdown_table(("config", "split", "rows", "size"), rows, (2, 3))
    empty = sorted({code(s.name) for s in facts.configs[0].splits if not s.rows}) if facts.stories else []
    # A split without rows cannot be declared: datasets refuses to load the others beside it.
    return f"{sizes}\n\nWithout rows, and so not to be loaded: {', '.join(empty)}." if empty else sizes


def size_text(count: int) -> str:
    """A size in bytes as people read it, in powers of 1000."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.5 or unit == "TB":
            break
    return f"{value:.3g} {unit}"


def _usage(facts: CardFacts) -> str:
    names = [config.name for config in facts.configs]
    lines = ["```python", "from datasets import load_dataset", ""]
    lines += [f'{name} = load_dataset("<folder or repository>", "{name}", split="train")' for name in names]
    return "\n".join([*lines, "```"])


def _making(facts: CardFacts) -> Iterator[str]:
    rows = []
    for stage in facts.stages:
        lost = ", ".join(f"{count:,} {escape_markdown(reason)}" for reason, count in stage.rejected)
        rows.append(
            (code(stage.name), escape_markdown(stage.unit), f"{stage.items_in:,}", f"{stage.items_out:,}", lost)
        )
    yield markdown_table(("stage", "counts", "in", "out", "left out"), rows, (2, 3))
    if facts.drafters:
        yield "The text was written by:"
        yield markdown_table(
            ("drafter", "model", "prompts", "stories", "tokens in", "tokens out", "cost (USD)"),
            [
                (
                    escape_markdown(one.drafter),
                    escape_markdown(one.model) or "none",
                    escape_markdown(one.prompt_version),
                    f"{one.stories:,}",
                    f"{one.input_tokens:,}",
                    f"{one.output_tokens:,}",
                    f"{one.cost_usd:,.2f}",
                )
                for one in facts.drafters
            ],
            (3, 4, 5, 6),
        )
    if facts.models:
        yield "Models and calibrations:"
        yield markdown_table(
            ("stage", "model", "licence", "upstream", "digest"),
            [
                (
                    code(m.stage),
                    escape_markdown(m.name),
                    escape_markdown(m.licence),
                    escape_markdown(m.upstream),
                    code(m.sha256),
                )
                for m in facts.models
            ],
        )
        caveats = [f"- {escape_markdown(m.name)}: {escape_markdown(m.caveats)}" for m in facts.models if m.caveats]
        if caveats:
            yield "\n".join(caveats)
    if facts.settings:
        yield "Settings other than the defaults:"
        yield markdown_table(("setting", "value"), [(code(name), code(value)) for name, value in facts.settings])
