"""The vision stages one after the other on stored frames, through their own code: detections, faces, looks.

Reading and writing shards is left out, and frames are decoded anew for each stage, as in a build.
"""

import math
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from schemas.config import BuildConfig
from tasks.appearance import appearance_shard
from tasks.bench_frames import EncodedFrames, read_frames, take
from tasks.benchmark.gpu import Card, Watch
from tasks.benchmark.measure import VisionRow
from tasks.benchmark.vision_models import Role
from tasks.detect import detect_shard
from tasks.faces import faces_shard
from tasks.models.device import Device
from tasks.models.protocols import AppearanceModel, Detector, FaceDetector, FaceEmbedder
from tasks.models.registry import Stage
from tasks.rows import box_of, read_detection
from tasks.runtime.stage import Kept, Outcome, Row
from tasks.runtime.usage import Meter

ROUND_S = 3.0
"""Seconds that a round aims at where nobody says how many frames it has."""
MOST_FRAMES = 512
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Chain:
    """The models of the three stages and their settings; ``roles`` say where the models run."""

    config: BuildConfig
    roles: Mapping[Stage, Role]
    detector: Detector
    face_detector: FaceDetector
    face_embedder: FaceEmbedder
    appearance: AppearanceModel

    def run(self, contents: Sequence[bytes]) -> tuple[float, float, float]:
        """Seconds of each stage on encoded frames.

        Raises:
            RuntimeError: a stage left a frame out.
        """
        stored, config = EncodedFrames(contents), self.config
        names = stored.names
        scenes = dict.fromkeys(names, "scene")
        begun = time.perf_counter()
        frames = read_frames(stored, self.roles["detector"], config.detect.decode)
        detected = _kept(detect_shard(frames, config.detect, self.detector), len(names))
        detections = {row["frame_id"]: [read_detection(d) for d in row["detections"]] for row in detected}
        seen = time.perf_counter()
        frames = read_frames(stored, self.roles["face_detector"], config.faces.decode)
        models = self.face_detector, self.face_embedder
        people = _kept(faces_shard(frames, detections, scenes, config.faces, *models), len(names))
        known = time.perf_counter()
        looked_at = {
            row["frame_id"]: (
                [read_detection(d) for d in row["detections"]],
                {face["det_id"]: box_of(face) for face in row["faces"]},
            )
            for row in people
        }
        frames = read_frames(stored, self.roles["appearance"], config.appearance.decode)
        _kept(appearance_shard(frames, looked_at, scenes, config.appearance, self.appearance), len(names))
        return seen - begun, known - seen, time.perf_counter() - known


def _kept(outcomes: Iterable[Outcome], count: int) -> list[Row]:
    rows = [outcome.row for outcome in outcomes if isinstance(outcome, Kept)]
    if len(rows) != count:
        raise RuntimeError(f"{count} frames went into a stage and {len(rows)} came out")
    return rows


def measure_chain(
    chain: Chain, contents: Sequence[bytes], frames: int, rounds: int, device: Device, card: Card | None,
    clock: Callable[[], float] = time.perf_counter,
) -> VisionRow:  # fmt: skip
    """Frames a second of the whole chain, the median over some rounds, after one on a batch of frames to warm up.

    Args:
        chain: the stages.
        contents: encoded frames, which are taken over and over.
        frames: how many go through in a round; 0 takes as many as fill :data:`ROUND_S` seconds.
        rounds: at most :data:`ROUNDS` are run.
        device: where the models run, the GPU if any does.
        card: that GPU.
        clock: tells seconds.
    """
    config = chain.config
    largest = max(config.detect.batch, config.faces.batch, config.appearance.batch)
    first = take(contents, min(frames or largest, largest))
    begun = clock()
    chain.run(first)
    if not frames:
        pace = (clock() - begun) / len(first)
        frames = max(len(first), min(MOST_FRAMES, math.ceil(ROUND_S / pace)))
    stored = take(contents, frames)
    with Meter() as meter, Watch(card.read if card else None) as watch:
        spent = [chain.run(stored) for _ in range(min(rounds, ROUNDS))]
    totals = [sum(parts) for parts in spent]
    shares = [statistics.median(parts[k] / sum(parts) for parts in spent) for k in range(3)]
    return VisionRow(
        stage="chain",
        what="frames from JPEG",
        model="detect, faces, appearance",
        weights="",
        device=device.name,
        unit="frame",
        rate=frames / statistics.median(totals),
        bare_rate=None,
        share=None,
        gpu_busy=watch.busy,
        gpu_peak_bytes=watch.peak_bytes,
        peak_bytes=meter.peak_bytes,
        note=f"{frames} frames; of the time {shares[0]:.0%} detect, {shares[1]:.0%} faces, {shares[2]:.0%} appearance",
    )
