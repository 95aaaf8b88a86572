"""``storyreasoning build``."""

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from cli.draft_options import add_draft_options, apply_draft_options, keep_retries
from schemas.errors import ConfigError
from tasks.runtime.resources import DATA

if TYPE_CHECKING:
    from schemas.config import BuildConfig, Engine
    from tasks.runtime.record import BuildSummary

SAMPLE_FILM = DATA / "sample_film" / "frames"
DEFAULT_WORKSPACE = "storyreasoning-workspace"
ENGINES = ("plain", "threads", "dask")

DESCRIPTION = """\
Build a grounded story dataset from frames, or bring one up to date: what stands in the workspace is not made again.

FRAMES is a folder of images (film and scene are read from names such as film_scene_3_1.jpg, else it is one scene), a folder
of folders (one a film, their own folders one a scene), a video or a folder with videos (extra 'video'), a tar or zip archive
of such folders, a Parquet file or folder in the GroundCap layout (columns id and image), a URL of one of these (s3://,
https://, ...), or owner/name of a dataset on the Hub. The workspace may be a URL too. Without FRAMES, the sample film that
ships with the package is taken."""

EPILOG = """\
examples:
  storyreasoning build
  storyreasoning build frames/ --workspace films --limit-stories 3
  storyreasoning build films/ --workspace films --config my.toml --engine threads
  storyreasoning build s3://bucket/films --workspace s3://bucket/dataset
  storyreasoning build films/ --drafter llm --endpoint http://127.0.0.1:8000/v1 --model Qwen/Qwen2.5-VL-7B-Instruct

A configuration file holds only what differs from the preset, for example:
  [sequence]
  min_frames = 6
"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "build",
        help="frames in, dataset out",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("frames", nargs="?", metavar="FRAMES", help="where the frames are (default: the sample film)")
    parser.add_argument("--workspace", default=DEFAULT_WORKSPACE, metavar="DIR", help="default: ./%(default)s")
    parser.add_argument(
        "--preset", default="embedded", metavar="NAME", help="named configuration (default: %(default)s)"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="TOML file laid over the preset")
    parser.add_argument(
        "--engine",
        default="plain",
        metavar="ENGINE",
        help="plain (this process, no server), threads or dask (Prefect task runs) (default: %(default)s)",
    )
    parser.add_argument(
        "--workers", type=int, default=2, metavar="N", help="threads or Dask workers (default: %(default)s)"
    )
    parser.add_argument(
        "--scheduler",
        default="",
        metavar="ADDRESS",
        help="engine dask: use the workers of this scheduler (tcp://host:8786) instead of some on this machine",
    )
    parser.add_argument("--limit-stories", type=int, metavar="N", help="stop after N stories, for a quick look")
    parser.add_argument(
        "--metrics-file",
        metavar="FILE",
        help="leave figures for Prometheus here (textfile collector), whatever happens",
    )
    parser.add_argument("--coco", action="store_true", help="also write the detections as COCO JSON")
    parser.add_argument("--webdataset", action="store_true", help="also write the stories as tar files for WebDataset")
    parser.add_argument(
        "--split-like",
        choices=("ratio", "paper"),
        help="draw each film for itself, or give the test split the paper's share of stories (docs/publishing.md)",
    )
    parser.add_argument("--json", action="store_true", help="events and the summary as JSON lines on stdout")
    add_draft_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Build, and say where everything is."""
    if args.engine not in ENGINES:
        from schemas.config import nearest

        raise ConfigError(f"unknown engine '{args.engine}'{nearest(args.engine, ENGINES)}")
    if args.limit_stories is not None and args.limit_stories < 1:
        raise ConfigError(f"--limit-stories must be at least 1, not {args.limit_stories}")
    if args.scheduler and args.engine != "dask":
        raise ConfigError("--scheduler goes with --engine dask")
    if args.workers < 1:
        raise ConfigError(f"--workers must be at least 1, not {args.workers}")
    from flows.presets import load_config

    config = apply_draft_options(args, choose_export(load_config(args.preset, args.config), args))
    config = keep_retries(config, Path(args.workspace))
    source = args.frames if args.frames is not None else str(SAMPLE_FILM)
    from cli.progress import make_display

    with make_display(args.json):
        summary = build(
            source,
            args.workspace,
            config,
            args.engine,
            args.preset,
            args.limit_stories,
            args.workers,
            args.scheduler,
            args.metrics_file,
        )
    if args.json:
        print(json.dumps({"event": "summary", **summary.as_json()}), flush=True)
    else:
        print(describe(summary))
    return 0


def choose_export(config: "BuildConfig", args: argparse.Namespace) -> "BuildConfig":
    """The configuration with the layouts and the split that the command line asks for."""
    asked = {name: True for name in ("coco", "webdataset") if getattr(args, name)}
    split = {"split_like": args.split_like} if args.split_like else {}
    return config.model_copy(update={"export": config.export.model_copy(update={**asked, **split})})


def build(
    source: str,
    workspace: str,
    config: "BuildConfig",
    engine: "Engine",
    preset: str,
    limit: int | None,
    workers: int,
    scheduler: str = "",
    metrics_file: str | None = None,
) -> "BuildSummary":
    """Run the flow on an engine; ``plain`` calls it without Prefect's engine."""
    quiet_prefect()
    from flows.build_dataset import build_dataset

    run = build_dataset.fn if engine == "plain" else build_dataset
    return run(source, workspace, config, engine, preset, limit, workers, scheduler, metrics_file)


def quiet_prefect() -> None:
    """No calls outside, no chatter, and time for a first start on a slow disk; what the user has set stands."""
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    # What fails is told in one line by this program; Prefect would add a traceback for each task and flow.
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
    # Its temporary server is stopped in the midst of its own work, and would tell of the connections that it drops.
    os.environ.setdefault("PREFECT_SERVER_LOGGING_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_LOGGING_ROOT_LEVEL", "CRITICAL")
    os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "error")
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")


def describe(summary: "BuildSummary") -> str:
    """The end of a build in a few lines."""
    lines = []
    if summary.reason:
        lines.append(f"warning: {summary.reason}")
    counts = ", ".join(f"{count} {split}" for split, count in summary.splits.items())
    stories = "1 story" if summary.stories == 1 else f"{summary.stories} stories"
    lines += [
        *(f"gone: {film} is no longer in the source, its stories left the dataset" for film in summary.removed_films),
        f"{stories} ({counts}) in {summary.wall_s:.1f} s, {summary.dead_letters} items left out with a reason",
        f"  dataset  {summary.dataset}",
        f"  report   {summary.report}",
        f"  page     {Path(summary.report).resolve().as_uri()} (open it in a browser)",
        f"  look at a story: storyreasoning inspect {Path(summary.dataset).parent}",
    ]
    return "\n".join(lines)
