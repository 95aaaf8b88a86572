"""``storyreasoning publish`` as users run it, in a process of its own, and ``datasets`` reading back what it published."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.hub_stand_in import running_hub
from tests.hub_state import Fault, Hub

ROOT = Path(__file__).parents[2]
REPO = "ann/stories"

READ_BACK = """
import json, sys
from datasets import Image, List, load_dataset
found = {}
for config in ("default", "grounding"):
    for streaming in (False, True):
        for split, rows in load_dataset(sys.argv[1], config, streaming=streaming, revision=sys.argv[2]).items():
            if config == "default":
                rows = rows.cast_column("images", List(Image(decode=False)))
            rows = [json.dumps(row, sort_keys=True, default=bytes.hex) for row in rows]
            found.setdefault(f"{config} {split}", []).append(rows)
image = load_dataset(sys.argv[1], "default", split="train", streaming=True)
print(json.dumps({"rows": found, "decoded": [picture.size for picture in next(iter(image))["images"]]}))
"""


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        yield hub


def environment(hub: Hub, home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    return kept | {
        "HF_ENDPOINT": hub.url,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HOME": str(home),
        "HF_TOKEN": "hf_writer",
        "DO_NOT_TRACK": "1",
        "PYTHONPATH": str(ROOT),
    }


def start(hub: Hub, home: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        env=environment(hub, home),
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def run(hub: Hub, home: Path, *arguments: str) -> str:
    process = start(hub, home, *arguments)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "hf_writer" not in out + err
    return out


@pytest.mark.slow
def test_a_killed_publication_is_finished_by_the_next_and_reads_back_equal(
    hub: Hub, workspace: Path, tmp_path: Path
) -> None:
    command = ("-m", "cli.main", "publish", str(workspace), REPO, "--licence", "cc-by-4.0", "--json")
    hold = Fault("PUT /lfs/", "hold", skip=2)
    hub.faults.append(hold)
    killed = start(hub, tmp_path, *command)
    assert hold.held.wait(60), killed.stderr
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    hold.release.set()
    repo = hub.repos[REPO]
    assert [set(tree) for tree in repo.history()] == [{".gitattributes"}]
    before = {oid for oid, _ in hub.received}
    hub.received.clear()

    done = json.loads(run(hub, tmp_path, *command))
    assert done["tag"] == "v1"
    assert before.isdisjoint(oid for oid, _ in hub.received), "only the rest is sent"
    assert before | {oid for oid, _ in hub.received} == set(repo.objects)
    assert len(repo.history()) == 2
    assert set(repo.branches) == {"main"}

    told = json.loads(run(hub, tmp_path, "-c", READ_BACK, REPO, "v1"))
    for path in sorted((workspace / "dataset").glob("*/*.parquet")):
        rows = [json.dumps(row, sort_keys=True, default=bytes.hex) for row in pq.read_table(path).to_pylist()]
        assert told["rows"].pop(f"{path.parent.name} {path.name.split('-')[0]}") == [rows, rows]
    assert told["rows"] == {}
    assert len(told["decoded"]) >= 3
