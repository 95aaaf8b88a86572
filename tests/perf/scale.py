"""What it costs to orchestrate many shards: ``python -m tests.perf.scale [--shards 1000] [--frames 1000]``.

Stages are simulated (they copy rows), so that all that is measured is ours: keys, manifests, files, records. Prints
  first run      seconds, and milliseconds a shard and stage, in which every shard is made
  second run     seconds in which everything is found to stand (aim 10 s for 1,000 shards)
  task runs      Prefect task runs of one flow run over so many shards, by the batches (aim 500 at most)
  overhead       the first run's seconds over what the stages of so many frames would take at ``--rate`` (aim 1 %)
With ``--prefect`` the shards go through a real flow run, whose task runs are counted: see ``scale_prefect.py``.
With ``--dask`` it compares two Dask workers with one on the real vision stages instead (aim 1.7): see ``scale_dask.py``.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

from schemas.arrow import SELECTED
from schemas.config import BuildConfig
from tasks.runtime.engine import MAX_TASK_RUNS, PlainRunner, StageTask, cut_batches, stage_task
from tasks.runtime.stage import Inputs, Kept, Outcome, RunSpec, ShardRef, Stage

STAGES = 11
SPLIT = (6, 5)
"""Stages in each of the two chains of the flow."""


def simulate(index: int, rows: int) -> StageTask:
    """The task of a stage that copies its input; the first makes ``rows`` rows."""
    name, before = f"simulated{index}", f"simulated{index - 1}"

    def run(inputs: Inputs) -> Iterator[Outcome]:
        if index:
            return (Kept(row) for row in inputs[before])
        return (Kept({"frame_id": f"{inputs.ref.shard}_{k}", "scene": "0001"}) for k in range(rows))

    module = ModuleType(f"tasks.{name}")
    module.STAGE = Stage(  # type: ignore[attr-defined]
        name=name,
        version=1,
        unit="frame",
        schema=SELECTED,
        inputs=(before,) if index else (),
        section="select",
        run=run,
        count=None if index else lambda inputs: rows,
    )
    sys.modules[module.__name__] = module
    return stage_task(name)


def timed(tasks: Sequence[StageTask], shards: Sequence[ShardRef], run: RunSpec) -> float:
    """Seconds to bring the shards through."""
    begun = time.perf_counter()
    refs = PlainRunner().through(tasks, shards, run)
    assert len(refs) == len(shards)
    return time.perf_counter() - begun


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Measure and print; returns the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=int, default=1000)
    parser.add_argument("--frames", type=int, default=1000, help="frames of a shard")
    parser.add_argument("--rate", type=float, default=17.6, help="frames a second of the real stages on this machine")
    parser.add_argument("--dask", action="store_true", help="two Dask workers against one, on the real stages")
    parser.add_argument("--prefect", action="store_true", help="through a flow run, with Prefect's own part")
    parser.add_argument("--films", type=int, default=8, help="films of as many shards, with --dask")
    args = parser.parse_args(arguments)
    if args.dask:
        from tests.perf.scale_dask import compare_workers

        return compare_workers(args.films, args.frames)
    if args.prefect:
        from tests.perf.scale_prefect import measure_flow

        return measure_flow(args.shards, args.frames, args.rate)
    with tempfile.TemporaryDirectory() as folder:
        run = RunSpec(str(Path(folder)), "nowhere", BuildConfig(), run_id="simulated")
        tasks = [simulate(index, args.frames) for index in range(STAGES)]
        shards = [ShardRef(f"film{k:05d}", f"film{k}", args.frames) for k in range(args.shards)]
        first, again = timed(tasks, shards, run), timed(tasks, shards, run)
    runs = sum(count * len(cut_batches(shards, max(1, MAX_TASK_RUNS // (2 * count)))) for count in SPLIT) + 4
    figures = {
        "first run s": first,
        "ms a shard and stage": 1000 * first / (args.shards * STAGES),
        "second run s": again,
        "task runs": float(runs),
        "overhead": first / (args.shards * args.frames / args.rate),
    }
    print(f"{args.shards} shards of {args.frames} frames, {STAGES} simulated stages")
    for name, value in figures.items():
        print(f"{name:<22} {value:10.4f}")
    return figures


if __name__ == "__main__":
    main()
