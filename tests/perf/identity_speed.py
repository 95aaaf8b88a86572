"""How long identity takes, from one story to a million views.

``python -m tests.perf.identity_speed [--largest 100000]`` prints, all from this run:
  400            milliseconds for 400 detections, best of several (aim 60), and how many times longer greedy first-fit takes:
                 lean, with all scores from one matrix product, and with scores filled pair by pair through scikit-learn,
                 the one way found in which time grows as was measured of the original (aim 200); the latter only where
                 scikit-learn is installed
  5000 and up    seconds for that many faces of 512 dimensions, 50 a person, four a frame (aims 5 s for 5,000, 360 s for
                 100,000), the exponent of growth of processor time from 10,000 (aim 1.3), B-cubed F1, and the most memory the
                 process has held so far
Ratios are of processor time, as other work on the machine lengthens everything else.
"""

import argparse
import math
import resource
import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from schemas.config import ReidentifyConfig
from tasks.identity.calibration import load_calibration
from tasks.identity.columns import Columns
from tasks.identity.identify import identify
from tasks.identity.metrics import bcubed
from tasks.identity.observation import Observation
from tasks.identity.pairs import label_odds
from tasks.identity.sparse import group_sparse
from tests.perf.identity_films import MEDIUM, simulate_film
from tests.perf.identity_peers import greedy_first_fit, own_scores, scores_one_by_one

CONFIG = ReidentifyConfig()
CALIBRATION = load_calibration(CONFIG.calibration)
DIMENSION, VIEWS_EACH, PER_FRAME, SCENE, CAST = 512, 50, 4, 100, 12
BLOCK = 50_000


def story_detections(count: int) -> list[Observation]:
    """The first detections of people in a long simulated film of eight people."""
    film = simulate_film(1, MEDIUM, 0.3, people=(8, 8), frames=(count, count), things=(1, 1))
    return [one for one in film.observations if one.kind == "char"][:count]


def many_views(count: int, seed: int = 0) -> tuple[Columns, NDArray[np.int64]]:
    """Faces of a film with new casts in each scene, and who they are; made without Python objects for each."""
    rng = np.random.default_rng(seed)
    people = max(count // VIEWS_EACH, CAST)
    centres = rng.standard_normal((people, DIMENSION), dtype=np.float32)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    truth = np.empty(count, dtype=np.int64)
    for start in range(0, count, SCENE):
        cast = rng.choice(people, size=CAST, replace=False)
        frames = [rng.choice(cast, PER_FRAME, replace=False) for _ in range(SCENE // PER_FRAME)]
        truth[start : start + SCENE] = np.concatenate(frames)[: count - start]
    quality = np.maximum(np.round(rng.uniform(0.3, 1.0, count) * 64), 1) / 64
    faces = np.empty((count, DIMENSION), dtype=np.float32)
    for start in range(0, count, BLOCK):
        part = slice(start, min(start + BLOCK, count))
        noise = rng.standard_normal((part.stop - start, DIMENSION), dtype=np.float32)
        faces[part] = centres[truth[part]] + noise * np.sqrt(0.45 / quality[part] / DIMENSION)[:, None].astype(
            np.float32
        )
        faces[part] /= np.linalg.norm(faces[part], axis=1, keepdims=True)
    rank = np.arange(count) // PER_FRAME
    columns = Columns(
        rank=rank,
        scene=np.arange(count) // SCENE,
        label=np.zeros(count, dtype=np.int64),
        label_names=("person",),
        score=np.full(count, 0.9),
        boxes=np.zeros((count, 4)),
        face=faces,
        face_weight=quality,
        appearance=np.zeros((count, 0), dtype=np.float32),
        has_appearance=np.zeros(count, dtype=np.bool_),
        tag=np.zeros((count, 0), dtype=np.int64),
        tag_weight=np.zeros((count, 0)),
        near_next=np.zeros(int(rank[-1]) + 1, dtype=np.bool_),
    )
    return columns, truth


def shortest(work: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Seconds, and seconds of processor time, of the fastest of several runs."""
    walls, cpus = [], []
    for _ in range(rounds):
        begun, worked = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - begun)
        cpus.append(time.process_time() - worked)
    return min(walls), min(cpus)


def measure_story(count: int = 400) -> None:
    """Ours and the greedy way on the same detections."""
    seen = story_detections(count)
    wall, ours = shortest(lambda: identify(seen, CONFIG, CALIBRATION), 15)
    print(f"{count:>9} detections  {wall * 1e3:8.1f} ms (aim 60), {ours * 1e3:.1f} ms of processor time", flush=True)
    lean = shortest(lambda: greedy_first_fit(seen, own_scores(seen)), 3)[1]
    print(f"{'':>9} greedy, lean {lean:9.2f} s  {lean / ours:7.1f} times ours", flush=True)
    if find_spec("sklearn"):
        full = shortest(lambda: greedy_first_fit(seen, scores_one_by_one(seen)), 1)[1]
        print(f"{'':>9} greedy, pair by pair {full:.2f} s  {full / ours:7.1f} times ours (aim 200)", flush=True)


def measure_views(count: int) -> float:
    """Seconds of processor time for many views on the graph."""
    columns, truth = many_views(count)
    labels = label_odds(columns.label_names, CALIBRATION.labels)
    begun, worked = time.perf_counter(), time.process_time()
    grouping = group_sparse(columns, CALIBRATION.kinds["char"], labels, np.arange(count), CONFIG)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - worked
    agreement = bcubed_of_codes(truth, grouping.group)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    figures = f"{seconds:8.1f} s, {cpu:.1f} s of processor time  B-cubed F1 {agreement:.4f}  at most {memory:.1f} GB"
    print(f"{count:>9} views  {figures}", flush=True)
    return cpu


def bcubed_of_codes(truth: NDArray[np.int64], group: NDArray[np.int64]) -> float:
    """B-cubed F1 without a table of all true and all found labels."""
    if len(truth) <= BLOCK:
        return bcubed(truth.tolist(), group.tolist()).f1
    both = np.unique(np.stack([truth, group]), axis=1, return_counts=True)
    squares = both[1].astype(np.float64) ** 2
    precision = (squares / np.bincount(group)[both[0][1]]).sum() / len(truth)
    recall = (squares / np.bincount(truth)[both[0][0]]).sum() / len(truth)
    return float(2 * precision * recall / (precision + recall))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", type=int, default=100_000, help="most views (default: %(default)s)")
    args = parser.parse_args(arguments)
    measure_story()
    times = {size: measure_views(size) for size in (5_000, 10_000, 100_000, 1_000_000) if size <= args.largest}
    for size in (100_000, 1_000_000):
        if size in times:
            exponent = math.log(times[size] / times[10_000]) / math.log(size / 10_000)
            print(f"  growth from 10,000 to {size:,}: n^{exponent:.2f} (aim 1.3)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
