"""``storyreasoning inspect``."""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from schemas.errors import ConfigError

DESCRIPTION = """\
What is in a workspace or a dataset; with STORY_ID, one story as text with its tables. A story is named by its id, by the
beginning of its id, or by its place in the list (1, 2, ...)."""

SHORTEST_ID_START = 6
"""Digits from which a number is taken for the beginning of an id and no longer for a place in the list."""
COLUMNS = ["story_id", "frame_count", "chain_of_thought", "story"]


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser("inspect", help="look at a workspace, a dataset, a story", description=DESCRIPTION)
    parser.add_argument("place", metavar="WORKSPACE|DATASET", help="a workspace, a dataset folder, or a Parquet file")
    parser.add_argument("story", nargs="?", metavar="STORY_ID", help="show this story")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Show what there is, or one story."""
    place = Path(args.place)
    files = find_dataset(place)
    if args.story is not None:
        row = find_story(files, args.story, place)
        print(json.dumps(row, ensure_ascii=False, indent=1) if args.json else describe_story(row))
        return 0
    overview = {"place": str(place), **summarise_run(place), "stories": list(list_stories(files))}
    print(json.dumps(overview, ensure_ascii=False, indent=1) if args.json else describe(overview))
    return 0


def find_dataset(place: Path) -> list[tuple[str, Path]]:
    """Split and path of each Parquet file with the stories of a workspace, dataset folder or file.

    Raises:
        ConfigError: there is no dataset.
    """
    if place.is_file():
        return [(place.name.split("-")[0], place)]
    if not place.is_dir():
        raise ConfigError(f"{place} does not exist: give a workspace, a dataset folder, or a Parquet file")
    for folder in (place / "dataset" / "default", place / "default", place / "data", place):
        files = sorted(folder.glob("*.parquet")) if folder.is_dir() else []
        files = [f for f in files if f.name.startswith(("train", "test", "validation"))]
        if files:
            return [(f.name.split("-")[0], f) for f in sorted(files, key=lambda f: (f.name[:2] != "tr", f.name))]
    raise ConfigError(f"{place} holds no finished dataset: build one with 'storyreasoning build --workspace {place}'")


def read_rows(path: Path, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Rows of a Parquet file with these columns, a row group at a time.

    Raises:
        ConfigError: it is no Parquet file with the columns of StoryReasoning.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            missing = [name for name in columns if name not in file.schema_arrow.names]
            if missing:
                raise ConfigError(f"{path} is not in the StoryReasoning layout: no column {', '.join(missing)}")
            for group in range(file.num_row_groups):
                yield from file.read_row_group(group, columns=list(columns)).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise ConfigError(f"{path} cannot be read as Parquet: {error}") from error


def list_stories(files: Sequence[tuple[str, Path]]) -> Iterator[dict[str, Any]]:
    """Id, split, frames, words and first words of every story."""
    from schemas.story import parse_story, plain_text

    for split, path in files:
        for row in read_rows(path, COLUMNS):
            words = plain_text(parse_story(row["story"]).value).split()
            yield {
                "story_id": row["story_id"],
                "split": split,
                "frames": row["frame_count"],
                "words": len(words),
                "begins": " ".join(words[:12]),
            }


def find_story(files: Sequence[tuple[str, Path]], wanted: str, place: Path) -> dict[str, Any]:
    """The row of one story.

    Raises:
        ConfigError: no story, or several, of that name.
    """
    ids = [(row["story_id"], split, path) for split, path in files for row in read_rows(path, ["story_id"])]
    if wanted.isascii() and wanted.isdigit() and len(wanted) < SHORTEST_ID_START and wanted not in {i[0] for i in ids}:
        chosen = ids[int(wanted) - 1 : int(wanted)] if int(wanted) else []
    else:
        chosen = [entry for entry in ids if entry[0] == wanted] or [e for e in ids if e[0].startswith(wanted)]
    if not chosen:
        raise ConfigError(
            f"no story '{wanted}' in {place}: 'storyreasoning inspect {place}' lists the {len(ids)} there are"
        )
    if len(chosen) > 1:
        raise ConfigError(f"'{wanted}' begins the ids of {len(chosen)} stories in {place}: give more digits")
    story_id, split, path = chosen[0]
    row = next(row for row in read_rows(path, COLUMNS) if row["story_id"] == story_id)
    return {"split": split, **row}


def summarise_run(place: Path) -> dict[str, Any]:
    """Counts of each stage of the last build of a workspace; nothing for a dataset on its own."""
    try:
        record = json.loads((place / "latest.json").read_text(encoding="utf-8"))
        return {name: record[name] for name in ("source", "preset", "engine", "finished", "wall_s", "stages")}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def describe(overview: dict[str, Any]) -> str:
    """An overview as text."""
    lines = [f"{overview['place']}: {len(overview['stories'])} stories"]
    if "stages" in overview:
        lines.append(f"built from {overview['source']} ({overview['preset']}, {overview['finished'][:16]}Z)")
        lines.append("")
        lines.append(f"{'stage':<11} {'in':>7} {'out':>7}  left out")
        for stage in overview["stages"]:
            left = ", ".join(f"{count} {reason}" for reason, count in stage["rejected"].items())
            lines.append(f"{stage['name']:<11} {stage['items_in']:>7} {stage['items_out']:>7}  {left}")
    if overview["stories"]:
        lines.append("")
    for number, story in enumerate(overview["stories"], start=1):
        lines.append(
            f"{number:>4} {story['story_id']:<14} {story['split']:<5} {story['frames']:>3} frames "
            f"{story['words']:>5} words  {story['begins']}..."
        )
    return "\n".join(lines)


def describe_story(row: dict[str, Any]) -> str:
    """One story as text: the telling frame by frame, then its tables."""
    from schemas.story import parse_story, plain_text
    from schemas.text import Story

    parts = [f"story {row['story_id']} ({row['split']}, {row['frame_count']} frames)", ""]
    for block in parse_story(row["story"]).value.blocks:
        parts += [f"[image {block.number}]", plain_text(Story((block,))).strip(), ""]
    parts += [
        "--- tables ---",
        "",
        row["chain_of_thought"].rstrip(),
        "",
        "--- tagged text ---",
        "",
        row["story"].rstrip(),
    ]
    return "\n".join(parts)
