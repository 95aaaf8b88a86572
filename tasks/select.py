"""``select``: frames that add nothing are left out before anything expensive looks at them.

In: ``FRAMES``. Out: ``SELECTED``. Invariants: order is kept; a frame is compared only with kept frames of its own scene;
every frame left out says why and beside which frame.
"""

from collections import deque
from collections.abc import Iterable, Iterator

from schemas.arrow import SELECTED
from schemas.config import SelectConfig
from tasks.runtime.stage import Inputs, Kept, Outcome, Rejected, Row, Stage

COLUMNS = ["frame_id", "scene", "phash", "luma", "contrast"]


def select_shard(frames: Iterable[Row], params: SelectConfig) -> Iterator[Outcome]:
    """Keep each frame that is neither black nor empty nor nearly one of the last kept ones of its scene."""
    kept: deque[tuple[str, int]] = deque(maxlen=params.duplicate_window)
    scene = None
    for frame in frames:
        if frame["scene"] != scene:
            scene = frame["scene"]
            kept.clear()
        frame_id = frame["frame_id"]
        if frame["luma"] < params.black_luma:
            yield Rejected(frame_id, "black", f"mean luma {frame['luma']:.3f} is below {params.black_luma}")
            continue
        if frame["contrast"] < params.flat_contrast:
            yield Rejected(frame_id, "flat", f"luma deviation {frame['contrast']:.3f} is below {params.flat_contrast}")
            continue
        distances = [((frame["phash"] ^ other).bit_count(), name) for name, other in kept]
        nearest = min(distances, default=(65, ""))
        if nearest[0] <= params.duplicate_bits:
            yield Rejected(frame_id, "near-duplicate", f"{nearest[0]} of 64 hash bits from {nearest[1]}")
            continue
        kept.append((frame_id, frame["phash"]))
        yield Kept({"frame_id": frame_id, "scene": frame["scene"]})


def _run(inputs: Inputs) -> Iterator[Outcome]:
    return select_shard(inputs["ingest"].select(COLUMNS), inputs.run.config.select)


STAGE = Stage(name="select", version=1, unit="frame", schema=SELECTED, inputs=("ingest",), section="select", run=_run)
