"""The pipeline against the bare models, and what it costs beside them.

``python -m tests.perf.pipeline [--frames 300]`` prints, all from this run:
  vision ratio   detect + faces + appearance, over the same session calls replayed bare in the same process (aim 1.25),
                 in wall time and in processor time; the second is the one to trust on a machine that is shared
  rest           everything else over the whole (aim 0.15)
  memory         peak resident memory for the frames in one film, in ten films, and for three times the films (aim 1.5 GB)
  second run     the command again with nothing changed, in seconds (aim 4)
  imports        flows.build_dataset over prefect alone (aim 1.25); ``--help`` in seconds (aim 0.5)
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.perf.frames import ROOT, make_films

VISION = ("detect", "faces", "appearance")


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter at the root of the project."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DO_NOT_TRACK": "1"}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, cwd=ROOT, env=environment
    )


def best_of(times: int, action: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Shortest time of some repetitions by a clock, in seconds."""
    measured = []
    for _ in range(times):
        begun = clock()
        action()
        measured.append(clock() - begun)
    return min(measured)


BUILD = """
import json, resource, sys
from cli.build import build
from schemas.config import BuildConfig
summary = build(sys.argv[1], sys.argv[2], BuildConfig(), "plain", "embedded", None, 1)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"wall_s": summary.wall_s, "stories": summary.stories, "peak": peak,
                  "stages": {s.name: s.seconds for s in summary.stages}}))
"""


def measure_build(source: Path, workspace: Path) -> dict[str, Any]:
    """Build in a process of its own: wall and stage seconds, stories, peak memory in bytes."""
    result: dict[str, Any] = json.loads(python(BUILD, str(source), str(workspace)).stdout.splitlines()[-1])
    return result


def measure_vision(source: Path, workspace: Path) -> dict[str, Any]:
    """Build in this process, noting the input of every call of a network, then replay the calls with nothing around them.

    The bare time is the better of two ways to run a network on this machine: calls spread over the cores with one thread
    each, and one call after the other on a session with the runtime's own threads.
    """
    import numpy as np
    import onnxruntime

    from cli.build import build
    from schemas.config import BuildConfig
    from tasks.models.device import available_cores
    from tasks.models.sessions import open_session
    from tasks.models.weights import Weights
    from tasks.runtime.record import BuildSummary
    from tests.perf.vision_adapters import runs_of

    summaries: list[BuildSummary] = []
    calls = list(
        runs_of(
            lambda: summaries.append(build(str(source), str(workspace), BuildConfig(), "plain", "embedded", None, 1))
        ).elements()
    )
    rng = np.random.default_rng(0)
    inputs = {shape: rng.random((1, *shape), dtype=np.float32) for shape, _ in calls}
    used = {weights for _, weights in calls}
    single = {weights: open_session(weights) for weights in used}
    own = {
        weights: onnxruntime.InferenceSession(str(weights.path), providers=["CPUExecutionProvider"]) for weights in used
    }

    def replay(sessions: dict[Weights, Any], call: tuple[tuple[int, ...], Weights]) -> None:
        session = sessions[call[1]]
        session.run(None, {session.get_inputs()[0].name: inputs[call[0]]})

    def spread() -> None:
        with ThreadPoolExecutor(available_cores()) as pool:
            for _ in pool.map(lambda call: replay(single, call), calls):
                pass

    def in_turn() -> None:
        for call in calls:
            replay(own, call)

    seeing = [stage for stage in summaries[0].stages if stage.name in VISION]
    return {
        "bare_s": min(best_of(2, spread), best_of(2, in_turn)),
        "bare_cpu_s": best_of(2, spread, time.process_time),
        "vision_s": sum(stage.seconds for stage in seeing),
        "vision_cpu_s": sum(stage.cpu_s for stage in seeing),
    }


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Measure and print; returns the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=300)
    args = parser.parse_args(arguments)
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        make_films(folder / "one", 1, args.frames)
        make_films(folder / "ten", 10, args.frames // 10)
        make_films(folder / "thirty", 30, args.frames // 10)

        one = measure_build(folder / "one", folder / "w-one")
        again = best_of(
            2,
            lambda: python(
                "import sys; from cli.main import main; sys.exit(main(sys.argv[1:]))",
                "build",
                str(folder / "one"),
                "--workspace",
                str(folder / "w-one"),
            ),
        )
        ten = measure_build(folder / "ten", folder / "w-ten")
        thirty = measure_build(folder / "thirty", folder / "w-thirty")
        vision = measure_vision(folder / "one", folder / "w-vision")

    seeing = sum(one["stages"][name] for name in VISION)
    figures["vision ratio"] = vision["vision_s"] / vision["bare_s"]
    figures["vision ratio, cpu"] = vision["vision_cpu_s"] / vision["bare_cpu_s"]
    figures["rest"] = (one["wall_s"] - seeing) / one["wall_s"]
    figures["frames/s"] = args.frames / one["wall_s"]
    figures["peak GB, 1 film"] = one["peak"] / 1e9
    figures["peak GB, 10 films"] = ten["peak"] / 1e9
    figures["peak GB, 30 films"] = thirty["peak"] / 1e9
    figures["second run s"] = again
    prefect = statistics.median(best_of(1, lambda: python("import prefect")) for _ in range(5))
    flow = statistics.median(best_of(1, lambda: python("import flows.build_dataset")) for _ in range(5))
    figures["import ratio"] = flow / prefect
    figures["help s"] = best_of(3, lambda: python("import cli.main; cli.main.make_parser().format_help()"))
    print(f"{args.frames} frames; stage seconds: {one['stages']}")
    for name, value in figures.items():
        print(f"{name:<20} {value:8.3f}")
    return figures


if __name__ == "__main__":
    main()
