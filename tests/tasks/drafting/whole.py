"""A finished dataset held against every strict rule."""

from pathlib import Path

import pyarrow.parquet as pq

from schemas.validation import check_texts


def strict_faults(workspace: Path) -> list[str]:
    """Every fault of every story of a dataset, its frames' sizes taken from the ``grounding`` config."""
    found = []
    for split in ("train", "test"):
        for path in sorted((workspace / "dataset" / "default").glob(f"{split}-*.parquet")):
            grounding = pq.read_table(workspace / "dataset" / "grounding" / path.name).to_pylist()
            for row, ground in zip(pq.read_table(path).to_pylist(), grounding, strict=True):
                sizes = [(frame["width"], frame["height"]) for frame in ground["frames"]]
                found += map(str, check_texts(row["chain_of_thought"], row["story"], frame_sizes=sizes))
    return found
