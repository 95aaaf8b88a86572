"""A whole build: counts, reuse, what a change redoes, and that what comes out is always the same."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from schemas.arrow import GROUNDING, STORYREASONING
from schemas.errors import ShardError, SourceError, StoryReasoningError, WorkspaceError
from schemas.validation import check_texts
from tasks.runtime.atomic import TEMPORARY_MARK
from tasks.runtime.store import Manifest, ShardStore
from tests.e2e.building import STAGES, build, changed_at, digests, manifests, rows, temporaries
from tests.painted_films import CLOTHES, THINGS, find_colour, write_film

ROOT = Path(__file__).parents[2]
STORY = "scene_0001_0001"


def test_in_is_out_and_rejected_at_every_stage(finished: tuple[Path, Path]) -> None:
    found = manifests(finished[1])
    assert {m.stage for m in found} == set(STAGES)
    for m in found:
        assert m.items_in == m.items_out + sum(m.rejected.values()), (m.stage, m.shard)
    totals: dict[str, Counter[str]] = {stage: Counter() for stage in STAGES}
    for m in found:
        totals[m.stage].update({"in": m.items_in, "out": m.items_out, "rows": m.rows} | m.rejected)
    images = [p for p in finished[0].rglob("*") if p.suffix in (".jpg", ".png")]
    assert totals["ingest"]["in"] == len(images)
    for before, after in (
        ("ingest", "select"),
        ("select", "detect"),
        ("detect", "landmarks"),
        ("landmarks", "faces"),
        ("faces", "sequence"),
    ):
        assert totals[after]["in"] == totals[before]["out"]
    assert totals["appearance"]["in"] == totals["sequence"]["out"]
    assert totals["reidentify"]["in"] == totals["sequence"]["rows"]
    assert totals["draft_analysis"]["in"] == totals["reidentify"]["out"]
    assert totals["draft_story"]["in"] == totals["draft_analysis"]["out"]
    assert totals["ground"]["in"] == totals["draft_story"]["out"] == totals["ground"]["out"]
    assert {reason: n for reason, n in totals["ingest"].items() if reason not in ("in", "out", "rows")} == {
        "empty": 1,
        "truncated": 1,
        "not an image": 1,
    }
    assert totals["select"]["black"] == 1
    assert totals["select"]["near-duplicate"] == 1
    assert totals["sequence"]["no person"] == 4


def test_every_loss_is_a_dead_letter(finished: tuple[Path, Path]) -> None:
    letters = pq.read_table(finished[1] / "dead_letters.parquet").to_pylist()
    counted = Counter(
        (m.stage, reason) for m in manifests(finished[1]) for reason, n in m.rejected.items() for _ in range(n)
    )
    assert Counter((row["stage"], row["reason"]) for row in letters) == counted
    assert all(row["item"] and row["detail"] for row in letters)


def test_the_record_tells_what_happened(finished: tuple[Path, Path]) -> None:
    record = json.loads((finished[1] / "latest.json").read_text())
    assert [stage["name"] for stage in record["stages"]] == list(STAGES)
    assert record["dataset"]["stories"] == len(rows(finished[1])) == len(record["story_ids"])
    (run,) = (finished[1] / "runs").iterdir()
    assert json.loads(run.read_text()) == record
    assert set(record["dataset"]["films"]) == {"heat", "ronin", "still life"}


def test_nothing_is_left_half_written(finished: tuple[Path, Path]) -> None:
    assert temporaries(finished[1]) == []
    top = {p.name for p in finished[1].iterdir()}
    assert top - {"source_index.parquet"} == {
        ".lock",
        "dataset",
        "dead_letters.parquet",
        "export.json",
        "latest.json",
        "report.html",
        "runs",
        "shards",
        "workspace.json",
    }


def test_stories_hold_and_point_at_what_was_painted(finished: tuple[Path, Path]) -> None:
    texts = {row["story_id"]: row for row in rows(finished[1], "default")}
    assert texts
    for row in rows(finished[1]):
        text = texts[row["story_id"]]
        images = [Image.open(io.BytesIO(image["bytes"])) for image in text["images"]]
        assert len(images) == text["frame_count"] == len(row["frames"])
        sizes = [image.size for image in images]
        assert not check_texts(text["chain_of_thought"], text["story"], frame_count=len(images), frame_sizes=sizes)
        detections = {(d["frame"], d["det_id"]): d for d in row["detections"]}
        colours: dict[str, set[str]] = {}
        for entity in row["entities"]:
            for member in entity["members"]:
                box = detections[member["frame"], member["det_id"]]
                part = (
                    images[member["frame"] - 1]
                    .convert("RGB")
                    .crop(tuple(round(box[k]) for k in ("x1", "y1", "x2", "y2")))
                )
                import numpy as np

                pixels = np.asarray(part)
                seen = {str(c) for c in (*CLOTHES, *THINGS.values()) if (find_colour(pixels, c) or (0,) * 4)[2] >= 15}
                colours.setdefault(entity["entity_id"], set()).update(seen)
        assert all(len(seen) == 1 for seen in colours.values()), "one entity is one painted person or thing"
        assert len(set(map(str, colours.values()))) == len(colours), "and no two entities are the same one"


def test_image_bytes_are_those_of_the_source(finished: tuple[Path, Path]) -> None:
    sources = {row["story_id"]: [frame["source"] for frame in row["frames"]] for row in rows(finished[1])}
    for row in rows(finished[1], "default"):
        files = [(finished[0] / source).read_bytes() for source in sources[row["story_id"]]]
        assert [image["bytes"] for image in row["images"]] == files


def test_a_film_lies_in_one_split(finished: tuple[Path, Path]) -> None:
    splits: dict[str, set[str]] = {}
    for row in rows(finished[1]):
        splits.setdefault(row["film"], set()).add(row["split"])
    assert all(len(found) == 1 for found in splits.values())


def test_a_film_without_stories_does_not_fill_the_training_split(films: Path, tmp_path: Path) -> None:
    """By its hash "ronin" is for testing and "still life", which has no story, for training: that would be nothing."""
    import shutil

    from schemas.config import ExportConfig
    from tasks.exporting.splits import split_films

    export = {"test_ratio": 0.5, "split_seed": 8}
    assert split_films(["ronin", "still life"], ExportConfig(**export)) == {"ronin": "test", "still life": "train"}
    shutil.rmtree(films / "heat")
    built = build(films, tmp_path / "w", None, export=export)
    assert built.summary.stories > 0
    assert built.summary.splits["train"] == built.summary.stories


def test_a_second_run_makes_nothing(finished: tuple[Path, Path], workspace: Path) -> None:
    before = changed_at(workspace)
    again = build(finished[0], workspace)
    assert again.fresh == []
    assert [e for e in again.events if e.kind == "shard_started"] == []
    after = changed_at(workspace)
    moved = {name for name in after if after[name] != before.get(name)}
    assert {name for name in moved if not name.startswith("runs/")} <= {"latest.json", "source_index.parquet"}
    assert again.summary.stories == len(rows(workspace))
    assert all(stage.reused == stage.shards for stage in again.summary.stages)


def test_a_new_film_touches_only_its_shards(films: Path, workspace: Path) -> None:
    before = {row["story_key"]: row for row in rows(workspace)}
    write_film(films, "alien", {1: 6}, cast=(1, 3))
    again = build(films, workspace)
    assert {shard.split("-")[0] for _, shard in again.fresh} == {"alien"}
    assert again.fresh_stages == set(STAGES)
    after = {row["story_key"]: row for row in rows(workspace)}
    assert {key: row for key, row in after.items() if row["film"] != "alien"} == before
    assert {row["film"] for key, row in after.items() if key not in before} == {"alien"}


def test_a_changed_seed_redoes_the_draft_and_its_check_only(films: Path, workspace: Path) -> None:
    before = digests(workspace / "dataset")
    again = build(films, workspace, draft={"seed": 1})
    assert again.fresh_stages == {"draft_analysis", "draft_story", "ground"}
    assert digests(workspace / "dataset") != before
    back = build(films, workspace)
    assert back.fresh == []
    assert digests(workspace / "dataset") == before


@pytest.mark.parametrize(
    ("section", "values", "first"),
    [
        ("ingest", {"min_side": 33}, "ingest"),
        ("select", {"duplicate_window": 4}, "select"),
        ("detect", {"max_per_frame": 39}, "detect"),
        ("faces", {"min_side": 9}, "faces"),
        ("sequence", {"target_frames": 4}, "sequence"),
        ("appearance", {"max_tags": 1}, "appearance"),
        ("reidentify", {"threshold": 0.01}, "reidentify"),
        ("ground", {"level": "compatible"}, "ground"),
        ("export", {"rows_per_group": 7}, None),
    ],
)
def test_a_changed_parameter_redoes_its_stage_and_what_stands_on_it(
    films: Path, workspace: Path, section: str, values: dict[str, Any], first: str | None
) -> None:
    before = changed_at(workspace / "dataset")
    again = build(films, workspace, None, **{section: values})
    expected = set(STAGES[STAGES.index(first) :]) if first else set()
    assert again.fresh_stages == expected
    assert changed_at(workspace / "dataset") != before


def test_a_changed_frame_redoes_its_film_only(films: Path, workspace: Path) -> None:
    path = films / "heat" / "heat_scene_1_1.jpg"
    Image.open(path).save(path, "JPEG", quality=90, subsampling=0)
    again = build(films, workspace)
    assert {shard.split("-")[0] for _, shard in again.fresh} == {"heat"}


def test_a_removed_film_is_gone(films: Path, workspace: Path) -> None:
    import shutil

    before = {row["story_key"]: row for row in rows(workspace)}
    shutil.rmtree(films / "heat")
    again = build(films, workspace)
    assert again.fresh == []
    after = {row["story_key"]: row for row in rows(workspace)}
    assert {row["film"] for row in after.values()} == {"ronin"}
    assert all(before[key]["story_id"] == row["story_id"] for key, row in after.items())
    assert "heat" not in json.loads((workspace / "latest.json").read_text())["dataset"]["films"]


def test_another_workspace_gives_the_same_bytes(finished: tuple[Path, Path], films: Path, tmp_path: Path) -> None:
    build(films, tmp_path / "elsewhere")
    assert digests(tmp_path / "elsewhere" / "dataset") == digests(finished[1] / "dataset")


SCRIPT = """
import sys
from pathlib import Path
from tests import fakes
from tests.e2e.building import build
fakes.install()
build(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def run_script(script: str, *arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run Python in a process of its own, in the repository."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize("seed", ["1", "4242"])
def test_the_hash_seed_changes_no_byte(finished: tuple[Path, Path], films: Path, tmp_path: Path, seed: str) -> None:
    done = run_script(SCRIPT, films, tmp_path / "w", PYTHONHASHSEED=seed)
    assert done.returncode == 0, done.stderr
    assert digests(tmp_path / "w" / "dataset") == digests(finished[1] / "dataset")


KILLED = """
import os, signal, sys
from pathlib import Path
from tasks.runtime.progress import listening
from tests import fakes
from tests.e2e.building import build
fakes.install()
left = int(sys.argv[3])
def count(event):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
with listening(count):
    build(Path(sys.argv[1]), Path(sys.argv[2]))
"""


MOMENTS = [9, 40, *(pytest.param(moment, marks=pytest.mark.slow) for moment in (1, 2, 5, 17, 25, 31, 47, 52, 57))]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_build_goes_on_where_it_was(
    finished: tuple[Path, Path], films: Path, tmp_path: Path, moment: int
) -> None:
    workspace = tmp_path / "w"
    done = run_script(KILLED, films, workspace, moment)
    assert done.returncode == -signal.SIGKILL, done.stderr
    standing = {(m.stage, m.shard) for m in manifests_if_any(workspace)}
    again = build(films, workspace)
    assert not standing & set(again.fresh), "what stood was made again"
    assert digests(workspace / "dataset") == digests(finished[1] / "dataset")
    assert temporaries(workspace) == []


def manifests_if_any(workspace: Path) -> list[Manifest]:
    """Manifests of a build that may not have reached every stage."""
    store = ShardStore(workspace / "shards")
    folders = [folder for stage in STAGES if (store.root / stage).exists() for folder in (store.root / stage).iterdir()]
    return [m for folder in folders for m in store.versions(folder.parent.name, folder.name)]


@pytest.mark.parametrize("stage", STAGES)
def test_a_truncated_shard_is_made_anew_and_nothing_else(films: Path, workspace: Path, stage: str) -> None:
    before = digests(workspace / "dataset")
    damaged = next(m for m in manifests(workspace) if m.stage == stage and m.film == "heat")
    path = ShardStore(workspace / "shards").path(stage, damaged.shard, damaged.key)
    path.write_bytes(path.read_bytes()[:-20])
    again = build(films, workspace)
    assert again.fresh == [(stage, damaged.shard)]
    assert digests(workspace / "dataset") == before


def flip_last_byte(path: Path) -> None:
    """Damage a file without changing its size."""
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 0xFF]))


@pytest.mark.parametrize("stage", ["ingest", "sequence", "ground"])
def test_a_damaged_shard_of_the_same_size_is_said_and_the_next_run_mends_it(
    films: Path, workspace: Path, stage: str
) -> None:
    before = digests(workspace / "dataset")
    damaged = next(m for m in manifests(workspace) if m.stage == stage and m.film == "heat")
    flip_last_byte(ShardStore(workspace / "shards").path(stage, damaged.shard, damaged.key))
    (workspace / "export.json").unlink()
    with pytest.raises(ShardError, match=f"shard {damaged.shard} of {stage} is damaged .*: run again to make it anew"):
        build(films, workspace)
    assert digests(workspace / "dataset") == before, "the dataset that stood stays"
    again = build(films, workspace)
    assert again.fresh == [(stage, damaged.shard)]
    assert digests(workspace / "dataset") == before


DAMAGES = {
    "empty": b"",
    "noise": b"\x00\xff\xfe noise",
    "null": b"null",
    "list": b"[]",
    "number": b"7",
    "object": b"{}",
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["latest.json", "export.json", "dead_letters.parquet", "source_index.parquet"])
def test_damaged_small_files_are_written_anew(films: Path, workspace: Path, name: str, damage: str) -> None:
    before = digests(workspace / "dataset")
    (workspace / name).write_bytes(DAMAGES[damage])
    again = build(films, workspace)
    assert again.fresh == []
    assert digests(workspace / "dataset") == before
    if name.endswith(".json"):
        assert json.loads((workspace / name).read_text())
    elif name == "dead_letters.parquet":
        assert pq.read_metadata(workspace / name).num_rows == again.summary.dead_letters > 0


def test_dead_letters_of_another_run_are_written_anew(finished: tuple[Path, Path], workspace: Path) -> None:
    path = workspace / "dead_letters.parquet"
    pq.write_table(pq.read_table(path).slice(0, 1), path)
    again = build(finished[0], workspace)
    assert pq.read_metadata(path).num_rows == again.summary.dead_letters > 1


@pytest.mark.parametrize("part", ["README.md", "default", "report.html"])
def test_a_missing_piece_of_the_result_is_made_anew(films: Path, workspace: Path, part: str) -> None:
    import shutil

    before = digests(workspace / "dataset")
    path = workspace / part if part == "report.html" else workspace / "dataset" / part
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    again = build(films, workspace)
    assert again.fresh == []
    assert digests(workspace / "dataset") == before
    assert path.exists()


def test_a_failing_shard_keeps_the_others_and_the_old_dataset(
    films: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.composer.compose import compose_analysis

    before = digests(workspace / "dataset")

    def fail(evidence: object, params: object) -> object:
        if getattr(evidence, "film", "") == "heat":
            raise RuntimeError("out of words")
        return compose_analysis(evidence, params)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr("tasks.composer_rows.compose_analysis", fail)
        told = r"1 of 3 shards failed: draft_analysis failed on shard heat-.*: RuntimeError: out of words"
        with pytest.raises(ShardError, match=told):
            build(films, workspace, draft={"seed": 5})
    assert digests(workspace / "dataset") == before
    assert temporaries(workspace) == []
    again = build(films, workspace, draft={"seed": 5})
    assert {shard.split("-")[0] for _, shard in again.fresh} == {"heat"}


def test_an_error_in_the_middle_of_the_export_keeps_the_old_dataset(
    films: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digests(workspace / "dataset")
    with monkeypatch.context() as patch:
        patch.setattr("tasks.export.grounding_row", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            build(films, workspace, draft={"seed": 7})
    assert digests(workspace / "dataset") == before
    assert temporaries(workspace) == []
    build(films, workspace, draft={"seed": 7})
    assert digests(workspace / "dataset") != before


def test_a_disk_that_fills_up_during_the_export_keeps_the_old_dataset(
    films: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    before = digests(workspace / "dataset")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("tasks.export.SplitWriter.write", full)
        with pytest.raises(WorkspaceError, match="no space left while writing dataset"):
            build(films, workspace, draft={"seed": 8})
    assert digests(workspace / "dataset") == before
    assert temporaries(workspace) == []


def test_a_limit_gives_the_first_stories(films: Path, tmp_path: Path, finished: tuple[Path, Path]) -> None:
    limited = build(films, tmp_path / "w", limit=1)
    assert limited.summary.stories == 1
    assert len(rows(tmp_path / "w")) == 1
    assert {shard.split("-")[0] for _, shard in limited.fresh} == {"heat"}, "films beyond the limit are not looked at"
    for m in manifests(tmp_path / "w"):
        assert m.items_in == m.items_out + sum(m.rejected.values())
    (row,) = rows(tmp_path / "w")
    everything = {r["story_key"]: r["frames"] for r in rows(finished[1])}
    assert everything[row["story_key"]] == row["frames"]
    whole = build(films, tmp_path / "w")
    assert {"ingest", "select", "detect", "faces"}.isdisjoint(
        stage for stage, shard in whole.fresh if shard.startswith("heat")
    )
    assert digests(tmp_path / "w" / "dataset") == digests(finished[1] / "dataset")


def load(workspace: Path, name: str, cache: Path) -> "object":
    """The dataset as a user of the Hub would load it."""
    import datasets

    return datasets.load_dataset(str(workspace / "dataset"), name, cache_dir=str(cache))


def test_datasets_loads_both_configs_and_shows_images(finished: tuple[Path, Path], tmp_path: Path) -> None:
    import datasets

    loaded = datasets.load_dataset(str(finished[1] / "dataset"), "default", cache_dir=str(tmp_path))
    grounding = datasets.load_dataset(str(finished[1] / "dataset"), "grounding", cache_dir=str(tmp_path))
    assert set(loaded) == set(grounding) == {"train", "test"}
    assert list(loaded["train"].features) == ["story_id", "images", "frame_count", "chain_of_thought", "story"]
    count = 0
    for split in ("train", "test"):
        assert loaded[split]["story_id"][:] == grounding[split]["story_id"][:]
        for row, facts in zip(loaded[split], grounding[split], strict=True):
            count += 1
            assert row["story_id"].isdigit()
            assert len(row["images"]) == row["frame_count"]
            for image, frame in zip(row["images"], facts["frames"], strict=True):
                assert image.size == (frame["width"], frame["height"])
                image.load()
            for link in facts["links"]:
                assert row["story"][link["start"] : link["end"]].endswith(f">{link['text']}</{link['kind']}>")
    assert count == len(rows(finished[1]))


def test_no_people_is_an_empty_dataset_that_loads_and_says_why(tmp_path: Path) -> None:
    import datasets

    from tests.painted_films import paint

    folder = tmp_path / "films" / "still"
    folder.mkdir(parents=True)
    for k in range(6):
        Image.fromarray(paint(f"s{k}", [], ["car"])[0]).save(folder / f"{k}.png")
    built = build(tmp_path / "films", tmp_path / "w")
    assert built.summary.stories == 0
    assert built.summary.reason == "no story came out: 6 frames 'no person' (sequence)"
    for name, schema in (("default", STORYREASONING), ("grounding", GROUNDING)):
        folder = tmp_path / "w" / "dataset"
        stored = pq.read_schema(folder / name / "train-00000-of-00001.parquet")
        assert (stored.names, stored.metadata) == (schema.names, schema.metadata)
        # Only as a stream: datasets 5.2 refuses any split without rows ("corresponds to no data") when it is to be memory-mapped.
        stream = datasets.load_dataset(str(folder), name, cache_dir=str(tmp_path / "cache"), streaming=True)
        assert {split: list(stream[split]) for split in stream} == {split: [] for split in stream}
        assert list(stream["train"].features) == schema.names
    assert (tmp_path / "w" / "report.html").read_text().startswith("<!")


def test_a_single_frame_is_an_empty_dataset_that_says_why(tmp_path: Path) -> None:
    write_film(tmp_path / "films", "one", {1: 1})
    built = build(tmp_path / "films", tmp_path / "w")
    assert built.summary.stories == 0
    assert "1 frames 'too few frames' (sequence)" in built.summary.reason


def test_frames_that_are_all_unusable_are_an_error_with_their_reasons(tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "a.jpg").write_bytes(b"")
    (tmp_path / "films" / "b.jpg").write_bytes(b"text")
    with pytest.raises(SourceError, match=r"none of the 2 frames of .* can be used \(1 empty, 1 not an image\)"):
        build(tmp_path / "films", tmp_path / "w")
    letters = pq.read_table(tmp_path / "w" / "dead_letters.parquet").to_pylist()
    assert [row["reason"] for row in letters] == ["empty", "not an image"]


def test_a_workspace_among_its_own_frames(tmp_path: Path) -> None:
    write_film(tmp_path, "heat", {1: 5})
    build(tmp_path, tmp_path / "w")
    before = digests(tmp_path / "w" / "dataset")
    assert build(tmp_path, tmp_path / "w").fresh == []
    assert digests(tmp_path / "w" / "dataset") == before


def test_the_same_frames_from_a_table_give_the_same_stories(finished: tuple[Path, Path], tmp_path: Path) -> None:
    files = sorted((finished[0] / "heat").glob("*.jpg"), reverse=True)
    table = pa.table(
        {
            "id": [path.stem for path in files],
            "image": [{"bytes": path.read_bytes(), "path": path.name} for path in files],
        }
    )
    pq.write_table(table, tmp_path / "frames.parquet", row_group_size=4)
    build(tmp_path / "frames.parquet", tmp_path / "w")
    wanted = {r["story_id"]: r for r in rows(finished[1], "default")}
    found = rows(tmp_path / "w", "default")
    assert len(found) == 3
    for row in found:
        assert {**row, "split": ""} == {**wanted[row["story_id"]], "split": ""}


def test_a_frame_that_could_not_be_read_for_a_moment_is_read_by_the_next_run(
    films: Path, tmp_path: Path, finished: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from schemas.errors import SampleError
    from tasks.sources.folder import FolderSource

    read = FolderSource.read

    def flaky(self: FolderSource, item: str) -> bytes:
        if item == "heat/heat_scene_1_1.jpg":
            raise SampleError(f"{item}: Input/output error")
        return read(self, item)

    with monkeypatch.context() as patch:
        patch.setattr(FolderSource, "read", flaky)
        with contextlib.suppress(StoryReasoningError):
            build(films, tmp_path / "w")
    build(films, tmp_path / "w")
    assert digests(tmp_path / "w" / "dataset") == digests(finished[1] / "dataset")


def test_two_builds_at_once(films: Path, workspace: Path) -> None:
    from tasks.runtime.workspace import locked_workspace

    before = changed_at(workspace)
    with locked_workspace(workspace), pytest.raises(WorkspaceError, match="another build is at work"):
        build(films, workspace)
    assert changed_at(workspace) == before
    assert not list(workspace.rglob(f"*{TEMPORARY_MARK}*"))
