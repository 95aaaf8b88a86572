"""Export against ``Dataset.from_generator(...).to_parquet`` on the same frames, and its memory as the dataset grows.

``python -m tests.perf.export [--stories 600]`` prints, all from this run, each measured in a process of its own:
Each is timed after a small first run in its process.
  export MB/s    image bytes a second from shards to hashed and synced Parquet of both configs, without the card (aim 250)
  peer MB/s      the same stories from the same shards through ``datasets``, the default config alone
  ratio          the first over the second (aim 1.5), in wall time and in processor time; where others work on the machine the
                 second is the one to trust
  memory         peak resident memory of the export for the stories and for ``--grow`` times as many (aim 600 MB for any number)
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.perf.frames import ROOT

EXPORT = """
import json, resource, shutil, sys, time
from pathlib import Path
from schemas.config import BuildConfig
from tasks.export import export_dataset
from tasks.runtime.stage import RunSpec, ShardRef
root, films = sys.argv[1], json.loads(sys.argv[2])
run = RunSpec(root, "frames", BuildConfig())
refs = [ShardRef(**film) for film in films]
export_dataset(run, refs[:1], lambda *_: None, "")  # imports what it needs
shutil.rmtree(Path(root) / "dataset")
begun, cpu = time.perf_counter(), time.process_time()
export_dataset(run, refs, lambda *_: None, "")
s, cpu_s = time.perf_counter() - begun, time.process_time() - cpu
print(json.dumps({"s": s, "cpu_s": cpu_s, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
"""

PEER = """
import json, sys, time
from pathlib import Path
from datasets import Dataset, Features, disable_progress_bars
from schemas.arrow import STORYREASONING
from schemas.config import BuildConfig
from tasks.exporting.rows import default_row, image_name
from tasks.exporting.stories import read_stories
from tasks.runtime.stage import RunSpec, ShardRef
disable_progress_bars()
root, films = Path(sys.argv[1]), json.loads(sys.argv[2])
run = RunSpec(str(root), "frames", BuildConfig())
features = Features.from_arrow_schema(STORYREASONING)

def rows(number):
    for film in films[:number]:
        for story in read_stories(run, ShardRef(**film)):
            names = map(image_name, story.frames)
            images = [{"bytes": b, "path": name} for b, name in zip(story.images.to_pylist(), names)]
            yield {**default_row(story, story.key), "images": images}

def make(number, name):
    made = Dataset.from_generator(lambda: rows(number), features=features, cache_dir=str(root / "cache" / name))
    made.to_parquet(str(root / "cache" / f"{name}.parquet"))

make(1, "first")  # imports what it needs
begun, cpu = time.perf_counter(), time.process_time()
make(len(films), "whole")
print(json.dumps({"s": time.perf_counter() - begun, "cpu_s": time.process_time() - cpu}))
"""

MAKE = """
import json, sys
from dataclasses import asdict
from pathlib import Path
from tests.tasks.report.films import Film, make_run
films = [Film(f"film {n}", stories=50, width=384, height=216, noise=True, rejected=0) for n in range(int(sys.argv[2]))]
_, refs, _ = make_run(Path(sys.argv[1]), films)
print(json.dumps([{**asdict(ref), "keys": dict(ref.keys)} for ref in refs]))
"""


def run(code: str, *arguments: str) -> str:
    """Run code in a fresh interpreter; returns what it printed last."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, cwd=ROOT, env=environment
    )
    return done.stdout.splitlines()[-1]


def image_bytes(root: Path) -> int:
    """Bytes of all images of an exported dataset."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    total = 0
    for path in (root / "dataset" / "default").glob("*.parquet"):
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                column = file.read_row_group(group, columns=["images"]).column("images")
                flat = pc.list_flatten(column)
                total += pc.sum(pc.binary_length(pc.struct_field(flat, "bytes"))).as_py()
    return total


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Measure and print; returns the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stories", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--grow", type=int, nargs="*", default=[4], help="datasets so many times as large, for memory alone"
    )
    args = parser.parse_args(arguments)
    films = max(1, args.stories // 50)
    with tempfile.TemporaryDirectory() as scratch:
        small, large = Path(scratch, "small"), Path(scratch, "large")
        refs = run(MAKE, str(small), str(films))
        exports, peers = [], []
        for _ in range(args.rounds):
            exports.append(json.loads(run(EXPORT, str(small), refs)))
            peers.append(json.loads(run(PEER, str(small), refs)))
            subprocess.run(["rm", "-rf", str(small / "cache")], check=True)
        size = image_bytes(small)
        peaks = {}
        for times in args.grow:
            told = json.loads(run(EXPORT, str(large), run(MAKE, str(large), str(times * films))))
            peaks[f"peak MB, {times} times"] = told["peak"] / 1e6
            subprocess.run(["rm", "-rf", str(large)], check=True)
        fast, fast_cpu = (min(one[clock] for one in exports) for clock in ("s", "cpu_s"))
        peer, peer_cpu = (min(one[clock] for one in peers) for clock in ("s", "cpu_s"))
        figures = {
            "image MB": size / 1e6,
            "export MB/s": size / 1e6 / fast,
            "peer MB/s": size / 1e6 / peer,
            "ratio": peer / fast,
            "ratio, cpu": peer_cpu / fast_cpu,
            "export MB/s of cpu": size / 1e6 / fast_cpu,
            "peak MB": exports[0]["peak"] / 1e6,
            **peaks,
        }
    for name, value in figures.items():
        print(f"{name:<20} {value:8.2f}")
    return figures


if __name__ == "__main__":
    main()
