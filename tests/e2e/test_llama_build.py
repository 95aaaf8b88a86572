"""A real model behind a real server drafts stories of the sample film: its prose is poor, and nothing breaks."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from schemas.config import make_config
from tests.llama_server import running_llama
from tests.tasks.drafting.whole import strict_faults

ROOT = Path(__file__).parents[2]
SETTINGS = {
    "sequence": {"min_frames": 3, "max_frames": 5, "target_frames": 3},
    "detect": {"max_per_frame": 1},
    "draft": {
        "drafter": "llm",
        "pictures": 0,
        "analysis": {
            "tries": 2,
            "corrections": False,
            "landmarks": False,
            "cell_chars": 16,
            "max_tokens": 1200,
            "most_tokens": 1200,
        },
        "story": {
            "tries": 2,
            "cell_chars": 40,
            "most_pieces": 3,
            "words": [0, 30],
            "max_tokens": 600,
            "most_tokens": 600,
        },
    },
}


@pytest.mark.slow
def test_a_real_model_drafts_or_gives_up_and_everything_adds_up(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp")
    from flows.build_dataset import build_dataset

    frames = ROOT / "data" / "sample_film" / "frames"
    workspace = tmp_path / "w"
    with running_llama(context=8192) as url:
        chat = {"endpoints": [url], "model": "smollm2", "max_concurrency": 1, "timeout_s": 900.0}
        config = make_config({**SETTINGS, "chat": chat}, "test")
        summary = build_dataset.fn(str(frames), str(workspace), config, "plain", "embedded", 1)
        again = build_dataset.fn(str(frames), str(workspace), config, "plain", "embedded", 1)
    totals = {stage.name: stage for stage in summary.stages}
    for stage in summary.stages:
        assert stage.items_in == stage.items_out + sum(stage.rejected.values())
    letters = pq.read_table(workspace / "dead_letters.parquet").to_pylist()
    drafted = [row for row in letters if row["stage"].startswith("draft")]
    assert totals["reidentify"].items_out == 1 == summary.stories + len(drafted)
    assert all(row["reason"] in ("invalid", "truncated") and row["faults"] and row["text"] for row in drafted)
    assert strict_faults(workspace) == []
    ledger = pq.read_table(workspace / "ledger.parquet").to_pylist()
    answered = [call for call in ledger if call["outcome"] == "answered"]
    assert answered
    assert all(call["output_tokens"] > 0 for call in answered)
    assert len({call["request_key"] for call in answered}) == len(answered)
    assert again.stories == summary.stories
    assert len(pq.read_table(workspace / "ledger.parquet")) == len(ledger), "the second build asked nothing"
