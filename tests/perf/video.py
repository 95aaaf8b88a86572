"""Looking through a video over decoding it alone, in one process: ``python -m tests.perf.video --seconds 60``.

The video is made up: 1280x720, H.264, 24 frames a second, a cut every 4 seconds between noisy pictures that move. Figures are
ratios of processor time to that of decoding the same file, and how many of its cuts were found.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np

from schemas.config import VideoConfig
from tasks.sources.source import open_source
from tests.video_files import Pixels, write_video

FPS, SHOT_S = 24, 4


def moving(seconds: int) -> list[Pixels]:
    """Pictures of shots in which everything drifts; each frame is a window of a larger picture."""
    rng = np.random.default_rng(7)
    frames = []
    for _ in range(seconds // SHOT_S):
        coarse = rng.integers(0, 256, (60, 100, 3), dtype=np.uint8)
        large = coarse.repeat(16, axis=0).repeat(16, axis=1)
        large = np.clip(large + rng.integers(-8, 8, large.shape), 0, 255).astype(np.uint8)
        frames += [large[k : k + 720, 2 * k : 2 * k + 1280] for k in range(SHOT_S * FPS)]
    return frames


def decode(path: Path) -> int:
    """Frames of a video, decoded and dropped."""
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        return sum(1 for _ in container.decode(video=0))


def scan(path: Path, video: VideoConfig, index: Path | None = None) -> int:
    """Frames that are taken."""
    return sum(1 for _ in open_source(str(path), index, video).scan())


def timed(work: Callable[[], int]) -> tuple[int, float, float]:
    """What work gives, and its wall and processor time."""
    wall, cpu = time.monotonic(), time.process_time()
    return work(), time.monotonic() - wall, time.process_time() - cpu


def main() -> None:
    """Measure, and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        write_video(path, moving(args.seconds), fps=FPS, codec="libx264")
        frames, decode_wall, decode_cpu = timed(lambda: decode(path))
        index = Path(folder) / "w" / "index.parquet"
        shots, shot_wall, shot_cpu = timed(lambda: scan(path, VideoConfig(), index))
        every, _, every_cpu = timed(lambda: scan(path, VideoConfig(frames="every", every_s=2.0)))
        _, again_wall, _ = timed(lambda: scan(path, VideoConfig(), index))
        print(
            json.dumps(
                {
                    "frames": frames,
                    "decoding_fps": round(frames / decode_wall, 1),
                    "shots_fps": round(frames / shot_wall, 1),
                    "shots_cpu_over_decoding": round(shot_cpu / decode_cpu, 2),
                    "every_cpu_over_decoding": round(every_cpu / decode_cpu, 2),
                    "shots_found": shots,
                    "shots_there": args.seconds // SHOT_S,
                    "taken_every_2s": every,
                    "again_s": round(again_wall, 3),
                }
            )
        )


if __name__ == "__main__":
    main()
