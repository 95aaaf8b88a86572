"""The recipe of CONTRIBUTING.md works as it stands there."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from schemas.arrow import FRAMES, PLAN, SELECTED
from schemas.config import BuildConfig
from tasks.runtime.engine import PlainRunner, stage_task
from tasks.runtime.stage import Row, RunSpec, ShardRef, Stage
from tasks.runtime.store import Manifest, write_shard

ROOT = Path(__file__).resolve().parents[1]


def recipe() -> str:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    section = text[text.index("## Add a stage") :]
    match = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert match is not None
    return match[1]


def put(run: RunSpec, stage: str, key: str, rows: list[Row]) -> None:
    schema = {"plan": PLAN, "ingest": FRAMES, "select": SELECTED}[stage]
    with write_shard(run.store, stage, "film", key, schema) as out:
        for row in rows:
            out.write(row)
    run.store.commit(
        Manifest(
            stage,
            1,
            "film",
            "film",
            key,
            "frame",
            {},
            {},
            {},
            len(rows),
            len(rows),
            len(rows),
            {},
            0,
            0,
            "",
            {},
            out.files,
        )
    )


def frame(frame_id: str, contrast: float) -> Row:
    empty = {field.name: "" for field in FRAMES}
    numbers = {"width": 64, "height": 36, "phash": 0, "luma": 0.5, "saturation": 0.1, "warmth": 0.0, "image": b""}
    return {**empty, **numbers, "frame_id": frame_id, "contrast": contrast}


def test_recipe_is_short() -> None:
    lines = [
        line for line in recipe().splitlines() if line.strip() and not line.startswith(("from ", "import ", '"""'))
    ]
    assert len(lines) <= 10


def test_recipe_runs_as_a_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("tasks.still")
    monkeypatch.setitem(sys.modules, "tasks.still", module)
    exec(compile(recipe(), "CONTRIBUTING.md", "exec"), module.__dict__)  # noqa: S102 - our own document
    stage: Stage = module.__dict__["STAGE"]
    run = RunSpec(str(tmp_path), "", BuildConfig())
    put(run, "ingest", "a" * 32, [frame("f1", 0.5), frame("f2", 0.05)])
    put(run, "select", "b" * 32, [{"frame_id": "f1", "scene": "1"}, {"frame_id": "f2", "scene": "1"}])
    ref = ShardRef("film", "film", 2, keys={"ingest": "a" * 32, "select": "b" * 32})

    (done,) = PlainRunner().through([stage_task("still")], [ref], run)

    manifest = run.store.find("still", "film", done.keys["still"])
    assert manifest is not None
    assert (manifest.items_in, manifest.items_out, manifest.rejected) == (2, 1, {"flat": 1})
    assert [row["frame_id"] for row in run.store.read("still", "film", done.keys["still"])] == ["f1"]
    assert run.store.rejects("still", "film", done.keys["still"])[0]["item"] == "f2"
    assert stage.key(run, ref) == done.keys["still"]
