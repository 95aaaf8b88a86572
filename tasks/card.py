"""``README.md`` of the dataset: a dataset card for the Hub, made of measured values only.

The same dataset gives the same bytes: no times, no places on a machine, nothing from the surroundings.
"""

import importlib.metadata
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from schemas.arrow import GROUNDING, STORYREASONING
from schemas.config import BuildConfig
from tasks.dataset_card import croissant, measurements
from tasks.dataset_card.body import body
from tasks.dataset_card.charts import make_charts
from tasks.dataset_card.facts import (
    CardFacts,
    ConfigFacts,
    DrafterFacts,
    FilmFacts,
    ModelFacts,
    SplitFacts,
    StageFacts,
)
from tasks.dataset_card.front_matter import front_matter
from tasks.dataset_card.grounding import measure_grounding
from tasks.dataset_card.licences import common_licence, read_licences
from tasks.dataset_card.measure import measure_identity, measure_stories
from tasks.export import Written
from tasks.identity_quality import measure_quality
from tasks.leaks import Leak
from tasks.models.weights import read_model_list
from tasks.runtime.atomic import write_bytes, write_json
from tasks.runtime.keys import content_key, natural_key
from tasks.runtime.record import StageTotals
from tasks.runtime.stage import Row, RunSpec, ShardRef

VERSION = 4
"""Raised whenever the same dataset would get another card."""
CONFIGS = {"default": STORYREASONING, "grounding": GROUNDING}
TITLE = "Grounded stories over movie frames"
NOTICES = ("NOTICE.txt", "NOTICE.md")
SOURCES = "SOURCES.json"
FILMS = "films.json"
_LONGEST_NOTICE = 4_000


def render_card(facts: CardFacts) -> str:
    """The card: YAML for the Hub, then Markdown. The same facts give the same text."""
    return f"{front_matter(facts)}\n{body(facts)}"


def write_card(run: RunSpec, refs: Sequence[ShardRef], totals: Sequence[StageTotals], written: Written) -> None:
    """Write the card, its charts and what machines read of it into the folder of a dataset whose Parquet files are there already.

    Args:
        run: the run that made it.
        refs: its shards in order.
        totals: counts of its stages in order; their timings are left alone.
        written: the dataset.

    Raises:
        ShardError: a shard cannot be read.
        ConfigError: the licences beside the frames cannot be read.
        WorkspaceError: a file cannot be written, or the identity scores in the workspace cannot be read.
    """
    facts, folder = gather_facts(run, refs, totals, written), written.folder
    write_bytes(folder / "README.md", render_card(facts).encode())
    for chart in make_charts(facts):
        write_bytes(folder / chart.path, chart.svg.encode())
    digests = {file.path: (file.bytes, file.sha256) for file in written.files if file.path.endswith(".parquet")}
    write_bytes(folder / croissant.PATH, croissant.make_croissant(facts, digests))
    write_json(folder / measurements.PATH, measurements.measurements(facts))
    films = {film.name: {name: value for name, value in asdict(film).items() if name != "name"} for film in facts.films}
    write_json(folder / FILMS, {"films": films})


def gather_facts(run: RunSpec, refs: Sequence[ShardRef], totals: Sequence[StageTotals], written: Written) -> CardFacts:
    """Everything that the card of a dataset says; see :func:`write_card`."""
    config = run.config.model_dump(mode="json")
    # Where a model is served and how hard it is driven changes nothing in a dataset, and addresses are nobody else's business.
    config["chat"] = {"model": run.config.chat.model}
    films = tuple(_film_facts(run, refs, written.films, written.leaks))
    return CardFacts(
        title=TITLE,
        licence=run.config.export.licence or common_licence(film.licence for film in films if film.stories),
        notice=read_notice(Path(run.source)),
        configs=tuple(_config_facts(name, written.folder, written.rows) for name in CONFIGS),
        stages=tuple(_stage_facts(total) for total in totals),
        models=tuple(_model_facts(totals)),
        drafters=tuple(_drafter_facts(run, refs)),
        films=films,
        statistics=measure_stories(run, refs),
        identity=measure_identity(run, refs),
        settings=tuple(_differences(config, BuildConfig().model_dump(mode="json"))),
        config_digest=content_key(config),
        version=software_version(),
        quality=measure_quality(run, refs),
        grounding=measure_grounding(run, refs),
        extras=tuple(name for name in ("coco", "webdataset") if getattr(run.config.export, name)),
    )


def read_notice(source: Path) -> str:
    """What the owner of the frames wants said, from their folder, or from beside it when it is called ``frames``.

    It is the text of ``NOTICE.txt`` or ``NOTICE.md``, else ``note``, ``package`` and ``licence`` of ``SOURCES.json``; empty
    where there is none of them.
    """
    places = [source, source.parent] if source.name == "frames" else [source]
    for place in places:
        for name in NOTICES:
            if (place / name).is_file():
                return (place / name).read_text(encoding="utf-8", errors="replace")[:_LONGEST_NOTICE]
        if (place / SOURCES).is_file():
            return _read_sources(place / SOURCES)[:_LONGEST_NOTICE]
    return ""


def _read_sources(path: Path) -> str:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return ""
    if not isinstance(value, dict):
        return ""
    origin = [
        f"{label}: {value[key]}." for key, label in (("package", "Source"), ("licence", "Licence")) if value.get(key)
    ]
    return "\n\n".join(part for part in (str(value.get("note", "")), " ".join(origin)) if part)


def software_version() -> str:
    """Version of this software as installed."""
    try:
        return importlib.metadata.version("storyreasoning")
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"


def _config_facts(name: str, folder: Path, rows: Mapping[str, int]) -> ConfigFacts:
    splits = []
    for split, count in rows.items():
        paths = sorted((folder / name).glob(f"{split}-*.parquet"))
        if not paths:
            continue
        size = sum(_uncompressed(path) for path in paths)
        splits.append(SplitFacts(split, count, size, sum(path.stat().st_size for path in paths)))
    return ConfigFacts(name, CONFIGS[name], tuple(splits))


def _uncompressed(path: Path) -> int:
    footer = pq.read_metadata(path)
    return sum(footer.row_group(i).total_byte_size for i in range(footer.num_row_groups))


def _stage_facts(total: StageTotals) -> StageFacts:
    rejected = tuple(sorted(total.rejected.items(), key=lambda item: (-item[1], item[0])))
    return StageFacts(total.name, total.unit, total.items_in, total.items_out, rejected)


def _model_facts(totals: Sequence[StageTotals]) -> Iterator[ModelFacts]:
    # By digest: under a listed name the user may have put other weights.
    listed = {record.sha256: record for record in read_model_list()}
    for total in totals:
        for name, digest in sorted(total.models.items()):
            record = listed.get(digest)
            if record is None:
                yield ModelFacts(total.name, name, digest)
            else:
                yield ModelFacts(total.name, record.name, digest, record.licence, record.upstream, record.caveats)


def _drafter_facts(run: RunSpec, refs: Sequence[ShardRef]) -> Iterator[DrafterFacts]:
    who = ["drafter", "model", "prompt_version"]
    cost = ["input_tokens", "output_tokens", "cost_usd"]
    sums: dict[tuple[str, str, str], list[float]] = {}
    for ref in refs:
        kept = {row["story_key"] for row in _rows(run, ref, "ground", ["story_key"])}
        for row in _rows(run, ref, "draft_story", ["story_key", *who, *cost]):
            if row["story_key"] in kept:
                total = sums.setdefault((row[who[0]], row[who[1]], row[who[2]]), [0, 0, 0, 0.0])
                for i, value in enumerate((1, *(row[name] for name in cost))):
                    total[i] += value
    for key, (stories, tokens_in, tokens_out, usd) in sorted(sums.items()):
        yield DrafterFacts(*key, int(stories), int(tokens_in), int(tokens_out), usd)


def _film_facts(
    run: RunSpec, refs: Sequence[ShardRef], splits: Mapping[str, str], leaks: Sequence[Leak]
) -> Iterator[FilmFacts]:
    stories: Counter[str] = Counter()
    frames: Counter[str] = Counter()
    for ref in refs:
        for row in _rows(run, ref, "ground", ["film", "frame_ids"]):
            stories[row["film"]] += 1
            frames[row["film"]] += len(row["frame_ids"])
    licences = read_licences(Path(run.source))
    moved = {leak.film: leak for leak in leaks}
    for film in sorted(splits, key=natural_key):
        own = licences.of(film)
        licence = own.licence or run.config.export.licence
        yield FilmFacts(film, splits[film], stories[film], frames[film], licence, own.source, _told(moved.get(film)))


def _told(leak: Leak | None) -> str:
    """Why a film was moved; empty where it was not."""
    if leak is None:
        return ""
    how = f"hashes {leak.value:.0f} bits apart" if leak.by == "hash" else f"looks of a cosine of {leak.value:.2f}"
    return f"frame {leak.frame} is frame {leak.other_frame} of {leak.other} ({how})"


def _differences(config: Mapping[str, Any], defaults: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in config.items():
        default = defaults.get(name)
        if isinstance(value, Mapping) and isinstance(default, Mapping):
            yield from _differences(value, default, f"{prefix}{name}.")
        elif value != default:
            yield f"{prefix}{name}", json.dumps(value, ensure_ascii=False)


def _rows(run: RunSpec, ref: ShardRef, stage: str, columns: list[str]) -> Iterator[Row]:
    reader = run.store.read(stage, ref.shard, ref.keys[stage])
    try:
        yield from reader.select(columns)
    finally:
        reader.close()
