"""``storyreasoning bench``."""

import argparse
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.errors import ConfigError

if TYPE_CHECKING:
    from tasks.benchmark.measure import VisionRow

DESCRIPTION = """\
Measure how fast the models of a preset are on this machine.

For each model: items a second through its adapter as the stage uses it (images in, results out), items a second of the bare
network on synthetic batches that lie ready on the device, in the same process with rounds taken in turn, and the first as a
share of the second; on a GPU how busy it was while the adapter ran. Then the chain of stages on frames in JPEG: decoding,
detection, faces, appearance. Frames are those of the sample film, enlarged, with grain."""

EPILOG = """\
examples:
  storyreasoning bench vision
  storyreasoning bench vision --preset gpu --json gpu.json
  storyreasoning bench vision --preset paper --random-weights      the same networks where no weights can be had
  storyreasoning bench vision --config my.toml --stages detect chain --size 1280x720

--random-weights: results say so, and nothing that is found means anything. Figures of a machine that does other work are
those of the other work: trust shares before rates."""

COLUMNS = "{:<11}{:<18}{:<37}{:<9}{:>11}{:>11}{:>7}{:>6}{:>9}{:>9}  {}"


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "bench", help="how fast the models are on this machine", description=DESCRIPTION.partition("\n\n")[0],
        epilog="example:\n  storyreasoning bench vision", formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    kinds = parser.add_subparsers(title="what is measured", metavar="WHAT", dest="kind", required=True)
    vision = kinds.add_parser(
        "vision",
        help="the vision stages",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    vision.add_argument(
        "--preset", default="embedded", metavar="NAME", help="named configuration (default: %(default)s)"
    )
    vision.add_argument("--config", type=Path, metavar="FILE", help="TOML file laid over the preset")
    vision.add_argument(
        "--stages",
        nargs="+",
        metavar="STAGE",
        help="some of detect, landmarks, faces, appearance, chain (default: all)",
    )
    vision.add_argument(
        "--rounds", type=int, default=5, metavar="N", help="rounds taken in turn (default: %(default)s)"
    )
    vision.add_argument(
        "--seconds",
        type=float,
        default=0.4,
        metavar="S",
        help="least seconds of each in a round (default: %(default)s)",
    )
    vision.add_argument("--frames", type=int, metavar="N", help="frames of the chain (default: what fills 3 seconds)")
    vision.add_argument("--batch", type=int, metavar="N", help="frames in a call (default: the preset's; 2 on a CPU)")
    vision.add_argument(
        "--device", default="", metavar="DEVICE", help="auto, cpu, cuda or cuda:N (default: the preset's)"
    )
    vision.add_argument(
        "--size", metavar="WxH", help="size of the frames (default: 1920x1080 on a GPU, 640x360 on a CPU)"
    )
    vision.add_argument(
        "--random-weights", action="store_true", help="the same networks with random weights: no hub is needed"
    )
    vision.add_argument(
        "--detections", type=int, default=6, metavar="N",
        help="things in a frame that random detectors are set to find, and half as many faces (default: %(default)s)",
    )  # fmt: skip
    vision.add_argument("--json", type=Path, metavar="FILE", help="write everything here as well")
    vision.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure, and say it as it comes."""
    size = read_size(args.size) if args.size is not None else None
    for name in ("frames", "batch"):
        if getattr(args, name) is not None and getattr(args, name) < 1:
            raise ConfigError(f"--{name} must be at least 1, not {getattr(args, name)}")
    if args.json is not None and (args.json.is_dir() or not os.access(args.json.absolute().parent, os.W_OK)):
        raise ConfigError(f"--json {args.json} must be a file in a folder that can be written to")
    from dataclasses import asdict

    from flows.presets import load_config
    from tasks.bench_vision import STAGES, VisionPlan, bench_vision
    from tasks.runtime.atomic import write_json

    config = load_config(args.preset, args.config)
    plan = VisionPlan(
        stages=tuple(dict.fromkeys(args.stages or STAGES)),
        rounds=args.rounds,
        seconds=args.seconds,
        frames=args.frames or 0,
        batch=args.batch or 0,
        device=args.device,
        size=size,
        random_weights=args.random_weights,
        things=args.detections,
    )
    report = bench_vision(config, plan, lambda head: print(describe_head(head), flush=True), print_row)
    if args.json is not None:
        rows = [asdict(row) for row in report.rows]
        write_json(args.json, {"version": 1, "preset": args.preset, **report.head, "rows": rows})
        print(f"written to {args.json}")
    return 0


def read_size(text: str) -> tuple[int, int]:
    """Width and height from ``1920x1080``.

    Raises:
        ConfigError: it is not written like this.
    """
    match = re.fullmatch(r"(\d{1,6})x(\d{1,6})", text)
    if match is None:
        raise ConfigError(f"--size must be width x height in pixels, such as 1920x1080, not '{text}'")
    return int(match[1]), int(match[2])


def describe_head(head: Mapping[str, Any]) -> str:
    """The machine and the settings, and the line over the table."""
    machine, frame = head["machine"], head["frame"]
    gpu = machine["gpu"]
    lines = [f"processor   {machine['processor']}, {machine['cores']} cores for this process"]
    if gpu:
        memory = f"{gpu['memory_bytes'] / 2**30:.0f} GiB"
        lines.append(f"GPU         {gpu['name']}, {memory}, driver {gpu['driver'] or 'unknown'}, CUDA {gpu['cuda']}")
    versions = ", ".join(f"{name} {version}" for name, version in machine["libraries"].items())
    lines += [
        f"software    Python {machine['python']}, {versions}",
        f"frames      {frame['width']}x{frame['height']}, JPEG of {frame['jpeg_bytes'] / 1000:.0f} kB",
    ]
    if not machine["compiled"]:
        lines.append("images      resized by Pillow, more slowly than by compiled code: storyreasoning doctor")
    if head["random_weights"]:
        lines.append("weights     random where they do not ship: nothing that is found means anything")
    titles = ("stage", "what", "model", "weights", "items/s", "bare/s", "share", "GPU", "GPU mem", "memory", "")
    return "\n".join([*lines, "", COLUMNS.format(*titles).rstrip()])


def print_row(row: "VisionRow") -> None:
    """One line of the table."""
    cells = (
        row.stage,
        row.what,
        row.model,
        row.weights,
        _number(row.rate),
        "-" if row.bare_rate is None else _number(row.bare_rate),
        "-" if row.share is None else f"{row.share:.2f}",
        "-" if row.gpu_busy is None else f"{row.gpu_busy:.0f}%",
        "-" if row.gpu_peak_bytes is None else _size(row.gpu_peak_bytes),
        _size(row.peak_bytes),
        row.note,
    )
    print(COLUMNS.format(*cells).rstrip(), flush=True)


def _number(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"


def _size(count: int) -> str:
    return f"{count / 2**30:.2f} GB"
